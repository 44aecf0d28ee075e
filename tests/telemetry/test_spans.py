"""Spans of a real router behind the real API: how they hang together, and what they never say."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import ClientSession
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from acd.api import Domain, serve_domains
from acd.core.messages import Effect, EnqueueInteraction, OfferInteraction, ReleaseInteraction, SignInAgent
from acd.core.messages.codec import decode_command
from acd.errors import ChannelError, CommandInvalid
from acd.runtime.config import loads
from acd.runtime.journal import MemoryJournal
from acd.telemetry import TracedRouter, Tracing, tracing_requests
from acd.telemetry.router import TracedChannel
from acd.testing import FakeChannel
from tests.kept import kept

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE_ID}-00f067aa0ba902b7-00"
SOON = 30.0
NUMBER = "13812345678"
TOKEN = "canary-token-0123456789"
TEXT = f"""
[api]
port = 0
[[api.tokens]]
name = "boss"
token = "{TOKEN}"
roles = ["supervisor"]
[agents.anna]
[queues.sales]
"""


class Rig:
    """The router, its phones, its API, and the spans so far."""

    def __init__(
        self,
        router: TracedRouter,
        journal: MemoryJournal,
        phones: FakeChannel,
        http: ClientSession,
        spans: InMemorySpanExporter,
    ) -> None:
        self.router = router
        self.journal = journal
        self.phones = phones
        self.http = http
        self._spans = spans

    def spans(self, beginning: str = "") -> Sequence[ReadableSpan]:
        return [span for span in self._spans.get_finished_spans() if span.name.startswith(beginning)]

    def one(self, name: str) -> ReadableSpan:
        (found,) = self.spans(name)
        return found


class Faulty(FakeChannel):
    """Cannot ring anybody, and says why at length."""

    async def perform(self, effect: Effect) -> None:
        raise ChannelError(f"no line for {NUMBER} and {type(effect).__name__}")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async for rig in rig_of(tmp_path, FakeChannel("phones")):
        yield rig


async def rig_of(folder: Path, phones: FakeChannel) -> AsyncGenerator[Rig, None]:
    config = loads(TEXT, base=folder)
    assert config.api is not None
    exporter = InMemorySpanExporter()
    tracing = Tracing(SimpleSpanProcessor(exporter), "default")
    journal = MemoryJournal()
    router = TracedRouter(config, tracing, channels=[phones], journal=journal)
    domain = Domain(router, config.api, around=tracing_requests(tracing))
    async with router, await serve_domains((domain,)) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with ClientSession(server.addresses[0], headers=headers) as http:
            exporter.clear()
            yield Rig(router, journal, phones, http, exporter)
    await tracing.close()


def place(span: ReadableSpan) -> tuple[int, int]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def parent(span: ReadableSpan) -> tuple[int, int]:
    assert span.parent is not None, span.name
    return span.parent.trace_id, span.parent.span_id


async def test_a_request_its_command_and_the_effects_are_one_trace(rig: Rig) -> None:
    await rig.phones.arrive("sales", "call-1")
    async with rig.http.post("/v1/agents/anna/sign-in", json={"ready": True}, headers={"traceparent": TRACE}) as answer:
        assert answer.status == 200
    await rig.phones.until(lambda: bool(rig.phones.rings("anna")))
    request, command, effect = rig.one("POST"), rig.one("command SignInAgent"), rig.one("effect OfferInteraction")
    assert request.name == "POST /v1/agents/{agent}/sign-in"
    assert parent(request) == (int(TRACE_ID, 16), int("00f067aa0ba902b7", 16))
    assert parent(command) == place(request)
    assert parent(effect) == place(command)
    came_in = rig.one("command EnqueueInteraction")
    assert place(came_in)[0] != int(TRACE_ID, 16)
    assert [(link.context.trace_id, link.context.span_id) for link in effect.links] == [place(came_in)]
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/agents/{agent}/sign-in",
        "http.response.status_code": 200,
        "acd.agent": "anna",
    }
    assert dict(effect.attributes or {}) == {
        "acd.effect": "OfferInteraction",
        "acd.interaction": "call-1",
        "acd.offer": "call-1.1",
        "acd.agent": "anna",
        "acd.instance": "phones",
    }
    commands = [decode_command(row.entry.command) for row in rig.journal.rows()]
    (kept,) = [command.trace for command in commands if isinstance(command, SignInAgent)]
    assert kept == f"00-{place(command)[0]:032x}-{place(command)[1]:016x}-01"


async def test_of_calls_that_are_over_nothing_is_kept(rig: Rig) -> None:
    """The last effect of each still says by which command it came in."""
    await rig.router.submit(SignInAgent(rig.router.new_id(), "anna", ready=True))
    for number in range(1, 5):
        call = await rig.phones.arrive("sales", f"call-{number}")
        await rig.phones.until(lambda: bool(rig.phones.rings("anna")))
        await rig.phones.answer(rig.phones.rings("anna")[0])
        await rig.phones.hang_up(call)
        await rig.phones.until(lambda number=number: len(rig.phones.performed(ReleaseInteraction)) == number)  # type: ignore[misc]
    released = rig.spans("effect ReleaseInteraction")
    assert [len(span.links) for span in released] == [1] * 4
    assert kept(rig.router)["Recent._kept"] == 0


async def test_what_is_refused_says_so(rig: Rig) -> None:
    body = {"queue": "sale", "channel": "chat", "customer": {"number": NUMBER, "name": "张伟"}}
    async with rig.http.post("/v1/interactions", json=body) as answer:
        assert answer.status == 422
    command = rig.one("command EnqueueInteraction")
    assert (command.attributes or {})["acd.refusal"] == "unknown-queue"
    assert command.status.status_code == StatusCode.UNSET
    assert (rig.one("POST").attributes or {})["http.response.status_code"] == 422


async def test_nothing_personal_and_no_token_is_in_any_span(rig: Rig) -> None:
    body = {"queue": "sales", "channel": "chat", "customer": {"number": NUMBER, "name": "张伟"}}
    body["attributes"] = {"note": f"call {NUMBER}"}
    async with rig.http.post("/v1/interactions", json=body, headers={"Idempotency-Key": f"for {NUMBER}"}) as answer:
        assert answer.status == 201
    for path in (f"/v1/agents/{NUMBER}", f"/v1/{NUMBER}", f"/v1/interactions?customer={NUMBER}", "/v1/queues"):
        async with rig.http.get(path) as answer:
            await answer.read()
    async with rig.http.get("/v1/queues", headers={"Authorization": "Bearer another-token"}) as answer:
        assert answer.status == 401
    assert len(rig.spans()) >= 6
    written = "".join(span.to_json() for span in rig.spans())
    for canary in (NUMBER, "张伟", TOKEN, "another-token"):
        assert canary not in written
    assert {span.name for span in rig.spans("GET")} == {
        "GET /v1/agents/{agent}",
        "GET /v1/interactions",
        "GET /v1/queues",
    }
    assert len(rig.spans("HTTP")) == 1


async def test_monitors_and_sockets_have_no_spans(rig: Rig) -> None:
    async with rig.http.get("/livez") as answer:
        assert answer.status == 200
    async with rig.http.ws_connect("/v1/events") as socket:
        await socket.receive()
    assert rig.spans() == []


async def test_who_does_not_sample_is_obeyed(rig: Rig) -> None:
    async with rig.http.post("/v1/agents/anna/sign-in", json={}, headers={"traceparent": UNSAMPLED}) as answer:
        assert answer.status == 200
    assert rig.spans() == []
    commands = [decode_command(row.entry.command) for row in rig.journal.rows()]
    assert [command.trace for command in commands if isinstance(command, SignInAgent)] == [UNSAMPLED]


async def test_an_effect_that_fails_says_its_kind_only(tmp_path: Path) -> None:
    async with aclosing(rig_of(tmp_path, Faulty("phones"))) as rigs:
        rig = await anext(rigs)
        await rig.phones.arrive("sales", "call-1")
        async with asyncio.timeout(SOON):
            while not rig.spans("effect"):
                await asyncio.sleep(0)
        effect = rig.spans("effect")[0]
        assert (effect.status.status_code, effect.status.description) == (StatusCode.ERROR, "ChannelError")
        assert not effect.events


async def test_what_the_router_refuses_is_refused_all_the_same(rig: Rig) -> None:
    with pytest.raises(CommandInvalid):
        await rig.router.submit("nonsense")  # type: ignore[arg-type]
    with pytest.raises(CommandInvalid, match="interaction_id"):
        await rig.router.submit(EnqueueInteraction("e", "", "voice", "sales"))
    assert rig.one("command").status.description == "CommandInvalid"


async def test_channels_are_found_behind_their_spans(rig: Rig) -> None:
    assert rig.router.channel("phones") is rig.phones
    assert rig.router.channel("fax") is None
    assert isinstance(rig.router.instances[0], TracedChannel)


async def test_what_a_timer_leads_to_is_linked_to_the_interaction(rig: Rig) -> None:
    """Nobody has asked for it: the effect begins a trace of its own."""
    await rig.phones.arrive("sales", "call-1")
    await rig.router.submit(SignInAgent("in", "anna", ready=True))
    await rig.phones.until(lambda: bool(rig.phones.rings("anna")))
    effect = rig.phones.performed(OfferInteraction)[0]
    await rig.router.carry_out(rig.phones, effect)
    again = rig.spans("effect OfferInteraction")[-1]
    assert again.parent is None
    assert [link.context.trace_id for link in again.links] == [place(rig.one("command EnqueueInteraction"))[0]]


async def test_a_configuration_belongs_to_who_has_asked_for_it(rig: Rig, tmp_path: Path) -> None:
    await rig.router.reconfigure(loads(f"{TEXT}[agents.boris]\n", base=tmp_path), actor="boss", trace=TRACE)
    command = rig.one("command ApplyConfig")
    assert parent(command) == (int(TRACE_ID, 16), int("00f067aa0ba902b7", 16))
    assert set(command.attributes or {}) == {"acd.command", "acd.command_id"}
