"""One WebSocket of Asterisk's: its events in order, and between them the answers to what is asked over it.

Owns reading without delay, and how much may wait. Must not know how it was opened, nor what an event means.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Final, Self

import aiohttp
import msgspec

from acd_asterisk import wire
from acd_asterisk.socket_requests import SocketClosed, SocketRequests

MAX_EVENTS_WAITING: Final = 20_000
"""Events read but not yet handled. Beyond it the connection is given up and everything is compared anew."""

CLOSE_SECONDS: Final = 1.0
"""A farewell for which the line has no room any more is not waited for: another connection is wanted."""


class EventSocket:
    """One connection's events. Use as an async context manager; `pump` reads, `next` gives them in order."""

    may_fall_silent: ClassVar[bool] = True
    """Whether it can be open, and answer, and yet be one on which no events come any more (`hearing`)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """`socket` is open."""
        self._socket = socket
        self._events: asyncio.Queue[str] = asyncio.Queue(MAX_EVENTS_WAITING)
        self.requests = SocketRequests(socket.send_str)
        """Those over this connection; their answers come between the events."""
        self.news = asyncio.Event()
        """Set by every event that comes; an answer is none."""

    async def __aenter__(self) -> Self:
        """Nothing to do: it is open already."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.requests.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close()

    @property
    def waiting(self) -> int:
        """Events read but not handled yet."""
        return self._events.qsize()

    async def pump(self) -> str:
        """Read until the connection ends, in whatever way; returns why. Does nothing but put events aside.

        Asterisk drops a reader that does not take an event within 100 ms.
        """
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT or self.requests.take(message.data):
                continue
            self.news.set()
            try:
                self._events.put_nowait(message.data)
            except asyncio.QueueFull:
                return f"more than {MAX_EVENTS_WAITING} events were waiting"
        self.requests.close()
        error = self._socket.exception()
        if error is not None:
            return describe(error)
        return f"closed with code {self._socket.close_code}"

    async def next(self) -> wire.AriEvent | None:
        """The next event, in the order of arrival; None for one that cannot be read."""
        text = await self._events.get()
        try:
            return wire.decode_event(text)
        except msgspec.DecodeError:
            return None


def describe(error: BaseException) -> str:
    """The kind of an error and, where it is harmless, its text: never a URL, never a header."""
    if isinstance(error, SocketClosed):
        return "the connection ended before the answer"
    if isinstance(error, TimeoutError):
        return "no answer within the deadline"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
