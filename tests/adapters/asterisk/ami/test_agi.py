"""FastAGI: plain functions as routes, and callers that hang up before they have said anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd_asterisk.ami.agi import MAX_HEADER_BYTES, AgiServer
from acd_asterisk.lab import Pbx, Provisioned

SCRIPT = """
[agi]
exten => plain,1,AGI(agi://127.0.0.1:{port}/plain)
 same => n,Hangup()
exten => coroutine,1,AGI(agi://127.0.0.1:{port}/coroutine)
 same => n,UserEvent(AgiSaid,Word: ${{WORD}})
 same => n,Hangup()
"""


@asynccontextmanager
async def served(server: AgiServer, limit: int = 65_536) -> AsyncIterator[int]:
    listening = await asyncio.start_server(server.handler, "127.0.0.1", 0, limit=limit)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def test_routes_on_a_real_asterisk(provisioned: Provisioned) -> None:
    server = AgiServer()
    heard: asyncio.Queue[str] = asyncio.Queue()

    def plain(request: object) -> None:
        heard.put_nowait(str(request.headers["agi_extension"]))  # type: ignore[attr-defined]

    async def coroutine(request: object) -> None:
        await request.send_command("SET VARIABLE WORD 王")  # type: ignore[attr-defined]

    server.add_route("plain", plain)
    server.add_route("coroutine", coroutine)
    async with served(server) as port:
        pbx = Pbx(provisioned, extra_config={"extensions.conf": SCRIPT.format(port=port), "modules.conf": MODULES})
        async with pbx, pbx.ami() as ami, asyncio.timeout(10):
            for name in ("plain", "coroutine"):
                await ami.action("Originate", Channel=f"Local/{name}@agi", Application="Wait", Data="1", Async="true")
            assert await heard.get() == "plain"
            assert (await ami.event("UserEvent"))["Word"] == "王"


MODULES = "\nload = res_speech\nload = res_agi\n"


async def test_a_route_twice_is_refused() -> None:
    server = AgiServer()
    server.add_route("x", lambda _request: None)
    with pytest.raises(ValueError, match="already exists"):
        server.add_route("x", lambda _request: None)


async def test_a_caller_who_hangs_up_at_once_costs_nothing() -> None:
    server = AgiServer()
    async with served(server) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"agi_network: yes\n")
        writer.write_eof()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(("size", "is_served"), [(MAX_HEADER_BYTES // 2, True), (MAX_HEADER_BYTES + 1, False)])
async def test_a_header_has_an_end(size: int, *, is_served: bool) -> None:
    """Whatever the server it stands in would take."""
    server = AgiServer()
    ran = asyncio.Event()
    server.add_route("x", lambda _request: ran.set())
    async with served(server, limit=4 * MAX_HEADER_BYTES) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"agi_network_script: x\nagi_arg_1: " + b"9" * size + b"\n\n")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
    assert ran.is_set() is is_served
