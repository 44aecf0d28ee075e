"""A TCP proxy before a PBX, so that a test can cut the line, let it go dead, or close it to new calls.

Owns the two directions of every connection. Must not know HTTP.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 65_536
TURNS = 20
"""Of the event loop, from the moment in which a connection was taken to the one in which it is served."""


class Proxy:
    """Use as an async context manager. `port` is where it listens."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._kept = asyncio.Event()
        self._keeping: bytes | None = None
        self._refusing = False
        self.reorder: Callable[[], Callable[[bytes], bytes]] | None = None
        """Gives, for a connection that begins from now on, what is made of that which comes from the PBX."""
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0
        self.accepted = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self.refuse()
        self._server.close()
        await _settle()  # Connections that were taken a moment ago become tasks.
        await self.cut()

    async def cut(self) -> None:
        """End every connection."""
        connections = tuple(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await _settle()

    def refuse(self) -> None:
        """End new connections at once."""
        self._refusing = True

    def accept(self) -> None:
        """Take new connections again."""
        self._refusing = False

    def stall(self) -> None:
        """Keep connections open, and let nothing through."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let everything through again, also what was kept back."""
        self._flowing.set()

    def keep_back(self, begun_by: bytes) -> None:
        """Let nothing reach the other end of what is sent from now on with these bytes, and after, until `let_go`."""
        self._keeping = begun_by

    def keep_no_more(self) -> None:
        """What is sent from now on goes its way; what is kept back stays so, with all that follows it."""
        self._keeping = None

    def let_go(self) -> None:
        """What was kept back goes on its way, though whoever sent it may have left."""
        self._kept.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.accepted += 1
        writers = [writer]
        try:
            if self._refusing:
                return
            # Not to be cancelled half-way: its socket would be nobody's.
            calling = asyncio.ensure_future(asyncio.open_connection("127.0.0.1", self._target_port))
            try:
                await asyncio.shield(calling)
            finally:
                far_reader, far_writer = await calling
                writers.append(far_writer)
            await self._connect(reader, writer, far_reader, far_writer)
        except (OSError, asyncio.CancelledError):
            pass  # Cut, or the PBX is down: the connection ends, which is all that is wanted.
        finally:
            for each in writers:
                each.transport.abort()
            # A second cut may come while the first is being carried out.
            with suppress(OSError, asyncio.CancelledError):
                for each in writers:
                    await each.wait_closed()
            self._connections.discard(task)

    async def _connect(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Both directions, until one of them ends."""
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer, is_outward=True)),
            asyncio.create_task(self._pump(far_reader, writer, None if self.reorder is None else self.reorder())),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        reorder: Callable[[bytes], bytes] | None = None,
        *,
        is_outward: bool = False,
    ) -> None:
        while data := await reader.read(CHUNK):
            if is_outward and self._keeping is not None and self._keeping in data:
                await self._kept.wait()
            await self._flowing.wait()
            writer.write(data if reorder is None else reorder(data))
            await writer.drain()


async def _settle() -> None:
    """Let the loop close what was aborted."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
