"""The networks between everybody and the engine: each connection by itself can be cut, or go silent.

Owns the proxy and what can happen to a connection. Must not know what it carries, nor who is connected.

What goes silent stays open and passes nothing on, also not that one end has hung up: the other end has to find out by
itself. Afterwards it either goes on, with all that was held back, or is cut.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Final, Literal, Self

CHUNK: Final = 65_536
NOW: Final = struct.pack("ii", 1, 0)
"""Linger for no time at all: closing resets the connection."""

Cut = Literal["reset", "half-reset", "silent", "silent-then-reset"]
CUTS: Final[tuple[Cut, ...]] = ("reset", "half-reset", "silent", "silent-then-reset")


class Link:
    """One connection, from its client to the engine."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        """It flows."""
        self.near, self.far = near, far
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.over = asyncio.Event()

    def reset(self, *ends: asyncio.StreamWriter) -> None:
        """Hang up on these, as if the network had told them so; without any on both."""
        for writer in ends or (self.near, self.far):
            reset(writer)
        if not ends:
            self.over.set()


class Wires:
    """All of them; `port` is where clients connect. Use as an async context manager."""

    def __init__(self, target_port: int) -> None:
        """To the engine, which may come and go."""
        self.port = 0
        self.links: dict[Link, None] = {}
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusing = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1_000)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        while self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cut_one(self, chance: Random, silence_seconds: tuple[float, float]) -> Cut | None:
        """Something happens to one of them, and goes on meanwhile; what it was, None when there is none."""
        links = [link for link in self.links if link.flowing.is_set()]
        if not links:
            return None
        link, how, seconds = chance.choice(links), chance.choice(CUTS), chance.uniform(*silence_seconds)
        if how == "reset":
            link.reset()
            return how
        link.flowing.clear()
        if how == "half-reset":
            link.reset(chance.choice((link.near, link.far)))
        self._spawn(self._end_silence(link, seconds, goes_on=how == "silent"))
        return how

    async def outage(self, seconds: float) -> None:
        """All are cut, and nobody can connect. Whoever is cancelled meanwhile leaves a network behind that works."""
        self._refusing = True
        try:
            for link in tuple(self.links):
                link.reset()
            await asyncio.sleep(seconds)
        finally:
            self._refusing = False

    async def _end_silence(self, link: Link, seconds: float, *, goes_on: bool) -> None:
        await asyncio.sleep(seconds)
        link.flowing.set()
        if not goes_on:
            link.reset()

    def _spawn(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._refusing:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except (OSError, asyncio.CancelledError):
            return
        else:
            await self._carry(Link(writer, far_writer), reader, far_reader)
        finally:
            reset(writer)
            self._tasks.discard(task)

    async def _carry(self, link: Link, reader: asyncio.StreamReader, far_reader: asyncio.StreamReader) -> None:
        self.links[link] = None
        over = asyncio.create_task(link.over.wait())
        pumps = [
            asyncio.create_task(_pump(link, reader, link.far)),
            asyncio.create_task(_pump(link, far_reader, link.near)),
        ]
        try:
            await asyncio.wait((over, *pumps), return_when=asyncio.FIRST_COMPLETED)
            # What one end has said before it hung up still arrives.
            if not link.over.is_set():
                await asyncio.wait((over, *pumps), timeout=1.0)
        except asyncio.CancelledError:
            pass
        finally:
            del self.links[link]
            for each in (over, *pumps):
                each.cancel()
            await asyncio.gather(over, *pumps, return_exceptions=True)
            link.reset()


async def _pump(link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction. Its end is passed on as everything else is: not while it is silent."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            await link.flowing.wait()
            writer.write(data)
            await writer.drain()
    await link.flowing.wait()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    """With a reset instead of a goodbye."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    writer.transport.abort()
