"""Sessions of people in browsers: who gets one, what its cookie opens and from where, and how each of them ends."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from acd.api import Domain, build_app, serve_domains, sessions
from acd.api.auth import Principal
from acd.api.rotation import ROTATION
from acd.api.sessions import GRACE_US, MAX_PER_TOKEN, MAX_REPLACED, SESSIONS, Sessions
from acd.runtime.config.model import ApiConfig, SessionsConfig, TokenConfig
from acd.runtime.config.secrets import Secret
from tests.api.harness import CONFIG, TOKENS, Http, MemoryRouter
from tests.api.listening import Listener, bearer

HOUR_US = 3_600_000_000
LISTED = "https://desk.example.com"


class Browser:
    """What a browser sends for a page of an origin: cookies by itself, `Origin` where it has to."""

    def __init__(self, http: Http | ClientSession, origin: str = "") -> None:
        self.http = http
        self.origin = origin or (f"http://{http.host}:{http.port}" if isinstance(http, TestClient) else "")
        self.cookie = ""
        self.said = ""

    async def __call__(self, method: str, path: str, json: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if method != "GET":
            named.setdefault("Origin", self.origin)
        if self.cookie:
            named["Cookie"] = self.cookie
        async with self.http.request(method, path, headers=named, json=json) as response:
            self.said = response.headers.get("Set-Cookie", "")
            if self.said:
                self.cookie = self.said.partition(";")[0]
            found: dict[str, Any] = await response.json(content_type=None)
            return response.status, found

    async def sign_in(self, token: str = "anna") -> dict[str, Any]:
        status, found = await self("POST", "/v1/session", **bearer(token))
        assert status == 201, found
        return found


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    """Cookies are the browser's: nothing is kept here."""
    async with serving(router, CONFIG) as client:
        yield client


@asynccontextmanager
async def serving(router: MemoryRouter, config: ApiConfig) -> AsyncIterator[Http]:
    server: TestServer = TestServer(build_app(router, config))
    async with TestClient(server, cookie_jar=DummyCookieJar()) as client:
        yield client


@pytest.fixture
def browser(http: Http) -> Browser:
    return Browser(http)


async def test_a_token_is_shown_once_and_the_cookie_has_its_rights_and_no_more(browser: Browser) -> None:
    found = await browser.sign_in()
    assert (found["name"], found["agent"], found["left_seconds"]) == ("anna-desktop", "anna", 3600)
    assert (await browser("GET", "/v1/session"))[1]["agent"] == "anna"
    assert (await browser("GET", "/v1/agents/anna"))[0] == 200
    assert (await browser("GET", "/v1/agents/boris"))[0] == 404
    assert (await browser("GET", "/v1/queues"))[0] == 403
    status, agent = await browser("POST", "/v1/agents/anna/sign-in", {"ready": True})
    assert (status, agent["presence"]) == (200, "ready")


async def test_no_script_can_read_the_cookie_and_no_other_site_sends_it(browser: Browser) -> None:
    await browser.sign_in()
    assert browser.said.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Strict"
    assert browser.said.startswith("acd-session=")


async def test_over_tls_the_cookie_is_the_hosts_own(router: MemoryRouter) -> None:
    config = ApiConfig(tokens=CONFIG.tokens, sessions=SessionsConfig(secure=True))
    async with serving(router, config) as http:
        browser = Browser(http)
        await browser.sign_in()
        assert browser.said.startswith("__Host-acd-session=")
        assert browser.said.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Strict; Secure"
        browser.cookie = browser.cookie.removeprefix("__Host-")
        assert (await browser("GET", "/v1/session"))[0] == 401


