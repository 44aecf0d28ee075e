"""A client that does not read: it is cut off with a cursor, costs a bounded amount of memory, and delays nobody."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.api.events import SOCKETS
from acd.api.sockets import HIGH_BYTES, WRITTEN_AT_ONCE, Socket
from acd.core.messages import InteractionQueued
from acd.runtime.events import EventSource, EventStream
from tests.api.harness import CONFIG, NO_JOURNAL, TOKENS, Http, MemoryRouter
from tests.api.listening import Connect

EVENTS = 12_000
ROW = InteractionQueued("c", "voice", "sales", "", 0, tuple((f"k{n}", "v" * 100) for n in range(5)), "ref", "pbx")
LARGEST = 2_000
"""Bytes of an event here, at most."""


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    router.events = EventSource("test", NO_JOURNAL, NO_JOURNAL, EventStream(kept=3_000, trimmed=500))
    async with TestClient(TestServer(build_app(router, CONFIG))) as client:
        yield client


def stalled(http: Http) -> socket.socket:
    """A handshake, and then nothing is read."""
    found = socket.create_connection((http.host, http.port or 0))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    key = base64.b64encode(b"0123456789abcdef").decode()
    found.sendall(
        f"GET /v1/events HTTP/1.1\r\nHost: {http.host}:{http.port}\r\nAuthorization: Bearer {TOKENS['boss']}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        "\r\n".encode()
    )
    return found


async def test_a_stalled_client_is_cut_off_and_the_others_get_everything(
    router: MemoryRouter, http: Http, connect: Connect
) -> None:
    assert http.app is not None
    sockets = http.app[SOCKETS]
    with stalled(http):
        quick = await connect()
        async with asyncio.timeout(5):
            while sockets.open < 2:
                await asyncio.sleep(0)
        lazy: Socket = next(iter(sockets._open))
        most, seen = 0, 0
        for seq in range(EVENTS):
            router.events.stream.take(seq + 10, 0, (ROW,), router.view)
            if seq % 50 == 49:
                for _ in range(50):
                    assert (await quick.next())["cursor"] == f"{seen + 10}.0"
                    seen += 1
                most = max(most, lazy._transport.get_write_buffer_size())
        assert seen == EVENTS
        assert HIGH_BYTES < most < HIGH_BYTES + (WRITTEN_AT_ONCE + 1) * LARGEST
        async with asyncio.timeout(10):
            while sockets.open > 1:
                await asyncio.sleep(0)
        assert sockets.evicted == 1
        assert lazy.cursor.seq < EVENTS - 2_000
