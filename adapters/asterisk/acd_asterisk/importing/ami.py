"""AMI as far as an import needs it: log in, ask, read lists. Blocking, one question after the other.

Owns the connection and the wire format. Must not know what the answers mean (`running`). Nothing but the socket is
used: a library that decodes packet by packet would damage Chinese names, and what asks a PBX four things needs no event
loop. The secret is never sent: AMI's challenge is answered by its MD5.
"""

import hashlib
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from acd.errors import ChannelError
from acd.runtime.config.problems import quoted

PATIENCE_SECONDS: Final = 10.0
"""How long the PBX may be silent."""

MAX_BYTES: Final = 64 << 20
"""Of all answers together."""

MAX_LINE: Final = 1 << 16

Message = tuple[tuple[str, str], ...]
"""Keys and values, in their order."""


class AmiRefused(ChannelError):
    """The PBX would not do what it was asked. The text is Asterisk's own."""


class Ami:
    """A connection that is logged in. Use as a context manager. Whatever goes wrong is a `ChannelError`."""

    def __init__(self, host: str, port: int, user: str, secret: str, patience: float = PATIENCE_SECONDS) -> None:
        """Nothing is connected yet. `patience`: how long the PBX may be silent, in seconds."""
        self._patience = patience
        self._place = f"AMI of {host}:{port}"
        self._host, self._port, self._user, self._secret = host, port, user, secret
        self._socket: socket.socket
        self._buffer = b""
        self._bytes = 0
        self._questions = 0

    def __enter__(self) -> Self:
        """Connect and log in."""
        try:
            self._socket = socket.create_connection((self._host, self._port), self._patience)
        except OSError as error:
            fix = "is it enabled in manager.conf, and reachable from here?"
            raise ChannelError(f"{self._place}: {error.strerror or error}; {fix}") from None
        try:
            self._greeted()
            self._log_in()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self, action: str, **fields: str) -> Message:
        """The answer to one action. Raises `AmiRefused`."""
        own = self._send(action, fields)
        return next(self._answers(own))

    def ask_list(self, action: str, end: str) -> list[Message]:
        """The events of an action that answers by a list, up to the event `end`. Raises `AmiRefused`."""
        found: list[Message] = []
        for message in self._answers(self._send(action, {})):
            event = value_of(message, "Event")
            if event == end:
                return found
            if event:
                found.append(message)
        return found

    def _greeted(self) -> None:
        greeting = self._line()
        if not greeting.startswith("Asterisk Call Manager"):
            raise ChannelError(f"{self._place}: says {quoted(greeting)}, which is not AMI; is it the right port?")

    def _log_in(self) -> None:
        try:
            challenge = value_of(self.ask("Challenge", AuthType="MD5"), "Challenge")
            key = hashlib.md5((challenge + self._secret).encode(), usedforsecurity=False).hexdigest()
            self.ask("Login", AuthType="MD5", Username=self._user, Key=key, Events="off")
        except AmiRefused as error:
            fix = "look at user, secret and permit in manager.conf"
            raise ChannelError(f"{self._place}: {quoted(self._user)} was not let in ({error}); {fix}") from None

    def _send(self, action: str, fields: dict[str, str]) -> str:
        self._questions += 1
        own = f"acd-import-{self._questions}"
        lines = [f"{key}: {value}" for key, value in {"Action": action, "ActionID": own, **fields}.items()]
        if any(char in line for line in lines for char in "\r\n\0"):
            raise ChannelError(f"{self._place}: a line break in a value would be another action; leave it out")
        try:
            self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        except OSError as error:
            raise self._broken(error) from None
        return own

    def _answers(self, own: str) -> Iterator[Message]:
        """Messages with our id, for as long as they are asked for; the first is the response."""
        while True:
            message = self._message()
            if value_of(message, "ActionID") == own:
                if value_of(message, "Response") == "Error":
                    raise AmiRefused(value_of(message, "Message") or "no reason given")
                yield message

    def _message(self) -> Message:
        fields: list[tuple[str, str]] = []
        while line := self._line():
            key, _, value = line.partition(":")
            fields.append((key, value.removeprefix(" ")))
        return tuple(fields)

    def _line(self) -> str:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_LINE or self._bytes > MAX_BYTES:
                raise ChannelError(f"{self._place}: sends more than an import reads; name the files instead")
            try:
                more = self._socket.recv(MAX_LINE)
            except OSError as error:
                raise self._broken(error) from None
            if not more:
                raise ChannelError(f"{self._place}: hung up; look at its log")
            self._bytes += len(more)
            self._buffer += more
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line.decode(errors="replace")

    def _broken(self, error: OSError) -> ChannelError:
        if isinstance(error, TimeoutError):
            return ChannelError(
                f"{self._place}: said nothing for {self._patience:g} s; is it AMI, and is the PBX well?"
            )
        return ChannelError(f"{self._place}: {error.strerror or error}; try again")


def value_of(message: Message, key: str) -> str:
    """The first value of a key; "" without one."""
    return next((value for name, value in message if name.lower() == key.lower()), "")