async def test_behind_a_proxy_that_does_tls_the_cookie_is_the_hosts_own_too(http: Http) -> None:
    """The page says by which way it came; acd itself hears plain HTTP."""
    browser = Browser(http, f"https://{http.host}:{http.port}")
    await browser.sign_in()
    assert browser.said.startswith("__Host-acd-session=")
    assert browser.said.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Strict; Secure"
    assert (await browser("GET", "/v1/session"))[1]["agent"] == "anna"
    assert (await browser("POST", "/v1/tickets"))[0] == 201
    # The same host in clear is another place: what is there may be anybody's.
    assert (await browser("POST", "/v1/tickets", Origin=f"http://{http.host}:{http.port}"))[0] == 403
    assert (await browser("DELETE", "/v1/session"))[0] == 200
    assert browser.said == "__Host-acd-session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"


async def test_a_cookie_over_tls_stays_so_when_it_is_replaced(http: Http, router: MemoryRouter) -> None:
    browser = Browser(http, f"https://{http.host}:{http.port}")
    await browser.sign_in()
    router.clock_us += HOUR_US // 2
    assert (await browser("POST", "/v1/session"))[0] == 201
    assert browser.said.startswith("__Host-acd-session=")
    assert "; Secure" in browser.said


async def test_an_open_api_keeps_nobody_out_for_an_old_cookie(router: MemoryRouter) -> None:
    async with serving(router, ApiConfig(open=True, sessions=SessionsConfig())) as http:
        browser = Browser(http)
        browser.cookie = "acd-session=of-a-session-before-the-restart"
        assert (await browser("GET", "/v1/session"))[1]["name"] == "open"
        assert (await browser("POST", "/v1/session"))[0] == 201
        assert (await browser("GET", "/v1/agents"))[0] == 200
        assert (await browser("DELETE", "/v1/session"))[1] == {"ended": True}


async def test_where_nobody_signs_in_there_is_no_such_route(router: MemoryRouter) -> None:
    async with serving(router, ApiConfig(tokens=CONFIG.tokens)) as http:
        browser = Browser(http)
        assert (await browser("POST", "/v1/session", **bearer("anna")))[0] == 404
        browser.cookie = "acd-session=x"
        assert (await browser("GET", "/v1/agents"))[0] == 401
        assert (await browser("GET", "/desk"))[0] == 404


@pytest.mark.parametrize("origin", ["https://evil.example", "null", LISTED, "http://127.0.0.1:1"])
async def test_only_a_page_of_our_own_signs_in(http: Http, origin: str) -> None:
    browser = Browser(http, origin)
    status, problem = await browser("POST", "/v1/session", **bearer("anna"))
    assert (status, problem["code"], browser.said) == (403, "foreign-origin", "")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", LISTED, "http://127.0.0.1:1"])
async def test_only_the_page_that_signed_in_uses_the_cookie(
    browser: Browser, router: MemoryRouter, origin: str
) -> None:
    """Listed origins may use the API by their tokens, never by a cookie that is none of theirs."""
    await browser.sign_in()
    for method, path in (("PUT", "/v1/agents/anna/presence"), ("POST", "/v1/tickets"), ("DELETE", "/v1/session")):
        body = {"presence": "ready"} if method == "PUT" else None
        status, problem = await browser(method, path, body, Origin=origin)
        assert (status, problem["code"]) == (403, "foreign-origin")
    assert (await browser("GET", "/v1/agents/anna", Origin=origin))[0] == 403
    assert router.submitted == []


async def test_what_says_of_no_page_that_it_asks_changes_nothing(browser: Browser, http: Http) -> None:
    await browser.sign_in()
    async with http.post("/v1/agents/anna/sign-in", headers={"Cookie": browser.cookie}) as response:
        assert (response.status, (await response.json())["code"]) == (403, "foreign-origin")
    assert (await browser("GET", "/v1/agents/anna", Sec_Fetch_Site="cross-site"))[0] == 403
    assert (await browser("GET", "/v1/agents/anna", Sec_Fetch_Site="same-site"))[0] == 403
    assert (await browser("GET", "/v1/agents/anna", Sec_Fetch_Site="same-origin"))[0] == 200


