"""The API behind a real nginx with the settings of deploy/nginx/acd.conf: TLS outside, a UNIX socket inside."""

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession, WSMsgType
from aiohttp.test_utils import unused_port

from acd.api import serve
from acd.core.messages import SignInAgent
from acd.runtime.config.model import SocketConfig
from tests.api.harness import CONFIG, TOKENS, MemoryRouter
from tests.deploy.nginx import PATIENCE_SECONDS, POLL_SECONDS, started


@pytest.fixture
def router() -> MemoryRouter:
    return MemoryRouter()


@pytest.fixture
async def outside(tmp_path: Path, router: MemoryRouter) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """The address that the world sees, and whom to trust for it."""
    port = unused_port()
    config = msgspec.structs.replace(CONFIG, host="", socket=SocketConfig(tmp_path / "api.sock", 0o600))
    async with await serve(router, config):
        process, certificate = started(tmp_path, f"unix:{tmp_path}/api.sock", port)
        try:
            await listening(process, port)
            yield f"https://127.0.0.1:{port}", ssl.create_default_context(cafile=str(certificate))
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, PATIENCE_SECONDS)


async def listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError("nginx does not listen")


async def test_requests_and_events(outside: tuple[str, ssl.SSLContext], router: MemoryRouter) -> None:
    address, trust = outside
    token = {"Authorization": f"Bearer {TOKENS['boss']}"}
    async with ClientSession(headers=token) as http:
        async with http.get(f"{address}/v1/agents/anna", ssl=trust) as response:
            assert (response.status, (await response.json())["name"]) == (200, "Anna")
        async with http.ws_connect(f"{address}/v1/events", ssl=trust) as events:
            started = await events.receive_json(timeout=PATIENCE_SECONDS)
            assert started["type"] == "acd.stream-started"
            router.apply(SignInAgent("c1", "anna"))
            told = await events.receive_json(timeout=PATIENCE_SECONDS)
            assert (told["type"], told["data"]["agent_id"]) == ("acd.presence-changed", "anna")
            await events.close()
    async with ClientSession() as http, http.get(f"{address}/v1/agents", ssl=trust) as response:
        assert response.status == 401


async def test_pages_of_the_same_origin_are_known_by_the_name_that_they_see(
    outside: tuple[str, ssl.SSLContext],
) -> None:
    """nginx has to pass the name on: the API compares it with the page's origin."""
    address, trust = outside
    token = {"Authorization": f"Bearer {TOKENS['boss']}"}
    async with ClientSession(headers=token) as http:
        for origin, status in ((address, 200), ("https://elsewhere.example.com", 403)):
            async with http.get(f"{address}/v1/agents/anna", ssl=trust, headers={"Origin": origin}) as response:
                assert response.status == status
        async with http.ws_connect(f"{address}/v1/events", ssl=trust, headers={"Origin": address}) as events:
            assert (await events.receive(timeout=PATIENCE_SECONDS)).type is WSMsgType.TEXT
