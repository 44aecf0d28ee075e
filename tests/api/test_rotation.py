"""Other tokens while the API runs: who is let in then, who is shut out at once, and what a mistake leaves as it was."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from acd.api import build_app, serve_domains
from acd.api.rotation import ROTATION
from acd.api.server import Domain
from acd.errors import ConfigError
from acd.runtime.config.model import ApiConfig, Role, TokenConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.external import ExternalChannel
from acd.testing.recording_host import RecordingHost
from tests.api.external_process import SOON
from tests.api.harness import Client, Http, MemoryRouter
from tests.api.listening import Listener, bearer

DESK = {"Origin": "https://desk.example.com"}


def token(
    name: str,
    role: Role = "supervisor",
    secret: str = "",
    old: str = "",
    queues: tuple[str, ...] = (),
    channel: str = "",
) -> TokenConfig:
    """With a secret that follows from its name."""
    secret = secret or f"{name}-secret-0123456789"
    return TokenConfig(
        name,
        Secret(secret),
        (role,),
        queues=queues,
        channel=channel,
        old_secret=Secret(old) if old else None,
    )


ADMIN, BOSS = token("admin", "system"), token("boss")
WEB = token("web", "channel", channel="web")


class Written:
    """What is in the files, so to speak."""

    def __init__(self) -> None:
        self.tokens: tuple[TokenConfig, ...] = (ADMIN, BOSS, WEB)
        self.problems: tuple[str, ...] = ()

    def __call__(self) -> tuple[TokenConfig, ...]:
        if self.problems:
            raise ConfigError(self.problems)
        return self.tokens


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
async def http(router: MemoryRouter, written: Written) -> AsyncIterator[Http]:
    config = ApiConfig(port=0, tokens=written.tokens, origins=(DESK["Origin"],))
    async with TestClient(TestServer(build_app(router, config, reread=written))) as client:
        yield client


@pytest.fixture
def admin(http: Http) -> Client:
    return Client(http, ADMIN.secret.reveal())


async def is_let_in(http: Http, secret: str) -> bool:
    status, _ = await Client(http, secret)("GET", "/v1/agents")
    assert status in (200, 401)
    return status == 200


async def listening(http: Http, secret: str) -> Listener:
    listener = Listener(await http.ws_connect("/v1/events", headers=bearer(secret)))
    assert (await listener.next())["type"] == "acd.stream-started"
    return listener


async def test_a_token_goes_and_another_comes(http: Http, admin: Client, written: Written) -> None:
    listener = await listening(http, BOSS.secret.reveal())
    stays = await listening(http, ADMIN.secret.reveal())
    _, body = await Client(http, BOSS.secret.reveal())("POST", "/v1/tickets", **DESK)
    written.tokens = (ADMIN, WEB, token("new"))
    with capture_logs() as logs:
        assert await admin("POST", "/v1/tokens/reload") == (
            200,
            {"added": ["new"], "removed": ["boss"], "changed": [], "tokens": 3},
        )
    code, told = await listener.until_closed()
    assert (code, told[-1]["data"]["code"]) == (4401, "token-revoked")
    assert not await is_let_in(http, BOSS.secret.reveal())
    assert await is_let_in(http, "new-secret-0123456789")
    with pytest.raises(WSServerHandshakeError) as caught:
        await http.ws_connect(f"/v1/events?ticket={body['ticket']}", headers=DESK)
    assert caught.value.status == 401
    assert not stays.ws.closed
    (said,) = logs
    assert (said["by"], said["added"], said["removed"], said["changed"]) == ("admin", ["new"], ["boss"], [])
    assert "secret-0123456789" not in str(logs)


async def test_two_secrets_are_let_in_until_the_old_one_goes(http: Http, admin: Client, written: Written) -> None:
    old, new = BOSS.secret.reveal(), "a-new-secret-0123456789"
    before = await listening(http, old)
    written.tokens = (ADMIN, token("boss", secret=new, old=old))
    assert (await admin("POST", "/v1/tokens/reload"))[1]["changed"] == ["boss"]
    after = await listening(http, new)
    assert await is_let_in(http, old)
    written.tokens = (ADMIN, token("boss", secret=new))
    assert (await admin("POST", "/v1/tokens/reload"))[1]["changed"] == ["boss"]
    assert (await before.until_closed())[0] == 4401
    assert not await is_let_in(http, old)
    assert await is_let_in(http, new)
    assert not after.ws.closed


async def test_other_rights_close_the_sockets_that_had_more(http: Http, admin: Client, written: Written) -> None:
    listener = await listening(http, BOSS.secret.reveal())
    written.tokens = (ADMIN, token("boss", queues=("sales",)))
    assert (await admin("POST", "/v1/tokens/reload"))[1]["changed"] == ["boss"]
    code, told = await listener.until_closed()
    assert (code, told[-1]["data"]["code"]) == (1012, "token-changed")
    status, _ = await Client(http, BOSS.secret.reveal())("GET", "/v1/configuration")
    assert status == 403


async def test_other_rights_get_no_answer_of_former_ones(http: Http, admin: Client, written: Written) -> None:
    """What a token was told once, under an Idempotency-Key, is not told again when it may not see that any more."""
    names = {"id": "m1", "queue": "sales", "channel": "email"}
    team = Client(http, token("team").secret.reveal())
    written.tokens = (ADMIN, token("team", queues=("sales",)))
    assert (await admin("POST", "/v1/tokens/reload"))[0] == 200
    first = await team("POST", "/v1/interactions", names, Idempotency_Key="once")
    raised = await team("PUT", "/v1/interactions/m1/priority", {"priority": 3}, Idempotency_Key="once")
    assert (first[0], raised[0]) == (201, 200)
    for other in (token("team", queues=("support",)), token("team", queues=("sales", "support")), token("team")):
        written.tokens = (ADMIN, other)
        assert (await admin("POST", "/v1/tokens/reload"))[0] == 200
        status, problem = await team("POST", "/v1/interactions", names, Idempotency_Key="once")
        assert (status, problem["code"]) == (403, "forbidden")
        status, problem = await team("PUT", "/v1/interactions/m1/priority", {"priority": 3}, Idempotency_Key="once")
        assert (status, problem["code"]) == (403, "forbidden")
    written.tokens = (ADMIN, token("team", queues=("sales",)))
    assert (await admin("POST", "/v1/tokens/reload"))[0] == 200
    assert await team("POST", "/v1/interactions", names, Idempotency_Key="once") == first


async def test_what_has_not_changed_goes_on(http: Http, admin: Client) -> None:
    listener = await listening(http, BOSS.secret.reveal())
    _, found = await admin("POST", "/v1/tokens/reload")
    assert found == {"added": [], "removed": [], "changed": [], "tokens": 3}
    assert not listener.ws.closed
    assert (await admin("GET", "/v1/agents"))[0] == 200


async def test_a_mistake_leaves_the_old_ones_in_force(http: Http, admin: Client, written: Written) -> None:
    assert http.app is not None
    written.tokens, written.problems = (), ("acd.toml:3: api.tokens[0]: has no token; set exactly one",)
    with capture_logs() as logs:
        status, problem = await admin("POST", "/v1/tokens/reload")
    assert (status, problem["code"], problem["detail"]) == (422, "configuration-invalid", written.problems[0])
    assert [(log["log_level"], log["problems"]) for log in logs] == [("error", list(written.problems))]
    assert await is_let_in(http, BOSS.secret.reveal())
    async with http.get("/metrics") as response:
        text = await response.text()
    assert 'acd_api_token_reloads_total{domain="test",outcome="failed"} 1.0' in text
    assert 'acd_api_tokens{domain="test"} 3.0' in text


async def test_the_last_token_does_not_go(http: Http, admin: Client, written: Written) -> None:
    written.tokens = ()
    status, problem = await admin("POST", "/v1/tokens/reload")
    assert (status, "there are none left" in problem["detail"]) == (422, True)
    assert await is_let_in(http, BOSS.secret.reveal())


async def test_an_open_api_is_not_closed_by_it(router: MemoryRouter) -> None:
    app = build_app(router, ApiConfig(open=True), reread=lambda: (BOSS,))
    with pytest.raises(ConfigError, match="does not open or close the API"):
        await app[ROTATION].reload("test")


async def test_where_nothing_reads_them_they_stay(router: MemoryRouter) -> None:
    app = build_app(router, ApiConfig(tokens=(ADMIN,)))
    with pytest.raises(ConfigError, match="not read again here"):
        await app[ROTATION].reload("test")


async def test_it_is_for_the_role_system_alone(http: Http, written: Written) -> None:
    written.tokens = ()
    status, problem = await Client(http, BOSS.secret.reveal())("POST", "/v1/tokens/reload")
    assert (status, problem["code"]) == (403, "forbidden")
    status, problem = await Client(http, WEB.secret.reveal())("POST", "/v1/tokens/reload")
    assert (status, problem["code"]) == (403, "forbidden")


async def test_a_channel_is_hung_up_on_with_its_token(router: MemoryRouter, http: Http, written: Written) -> None:
    channel = ExternalChannel("web", "chat")
    router.channels["web"] = channel
    await channel.start(RecordingHost(lambda agent_id, media: f"{media}:{agent_id}"))
    ws = await http.ws_connect("/v1/channels/web", headers=bearer(WEB.secret.reveal()))
    written.tokens = (ADMIN, BOSS)
    assert http.app is not None
    await http.app[ROTATION].reload("SIGHUP")
    async with asyncio.timeout(SOON):
        while not ws.closed:
            await ws.receive()
    assert ws.close_code == 4401
    await channel.stop()


async def test_no_token_becomes_one_of_two_domains() -> None:
    first, second = Written(), Written()
    first.tokens, second.tokens = (ADMIN,), (token("other", "system"),)
    domains = [
        Domain(MemoryRouter(domain=name), ApiConfig(port=0, tokens=each.tokens), reread=each)
        for name, each in (("one", first), ("two", second))
    ]
    async with await serve_domains(domains) as server, ClientSession(server.addresses[0]) as http:
        first.tokens = (ADMIN, token("borrowed", secret="other-secret-0123456789"))
        with pytest.raises(ConfigError, match="borrowed is a token of another domain"):
            await server.reload_tokens("SIGHUP")
        assert (await Client(http, "other-secret-0123456789")("GET", "/v1/agents"))[0] == 200
        first.tokens, second.tokens = (ADMIN, token("fresh")), (token("other", "system"), token("more"))
        await server.reload_tokens("SIGHUP")
        for secret in ("fresh-secret-0123456789", "more-secret-0123456789"):
            assert (await Client(http, secret)("GET", "/v1/agents"))[0] == 200