async def test_a_cookie_is_good_at_its_own_address_only(browser: Browser) -> None:
    """Cookies do not know ports: another server of the same machine gets them, too, and could send them on."""
    await browser.sign_in()
    assert (await browser("GET", "/v1/agents/anna", Host="127.0.0.1:1"))[0] == 403


@pytest.mark.parametrize("cookie", ["acd-session=", "acd-session=x", "acd-session=" + "x" * 4_000, "other=1"])
async def test_a_cookie_that_is_none_opens_nothing(browser: Browser, cookie: str) -> None:
    browser.cookie = cookie
    status, problem = await browser("GET", "/v1/session")
    assert (status, problem["code"]) == (401, "unauthorized")


async def test_signing_out_ends_it_for_whoever_has_the_cookie(browser: Browser, http: Http) -> None:
    await browser.sign_in()
    thief = Browser(http)
    thief.cookie = browser.cookie
    assert (await browser("DELETE", "/v1/session"))[1] == {"ended": True}
    assert browser.said == "acd-session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
    assert (await thief("GET", "/v1/session"))[0] == 401
    assert (await thief("POST", "/v1/session"))[0] == 401


async def test_whoever_signs_in_after_another_person_is_nobody_else(browser: Browser, http: Http) -> None:
    await browser.sign_in("boss")
    before = browser.cookie
    await browser.sign_in("anna")
    browser.cookie, after = before, browser.cookie
    assert (await browser("GET", "/v1/session"))[0] == 401
    browser.cookie = after
    assert (await browser("GET", "/v1/session"))[1]["name"] == "anna-desktop"
    assert len(http.app[SESSIONS] if http.app else ()) == 1


async def test_it_ends_in_time_unless_its_cookie_is_replaced_and_in_the_end_all_the_same(
    browser: Browser, router: MemoryRouter
) -> None:
    await browser.sign_in()
    first = browser.cookie
    assert (await browser("POST", "/v1/session"))[0] == 201
    assert browser.said == "", "there is plenty of time"
    router.clock_us += HOUR_US // 2
    status, found = await browser("POST", "/v1/session")
    assert (status, found["left_seconds"]) == (201, 3600)
    assert browser.cookie != first
    for _ in range(22):
        router.clock_us += HOUR_US // 2
        assert (await browser("POST", "/v1/session"))[0] == 201
    assert (await browser("GET", "/v1/session"))[1]["left_seconds"] == 1800, "the twelve hours are nearly over"
    router.clock_us += HOUR_US // 2
    assert (await browser("GET", "/v1/session"))[0] == 401
    assert (await browser("POST", "/v1/session"))[0] == 401


async def test_a_session_that_is_not_used_ends(browser: Browser, router: MemoryRouter) -> None:
    await browser.sign_in()
    router.clock_us += HOUR_US
    assert (await browser("POST", "/v1/session"))[0] == 401


async def test_who_shows_a_cookie_that_was_replaced_is_found_out(
    browser: Browser, http: Http, router: MemoryRouter
) -> None:
    await browser.sign_in()
    thief = Browser(http)
    thief.cookie = browser.cookie
    router.clock_us += HOUR_US // 2
    await browser("POST", "/v1/session")
    assert (await browser("GET", "/v1/session"))[0] == 200
    assert (await thief("GET", "/v1/session"))[0] == 200, "requests that were under way"
    router.clock_us += GRACE_US
    assert (await thief("GET", "/v1/session"))[0] == 401
    assert (await browser("GET", "/v1/session"))[0] == 401, "nobody knows which of the two it is"


async def test_nobody_is_signed_out_because_an_answer_was_lost(browser: Browser, router: MemoryRouter) -> None:
    await browser.sign_in()
    kept = browser.cookie
    for _ in range(3):
        router.clock_us += HOUR_US // 2
        assert (await browser("POST", "/v1/session"))[0] == 201
        assert browser.cookie != kept
        browser.cookie = kept
    router.clock_us += GRACE_US
    assert (await browser("GET", "/v1/session"))[1]["left_seconds"] == 3600 - GRACE_US // 1_000_000


