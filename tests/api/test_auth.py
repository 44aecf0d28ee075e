"""Who may do what: every route of the table against every role."""

from typing import get_args

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.api.calls import CALL_PATH
from acd.api.chat_files import FILES_PATH
from acd.api.openapi import document
from acd.api.routes import Access, Route
from acd.api.table import PUBLIC_PATHS, ROUTES
from acd.api.widget import ANY_PAGE
from acd.core.messages import AcceptOffer, ApplyConfig, EnqueueInteraction, QueueSettings, SignInAgent
from acd.errors import ConfigError
from acd.runtime.config.model import ApiConfig, Role, TokenConfig
from acd.runtime.config.secrets import Secret
from tests.api.harness import CONFIG, SETTINGS, TOKENS, As, Client, Http, MemoryRouter, example_url, route_of

OWN, OTHER = 200, 404
# Route, body, status for the agent anna. Interaction `own` is offered to her, `other` to boris, `talk` is what she is
# on, `queued` is nobody's.
MATRIX: list[tuple[str, str, dict[str, str] | None, int]] = [
    ("GET", "/v1/agents", None, OWN),
    ("GET", "/v1/agents/anna", None, OWN),
    ("GET", "/v1/agents/boris", None, OTHER),
    ("GET", "/v1/agents/anna/offers", None, OWN),
    ("GET", "/v1/agents/boris/offers", None, OTHER),
    ("GET", "/v1/agents/anna/phone", None, OWN),
    ("GET", "/v1/agents/boris/phone", None, OTHER),
    ("GET", "/v1/agents/anna/work", None, OWN),
    ("GET", "/v1/agents/boris/work", None, OTHER),
    ("GET", "/v1/agents/anna/work/talk/earlier", None, OWN),
    ("GET", "/v1/agents/anna/work/own/earlier", None, OWN),
    ("GET", "/v1/agents/boris/work/other/earlier", None, OTHER),
    ("GET", "/v1/agents/anna/targets", None, OWN),
    ("GET", "/v1/agents/boris/targets", None, OTHER),
    ("PUT", "/v1/agents/anna/presence", {"presence": "ready"}, OWN),
    ("POST", "/v1/agents/anna/work/talk/hold", None, OWN),
    ("POST", "/v1/agents/boris/work/talk/hold", None, OTHER),
    ("GET", "/v1/interactions", None, OWN),
    ("GET", "/v1/events", None, OWN),
    ("GET", "/v1/events?agent=anna", None, OWN),
    ("GET", "/v1/events?agent=boris", None, OTHER),
    ("GET", "/v1/events?agent=anna+boris", None, OTHER),
    ("GET", "/v1/event-kinds", None, OWN),
    ("POST", "/v1/tickets", None, 201),
    ("POST", "/v1/session", None, 201),
    ("GET", "/v1/session", None, OWN),
    ("DELETE", "/v1/session", None, OWN),
    ("GET", "/v1/desk", None, OWN),
    ("GET", "/v1/wallboard", None, 403),
    ("GET", "/v1/wallboard/day", None, 403),
    ("POST", "/v1/interactions", {"queue": "sales", "channel": "chat"}, 403),
    ("GET", "/v1/interactions/own", None, OWN),
    ("GET", "/v1/interactions/talk", None, OWN),
    ("GET", "/v1/interactions/other", None, OTHER),
    ("GET", "/v1/interactions/talk/recording", None, OWN),
    ("GET", "/v1/interactions/other/recording", None, OTHER),
    ("POST", "/v1/interactions/talk/recording/pause", None, OWN),
    ("POST", "/v1/interactions/own/recording/pause", None, 403),
    ("POST", "/v1/interactions/other/recording/pause", None, OTHER),
    ("POST", "/v1/interactions/talk/recording/resume", None, OWN),
    ("POST", "/v1/interactions/other/recording/resume", None, OTHER),
    ("GET", "/v1/interactions/queued", None, OTHER),
    ("DELETE", "/v1/interactions/queued", None, 403),
    ("DELETE", "/v1/interactions/own", None, 403),
    ("PATCH", "/v1/interactions/own", {"requirement": "true"}, 403),
    ("POST", "/v1/interactions/talk/end", {}, OWN),
    ("POST", "/v1/interactions/talk/end", {"by": "system"}, 403),
    ("POST", "/v1/interactions/other/end", {}, OTHER),
    ("POST", "/v1/interactions/queued/end", {}, OTHER),
    ("POST", "/v1/callbacks/other/fail", {}, OTHER),
    ("POST", "/v1/callbacks/queued/fail", {}, OTHER),
    ("POST", "/v1/offers/own.1/accept", {"agent_id": "anna"}, OWN),
    ("POST", "/v1/offers/own.1/decline", None, OWN),
    ("POST", "/v1/offers/other.1/accept", {"agent_id": "boris"}, 403),
    ("POST", "/v1/offers/other.1/decline", {"agent_id": "boris"}, 403),
    ("POST", "/v1/offers/other.1/accept", {"agent_id": "anna"}, 403),
]


