"""Tokens of a team, limited to queues or channels: every route and every kind of events, inside and outside.

Anna and Boris serve sales and do chat, Eva serves 客服 and does email; so does everything here stand on one side or the
other, whether a token is limited by queue, by channel or by both.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, get_args

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.api.explanation_shapes import narrowed
from acd.api.scope import MAX_TEAMS, NAMING, Scope, Sight
from acd.api.table import ROUTES
from acd.core.explain import Candidate, Decision, Waiting
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    CancelInteraction,
    Capacity,
    ChannelShare,
    CoreSettings,
    EnqueueInteraction,
    Event,
    MoveInteraction,
    QueueSettings,
    SignInAgent,
)
from acd.runtime.audit import Asked
from acd.runtime.config.model import ApiConfig, DeskConfig, Role, TokenConfig, WallboardConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.events import Wanted
from acd.runtime.events.kinds import kind_of
from acd.runtime.events.told import tell
from acd.runtime.explain import Cause, Explanation
from acd.runtime.explaining import Brief
from tests.api.harness import Client, Http, MemoryRouter, example_url, route_of
from tests.api.listening import Connect

MAIL = Capacity(100, (ChannelShare("email", 100, 1),))
CHAT = Capacity(100, (ChannelShare("chat", 50, 1),))
SETTINGS = CoreSettings(
    agents=(
        AgentSettings("anna", skills=(("english", 8),), capacity=CHAT),
        AgentSettings("boris", skills=(("english", 3),), capacity=CHAT),
        AgentSettings("eva", skills=(("中文", 9),), capacity=MAIL),
        AgentSettings("fritz", skills=(("中文", 1),), capacity=MAIL),
    ),
    queues=(
        QueueSettings("sales", requirement="skills.english >= 3", dispositions=("sold",)),
        QueueSettings("客服", requirement='skills["中文"] >= 5', dispositions=("sold",)),
    ),
)
SCOPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "queue": (("sales",), ()),
    "channel": ((), ("chat",)),
    "both": (("sales",), ("chat",)),
}
ROLES: tuple[Role, ...] = ("supervisor", "system")
LIMITED = [(role, name) for role in ROLES for name in SCOPES]
OUTSIDE_OF = {
    "anna": "eva",
    "boris": "fritz",
    "talk": "away",
    "line": "away-line",
    "talk.1": "away.1",
    "sales": "%E5%AE%A2%E6%9C%8D",
    "queue/sales": "queue/%E5%AE%A2%E6%9C%8D",
    "agent/anna": "agent/eva",
}

# Route, body: what works inside. Names in the path are replaced by those of OUTSIDE_OF, or by what does not exist.
NAMED: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/v1/agents/anna", None),
    ("POST", "/v1/agents/boris/sign-in", {}),
    ("POST", "/v1/agents/anna/sign-out", None),
    ("PUT", "/v1/agents/anna/presence", {"presence": "ready"}),
    ("GET", "/v1/agents/anna/offers", None),
    ("GET", "/v1/agents/anna/phone", None),
    ("GET", "/v1/agents/anna/work", None),
    ("GET", "/v1/agents/anna/targets", None),
    ("POST", "/v1/agents/anna/work/talk/hold", None),
    ("POST", "/v1/agents/anna/work/talk/resume", None),
    ("POST", "/v1/agents/anna/work/talk/request-wrap-up", None),
    ("POST", "/v1/agents/anna/work/talk/end-wrap-up", None),
    ("POST", "/v1/agents/anna/work/talk/extend-wrap-up", {"by": "5s"}),
    ("PUT", "/v1/agents/anna/work/talk/disposition", {"code": "sold"}),
    ("POST", "/v1/agents/anna/work/talk/transfer", {"to_queue": "sales"}),
    ("POST", "/v1/agents/anna/work/talk/consult", {"to_agent": "boris"}),
    ("POST", "/v1/agents/anna/consults/talk/merge", {"how": "transfer"}),
    ("POST", "/v1/agents/anna/consults/talk/end", {}),
    ("POST", "/v1/agents/anna/work/talk/leave", {}),
    ("GET", "/v1/interactions/talk", None),
    ("GET", "/v1/interactions/talk/recording", None),
    ("POST", "/v1/interactions/talk/recording/pause", None),
    ("GET", "/v1/interactions/talk/supervision", None),
    ("PUT", "/v1/interactions/talk/supervision/boris", {"mode": "off"}),
    ("GET", "/v1/interactions/talk/supervision/boris", None),
    ("POST", "/v1/interactions/talk/recording/resume", None),
    ("DELETE", "/v1/interactions/line", None),
    ("POST", "/v1/interactions/talk/end", {}),
    ("POST", "/v1/interactions/talk/requeue", {}),
    ("PATCH", "/v1/interactions/line", {"attributes": {"language": "en"}}),
    ("PUT", "/v1/interactions/line/priority", {"priority": 3}),
    ("POST", "/v1/interactions/line/move", {"queue": "sales"}),
    ("POST", "/v1/interactions/line/recall", None),
    ("POST", "/v1/interactions/line/call-back", {}),
    ("POST", "/v1/callbacks/talk/fail", {}),
    ("POST", "/v1/offers/talk.1/accept", {"agent_id": "anna"}),
    ("POST", "/v1/offers/talk.1/decline", {"agent_id": "anna"}),
    ("POST", "/v1/offers/talk.1/fail", {"reason": "busy"}),
    ("GET", "/v1/interactions/talk/explanation", None),
    ("GET", "/v1/figures/agent/anna", None),
]
# Only of tokens limited by queue: a queue is of all channels.
OF_QUEUES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/v1/queues/sales", None),
    ("POST", "/v1/queues/sales/open", None),
    ("POST", "/v1/queues/sales/close", {}),
    ("GET", "/v1/figures/queue/sales", None),
]
# What a body names out of the scope, once by queue or agent, once by channel: refused, whether it exists or not.
BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/interactions", {"queue": "客服", "channel": "email"}),
    ("POST", "/v1/interactions", {"queue": "nowhere", "channel": "fax"}),
    ("POST", "/v1/interactions", {"queue": "sales", "channel": "chat", "preferred_agent": "eva"}),
    ("POST", "/v1/interactions", {"queue": "sales", "channel": "chat", "preferred_agent": "nobody"}),
    (
        "POST",
        "/v1/interactions/batch",
        {"interactions": [{"queue": "sales", "channel": "chat"}, {"queue": "客服", "channel": "email"}]},
    ),
    ("POST", "/v1/callbacks", {"queue": "客服", "channel": "email"}),
    ("POST", "/v1/callbacks", {"queue": "客服"}),
    ("POST", "/v1/agents/anna/work/talk/transfer", {"to_agent": "eva"}),
    ("POST", "/v1/agents/anna/work/talk/transfer", {"to_agent": "nobody"}),
    ("POST", "/v1/agents/anna/work/talk/consult", {"to_agent": "eva"}),
    ("PATCH", "/v1/interactions/line", {"preferred_agent": "eva"}),
    ("POST", "/v1/offers/talk.1/accept", {"agent_id": "eva"}),
    ("POST", "/v1/offers/talk.1/decline", {"agent_id": "eva"}),
]
# The same for tokens limited by queue alone, and by channel alone.
BODIES_OF: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "queue": [
        ("POST", "/v1/interactions/line/move", {"queue": "客服"}),
        ("POST", "/v1/interactions/line/move", {"queue": "nowhere"}),
        ("POST", "/v1/agents/anna/work/talk/transfer", {"to_queue": "客服"}),
        ("POST", "/v1/agents/anna/work/talk/consult", {"to_queue": "客服"}),
    ],
    "channel": [
        ("POST", "/v1/agents/anna/work/talk/consult", {"to_queue": "sales", "channel": "email"}),
        ("POST", "/v1/callbacks", {"queue": "sales"}),
    ],
}
LISTS = {"list_agents", "list_figures", "list_interactions", "list_queues", "list_decisions", "audit", "events"} | {
    "show_wallboard",
    "show_wallboard_day",
}
"""Routes whose answers leave out what is out of sight: each has a test below."""

FIGURES: dict[str, dict[str, list[str]]] = {
    "queue": {"queue": ["sales"], "agent": ["anna", "boris"], "channel": []},
    "channel": {"queue": ["sales", "客服"], "agent": ["anna", "boris"], "channel": ["chat"]},
    "both": {"queue": ["sales"], "agent": ["anna", "boris"], "channel": []},
}
"""Whose figures are listed, by the token's limits."""

