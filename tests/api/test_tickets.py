"""Tickets, origins and the end of tokens: who may open a socket, from where, and for how long."""

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app, tickets
from acd.api.tickets import LIFE_US, MAX_TICKETS, TICKETS, Tickets
from acd.core.messages import SignInAgent
from acd.runtime.config.model import ApiConfig, TokenConfig
from acd.runtime.config.secrets import Secret
from tests.api.harness import As, Http, MemoryRouter
from tests.api.listening import SOON, Connect, Listener

DESK = {"Origin": "https://desk.example.com"}
SHORT_TOKEN = "short-token-0123456789"


async def ticket_of(as_: As, name: str, **headers: str) -> str:
    status, body = await as_(name)("POST", "/v1/tickets", **headers)
    assert status == 201
    ticket = body["ticket"]
    assert isinstance(ticket, str)
    return ticket


async def refused(http: Http, query: str, headers: dict[str, str]) -> int:
    with pytest.raises(WSServerHandshakeError) as caught:
        await http.ws_connect(f"/v1/events?{query}", headers=headers)
    return caught.value.status


async def test_a_page_opens_a_socket_with_a_ticket_and_the_rights_of_its_token(
    router: MemoryRouter, as_: As, connect: Connect
) -> None:
    ticket = await ticket_of(as_, "anna", **DESK)
    listener = await connect(query=f"ticket={ticket}", headers=DESK)
    router.apply(SignInAgent("in-boris", "boris"))
    router.apply(SignInAgent("in-anna", "anna"))
    assert (await listener.next())["subject"] == "anna"


async def test_a_ticket_works_once(as_: As, http: Http, connect: Connect) -> None:
    ticket = await ticket_of(as_, "boss", **DESK)
    await connect(query=f"ticket={ticket}", headers=DESK)
    assert await refused(http, f"ticket={ticket}", DESK) == 401


async def test_a_ticket_expires(router: MemoryRouter, as_: As, http: Http, connect: Connect) -> None:
    early, late = await ticket_of(as_, "boss", **DESK), await ticket_of(as_, "boss", **DESK)
    router.clock_us += LIFE_US - 1
    await connect(query=f"ticket={early}", headers=DESK)
    router.clock_us += 1
    assert await refused(http, f"ticket={late}", DESK) == 401


@pytest.mark.parametrize("origin", [{}, {"Origin": "null"}, {"Origin": "https://evil.example.com"}])
async def test_a_ticket_is_for_pages_of_listed_origins(as_: As, http: Http, origin: dict[str, str]) -> None:
    ticket = await ticket_of(as_, "boss")
    assert await refused(http, f"ticket={ticket}", origin) == 403


@pytest.mark.parametrize("origin", ["null", "https://evil.example.com"])
async def test_a_foreign_page_gets_in_with_no_token_either(as_: As, http: Http, origin: str) -> None:
    headers = {**as_("boss").headers, "Origin": origin}
    assert await refused(http, "", headers) == 403
    status, problem = await as_("boss")("POST", "/v1/tickets", Origin=origin)
    assert (status, problem["code"]) == (403, "foreign-origin")


async def test_a_ticket_of_one_page_is_none_of_another(as_: As, http: Http) -> None:
    own = {"Origin": f"http://{http.host}:{http.port}"}
    ticket = await ticket_of(as_, "boss", **DESK)
    assert await refused(http, f"ticket={ticket}", own) == 401


async def test_a_page_of_the_api_s_own_origin_may_use_a_ticket_that_a_server_asked_for(
    as_: As, http: Http, connect: Connect
) -> None:
    ticket = await ticket_of(as_, "system")
    await connect(query=f"ticket={ticket}", headers={"Origin": f"http://{http.host}:{http.port}"})


@pytest.mark.parametrize("ticket", ["", "x", "a" * 90])
async def test_what_is_no_ticket(http: Http, ticket: str) -> None:
    assert await refused(http, f"ticket={ticket}", DESK) == 401


async def test_a_ticket_opens_nothing_but_events(as_: As, http: Http) -> None:
    ticket = await ticket_of(as_, "boss", **DESK)
    async with http.get(f"/v1/agents?ticket={ticket}", headers=DESK) as response:
        assert response.status == 401


async def test_tickets_are_bounded_and_nothing_of_them_is_kept(
    as_: As, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await ticket_of(as_, "boss")
    assert http.app is not None
    waiting = http.app[TICKETS]._waiting
    assert ticket not in repr(waiting)
    monkeypatch.setattr(tickets, "MAX_TICKETS", 3)
    for _ in range(5):
        await ticket_of(as_, "boss")
    assert len(waiting) == 3
    assert MAX_TICKETS == 10_000


async def test_a_token_asks_for_so_many_tickets_at_once(as_: As) -> None:
    for _ in range(tickets.AT_ONCE):
        await ticket_of(as_, "anna")
    status, problem = await as_("anna")("POST", "/v1/tickets")
    assert (status, problem["code"]) == (429, "too-many-connections")
    await ticket_of(as_, "boss")


def test_what_has_expired_is_forgotten_first() -> None:
    from acd.api.auth import Principal  # noqa: PLC0415 - nothing else here needs it

    found = Tickets()
    who = Principal("boss", ("supervisor",))
    first, _ = found.issue(who, "", 0)
    found.issue(who, "", LIFE_US)
    assert len(found._waiting) == 1
    with pytest.raises(Exception, match="unauthorized"):
        found.redeem(first, "", LIFE_US)


async def test_the_end_of_a_token_is_the_end_of_its_sockets(router: MemoryRouter) -> None:
    soon_us = router.clock_us + 50_000
    config = ApiConfig(
        port=0,
        tokens=(TokenConfig("short", Secret(SHORT_TOKEN), ("supervisor",), expires_us=soon_us),),
        origins=("https://desk.example.com",),
    )
    headers = {"Authorization": f"Bearer {SHORT_TOKEN}"}
    async with TestClient(TestServer(build_app(router, config))) as http:
        async with http.post("/v1/tickets", headers=headers) as response:
            ticket = (await response.json())["ticket"]
        listener = Listener(await http.ws_connect("/v1/events", headers=headers))
        assert (await listener.next())["type"] == "acd.stream-started"
        code, (ended,) = await listener.until_closed()
        assert (code, ended["data"]["code"]) == (4401, "token-expired")
        router.clock_us = soon_us
        async with http.get("/v1/agents", headers=headers) as response:
            assert response.status == 401
        assert await refused(http, f"ticket={ticket}", DESK) == 401
    assert SOON
