"""What comes over a WebSocket: messages, and besides them what one end asks the other: whether it is still there.

Owns how much of that anybody may send. A ping costs its sender six bytes and the engine an answer, and a message can be
begun and go on for ever in parts that are empty: none of it is a message, so no rate of messages stops it. Must not
know what messages mean, nor with which words a connection ends.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from aiohttp import WSMessage, WSMsgType, web

from acd.api.rates import Bucket

SIGNS_PER_SECOND: Final = 5.0
SIGNS_AT_ONCE: Final = 100
"""Pings and pongs of one connection: steadily, and in a burst. Whoever asks often asks once in some seconds."""

BYTES_PER_SECOND: Final = 524_288.0
BYTES_AT_ONCE: Final = 4_194_304
"""All that comes over one connection of a page: several times what may be said in messages."""

TOO_FAST: Final = 4429
"""The close code of whoever sends more."""


async def said(ws: web.WebSocketResponse, flooded: Callable[[], None]) -> AsyncGenerator[WSMessage]:
    """Messages, until the other end is gone; pings are answered. `flooded` is called when there are too many, once."""
    signs = Bucket(SIGNS_PER_SECOND, SIGNS_AT_ONCE)
    async for message in ws:
        if message.type not in (WSMsgType.PING, WSMsgType.PONG):
            yield message
            continue
        if signs.take(_now_us()):
            if isinstance(ws, Counted):
                ws.inflow.is_shut = True
            flooded()
            return
        if message.type == WSMsgType.PING:
            await ws.pong(message.data)


class Inflow:
    """How many bytes come over one connection. `is_shut`: what comes now is not even looked at."""

    def __init__(self, *, bounded: bool) -> None:
        """Nothing yet."""
        self.is_shut = False
        self._bytes = Bucket(BYTES_PER_SECOND, BYTES_AT_ONCE) if bounded else None

    def is_too_much(self, count: int) -> bool:
        """Count so many more."""
        return self._bytes is not None and bool(self._bytes.take(_now_us(), count))


class Counted(web.WebSocketResponse):
    """A socket that knows what comes over its connection."""

    inflow: Inflow


class Bounded:
    """A connection that counts what comes over it, where it has an `inflow`."""

    __slots__ = ()

    inflow: Inflow | None


def too_fast_frame() -> bytes:
    """The frame that closes a connection for it, where nobody can be asked to write one."""
    payload = TOO_FAST.to_bytes(2, "big") + b"too-fast"
    return bytes((0x88, len(payload))) + payload


def _now_us() -> int:
    return int(asyncio.get_running_loop().time() * 1_000_000)
