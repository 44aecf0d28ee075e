"""`acd serve` with `[telemetry]`: a real collector over OTLP hears of a trace that a client has begun."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, unused_port
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from acd.runtime.replay import verify
from tests.api.external_process import JSON, Process
from tests.served import TOKEN, Served
from tests.serving import TEXT, write_tokens

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
CHANNEL = """
[[api.tokens]]
name = "web"
token = "canary-token-of-web-0123456789"
roles = ["channel"]
channel = "web"
[channels.web]
type = "external"
media = "chat"
"""
SOON = 30.0


class Collector:
    """What it has been sent, by the spans' names."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: dict[str, Span] = {}
        self.resource: dict[str, str] = {}
        self.raw = b""
        self._news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.spans |= {span.name: span for scope in resource.scope_spans for span in scope.spans}
        self._news.set()
        return web.Response(content_type="application/x-protobuf")

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(SOON):
            while not self.spans.keys() >= set(names):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    async with TestServer(app) as server:
        collector.url = str(server.make_url("/")).rstrip("/")
        yield collector


@pytest.mark.parametrize("said", ["in the file", "in the environment"])
async def test_a_clients_trace_reaches_the_collector(tmp_path: Path, said: str) -> None:
    write_tokens(tmp_path)
    async with collecting() as collector:
        own = f'endpoint = "{collector.url}"\n' if said == "in the file" else ""
        (tmp_path / "acd.toml").write_text(f"{TEXT}{CHANNEL}[telemetry]\n{own}", encoding="utf-8")
        standard = {} if own else {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "centre"}
        served = Served(tmp_path, OTEL_BSP_SCHEDULE_DELAY="100", **standard)
        try:
            address = await asyncio.to_thread(served.ready)
            async with ClientSession(address) as http:
                await ring(http)
            await collector.until(
                "POST /v1/agents/{agent}/sign-in",
                "command SignInAgent",
                "command EnqueueInteraction",
                "effect OfferInteraction",
            )
        finally:
            status, _, log = await asyncio.to_thread(served.end, signal.SIGTERM)
    assert status == 0, log
    spans = collector.spans
    enqueue, offer = spans["command EnqueueInteraction"], spans["effect OfferInteraction"]
    assert enqueue.trace_id.hex() == offer.trace_id.hex() == TRACE_ID
    assert enqueue.parent_span_id.hex() == "00f067aa0ba902b7"
    assert offer.parent_span_id == enqueue.span_id
    assert enqueue.end_time_unix_nano > enqueue.start_time_unix_nano
    assert spans["command SignInAgent"].parent_span_id == spans["POST /v1/agents/{agent}/sign-in"].span_id
    assert collector.resource["service.name"] == ("acd-engine" if own else "centre")
    assert collector.resource["acd.domain"] == "default"
    assert TOKEN.encode() not in collector.raw
    assert b"13812345678" not in collector.raw
    assert verify(tmp_path / "acd-journal.db").ok


async def ring(http: ClientSession) -> None:
    """Anna is there; a customer comes in over an external channel, and she is offered them."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with http.post("/v1/agents/anna/sign-in", json={"ready": True}, headers=bearer) as answer:
        assert answer.status == 200
    headers = {"Authorization": "Bearer canary-token-of-web-0123456789"}
    ws = await http.ws_connect("/v1/channels/web", headers=headers, protocols=(JSON,))
    process = Process(ws, JSON)
    await process.say("hello")
    assert (await process.hear())["type"] == "welcome"
    customer = {"number": "13812345678"}
    await process.say("enqueue", id="1", interaction_id="c1", queue="sales", customer=customer, trace=TRACE)
    while (await process.done_or_outcome())["type"] != "offer":
        pass
    await ws.close()


async def test_a_collector_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    write_tokens(tmp_path)
    endpoint = f"http://127.0.0.1:{unused_port()}"
    (tmp_path / "acd.toml").write_text(f'{TEXT}[telemetry]\nendpoint = "{endpoint}"\n', encoding="utf-8")
    served = Served(tmp_path, OTEL_BSP_SCHEDULE_DELAY="50")
    address = await asyncio.to_thread(served.ready)
    async with ClientSession(address, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        for _ in range(20):
            async with http.post("/v1/interactions", json={"queue": "sales", "channel": "chat"}) as answer:
                assert answer.status == 201
    status, _, log = await asyncio.to_thread(served.end, signal.SIGTERM)
    assert status == 0, log
    assert "Traceback" not in log


def test_without_the_section_nothing_of_it_is_imported(tmp_path: Path) -> None:
    write_tokens(tmp_path)
    (tmp_path / "acd.toml").write_text(TEXT, encoding="utf-8")
    script = """
import sys
from acd.cli import serve
from acd.cli.living import LivingDomain
from acd.runtime.config import load
LivingDomain(load("acd.toml"), None)
print([name for name in sys.modules if name.startswith(("opentelemetry", "acd.telemetry"))])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
