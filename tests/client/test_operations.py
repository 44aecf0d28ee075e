"""Every route by its name, and the typed answers of those that have methods of their own."""

from collections.abc import Mapping
from typing import get_args, get_type_hints

import msgspec
import pytest

from acd.api.figures import FiguresShape
from acd.api.queue_shapes import DecisionShape, EstimateShape, LevelShape, QueueShape
from acd.api.routes import Route
from acd.api.service import Readiness
from acd.api.shapes import AgentShape, CapacityShape, DeviceShape, InteractionShape, ShareShape, WorkShape
from acd.api.table import ROUTES
from acd.api.webhooks import LetterShape, PingShape, RetriedShape, WebhookShape
from acd.client import Client, answers
from acd.client.operations import operations
from acd.core.messages import EnqueueInteraction, SignInAgent
from tests.api.harness import MemoryRouter, example_url
from tests.client.conftest import Service


async def test_every_route_can_be_called_by_its_name(client: Client) -> None:
    """With the arguments of its example a call becomes the very request that the documentation shows."""
    found = operations(await client.request("GET", "/v1/openapi.json"))
    assert found.keys() == {route.name for route in ROUTES}
    for route in ROUTES:
        example = route.example
        fields = {} if route.streams else dict(example.body or {})
        content = {"content": b"Good day."} if route.streams else {}
        made = found[route.name].prepare({**example.query, **example.path, **fields, **content})
        assert (made.method, made.path) == (route.method, example_url(route).partition("?")[0]), route.name
        assert (made.query, made.body or {}) == (dict(example.query), fields), route.name
        assert made.content == content.get("content"), route.name


async def test_calls(router: MemoryRouter, client: Client) -> None:
    assert (await client.call("enqueue", id="chat-1", queue="客服", channel="chat"))["state"] == "queued"
    assert (await client.call("show_queue", queue="客服"))["waiting"] == 1
    assert (await client.call("list_interactions", queue="客服", limit=1))["interactions"][0]["id"] == "chat-1"
    assert (await client.call("show_interaction", interaction="chat-1", reveal=False))["customer"] is None
    assert (await client.call("metrics")).startswith("# HELP")
    assert len(router.view.interactions) == 1


async def test_calls_that_cannot_be(client: Client) -> None:
    with pytest.raises(ValueError, match="no operation 'enqeue'"):
        await client.call("enqeue")
    with pytest.raises(TypeError, match=r"show_queue misses queue; it takes queue$"):
        await client.call("show_queue")
    with pytest.raises(TypeError, match="sign_in takes no redy; it takes agent, ready, reason"):
        await client.call("sign_in", agent="anna", redy=True)
    with pytest.raises(TypeError, match="send_file takes bytes as content"):
        await client.call("send_file", agent="anna", interaction="i", id="f", name="a.txt", content="text")


TYPES: Mapping[type[msgspec.Struct], type[msgspec.Struct]] = {
    answers.Share: ShareShape,
    answers.Capacity: CapacityShape,
    answers.Work: WorkShape,
    answers.Device: DeviceShape,
    answers.Agent: AgentShape,
    answers.Interaction: InteractionShape,
    answers.ServiceLevel: LevelShape,
    answers.Estimate: EstimateShape,
    answers.Queue: QueueShape,
    answers.Decision: DecisionShape,
    answers.Figures: FiguresShape,
    answers.Health: Readiness,
    answers.Webhook: WebhookShape,
    answers.Ping: PingShape,
    answers.DeadLetter: LetterShape,
    answers.Retried: RetriedShape,
}


def test_the_types_are_those_of_the_api() -> None:
    """Every field that the client reads is one that the API writes, null where that may be null."""
    ours = {each for each in vars(answers).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)}
    assert ours - {msgspec.Struct, answers.Answer} == TYPES.keys()
    for mine, theirs in TYPES.items():
        written, read = get_type_hints(theirs), get_type_hints(mine)
        assert read.keys() <= written.keys(), mine
        for name, kind in read.items():
            assert _may_be_none(kind) == _may_be_none(written[name]), (mine, name)


def _may_be_none(kind: object) -> bool:
    return type(None) in get_args(kind)


async def test_typed_answers(router: MemoryRouter, client: Client) -> None:
    router.apply(SignInAgent("in", "anna", ready=True))
    for number in range(3):
        router.apply(EnqueueInteraction(f"e{number}", f"c{number}", "voice", "sales"))
    anna = await client.agent("anna")
    assert (anna.name, anna.presence, [item.state for item in anna.work]) == ("Anna", "ready", ["offered"])
    assert anna.since.tzinfo is not None
    assert [agent.id for agent in await client.agents()] == sorted(router.view.agents)
    assert [(queue.id, queue.waiting) for queue in await client.queues()] == [("sales", 2), ("客服", 0)]
    assert (await client.queue("sales")).offered == 1
    assert [each.id for each in await client.interactions(state="queued")] == ["c1", "c2"]
    assert (await client.interaction("c0")).state == "offered"
    (decision,) = await client.decisions(5)
    assert (decision.agent_id, decision.interaction_id) == ("anna", "c0")
    assert (await client.figures("queue", "sales")).counts["entered"] == 3
    assert (await client.webhooks(), await client.dead_letters()) == ([], [])
    assert (await client.retry_dead_letters(("a",))).unknown == ("a",)
    assert (await client.health()).ready
    router.ready = False
    assert not (await client.health()).ready


async def test_pages_say_after_which_event_their_picture_is(router: MemoryRouter, client: Client) -> None:
    for number in range(3):
        router.apply(EnqueueInteraction(f"e{number}", f"c{number}", "voice", "sales"))
    found = [(rows, answer) async for rows, answer in client.pages(answers.Interaction, queue="sales")]
    assert [row.id for rows, _ in found for row in rows] == ["c0", "c1", "c2"]
    assert found[0][1].cursor == str(router.events.stream.seq)
    assert found[0][1].at_us > 0


async def test_who_follows_hears_of_the_connection(router: MemoryRouter, service: Service, client: Client) -> None:
    heard: list[bool] = []
    events = client.events("0", on_connection=heard.append)
    router.apply(EnqueueInteraction("e1", "c1", "voice", "sales"))
    await anext(events)
    assert heard == [True]
    service.cut()
    router.apply(EnqueueInteraction("e2", "c2", "voice", "sales"))
    while (await anext(events)).subject != "c2":
        pass
    assert heard == [True, False, True]
    await events.aclose()


def test_routes_with_a_picture_say_so() -> None:
    live = {route.name for route in ROUTES if route.live}
    assert live >= {"list_agents", "list_queues", "list_interactions", "list_decisions", "show_figures"}
    assert all(_only_reads(route) for route in ROUTES if route.live)


def _only_reads(route: Route) -> bool:
    return route.method == "GET" and route.access != "public"
