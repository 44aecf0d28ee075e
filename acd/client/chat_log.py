"""What a chat client has to remember so that every message is shown once and in order, however often it is cut off.

Owns those rules, for either side. Must not know sockets: whoever has one sends what it is given, and hands in what
comes. CHAT.md says the same for other languages.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

Message = dict[str, Any]

LATER: Final = frozenset({"unavailable", "too-many-conversations"})
"""Why a `begin` was refused that may be said again, with the same id."""


def _drawn() -> str:
    return secrets.token_hex(8)


class ChatLog:
    """One client's picture of one conversation.

    `conversation`: its id, empty as long as there is none. `shown`: its entries in order. `pending`: own messages
    without an answer, by id, in order. `beginning`: the `begin` that has no answer.
    """

    def __init__(self, draw_id: Callable[[], str] = _drawn, *, conversation: str = "", agent: str = "") -> None:
        """`draw_id` makes an id for each message, which no other message of this side has. `agent`: who it is."""
        self.conversation = conversation
        self.shown: list[Mapping[str, Any]] = []
        self.pending: dict[str, str] = {}
        self.beginning: Message | None = None
        self._agent = agent
        self._of: dict[str, str] = {}
        """Of the pending ones that have been sent, to which conversation: there they stay, also if another begins."""
        self._draw_id = draw_id

    @property
    def after(self) -> int:
        """From which number on entries are missing: for `hello`, or to ask for them."""
        return len(self.shown)

    # ---- to be sent: now if there is a connection, and else with `again`

    def begin(self, **fields: object) -> Message:
        """Ask for a conversation; the same again until it is answered."""
        if self.beginning is None:
            self.beginning = {"type": "begin", "id": self._draw_id(), **fields}
        return self.beginning

    def say(self, text: str) -> list[Message]:
        """A new message; nothing to be sent as long as there is no conversation to which it could belong.

        After a `begin` that is the one that it is answered with.
        """
        message_id = self._draw_id()
        self.pending[message_id] = text
        return self._sends([message_id])

    def again(self) -> list[Message]:
        """What to send first on a new connection, after `welcome`: everything that has no answer, in order."""
        return ([] if self.beginning is None else [self.beginning]) + self._sends(list(self.pending))

    # ---- what has come

    def show(self, conversation_id: str, *, anew: bool = False) -> list[Message]:
        """`conversation` or `done` has come: another one is shown from its first entry on. Returns what is to be sent.

        Those are the messages that have waited for a conversation.
        """
        if conversation_id != self.conversation or anew:
            self.conversation, self.shown = conversation_id, []
        return self._sends([each for each in self.pending if each not in self._of])

    def done(self, message_id: str, conversation_id: str) -> list[Message]:
        """`done` has come. Returns what is to be sent, as `show`."""
        if self.beginning is None or self.beginning["id"] != message_id:
            return []
        self.beginning = None
        return self.show(conversation_id)

    def take(self, entry: Mapping[str, Any]) -> bool:
        """An entry has come; true when it is new, and to be shown. Raises `LookupError` when one before it is missing.

        Then ask for those `after` this.
        """
        seq = int(entry["seq"])
        if seq > self.after + 1:
            raise LookupError(f"entry {self.after + 1} is missing before {seq}; ask for entries after {self.after}")
        if self._is_own(entry):
            self.sent(str(entry.get("id", "")))
        if seq <= self.after:
            return False
        self.shown.append(entry)
        return True

    def sent(self, message_id: str) -> None:
        """The server has kept it; as an entry it comes, too, or has come."""
        self.pending.pop(message_id, None)
        self._of.pop(message_id, None)

    def refused(self, message_id: str, code: str) -> str:
        """`error` has come: it is not said again. Returns the text, empty if it was none; the customer may use it.

        A `begin` that may be said again later stays, for `begin` and `again`.
        """
        if self.beginning is not None and self.beginning["id"] == message_id and code not in LATER:
            self.beginning = None
        self._of.pop(message_id, None)
        return self.pending.pop(message_id, "")

    # ---- inside

    def _is_own(self, entry: Mapping[str, Any]) -> bool:
        """Ids are each side's own: another's message may have the same."""
        if entry.get("kind", "message") not in ("message", "file"):
            return False
        side = "agent" if self._agent else "customer"
        return entry.get("side") == side and (not self._agent or entry.get("agent") == self._agent)

    def _sends(self, message_ids: list[str]) -> list[Message]:
        """Those that have a conversation: what is written while one is asked for is not the last one's."""
        has_one = bool(self.conversation) and self.beginning is None
        return [self._send(each) for each in message_ids if has_one or each in self._of]

    def _send(self, message_id: str) -> Message:
        conversation = self._of.setdefault(message_id, self.conversation)
        return {"type": "send", "id": message_id, "text": self.pending[message_id], "conversation": conversation}