async def rotate(http: Http, tokens: tuple[TokenConfig, ...]) -> None:
    assert http.app is not None
    rotation = http.app[ROTATION]
    rotation._read = lambda: tokens
    await rotation.reload("test")


ANNA = TokenConfig("anna-desktop", Secret(TOKENS["anna"]), ("agent",), agent="anna")
KEPT = tuple(token for token in CONFIG.tokens if token.name != "anna-desktop")


@pytest.mark.parametrize(
    "tokens",
    [
        KEPT,
        (*KEPT, TokenConfig("anna-desktop", Secret("another-token-0123456789"), ("agent",), agent="anna")),
        (*KEPT, TokenConfig("anna-desktop", Secret(TOKENS["anna"]), ("agent",), agent="boris")),
    ],
    ids=["gone", "another secret", "other rights"],
)
async def test_a_session_ends_with_its_token(browser: Browser, http: Http, tokens: tuple[TokenConfig, ...]) -> None:
    await browser.sign_in()
    await rotate(http, (*KEPT, ANNA))
    assert (await browser("GET", "/v1/session"))[0] == 200, "nothing has changed"
    await rotate(http, tokens)
    assert (await browser("GET", "/v1/session"))[0] == 401


async def test_a_session_ends_no_later_than_its_token(router: MemoryRouter) -> None:
    soon_us = router.clock_us + HOUR_US // 4
    token = TokenConfig("short", Secret("short-token-0123456789"), ("agent",), agent="anna", expires_us=soon_us)
    async with serving(router, ApiConfig(tokens=(token,), sessions=SessionsConfig())) as http:
        browser = Browser(http)
        found = await browser.sign_in("short-token-0123456789")
        assert found["left_seconds"] == 900
        assert (await browser("POST", "/v1/session"))[0] == 201
        assert browser.said == "", "another cookie would not last longer"
        router.clock_us = soon_us
        assert (await browser("GET", "/v1/session"))[0] == 401


async def test_sockets_end_with_the_session(browser: Browser, http: Http) -> None:
    await browser.sign_in()
    _, found = await browser("POST", "/v1/tickets")
    listener = Listener(
        await http.ws_connect(f"/v1/events?ticket={found['ticket']}", headers={"Origin": browser.origin})
    )
    assert (await listener.next())["type"] == "acd.stream-started"
    _, unused = await browser("POST", "/v1/tickets")
    await browser("DELETE", "/v1/session")
    code, said = await listener.until_closed()
    assert (code, said[-1]["data"]["code"]) == (4401, "token-revoked")
    async with http.get(f"/v1/events?ticket={unused['ticket']}", headers={"Origin": browser.origin}) as response:
        assert response.status == 401


async def test_what_a_session_does_bears_the_tokens_name_and_counts_for_its_rate(
    browser: Browser, router: MemoryRouter
) -> None:
    await browser.sign_in()
    await browser("POST", "/v1/agents/anna/sign-in", {"ready": True})
    assert router.submitted[-1].actor == "anna-desktop"
    statuses = [(await browser("GET", "/v1/session"))[0] for _ in range(CONFIG.rates.agent.burst)]
    assert statuses[-1] == 429


async def test_an_external_channel_is_nobody_who_signs_in(browser: Browser) -> None:
    assert (await browser("POST", "/v1/session", **bearer("web")))[0] == 403


async def test_a_token_beside_a_cookie_says_who_asks(browser: Browser) -> None:
    await browser.sign_in()
    assert (await browser("GET", "/v1/session", **bearer("boss")))[1]["name"] == "boss"
    assert (await browser("GET", "/v1/session", **bearer("nobody")))[0] == 401


