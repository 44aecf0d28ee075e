"""What is no HTTP is a problem, too, and is repeated neither in the answer nor in the log."""

import asyncio
import logging
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import ClientSession
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
