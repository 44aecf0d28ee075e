"""FastAGI through panoramisk's Application: routes that are plain functions, too, and callers that hang up early.

Owns the door of a FastAGI server. Must not know what its routes do. panoramisk wraps a plain function by something that
Python no longer has, and reads for ever from a connection that was closed before it had said anything.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from panoramisk.fast_agi import Application, Request

MAX_HEADER_BYTES: Final = 65_536
HEADER_SECONDS: Final = 5.0

_END: Final = b"\n\n"

_log = structlog.get_logger(__name__)


class AgiServer(Application):  # type: ignore[misc] # panoramisk has no types
    """As panoramisk's: `asyncio.start_server(server.handler, host, port)`."""

    def add_route(self, path: str, endpoint: Callable[[Request], Awaitable[None] | None]) -> None:
        """Serve `path` by a coroutine function, or by a plain one."""

        async def serve(request: Request) -> None:
            result = endpoint(request)
            if inspect.isawaitable(result):
                await result

        super().add_route(path, serve)

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, once all of its header is there."""
        try:
            async with asyncio.timeout(HEADER_SECONDS):
                header = await _header(reader)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            _log.warning("a FastAGI request was not complete", error=type(error).__name__)
            writer.close()
            return
        await super().handler(_Begun(header, reader), writer)


async def _header(reader: asyncio.StreamReader) -> bytes:
    """Raises `LimitOverrunError` for more than there may be, whatever the reader would take."""
    header = await reader.readuntil(_END)
    if len(header) > MAX_HEADER_BYTES:
        raise asyncio.LimitOverrunError(f"more than {MAX_HEADER_BYTES} bytes", len(header))
    return header


class _Begun:
    """A reader of whose bytes some have been read already."""

    def __init__(self, begun: bytes, reader: asyncio.StreamReader) -> None:
        self._begun = begun
        self._reader = reader

    async def read(self, _most: int) -> bytes:
        """What has been read already."""
        begun, self._begun = self._begun, b""
        return begun

    async def readline(self) -> bytes:
        """What comes after it."""
        return await self._reader.readline()