# The table itself


@pytest.fixture
def table() -> Sessions:
    return Sessions(SessionsConfig())


def test_one_token_is_signed_in_at_so_many_places_and_the_first_gives_way(table: Sessions) -> None:
    token, other = Principal("anna", ("agent",), "anna"), Principal("boris", ("agent",), "boris")
    cookies = [table.begin(token, "desk:1", at)[0] for at in range(MAX_PER_TOKEN)]
    table.begin(other, "desk:1", MAX_PER_TOKEN)
    assert all(map(table.holds, cookies))
    table.begin(token, "desk:1", MAX_PER_TOKEN)
    assert [table.holds(cookie) for cookie in cookies] == [False] + [True] * (MAX_PER_TOKEN - 1)


def test_there_are_so_many_in_all(table: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    people = [Principal(f"agent {number}", ("agent",), "a") for number in range(5)]
    cookies = [table.begin(who, "desk:1", at)[0] for at, who in enumerate(people)]
    assert (len(table), [table.holds(cookie) for cookie in cookies]) == (3, [False, False, True, True, True])


def test_those_that_are_over_are_forgotten(table: Sessions) -> None:
    table.begin(Principal("anna", ("agent",), "anna"), "desk:1", 0)
    table.begin(Principal("boris", ("agent",), "boris"), "desk:1", HOUR_US)
    assert len(table) == 1


def test_replaced_cookies_are_remembered_to_a_bound() -> None:
    table = Sessions(SessionsConfig(lifetime_us=60_000_000, longest_us=HOUR_US))
    cookie, session = table.begin(Principal("anna", ("agent",), "anna"), "desk:1", 0)
    cookies = [cookie]
    for step in range(1, MAX_REPLACED + 5):
        cookies.append(table.renewed(session, step * 30_000_000))
        if step % 2:
            request = make_mocked_request("GET", "/", {"Host": "desk:1"})
            assert table.admit(cookies[-1], request, step * 30_000_000) is session.who
    assert all(cookies)
    assert MAX_REPLACED < len(session.digests) <= MAX_REPLACED + 2
    assert [table.holds(each) for each in cookies].count(True) == len(session.digests)


def test_of_a_cookie_only_its_hash_is_kept(table: Sessions) -> None:
    cookie, session = table.begin(Principal("anna", ("agent",), "anna"), "desk:1", 0)
    assert len(cookie) == 43, "256 bits"
    assert session.digests == (hashlib.sha256(cookie.encode()).digest(),)


async def test_domains_at_one_address_know_their_own(router: MemoryRouter) -> None:
    """The cookie says which domain is meant, as a token does."""
    other = MemoryRouter(domain="other")
    second = TokenConfig("second", Secret("second-token-0123456789"), ("agent",), agent="boris")
    domains = (
        Domain(router, ApiConfig(port=0, tokens=(ANNA,), sessions=SessionsConfig())),
        Domain(other, ApiConfig(port=0, tokens=(second,), sessions=SessionsConfig())),
    )
    async with await serve_domains(domains) as server:
        (address,) = server.addresses
        async with ClientSession(address, cookie_jar=DummyCookieJar()) as http:
            browser = Browser(http, address)
            await browser.sign_in("second-token-0123456789")
            await browser("POST", "/v1/agents/boris/sign-in", {"ready": True})
            assert (len(router.submitted), len(other.submitted)) == (0, 1)
            assert (await browser("GET", "/v1/agents/anna"))[0] == 404
            before = browser.cookie
            await browser.sign_in(ANNA.secret.reveal())
            assert (await browser("GET", "/v1/session"))[1]["agent"] == "anna"
            browser.cookie = before
            assert (await browser("GET", "/v1/session"))[0] == 401, "whoever was signed in with this browser"
            browser.cookie = "acd-session=unknown"
            assert (await browser("GET", "/v1/session"))[0] == 401
