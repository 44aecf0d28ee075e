"""That the network of a soak of web chat is cut when it is to be, and works when it is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.api.chat.soak_wires import Wires, reset

FOR_EVER = 3_600.0


@asynccontextmanager
async def echoing() -> AsyncIterator[Wires]:
    """Wires to somebody who repeats each line."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                writer.write(line)
        reset(writer)

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    async with server, Wires(server.sockets[0].getsockname()[1]) as wires:
        yield wires


@asynccontextmanager
async def connected(wires: Wires) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection through them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wires.port)
    try:
        yield reader, writer
    finally:
        reset(writer)


async def line_from(reader: asyncio.StreamReader) -> bytes:
    """The next one; nothing after a cut."""
    with suppress(ConnectionError):
        return await reader.readline()
    return b""


async def answer(wires: Wires) -> bytes:
    """What a new connection is told to its first line."""
    async with connected(wires) as (reader, writer):
        writer.write(b"hello\n")
        return await line_from(reader)


@asynccontextmanager
async def outage(wires: Wires) -> AsyncIterator["asyncio.Task[None]"]:
    """One that has begun, and does not end by itself."""
    async with connected(wires) as (reader, writer):
        writer.write(b"hello\n")
        assert await line_from(reader) == b"hello\n"
        task = asyncio.create_task(wires.outage(FOR_EVER))
        assert await line_from(reader) == b""
    try:
        yield task
    finally:
        task.cancel()


async def test_an_outage_cuts_everybody_and_lets_nobody_in() -> None:
    async with echoing() as wires:
        assert await answer(wires) == b"hello\n"
        async with outage(wires):
            assert await answer(wires) == b""


async def test_an_outage_that_is_broken_off_is_over() -> None:
    """A soak stops cutting at any moment: everybody has to reach the engine then, to come to their end."""
    async with echoing() as wires:
        async with outage(wires) as task:
            task.cancel()
            await asyncio.wait((task,))
        assert await answer(wires) == b"hello\n"
