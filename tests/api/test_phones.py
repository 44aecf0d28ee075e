"""Who is told how an agent's page becomes their telephone, and which WebSockets the pages may open."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec import structs

from acd.api import build_app
from acd.errors import ChannelError
from acd.ports.browser_phones import BrowserPhone, IceServer
from acd.runtime.config.model import TokenConfig
from acd.runtime.config.secrets import Secret
from tests.api.harness import CONFIG, TOKENS, As, Client, Http, MemoryRouter

PASSWORD = "canary-of-a-telephone"
ANNA = BrowserPhone(
    url="wss://pbx.example.com:8089/ws",
    uri="sip:web-anna@pbx.example.com",
    user="web-anna",
    password=PASSWORD,
    realm="asterisk",
    ice_servers=(IceServer(("turn:turn.example.com",), "1:web-anna", "canary-of-turn"), IceServer(("stun:a.example",))),
    fresh_seconds=1_800,
)


class Phones:
    """Those of one PBX."""

    urls: tuple[str, ...] = ("wss://pbx.example.com:8089/ws",)
    is_broken = False

    def phone(self, agent_id: str) -> BrowserPhone | None:
        if self.is_broken:
            raise ChannelError("pbx: phones.key cannot be read")
        return ANNA if agent_id == "anna" else None


class Pbx:
    """As far as it is asked about telephones."""

    name = "pbx"

    def __init__(self) -> None:
        self.browser_phones = Phones()


@pytest.fixture
def pbx() -> Pbx:
    return Pbx()


@pytest.fixture(autouse=True)
def _there_is_one(router: MemoryRouter, pbx: Pbx) -> None:
    router.channels["pbx"] = pbx  # type: ignore[assignment] # it is asked about telephones only


async def test_the_agent_is_told(as_: As, http: Http) -> None:
    status, told = await as_("anna")("GET", "/v1/agents/anna/phone")
    assert status == 200
    assert told["browser"] == {
        "url": ANNA.url,
        "uri": ANNA.uri,
        "user": "web-anna",
        "password": PASSWORD,
        "realm": "asterisk",
        "ice_servers": [
            {"urls": ["turn:turn.example.com"], "username": "1:web-anna", "credential": "canary-of-turn"},
            {"urls": ["stun:a.example"]},
        ],
        "fresh_seconds": 1_800,
    }
    async with http.get("/v1/agents/anna/phone", headers={"Authorization": f"Bearer {TOKENS['anna']}"}) as answer:
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("who", ["boss", "system"])
async def test_nobody_else_is(as_: As, who: str) -> None:
    """Not even those who may do everything: with it they would be the agent at the PBX."""
    status, told = await as_(who)("GET", "/v1/agents/anna/phone")
    assert (status, PASSWORD in str(told)) == (403, False)
    assert await as_(who)("GET", "/v1/agents/boris/phone") == (200, {"browser": None})


async def test_a_supervisor_is_told_of_the_one_that_their_token_names(router: MemoryRouter) -> None:
    """Also where a limited token has nothing else of that agent in sight: nobody there serves support."""
    maria = "token-of-maria-0123456789"
    for queues in ((), ("support",)):
        token = TokenConfig("maria", Secret(maria), ("supervisor",), queues=queues, telephone="anna")
        config = structs.replace(CONFIG, tokens=(*CONFIG.tokens, token))
        async with TestClient(TestServer(build_app(router, config))) as http:
            ask = Client(http, maria)
            assert (await ask("GET", "/v1/agents/anna/phone"))[1]["browser"]["password"] == PASSWORD
            assert (await ask("GET", "/v1/session"))[1]["telephone"] == "anna"
            assert (await ask("GET", "/v1/agents/anna"))[0] == (404 if queues else 200)
            assert (await ask("GET", "/v1/agents/boris/phone"))[0] == (404 if queues else 200)
            assert (await Client(http, TOKENS["boss"])("GET", "/v1/agents/anna/phone"))[0] == 403


async def test_another_agent_s_is_out_of_sight(as_: As) -> None:
    assert (await as_("anna")("GET", "/v1/agents/boris/phone"))[0] == 404
    assert (await as_("boss")("GET", "/v1/agents/nobody/phone"))[0] == 404


async def test_a_key_that_is_gone_is_no_fault_of_the_page(as_: As, pbx: Pbx) -> None:
    pbx.browser_phones.is_broken = True
    status, told = await as_("anna")("GET", "/v1/agents/anna/phone")
    assert (status, told["code"]) == (503, "channel-unavailable")


async def test_the_page_may_connect_to_the_pbx_and_to_nothing_else(http: Http, pbx: Pbx) -> None:
    async def allowed() -> str:
        async with http.get("/desk") as answer:
            policy = answer.headers["Content-Security-Policy"].split("; ")
        (found,) = (each for each in policy if each.startswith("connect-src"))
        return found

    assert await allowed() == "connect-src 'self' wss://pbx.example.com:8089/ws"
    pbx.browser_phones.urls = ()
    assert await allowed() == "connect-src 'self'"


def test_no_repr_shows_a_password() -> None:
    assert "canary" not in repr(ANNA)
    assert "canary" not in repr(ANNA.ice_servers[0])