def _arrange(router: MemoryRouter, path: str) -> None:
    """Talking to somebody fills anna, so what she is offered is arranged apart from what she talks on."""
    own = "own" in path
    commands = (
        EnqueueInteraction("b1", "own" if own else "talk", "chat", "sales"),
        SignInAgent("b2", "anna", ready=True),
        *(() if own else (AcceptOffer("b3", "talk.1", "anna"),)),
        EnqueueInteraction("b4", "queued", "chat", "客服"),
        SignInAgent("b5", "boris", ready=True),
        EnqueueInteraction("b6", "other", "chat", "sales"),
    )
    for command in commands:
        assert router.apply(command).refusal is None
    assert router.view.interactions["other"].agent_id == "boris"
    assert router.view.interactions["queued"].agent_id == ""


@pytest.mark.parametrize(("method", "path", "body", "expected"), MATRIX)
async def test_an_agent_reaches_only_its_own(
    anna: Client, router: MemoryRouter, method: str, path: str, body: dict[str, str] | None, expected: int
) -> None:
    _arrange(router, path)
    before = len(router.submitted)
    status, problem = await anna(method, path, body)
    assert status == expected, problem
    if expected == OTHER:
        assert len(router.submitted) == before
        assert problem["code"] == "not-found"


@pytest.mark.parametrize("name", ["system", "boss"])
@pytest.mark.parametrize(("method", "path", "body", "expected"), MATRIX)
async def test_system_and_supervisor_reach_everything(
    as_: As,
    router: MemoryRouter,
    name: str,
    method: str,
    path: str,
    body: dict[str, str] | None,
    expected: int,
) -> None:
    del expected
    _arrange(router, path)
    _, problem = await as_(name)(method, path, body)
    assert problem.get("code") not in {"forbidden", "unauthorized", "not-found"}


@pytest.mark.parametrize("name", ["", "a-token-that-nobody-has", TOKENS["anna"][:-1], TOKENS["anna"] + "x"])
@pytest.mark.parametrize(("method", "path", "body", "expected"), MATRIX)
async def test_strangers_reach_nothing(
    as_: As,
    router: MemoryRouter,
    name: str,
    method: str,
    path: str,
    body: dict[str, str] | None,
    expected: int,
) -> None:
    del expected
    status, problem = await as_(name)(method, path, body)
    assert (status, problem["code"]) == (401, "unauthorized")
    assert router.submitted == []


def test_every_route_whose_answer_depends_on_whom_is_in_the_matrix() -> None:
    covered = {route_of(method, path).name for method, path, _, _ in MATRIX}
    assert {route.name for route in ROUTES if route.access == "token"} <= covered


REFUSED: dict[str, dict[str, tuple[int, str]]] = {
    "public": {},
    "token": {"web": (403, "forbidden")},
    "agent": {"anna": (404, "not-found"), "web": (403, "forbidden")},
    "supervisor": {"anna": (403, "forbidden"), "web": (403, "forbidden")},
    "system": {"anna": (403, "forbidden"), "web": (403, "forbidden"), "boss": (403, "forbidden")},
    "channel": {"anna": (404, "not-found"), "web": (404, "not-found"), "boss": (404, "not-found")},
}
"""Access of a route → token → how it is refused what is another's; whoever is not named is let in."""


def test_every_access_is_in_the_matrix() -> None:
    assert set(get_args(Access)) == REFUSED.keys()
    assert {role for token in CONFIG.tokens for role in token.roles} == set(get_args(Role))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_route_lets_in_its_roles_and_nobody_else(as_: As, router: MemoryRouter, route: Route) -> None:
    """First those who are refused, of whom nothing may come through; then everybody else."""
    path, body = example_url(route, agent="boris", channel="pbx"), route.example.body
    refused = REFUSED[route.access]
    if route.access != "public":
        refused = {"": (401, "unauthorized"), "a-token-that-nobody-has": (401, "unauthorized"), **refused}
    documented = document(ROUTES)["paths"][route.path][route.method.lower()]["responses"].keys()
    for name, expected in refused.items():
        status, problem = await as_(name)(route.method, path, body)
        assert (status, problem["code"]) == expected, name
        assert str(status) in documented
    assert router.submitted == []
    for name in TOKENS.keys() - refused.keys() if route.access != "public" else ():
        _, found = await as_(name)(route.method, path, body)
        assert found.get("code") not in {"unauthorized", "forbidden", "too-many-requests"}, name


async def test_lists_show_an_agent_its_own(anna: Client, router: MemoryRouter) -> None:
    _arrange(router, "talk")
    _, body = await anna("GET", "/v1/agents")
    assert [agent["id"] for agent in body["agents"]] == ["anna"]
    _, body = await anna("GET", "/v1/interactions")
    assert [row["id"] for row in body["interactions"]] == ["talk"]


