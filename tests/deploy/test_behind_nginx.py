"""The API behind a real nginx with the settings of deploy/nginx/acd.conf: TLS outside, a UNIX socket inside."""

import asyncio
import os
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from aiohttp import ClientSession, WSMsgType
from aiohttp.test_utils import unused_port

from acd.api import serve
from acd.core.messages import SignInAgent
from acd.runtime.config.model import SocketConfig
from acd_asterisk.lab import LabUnavailable
from bench.provision import nginx_program
from tests.api.harness import CONFIG, TOKENS, MemoryRouter
from tests.api.test_server import self_signed
from tests.missing import missing_tool

CONF = Path(__file__).parents[2] / "deploy" / "nginx" / "acd.conf"
POLL_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 20.0
AROUND = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {ours}
}}
"""


@pytest.fixture
def router() -> MemoryRouter:
    return MemoryRouter()


@pytest.fixture
async def outside(tmp_path: Path, router: MemoryRouter) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """The address that the world sees, and whom to trust for it."""
    try:
        program = nginx_program()
    except LabUnavailable as reason:
        missing_tool(f"nginx: {reason}")
    certificate, key = self_signed(tmp_path)
    port = unused_port()
    ours = CONF.read_text()
    for written, here in (
        ("unix:/run/acd/api.sock", f"unix:{tmp_path}/api.sock"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/letsencrypt/live/acd.example.com/fullchain.pem", str(certificate)),
        ("/etc/letsencrypt/live/acd.example.com/privkey.pem", str(key)),
    ):
        assert written in ours
        ours = ours.replace(written, here)
    user = "user root;\n" if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(user + AROUND.format(folder=tmp_path, ours=ours))
    config = msgspec.structs.replace(CONFIG, host="", socket=SocketConfig(tmp_path / "api.sock", 0o600))
    async with await serve(router, config):
        process = subprocess.Popen(  # noqa: ASYNC220 - it starts in a moment
            [str(program.folder / "nginx"), "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr"],
            env=program.environment(),
        )
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