FREE = {"list_event_kinds", "issue_ticket", "begin_session", "show_session", "end_session", "show_desk"}
"""Routes that say nothing about anybody."""

FREE_FIELDS = {
    "ready",
    "reason",
    "presence",
    "by",
    "code",
    "mode",
    "with_context",
    "to_number",
    "id",
    "requirement",
    "preferences",
    "priority",
    "attributes",
    "customer",
    "how",
    "keep_place",
    "not_before",
    "interactions",
}
"""Fields of bodies that name neither queue nor channel nor agent that there is."""


def token_of(role: str, name: str) -> str:
    return f"{role}-{name}-0123456789"


CONFIG = ApiConfig(
    port=0,
    tokens=(
        *(
            TokenConfig(f"{role}-{name}", Secret(token_of(role, name)), (role,), queues=queues, channels=channels)
            for role in ROLES
            for name, (queues, channels) in SCOPES.items()
        ),
        TokenConfig("all", Secret("everything-0123456789"), ("supervisor",)),
        TokenConfig("anna-desktop", Secret("annas-own-0123456789"), ("agent",), agent="anna"),
    ),
    desk=DeskConfig(),
    wallboard=WallboardConfig(),
)


@pytest.fixture
def router() -> MemoryRouter:
    """Anna and Eva talk, one more waits in each line."""
    router = MemoryRouter(SETTINGS)
    commands = (
        EnqueueInteraction("b1", "talk", "chat", "sales"),
        SignInAgent("b2", "anna", ready=True),
        AcceptOffer("b3", "talk.1", "anna"),
        EnqueueInteraction("b4", "line", "chat", "sales"),
        EnqueueInteraction("b5", "away", "email", "客服"),
        SignInAgent("b6", "eva", ready=True),
        AcceptOffer("b7", "away.1", "eva"),
        EnqueueInteraction("b8", "away-line", "email", "客服"),
    )
    for command in commands:
        assert router.apply(command).refusal is None
    return router


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    async with TestClient(TestServer(build_app(router, CONFIG))) as client:
        yield client


