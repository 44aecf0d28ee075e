"""What is no HTTP is a problem, too, and is repeated neither in the answer nor in the log."""

import asyncio
import gc
import logging
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from acd.api import protocol, serve
from tests.api.harness import CONFIG, TOKENS, MemoryRouter

CANARY = "13577778888"


@pytest.mark.parametrize(
    "raw",
    [
        f"GET /v1/agents?cursor={CANARY}{'x' * 9_000} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET /v1/agents HTTP/1.1\r\nHost: a\r\nX-Number: {CANARY}\0\r\n\r\n",
        f"GET /v1/agents HTTP/1.1\r\n{CANARY}\r\n\r\n",
        f"{CANARY} number\r\n\r\n",
        "POST /v1/interactions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=["long line", "NUL in a header", "no header", "no method", "two lengths"],
)
async def test_it_is_a_problem_that_repeats_nothing(
    router: MemoryRouter, caplog: pytest.LogCaptureFixture, raw: str
) -> None:
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        async with await serve(router, CONFIG) as server:
            where = urlsplit(server.addresses[0])
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(raw.encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            await writer.wait_closed()
    problem = msgspec.json.decode(body)
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), head
    assert b"application/problem+json" in head
    assert (problem["status"], problem["code"]) == (400, "bad-request")
    assert f"X-Request-Id: {problem['instance'].removeprefix('urn:uuid:')}".encode() in head
    assert CANARY not in str((head, body, logs, caplog.text))
    assert [log["event"] for log in logs] == ["a request was not understood"]


async def test_whoever_says_nothing_or_never_finishes_is_cut_off(
    router: MemoryRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with await serve(router, CONFIG) as server:
        where = urlsplit(server.addresses[0])
        for begun in (b"", b"GET /livez HTTP/1.1\r\nHost:"):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(begun)
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


ASK = b"GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def test_an_answer_that_nobody_takes_is_not_kept(router: MemoryRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.05)
    with capture_logs() as logs:
        async with await serve(router, CONFIG) as server:
            where = urlsplit(server.addresses[0])
            reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=1_024)
            writer.write(ASK * 200 + LAST)
            async with asyncio.timeout(30):
                while not logs:
                    await asyncio.sleep(0)
                with suppress(ConnectionError):
                    assert (await reader.read()).count(b"HTTP/1.1 200 OK") < 200
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
    assert [log["event"] for log in logs] == ["a connection was cut off: an answer was not taken"]


class Buffer(asyncio.Transport):
    """What is left of an answer, from one look to the next."""

    def __init__(self, *left: int) -> None:
        super().__init__()
        self.left = list(left)
        self.aborted = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self.left.pop(0)

    def abort(self) -> None:
        self.aborted.set()


def writing(buffer: Buffer) -> protocol._Connection:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    found = protocol._Connection(web.Server(handle), loop=asyncio.get_running_loop())
    found.stall_timer = None
    found.transport = buffer
    found.pause_writing()
    return found


async def test_slow_is_not_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0)
    buffer = Buffer(100, 60, 59, 1, 1)
    writing(buffer)
    await asyncio.wait_for(buffer.aborted.wait(), 5)
    assert buffer.left == [], "it was let go on as long as there was less and less"


async def test_what_has_been_taken_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0)
    buffer = Buffer(100)
    writing(buffer).resume_writing()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not buffer.aborted.is_set()


async def test_a_second_head_has_its_time_as_well(router: MemoryRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with await serve(router, CONFIG) as server:
        where = urlsplit(server.addresses[0])
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b'"live"' in await reader.readuntil(b"}")
        writer.write(b"GET /li")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_socket_may_be_silent_for_ever(router: MemoryRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    headers = {"Authorization": f"Bearer {TOKENS['boss']}"}
    async with (
        await serve(router, CONFIG) as server,
        ClientSession() as http,
        http.ws_connect(f"{server.addresses[0]}/v1/events", headers=headers) as ws,
    ):
        await ws.receive(5)
        with pytest.raises(TimeoutError):
            await ws.receive(0.3)
        assert not ws.closed


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
async def test_a_socket_that_has_ended_leaves_nothing_to_the_collector(router: MemoryRouter, *, lost: bool) -> None:
    """It collects rarely: what only that finds would add up to tens of megabytes where pages come and go."""
    async with await serve(router, CONFIG) as server, ClientSession() as session:
        headers = {"Authorization": f"Bearer {TOKENS['system']}"}
        gc.collect()
        before = connections()
        gc.disable()
        try:
            for _ in range(10):
                ws = await session.ws_connect(f"{server.addresses[0]}/v1/events", headers=headers)
                if lost:
                    connection = ws._response.connection
                    assert connection is not None
                    assert connection.transport is not None
                    connection.transport.abort()
                else:
                    await ws.close()
            async with asyncio.timeout(60):
                while any(all(each is not other for other in before) for each in connections()):
                    for _ in range(100):  # looking takes long where other tests have left much in memory
                        await asyncio.sleep(0)
        finally:
            gc.enable()


def connections() -> list[protocol._Connection]:
    """All that there are in memory; other tests may have left some."""
    return [each for each in gc.get_objects() if isinstance(each, protocol._Connection)]
