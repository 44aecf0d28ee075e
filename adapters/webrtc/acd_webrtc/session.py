"""Messages that neither get lost nor come twice, over sockets that break: one end of a session.

Owns numbers, what the other end has not confirmed yet, and going on over another socket. Both ends are alike, so a
page's script has the same. A socket keeps order; only its end may swallow what is under way.

Must not know what the messages say, who the ends are, sockets or time.
"""

from collections import deque
from typing import Final

import msgspec

from acd_webrtc.signals import Got, Numbered, SessionBroken

MAX_UNCONFIRMED: Final = 1_024
MAX_UNCONFIRMED_BYTES: Final = 4_194_304


class Session:
    """One end. `send` and `take` for as long as a socket lives, `again` on the next one."""

    def __init__(self, number: int) -> None:
        """`number` says which session it is: a page that is loaded anew begins another."""
        self.number = number
        self.got = 0
        """The number of the last message that came."""
        self.sent = 0
        """The number of the last that went."""
        self.confirmed = 0
        """The number of the last that the other end is known to have."""
        self._waiting: deque[Numbered] = deque()
        self._bytes = 0

    def send(self, message: msgspec.Struct) -> Numbered:
        """Give it the next number, and keep it until it is confirmed. Whether a socket is there is not asked.

        Raises:
            SessionBroken: more than `MAX_UNCONFIRMED` messages or `MAX_UNCONFIRMED_BYTES` wait for the other end.
        """
        body = msgspec.Raw(msgspec.json.encode(message))
        if len(self._waiting) >= MAX_UNCONFIRMED or self._bytes + len(bytes(body)) > MAX_UNCONFIRMED_BYTES:
            raise SessionBroken(f"{len(self._waiting)} messages wait to be confirmed; read them, and say so with got")
        self.sent += 1
        numbered = Numbered(self.sent, self.got, body)
        self._waiting.append(numbered)
        self._bytes += len(bytes(body))
        return numbered

    def take(self, text: Numbered | Got) -> msgspec.Raw | None:
        """What is new in it; None: nothing is. Confirms what the other end says it has.

        Raises:
            SessionBroken: it confirms what was never sent, or leaves a message out.
        """
        if isinstance(text, Numbered) and text.number > self.got + 1:
            raise SessionBroken(f"message {text.number} came after {self.got}; send those between first")
        self._confirm(text.got)
        if isinstance(text, Got) or text.number <= self.got:
            return None
        self.got = text.number
        return text.body

    def again(self, got: int) -> list[Numbered]:
        """What goes first over another socket, to an end that has messages up to `got`.

        Raises:
            SessionBroken: it cannot have: it has more than were sent, or fewer than it confirmed.
        """
        if got < self.confirmed:
            raise SessionBroken(f"got is {got}, but {self.confirmed} was confirmed before; begin with a hello alone")
        self._confirm(got)
        # As they were: their `got` says what this end knew when it said so.
        return list(self._waiting)

    def _confirm(self, got: int) -> None:
        if got > self.sent:
            raise SessionBroken(f"got is {got}, but only {self.sent} messages were sent; give the last one's number")
        self.confirmed = max(self.confirmed, got)
        while self._waiting and self._waiting[0].number <= got:
            self._bytes -= len(bytes(self._waiting.popleft().body))
