"""Several domains at one address: the token says which, and what asks without one learns nothing of any."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from acd.api import Domain, build_app, serve, serve_domains
from acd.api.calls import CALL_PATH
from acd.api.chat_files import FILES_PATH
from acd.api.domains import Front
from acd.api.protocol import Runner
from acd.api.table import PUBLIC_PATHS
from acd.api.widget import ANY_PAGE
from acd.core.messages import EnqueueInteraction
from acd.errors import ConfigError
from acd.runtime.chat.channel import WebChatChannel
from tests.api.domain_pair import NAMES, Pair, api_of, paired
from tests.api.domain_worlds import token_of
from tests.api.harness import Client
from tests.runtime.chat.chats import options


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with paired() as found:
        yield found


async def test_the_token_says_which_domain(pair: Pair) -> None:
    for name in NAMES:
        _, body = await pair.as_(name)("GET", "/v1/agents")
        assert [agent["id"] for agent in body["agents"]] == ["anna", f"only-{name}"]
    other = {"X-Domain": "blue", "Host": "blue.example.com", "Origin": "https://red.example.com"}
    _, body = await pair.as_("red")("GET", "/v1/agents", **other)
    assert body["agents"][-1]["id"] == "only-red"


async def test_what_is_done_with_one_token_happens_in_one_domain(pair: Pair) -> None:
    key = {"Idempotency-Key": "the-same-key"}
    order = {"id": "mail-1", "queue": "sales", "channel": "email"}
    assert (await pair.as_("red")("POST", "/v1/interactions", order, **key))[0] == 201
    assert pair.blue.submitted == []
    assert (await pair.as_("blue")("GET", "/v1/interactions/mail-1"))[0] == 404
    changed = {**order, "priority": 3}
    status, _ = await pair.as_("blue")("POST", "/v1/interactions", changed, **key)
    assert status == 201, "a key of another domain is no repetition"
    _, body = await pair.as_("red")("GET", "/v1/interactions/mail-1")
    assert body["priority"] == 0


@pytest.mark.parametrize("token", ["", "a-token-that-nobody-has", token_of("red") + "x"])
async def test_an_unknown_token_is_refused_as_by_one_domain_alone(pair: Pair, token: str) -> None:
    async with await serve(pair.red, api_of("red")) as alone, ClientSession(alone.addresses[0]) as http:
        expected = await Client(http, token)("GET", "/v1/agents")
    status, problem = await Client(pair.http, token)("GET", "/v1/agents")
    assert (status, problem["detail"]) == (expected[0], expected[1]["detail"])
    assert status == 401


async def test_each_domain_has_its_own_origins(pair: Pair) -> None:
    ask = {"Access-Control-Request-Method": "GET"}
    for name, other in (NAMES, NAMES[::-1]):
        origin = f"https://{name}.example.com"
        async with pair.http.options("/v1/agents", headers={"Origin": origin, **ask}) as response:
            assert response.status == 204, "which domain it is will be said by the token that follows"
        assert (await pair.as_(name)("GET", "/v1/agents", Origin=origin))[0] == 200
        assert (await pair.as_(other)("GET", "/v1/agents", Origin=origin))[0] == 403
        async with pair.http.get("/v1/agents", headers={"Origin": origin}) as response:
            assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (401, origin)
    async with pair.http.options("/v1/agents", headers={"Origin": "https://evil.example", **ask}) as response:
        assert response.status != 204


async def test_a_secret_that_two_domains_come_to_know_is_nobodys(pair: Pair) -> None:
    config = api_of("red")
    apps = [build_app(router, config) for router in (pair.red, pair.blue)]
    runner = Runner(apps, Front(apps), shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        async with ClientSession(f"http://{host}:{port}") as http:
            client = Client(http, token_of("red"))
            assert (await client("POST", "/v1/agents/anna/sign-in"))[0] == 401
            assert (await client("GET", "/readyz"))[1].keys() == {"ready", "domains"}
    finally:
        await runner.cleanup()
    assert pair.red.submitted == pair.blue.submitted == []


async def test_readiness_is_that_of_all_and_names_nobody(pair: Pair) -> None:
    stranger = Client(pair.http, "")
    assert await stranger("GET", "/readyz") == (200, {"ready": True, "domains": {"ready": 2, "all": 2}})
    pair.blue.ready = False
    status, body = await stranger("GET", "/readyz")
    assert (status, body["ready"], body["domains"]) == (503, False, {"ready": 1, "all": 2})
    assert not any(name in str(body) for name in (*NAMES, "pbx"))
    assert (await pair.as_("red")("GET", "/readyz"))[0] == 200, "one's own"
    assert await pair.as_("blue")("GET", "/readyz") == (
        503,
        {"ready": False, "channels": {"pbx": {"connected": False}}},
    )


async def test_metrics_are_those_of_all_or_of_the_tokens_domain(pair: Pair) -> None:
    async def domains(token: str) -> set[str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with pair.http.get("/metrics", headers=headers) as response:
            text = await response.text()
        return {name for name in NAMES if f'domain="{name}"' in text}

    pair.red.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    assert await domains("") == set(NAMES)
    assert await domains(token_of("red", "anna")) == {"red"}
    assert await domains(token_of("blue")) == {"blue"}


async def test_what_needs_no_token_is_there_with_any(pair: Pair) -> None:
    # Which are a chat's or a call's: test_chats.py, test_calls.py, tests/pages/test_widget_files.py.
    for path in PUBLIC_PATHS - ANY_PAGE - {CALL_PATH, FILES_PATH}:
        for token in ("", token_of("red"), token_of("blue"), "a-token-that-nobody-has"):
            async with pair.http.get(path, headers={"Authorization": f"Bearer {token}"}) as response:
                assert response.status == 200, path


async def test_the_chat_window_is_there_where_any_domains_chat_has_it(pair: Pair, tmp_path: Path) -> None:
    for status in (404, 200):
        async with pair.http.get("/chat/widget.js") as response:
            assert response.status == status
        pair.blue.channels["shop"] = WebChatChannel("shop", options(tmp_path, widget=True))


async def test_a_domain_that_has_stopped_refuses_and_the_other_goes_on(pair: Pair) -> None:
    pair.blue.events.stream.close()
    for method, path in (("GET", "/v1/agents"), ("POST", "/v1/agents/anna/sign-in"), ("GET", "/v1/events")):
        status, problem = await pair.as_("blue")(method, path)
        assert (status, problem["code"]) == (503, "closed")
        assert (await pair.as_("red")(method, path))[0] == 200
    assert (await Client(pair.http, "")("GET", "/v1/agents"))[0] == 401


async def test_the_log_says_which_domain_a_fault_was_in(pair: Pair) -> None:
    pair.blue.fault = ZeroDivisionError()
    with capture_logs(processors=[merge_contextvars]) as logs:
        assert (await pair.as_("blue")("POST", "/v1/agents/anna/sign-in"))[0] == 500
        pair.red.fault = ZeroDivisionError()
        assert (await pair.as_("red")("POST", "/v1/agents/anna/sign-in"))[0] == 500
    assert [(line["event"], line["domain"]) for line in logs] == [
        ("a request failed", "blue"),
        ("a request failed", "red"),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"port": 1}, "red and blue are configured for different addresses"),
        ({"tokens": api_of("red").tokens}, 'blue: api.tokens[0]: "pbx" is the same token as "pbx" of red'),
        ({"tokens": (), "open": True}, "blue: api.port: 127.0.0.1:0 is shared with red, and without tokens nobody"),
    ],
)
async def test_domains_that_cannot_be_served_together(pair: Pair, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await serve_domains((Domain(pair.red, api_of("red")), Domain(pair.blue, api_of("blue", **changes))))
    assert any(problem.startswith(said) for problem in caught.value.problems), caught.value.problems


async def test_two_domains_of_one_name(pair: Pair) -> None:
    with pytest.raises(ConfigError, match=r"domain\.name: red is there twice"):
        await serve_domains((Domain(pair.red, api_of("red")), Domain(pair.red, api_of("blue"))))
