"""What a chat client has to remember so that every message is shown once and in order, however often it is cut off.

Owns those rules, for either side. Must not know sockets: whoever has one sends what `say` and `again` return, and hands
in what comes. CHAT.md says the same for other languages.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

Message = dict[str, Any]


def _drawn() -> str:
    return secrets.token_hex(8)


class ChatLog:
    """One client's picture of one conversation: `shown` are entries in order, `pending` own messages without answer."""

    def __init__(self, draw_id: Callable[[], str] = _drawn) -> None:
        """`draw_id` makes an id for each message, which no other message of this side has."""
        self.shown: list[Mapping[str, Any]] = []
        self.pending: dict[str, str] = {}
        self._draw_id = draw_id

    @property
    def after(self) -> int:
        """From which number on entries are missing: for `hello`, or to ask for them."""
        return len(self.shown)

    def say(self, text: str) -> Message:
        """A new message, to be sent now if there is a connection, and else by `again`."""
        message_id = self._draw_id()
        self.pending[message_id] = text
        return _send(message_id, text)

    def again(self) -> list[Message]:
        """What to send first on a new connection, after `welcome`: everything that has no answer, in order."""
        return [_send(message_id, text) for message_id, text in self.pending.items()]

    def take(self, entry: Mapping[str, Any]) -> bool:
        """An entry has come; true when it is new, and to be shown. Raises `LookupError` when one before it is missing.

        Then ask for those `after` this.
        """
        seq = int(entry["seq"])
        if seq > self.after + 1:
            raise LookupError(f"entry {self.after + 1} is missing before {seq}; ask for entries after {self.after}")
        self.pending.pop(str(entry.get("id", "")), None)
        if seq <= self.after:
            return False
        self.shown.append(entry)
        return True

    def sent(self, message_id: str) -> None:
        """The server has kept it; as an entry it comes, too, or has come."""
        self.pending.pop(message_id, None)


def _send(message_id: str, text: str) -> Message:
    return {"type": "send", "id": message_id, "text": text}