def outside(path: str, instead: Mapping[str, str] = OUTSIDE_OF) -> str:
    return "/".join(instead.get(part, part) for part in path.split("/"))


def nowhere(path: str) -> str:
    return outside(path, {name: "nobody.1" if "." in name else "nobody" for name in OUTSIDE_OF})


def cases(scopes: tuple[str, ...] = tuple(SCOPES)) -> Iterator[tuple[str, str, str, str, dict[str, Any] | None]]:
    for role, name in LIMITED:
        rows = NAMED + (OF_QUEUES if name == "queue" else [])
        yield from ((role, name, *row) for row in rows if name in scopes)


@pytest.mark.parametrize(("role", "scope", "method", "path", "body"), tuple(cases()))
async def test_inside_and_outside(
    http: Http, router: MemoryRouter, role: str, scope: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    client = Client(http, token_of(role, scope))
    before = len(router.submitted)
    status, away = await client(method, outside(path), body)
    assert (status, away["code"], len(router.submitted)) == (404, "not-found", before), away
    status, nothing = await client(method, nowhere(path), body)
    assert (status, nothing["code"], nothing["detail"]) == (404, "not-found", away["detail"])
    status, found = await client(method, path, body)
    # No history is served here: that is said only to whoever may ask for it.
    assert status not in {401, 403, 404} or "past is not served" in found["detail"], found


@pytest.mark.parametrize(("role", "scope"), LIMITED)
@pytest.mark.parametrize(("method", "path", "body"), BODIES)
async def test_what_a_body_names_has_to_be_in_the_scope(
    http: Http, router: MemoryRouter, role: str, scope: str, method: str, path: str, body: dict[str, Any]
) -> None:
    status, problem = await Client(http, token_of(role, scope))(method, path, body)
    assert (status, problem["code"]) == (403, "forbidden")
    assert "limited to other queues or channels" in problem["detail"]
    assert router.submitted == []


@pytest.mark.parametrize(("scope", "row"), [(scope, row) for scope, rows in BODIES_OF.items() for row in rows])
async def test_what_one_limit_alone_keeps_out(
    http: Http, scope: str, row: tuple[str, str, dict[str, Any]], router: MemoryRouter
) -> None:
    for name in (scope, "both"):
        status, problem = await Client(http, token_of("supervisor", name))(*row)
        assert (status, problem["code"]) == (403, "forbidden")
    assert router.submitted == []


@pytest.mark.parametrize(("role", "scope"), LIMITED)
async def test_what_concerns_the_whole_domain_is_closed(
    http: Http, router: MemoryRouter, role: str, scope: str
) -> None:
    client = Client(http, token_of(role, scope))
    closed = [route for route in ROUTES if not route.scoped and route.access != "public"]
    assert {"show_configuration", "apply_configuration", "list_dead_letters"} <= {route.name for route in closed}
    for route in closed:
        status, problem = await client(route.method, example_url(route), route.example.body)
        assert (status, problem["code"]) == (403, "forbidden"), route.name
    assert router.submitted == []


def test_every_route_has_its_row() -> None:
    named = {route_of(method, path).name for method, path, _ in NAMED + OF_QUEUES}
    bodies = {route_of(method, path).name for method, path, _ in [*BODIES, *BODIES_OF["queue"], *BODIES_OF["channel"]]}
    scoped = {route.name: route for route in ROUTES if route.scoped}
    assert named | bodies | LISTS | FREE == scoped.keys()
    assert {name for name, route in scoped.items() if "{" in route.path} - LISTS <= named
    shapes = {name: set(route.body.__struct_fields__) for name, route in scoped.items() if route.body}
    assert {name for name, fields in shapes.items() if fields & NAMING.keys()} <= bodies
    assert set().union(*shapes.values()) == FREE_FIELDS | NAMING.keys()


@pytest.mark.parametrize(("role", "scope"), LIMITED)
async def test_lists_hold_what_is_in_sight(http: Http, role: str, scope: str) -> None:
    client = Client(http, token_of(role, scope))
    _, found = await client("GET", "/v1/agents")
    assert [row["id"] for row in found["agents"]] == ["anna", "boris"]
    _, found = await client("GET", "/v1/interactions")
    assert [row["id"] for row in found["interactions"]] == ["talk", "line"]
    for query in ("queue=%E5%AE%A2%E6%9C%8D", "agent=eva", "channel=email"):
        assert (await client("GET", f"/v1/interactions?{query}"))[1]["interactions"] == []
    _, found = await client("GET", "/v1/queues")
    assert [row["id"] for row in found["queues"]] == (["sales", "客服"] if scope == "channel" else ["sales"])
    await client("POST", "/v1/agents/boris/sign-in", {})
    _, found = await client("GET", "/v1/agents/anna/targets")
    assert [row["id"] for row in found["agents"]] == ["boris"]
    assert [row["id"] for row in found["queues"]] == (["sales", "客服"] if scope == "channel" else ["sales"])
    _, found = await client("GET", "/v1/agents/anna/work")
    assert [item["work"]["interaction_id"] for item in found["items"]] == ["talk"]
    for kind, seen in FIGURES[scope].items():
        _, found = await client("GET", f"/v1/figures/{kind}")
        assert [row["id"] for row in found["figures"]] == seen
    _, found = await client("GET", "/v1/decisions?limit=1")
    assert [row["interaction_id"] for row in found["decisions"]] == ["talk"]
    _, found = await client("GET", "/v1/events?after=0")
    assert {event["subject"] for event in found["events"]} == {"talk", "line", "anna", "boris"}


@pytest.mark.parametrize(("role", "scope"), LIMITED)
async def test_the_wallboard_holds_what_is_in_sight(http: Http, role: str, scope: str) -> None:
    client = Client(http, token_of(role, scope))
    _, found = await client("GET", "/v1/wallboard")
    assert [row["id"] for row in found["queues"]] == (["sales", "客服"] if scope == "channel" else ["sales"])
    assert {row["id"] for row in found["agents"]} == {"anna"}
    assert found["agents_by_state"] == {"ready": 0, "busy": 1, "not-ready": 0, "signed-out": 1}
    assert [work["interaction_id"] for work in found["agents"][0]["work"]] == ["talk"]
    assert [row["interaction_id"] for row in found["waiting"]] == ["line"]
    assert (found["waiting_total"], found["agents_total"]) == (1, 1)
    outside = "%E5%AE%A2%E6%9C%8D"
    for path in ("/v1/wallboard", "/v1/wallboard/day"):
        assert (await client("GET", f"{path}?queue=sales"))[0] == 200
        assert (await client("GET", f"{path}?queue=nowhere"))[0] == 404
        assert (await client("GET", f"{path}?queue={outside}"))[0] == (200 if scope == "channel" else 404)


async def test_figures_of_channels_are_of_every_queue(http: Http) -> None:
    for scope, name, status in (
        ("queue", "chat", 404),
        ("both", "chat", 404),
        ("channel", "chat", 200),
        ("channel", "email", 404),
        ("channel", "nothing", 404),
    ):
        assert (await Client(http, token_of("system", scope))("GET", f"/v1/figures/channel/{name}"))[0] == status


async def test_a_queue_of_all_channels_is_not_closed_for_one(http: Http, router: MemoryRouter) -> None:
    client = Client(http, token_of("supervisor", "both"))
    assert (await client("GET", "/v1/queues/sales"))[0] == 200
    for change in ("open", "close"):
        assert (await client("POST", f"/v1/queues/sales/{change}"))[1]["code"] == "forbidden"
    assert router.submitted == []


async def test_who_has_something_in_sight_is_seen_without_the_rest(http: Http, router: MemoryRouter) -> None:
    client = Client(http, token_of("supervisor", "queue"))
    assert (await client("GET", "/v1/agents/eva"))[0] == 404
    router.apply(EnqueueInteraction("e", "helped", "email", "sales", requirement="true"))
    settings = SETTINGS.agents[2]
    able = msgspec.structs.replace(settings, capacity=Capacity(200, (ChannelShare("email", 50, 4),)))
    english = msgspec.structs.replace(able, skills=(("english", 9), ("中文", 9)))
    others = tuple(each for each in SETTINGS.agents if each.id != "eva")
    apply = ApplyConfig("c1", msgspec.structs.replace(SETTINGS, agents=(*others, english)))
    assert router.apply(apply).refusal is None
    assert router.view.interactions["helped"].agent_id == "eva"
    assert router.apply(ApplyConfig("c2", msgspec.structs.replace(SETTINGS, agents=(*others, able)))).refusal is None
    status, eva = await client("GET", "/v1/agents/eva")
    assert status == 200
    assert [item["interaction_id"] for item in eva["work"]] == ["helped"]
    assert {
        item["interaction_id"]
        for item in (await Client(http, "everything-0123456789")("GET", "/v1/agents/eva"))[1]["work"]
    } > {"helped"}


def polyglot(router: MemoryRouter) -> None:
    """Eva serves sales as well, over every channel, three at a time."""
    every = Capacity(300, (ChannelShare("*", 100, 3),))
    able = AgentSettings("eva", skills=(("english", 9), ("中文", 9)), capacity=every)
    agents = tuple(able if each.id == "eva" else each for each in SETTINGS.agents)
    assert router.apply(ApplyConfig("polyglot", msgspec.structs.replace(SETTINGS, agents=agents))).refusal is None


async def test_offers_out_of_sight_are_left_out(http: Http, router: MemoryRouter) -> None:
    polyglot(router)
    offered = router.view.agents["eva"].work
    assert {offer.interaction_id for offer in offered.values()} > {"away"}
    team, everybody = Client(http, token_of("supervisor", "queue")), Client(http, "everything-0123456789")
    ringing = (await everybody("GET", "/v1/agents/eva/offers"))[1]["offers"]
    away = [offer for offer in ringing if offer["interaction"]["queue"] != "sales"]
    assert (await team("GET", "/v1/agents/eva/offers"))[1]["offers"] == [each for each in ringing if each not in away]
    for offer in away:
        body = {"agent_id": "eva"}
        assert (await team("POST", f"/v1/offers/{offer['id']}/accept", body))[0] == 404
        assert (await everybody("POST", f"/v1/offers/{offer['id']}/accept", body))[0] == 200
    assert away


async def test_a_consult_is_not_merged_into_what_is_out_of_sight(http: Http, router: MemoryRouter) -> None:
    router.apply(MoveInteraction("away-with-it", "away-line", "客服", keep_place=True))
    router.apply(CancelInteraction("no-line", "away-line"))
    router.apply(CancelInteraction("no-line-here", "line"))
    polyglot(router)
    question = EnqueueInteraction("q", "question", "chat", "sales", parent="away", preferred_agent="boris")
    for command in (SignInAgent("in", "boris", ready=True), question, AcceptOffer("yes", "question.1", "boris")):
        assert router.apply(command).refusal is None, command
    path, body = "/v1/agents/eva/consults/question/merge", {"how": "transfer"}
    team = Client(http, token_of("supervisor", "queue"))
    assert (await team("GET", "/v1/interactions/question"))[0] == 200
    assert (await team("POST", path, body))[0] == 404
    assert router.submitted == []
    status, problem = await Client(http, "everything-0123456789")("POST", path, body)
    assert (status, problem["code"]) == (409, "other-channel"), "it comes as far as the engine"


async def test_what_is_moved_out_of_sight_is_gone(http: Http, router: MemoryRouter, connect: Connect) -> None:
    client = Client(http, token_of("supervisor", "queue"))
    listener = await connect(token_of("supervisor", "queue"))
    assert router.apply(MoveInteraction("m", "line", "客服", keep_place=True)).refusal is None
    assert (await client("GET", "/v1/interactions/line"))[0] == 404
    assert (await listener.next())["type"] == "acd.interaction-moved"
    assert router.apply(MoveInteraction("n", "away-line", "sales", keep_place=True)).refusal is None
    moved = await listener.next()
    assert (moved["type"], moved["subject"]) == ("acd.interaction-moved", "away-line")


async def test_a_repetition_is_answered_although_the_interaction_is_forgotten(http: Http, router: MemoryRouter) -> None:
    client = Client(http, token_of("supervisor", "queue"))
    status, _ = await client("DELETE", "/v1/interactions/line", Idempotency_Key="k")
    assert status == 200
    router.view.ended.clear()
    assert (await client("DELETE", "/v1/interactions/line", Idempotency_Key="k"))[0] == 200
    assert (await client("DELETE", "/v1/interactions/line", Idempotency_Key="l"))[0] == 404
    assert len(router.submitted) == 1


@pytest.mark.parametrize(
    ("query", "found"), [("queue=%E5%AE%A2%E6%9C%8D", "queue"), ("agent=eva", "agent"), ("agent=anna+nobody", "agent")]
)
async def test_events_out_of_sight_are_not_asked_for(http: Http, query: str, found: str) -> None:
    status, problem = await Client(http, token_of("supervisor", "queue"))("GET", f"/v1/events?{query}")
    assert (status, problem["detail"]) == (404, f"There is no such {found}.")


# Events

ABOUT: dict[str, str] = {
    "config-applied": "domain",
    "agents-configured": "domain",
    "engine-recovered": "domain",
    "agent-removed": "agent",
    "presence-changed": "agent",
    "device-vetoed": "agent",
    "device-cleared": "agent",
    "queue-removed": "queue",
    "queue-opened": "queue",
    "queue-closed": "queue",
    "alarm-raised": "queue",
    "alarm-cleared": "queue",
}
"""What a kind of events is about, where it is not an interaction."""

INTERACTION_KINDS = {
    "interaction-queued", "interaction-requeued", "interaction-moved", "interaction-reprioritized",
    "interaction-relaxed", "hold-started", "hold-ended", "level-opened", "offer-made", "offer-accepted",
    "offer-declined", "offer-expired", "offer-revoked", "offer-rescinded", "interaction-completed",
    "interaction-abandoned", "interaction-cancelled", "interaction-overflowed", "interaction-scheduled",
    "interaction-due", "customer-called", "customer-reached",
    "interaction-updated", "interaction-failed", "work-held", "work-resumed", "wrap-up-started", "wrap-up-requested",
    "wrap-up-extended", "work-ended", "disposition-set", "agent-preferred", "interaction-transferred",
    "consult-merged", "agent-left", "interaction-noted",
}  # fmt: skip
"""Those about an interaction: a new kind is put here, or above, by whoever adds it."""


def made(kind: type[Event], side: Mapping[str, str]) -> Event:
    """An event of this kind, about one side's agent, interaction and queue."""
    plain: dict[object, object] = {str: "", int: 1, bool: True, CoreSettings: SETTINGS}
    values: dict[str, Any] = {
        field.name: side.get(field.name, plain.get(field.type, ()))
        for field in msgspec.structs.fields(kind)
        if field.required
    }
    return msgspec.convert(values, kind)


HERE = {"agent_id": "anna", "interaction_id": "talk", "queue": "sales", "from_queue": "sales", "channel": "chat"}
THERE = {"agent_id": "eva", "interaction_id": "away", "queue": "客服", "from_queue": "客服", "channel": "email"}
UNKNOWN = {"agent_id": "anna", "interaction_id": "gone", "queue": "gone", "from_queue": "gone", "channel": "fax"}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_kind_of_events_is_told_inside_only(router: MemoryRouter, kind: type[Event], scope: str) -> None:
    limits = Scope(*map(frozenset, SCOPES[scope]))
    team = Wanted(is_seen=Sight(lambda: router.view).told(limits))
    anna = Wanted(only_agent="anna")
    here, there, gone = (tell(router.view, 1, 1, (made(kind, side),))[0] for side in (HERE, THERE, UNKNOWN))
    about = ABOUT.get(kind_of(here.event), "interaction")
    assert all(Wanted().fits(told) for told in (here, there, gone))
    # A queue is not of one channel: who is limited to channels alone hears of all queues.
    elsewhere = about == "queue" and scope == "channel"
    expected = {"domain": (False, False, False), "agent": (True, False, True)}.get(about, (True, elsewhere, elsewhere))
    assert tuple(team.fits(told) for told in (here, there, gone)) == expected
    assert anna.fits(here) == (about in ("agent", "interaction"))
    assert not anna.fits(there)


def test_every_kind_of_events_is_in_the_matrix() -> None:
    kinds = {kind_of(made(kind, HERE)) for kind in get_args(Event)}
    assert kinds == INTERACTION_KINDS | ABOUT.keys()


# What the engine has forgotten, and what is remembered here


def asked(**names: str) -> Asked:
    found = {"interaction_id": "", "offer_id": "", "agent_id": "", "queue": "", "to_agent": "", **names}
    return Asked(1, 1, "pbx", "SomeCommand", "c", "", trace="", **found)


@pytest.mark.parametrize(
    ("row", "is_seen"),
    [
        (asked(), False),
        (asked(agent_id="anna"), True),
        (asked(agent_id="eva"), False),
        (asked(interaction_id="talk", agent_id="eva"), True),
        (asked(interaction_id="talk", queue="客服"), False),
        (asked(interaction_id="away", agent_id="anna"), False),
        (asked(interaction_id="forgotten", agent_id="anna"), False),
        (asked(queue="sales"), True),
        (asked(queue="客服"), False),
    ],
)
def test_rows_of_the_audit(router: MemoryRouter, row: Asked, is_seen: bool) -> None:  # noqa: FBT001 - a column
    sight = Sight(lambda: router.view)
    assert sight.asked(Scope(frozenset(("sales",))), row) == is_seen


def test_teams_are_made_again_for_a_new_configuration_and_bounded(router: MemoryRouter) -> None:
    sight, sales = Sight(lambda: router.view), Scope(frozenset(("sales",)))
    assert not sight.agent(sales, "fritz")
    fritz = AgentSettings("fritz", skills=(("english", 5),))
    agents = (*SETTINGS.agents[:-1], fritz)
    assert router.apply(ApplyConfig("c", msgspec.structs.replace(SETTINGS, agents=agents))).refusal is None
    assert sight.agent(sales, "fritz")
    for number in range(MAX_TEAMS + 5):
        assert not sight.agent(Scope(frozenset((f"queue-{number}",))), "fritz")
    assert len(sight._teams) == MAX_TEAMS


def test_a_requirement_of_blanks_asks_nothing(router: MemoryRouter) -> None:
    """As for the engine: whoever there is serves the queue."""
    queues = (*SETTINGS.queues, QueueSettings("open", requirement=" \t "))
    assert router.apply(ApplyConfig("c", msgspec.structs.replace(SETTINGS, queues=queues))).refusal is None
    sight = Sight(lambda: router.view)
    assert sight.agent(Scope(frozenset(("open",))), "fritz")
    assert not sight.agent(Scope(frozenset(("open",))), "nobody")


def decided(queue: str, sought: str, *candidates: str) -> Cause:
    found = tuple(Candidate(each, offerable=True, verdicts=()) for each in candidates)
    decision = Decision("o", "talk", "anna", queue, "longest-idle", "", sought, 1, 1, "idle", found)
    return Cause(7, "SignInAgent", "c", decision)


def test_an_explanation_holds_what_is_in_sight(router: MemoryRouter) -> None:
    """Decisions in other queues, agents from elsewhere and interactions elsewhere are counted, not shown."""
    decisions = (
        decided("客服", "agent", "eva"),
        decided("sales", "agent", "anna", "eva", "boris"),
        decided("sales", "interaction", "away-line", "line", "forgotten"),
    )
    agents = tuple(Candidate(each, offerable=False, verdicts=()) for each in ("eva", "anna", "fritz"))
    waiting = Waiting("talk", "queued", "sales", "longest-idle", "", 1, 1, 1, agents, (("presence", 3),))
    full = Brief(
        Explanation("talk", "talk", decisions, waiting, 1, ended=False, at_us=1, seq=9, replayed=9), 1, (0, 2, 0), 4
    )
    found = narrowed(full, Scope(frozenset(("sales",))), Sight(lambda: router.view))
    shown = [[each.id for each in cause.decision.candidates] for cause in found.explanation.decisions]
    assert shown == [["anna", "boris"], ["line"]]
    assert (found.decisions, found.candidates) == (2, (3, 2))
    assert found.explanation.waiting is not None
    assert [each.id for each in found.explanation.waiting.candidates] == ["anna"]
    assert found.waiting == 6
