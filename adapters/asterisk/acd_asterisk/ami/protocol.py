"""The bytes of one connection: panoramisk's protocol, reading whole messages and writing checked actions only.

Owns buffering and decoding. Must not know what messages mean, nor when to connect. panoramisk decodes whatever one
packet holds and ignores the rest of a character that was cut: here bytes are decoded when a message is complete.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from panoramisk.ami_protocol import AMIProtocol

from acd.runtime.config.problems import quoted
from acd_asterisk.ami.errors import AmiUnavailable
from acd_asterisk.ami.mending import MAX_EVENT, is_broken, mended
from acd_asterisk.ami.wire import Message, Request, encoded

MAX_GREETING: Final = 64
"""Bytes of what another service says that are shown."""

MAX_MESSAGE_BYTES: Final = 16 << 20
"""Of one message, and of what is not complete yet."""

_END: Final = b"\r\n\r\n"
_GREETING: Final = b"Asterisk Call Manager/"
_EVENT: Final = b"Event: "

_log = structlog.get_logger(__name__)


class Protocol(AMIProtocol):  # type: ignore[misc] # panoramisk has no types
    """One connection. `wanted`: the events that are read at all; None: every one. `lost` is told of the end, once."""

    def __init__(self, owner: object, wanted: frozenset[str] | None, lost: Callable[[str], None]) -> None:
        """Before it is connected. `owner` dispatches events."""
        self._owner = owner
        self._wanted = None if wanted is None else frozenset(name.encode() for name in wanted)
        self._lost = lost
        self._buffer = bytearray()
        self._is_over = False
        self._is_broken = False
        """What is buffered begins with a message that is not whole, though it seems to be."""
        self.greeted = False
        """Asterisk has said that this is AMI."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin. panoramisk names the owner later, so that what arrives at once would break it."""
        super().connection_made(transport)
        self.factory = self._owner

    def send(self, data: Mapping[str, Any], as_list: bool | None = None) -> Any:  # noqa: ANN401, FBT001 - panoramisk's
        """Write an action; its answer, a list, is the future's result. Raises `Unsendable`, `AmiUnavailable`."""
        request = data if isinstance(data, Request) else Request(data, wants_list=bool(as_list))
        payload = encoded(request)
        if self.closed or self.transport.is_closing():
            raise AmiUnavailable("the connection is lost")
        self.responses[request.id] = request
        self.transport.write(payload)
        return request.future

    def data_received(self, data: bytes) -> None:
        """Take in what has arrived, and hand on the messages that are complete."""
        searched = 0 if self._is_broken else max(0, len(self._buffer) - len(_END) + 1)
        self._is_broken = False
        self._buffer += data
        if not self.greeted:
            if not self._greet():
                return
            searched = 0
        start = 0
        while not self._is_over and (end := self._buffer.find(_END, max(start, searched))) >= 0:
            raw = bytes(self._buffer[start:end])
            if is_broken(raw) and (more := self._mend(start)) is not None:
                if not more:
                    break
                searched = start
                continue
            self._take(raw)
            start = end + len(_END)
        del self._buffer[:start]
        if len(self._buffer) > MAX_MESSAGE_BYTES:
            self.give_up(f"a message of more than {MAX_MESSAGE_BYTES} bytes")

    def _mend(self, start: int) -> bool | None:
        """Take a caller's line breaks out of the message that begins there. False: the rest of it is yet to come.

        None: it is in no form that is known, and left as it is.
        """
        text = bytes(self._buffer[start : start + MAX_EVENT])
        whole = mended(text)
        if whole is None:
            self._is_broken = len(text) < MAX_EVENT
            return False if self._is_broken else None
        self._buffer[start : start + len(text)] = whole
        _log.warning("line breaks in a caller's number were taken out of an event of AMI")
        return True

    def connection_lost(self, exc: object) -> None:
        """The far end has gone, or says that it is about to go."""
        self.give_up("the PBX shuts down" if isinstance(exc, Message) else "the PBX closed the connection")

    def close(self) -> None:
        """Hang up."""
        self.give_up("closed")

    def give_up(self, reason: str) -> None:
        """End the connection: what has not been answered fails, and nothing of it is sent again. Idempotent."""
        if self._is_over:
            return
        self._is_over = self.closed = True
        # Not `close`: what still waits to be written must not be carried out after its sender was told of a failure.
        self.transport.abort()
        waiting = {id(each): each for each in self.responses.values()}
        self.responses.clear()
        for request in waiting.values():
            if not request.future.done():
                request.future.set_exception(AmiUnavailable(reason))
                request.future.exception()  # Whoever asked may have gone: then nobody is to complain of it.
        self._lost(reason)

    def _greet(self) -> bool:
        line, end, rest = bytes(self._buffer).partition(b"\r\n")
        if not end and len(line) < len(_GREETING):
            return False
        if not line.startswith(_GREETING):
            said = quoted(line[:MAX_GREETING].decode(errors="replace"))
            self.give_up(f"says {said}, which is not AMI; is it the right port?")
            return False
        if not end:
            return False
        self.version = line.removeprefix(_GREETING).decode(errors="replace").strip()
        self._buffer[:] = rest
        self.greeted = True
        return True

    def _take(self, raw: bytes) -> None:
        raw = raw.strip(b"\r\n")
        if self._is_unwanted(raw):
            return
        try:
            message = Message.from_line(raw.decode(errors="replace"))
            if message is not None:
                self.handle_message(message)
        except Exception as error:  # noqa: BLE001 - one message must not end the connection, or the next message
            _log.error("a message of AMI could not be handled", error=type(error).__name__)

    def _is_unwanted(self, raw: bytes) -> bool:
        """Whether it is an event that nobody reads, and of no list: most are, in a PBX with calls."""
        if self._wanted is None or not raw.startswith(_EVENT):
            return False
        name = raw[len(_EVENT) :].partition(b"\r\n")[0]
        return name not in self._wanted and b"\r\nActionID: " not in raw