async def test_everybody_whom_a_broadcast_asks_sees_it_until_it_is_won(anna: Client, router: MemoryRouter) -> None:
    queue = QueueSettings("sales", strategy="broadcast", broadcast=2)
    router.apply(ApplyConfig("b1", msgspec.structs.replace(SETTINGS, queues=(queue,))))
    for agent_id in ("boris", "anna"):
        router.apply(SignInAgent(f"in-{agent_id}", agent_id, ready=True), 1)
    router.apply(EnqueueInteraction("b2", "call", "chat", "sales"))
    status, body = await anna("GET", "/v1/interactions/call")
    assert (status, body["state"], body["agent"]) == (200, "offered", "boris")
    _, body = await anna("GET", "/v1/agents/anna/offers")
    assert [offer["id"] for offer in body["offers"]] == ["call.2"]
    router.apply(AcceptOffer("b3", "call.1", "boris"))
    assert (await anna("GET", "/v1/interactions/call"))[0] == 404
    _, body = await anna("GET", "/v1/agents/anna/offers")
    assert body["offers"] == []
    status, body = await anna("POST", "/v1/offers/call.2/accept", {})
    assert (status, body["code"]) == (409, "offer-ended")


async def test_an_agent_still_sees_what_it_has_finished(anna: Client, router: MemoryRouter) -> None:
    _arrange(router, "talk")
    await anna("POST", "/v1/interactions/talk/end", {})
    await anna("POST", "/v1/agents/anna/work/talk/end-wrap-up")
    status, body = await anna("GET", "/v1/interactions/talk")
    assert (status, body["state"]) == (200, "completed")


@pytest.mark.parametrize(
    "header",
    ["Basic YTpi", "Bearer", "Bearer ", TOKENS["anna"], f"bearer{TOKENS['anna']}", "Bearer " + "x" * 5000],
)
async def test_malformed_credentials_are_no_credentials(anna: Client, header: str) -> None:
    async with anna.http.get("/v1/agents", headers={"Authorization": header}) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="acd"'


async def test_forbidden_says_so_in_its_header(anna: Client) -> None:
    async with anna.http.get("/v1/queues", headers=anna.headers) as response:
        assert response.status == 403
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


async def test_the_scheme_is_not_case_sensitive(anna: Client) -> None:
    async with anna.http.get("/v1/agents", headers={"Authorization": f"bearer {TOKENS['anna']}"}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://desk.example.com", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("https://desk.example.com.evil.example", 403),
        ("", 403),
    ],
)
async def test_pages_of_foreign_origins_are_kept_out(system: Client, origin: str, status: int) -> None:
    found, _ = await system("GET", "/v1/agents", Origin=origin)
    assert found == status


async def test_browsers_may_show_answers_to_listed_origins_only(system: Client) -> None:
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    for origin, allowed in (("https://desk.example.com", True), ("https://evil.example", False)):
        async with system.http.options("/v1/agents/anna/presence", headers={"Origin": origin, **ask}) as response:
            assert (response.status == 204) == allowed
            assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert ("Authorization" in response.headers.get("Access-Control-Allow-Headers", "")) == allowed
        async with system.http.get("/v1/agents", headers={"Origin": origin, **system.headers}) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert "Access-Control-Allow-Credentials" not in response.headers


async def test_a_page_of_our_own_may(system: Client, http: Http) -> None:
    own = f"http://{http.host}:{http.port}"
    assert (await system("GET", "/v1/agents", Origin=own))[0] == 200


async def test_an_open_api_asks_for_no_token_but_for_a_loopback_name(router: MemoryRouter) -> None:
    app: web.Application = build_app(router, ApiConfig(open=True))
    async with TestClient(TestServer(app)) as http:
        stranger = Client(http, "")
        assert (await stranger("POST", "/v1/agents/anna/sign-in"))[0] == 200
        status, problem = await stranger("GET", "/v1/agents", Host="rebound.example:8420")
        assert (status, problem["code"]) == (403, "forbidden")
        assert (await stranger("GET", "/v1/agents", Host="[::1"))[0] in {400, 403}
        assert (await stranger("POST", "/v1/agents/anna/sign-out", Origin="https://evil.example"))[0] == 403


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (ApiConfig(), "api: "),
        (ApiConfig(host="0.0.0.0", open=True), "api.open: "),  # noqa: S104
        (ApiConfig(tokens=(TokenConfig("t", Secret("x" * 16), ("agent",)),)), "api.tokens: "),
    ],
)
def test_nobody_is_let_in_by_accident(router: MemoryRouter, config: ApiConfig, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_app(router, config)
    assert caught.value.problems[0].startswith(key)


async def test_the_service_routes_need_no_token(as_: As) -> None:
    # Which are a chat's or a call's: test_chats.py, test_calls.py, tests/pages/test_widget_files.py.
    for path in PUBLIC_PATHS - ANY_PAGE - {CALL_PATH, FILES_PATH}:
        async with as_("").http.get(path) as response:
            assert response.status == 200
