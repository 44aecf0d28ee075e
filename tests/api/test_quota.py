"""Who asks too often is told to wait, and is nobody else's trouble."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.api.quota import QUOTA, network_of
from acd.api.rotation import ROTATION
from acd.core.messages import SetPresence
from acd.runtime.config.model import UNLIMITED, ApiConfig, Rate, Rates, TokenConfig
from acd.runtime.config.secrets import Secret
from tests.api.harness import Client, Http, MemoryRouter
from tests.api.listening import bearer

SECOND_US = 1_000_000
PBX, ANNA, FREE, SLOW = (f"{name}-secret-0123456789" for name in ("pbx", "anna", "free", "slow"))
TOKENS = (
    TokenConfig("pbx", Secret(PBX), ("system",)),
    TokenConfig("anna", Secret(ANNA), ("agent",), agent="anna"),
    TokenConfig("free", Secret(FREE), ("supervisor",), rate=UNLIMITED),
    TokenConfig("slow", Secret(SLOW), ("supervisor",), rate=Rate(0.5, 2)),
)
CONFIG = ApiConfig(port=0, tokens=TOKENS, rates=Rates(Rate(100.0, 20), Rate(10.0, 60), Rate(1.0, 5)))


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    async with TestClient(TestServer(build_app(router, CONFIG))) as client:
        yield client


async def asked(http: Http, secret: str, times: int) -> list[int]:
    return [(await Client(http, secret)("GET", "/v1/event-kinds"))[0] for _ in range(times)]


async def test_beyond_its_rate_a_token_waits_and_is_told_how_long(http: Http, router: MemoryRouter) -> None:
    assert await asked(http, SLOW, 2) == [200, 200]
    async with http.get("/v1/agents", headers=bearer(SLOW)) as response:
        problem = await response.json()
        assert (response.status, problem["code"]) == (429, "too-many-requests")
        assert response.headers["Retry-After"] == "2"
        assert response.headers["RateLimit-Policy"] == '"requests";q=2;w=4'
        assert response.headers["RateLimit"] == '"requests";r=0;t=2'
    router.clock_us += 2 * SECOND_US
    assert await asked(http, SLOW, 2) == [200, 429]


async def test_each_role_and_token_has_its_own(http: Http) -> None:
    assert await asked(http, PBX, 21) == [*[200] * 20, 429]
    assert await asked(http, ANNA, 61) == [*[200] * 60, 429]
    assert await asked(http, FREE, 100) == [200] * 100


async def test_what_is_refused_does_nothing_and_counts_nowhere_else(http: Http, router: MemoryRouter) -> None:
    await asked(http, SLOW, 2)
    before = len(router.submitted)
    status, _ = await Client(http, SLOW)("POST", "/v1/agents/anna/sign-in", Idempotency_Key="k")
    assert (status, len(router.submitted)) == (429, before)
    router.clock_us += 2 * SECOND_US
    assert (await Client(http, SLOW)("POST", "/v1/agents/anna/sign-in", Idempotency_Key="k"))[0] == 200


async def test_reading_tokens_again_fills_no_bucket_and_neither_does_a_new_secret(router: MemoryRouter) -> None:
    new = "slow-and-new-0123456789"
    changed = TokenConfig("slow", Secret(new), ("supervisor",), rate=Rate(0.5, 2), old_secret=Secret(SLOW))
    read = iter((TOKENS, (*TOKENS[:-1], changed)))
    async with TestClient(TestServer(build_app(router, CONFIG, reread=lambda: next(read)))) as http:
        assert http.app is not None
        assert await asked(http, SLOW, 3) == [200, 200, 429]
        for secrets in ((SLOW,), (SLOW, new)):
            await http.app[ROTATION].reload("test")
            for secret in secrets:
                assert await asked(http, secret, 1) == [429]


async def test_nobody_s_tokens_are_told_to_wait_and_known_ones_let_in(http: Http, router: MemoryRouter) -> None:
    assert await asked(http, "a-guess-0123456789", 5) == [401] * 5
    async with http.get("/v1/agents", headers=bearer("another-guess-0123")) as response:
        assert (response.status, (await response.json())["code"]) == (429, "too-many-requests")
        assert response.headers["Retry-After"] == "1"
    assert await asked(http, "", 1) == [429]
    assert await asked(http, ANNA, 1) == [200]
    router.clock_us += SECOND_US
    assert await asked(http, "a-guess-0123456789", 2) == [401, 429]
    async with http.get("/metrics") as response:
        text = await response.text()
    assert 'acd_api_turned_away_total{domain="test",reason="unknown-token"} 9.0' in text


async def test_addresses_that_fail_are_one_per_network_and_bounded() -> None:
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2::7") == network_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert network_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert network_of("") == network_of("not an address") == ""


FLOODERS = 20
ROUNDS = 60


async def test_a_flood_of_ten_times_its_rate_is_no_agents_trouble(http: Http, router: MemoryRouter) -> None:
    """Between one command of the agent's and its answer no connection of the flood gets more than a few answers."""
    assert http.app is not None
    flooded: list[int] = []
    stop = asyncio.Event()

    async def flood() -> None:
        client = Client(http, PBX)
        while not stop.is_set():
            flooded.append((await client("POST", "/v1/agents/boris/sign-in", {}))[0])

    flooders = [asyncio.create_task(flood()) for _ in range(FLOODERS)]
    anna, most = Client(http, ANNA), 0
    statuses = []
    try:
        while len(flooded) < 10 * FLOODERS:
            await asyncio.sleep(0)
        for number in range(ROUNDS):
            before = len(flooded)
            command = ("POST", "/v1/agents/anna/sign-in", {}) if number == 0 else ("PUT", *presence(number))
            statuses.append((await anna(*command))[0])
            most = max(most, len(flooded) - before)
    finally:
        stop.set()
        await asyncio.gather(*flooders)
    assert statuses == [200] * ROUNDS
    assert sum(isinstance(each, SetPresence) for each in router.submitted) == ROUNDS - 1
    # The clock stands still: of the flood the burst came through, and not one request more.
    assert flooded.count(429) == len(flooded) - 20
    assert len(router.submitted) == ROUNDS + 20
    assert most <= 4 * FLOODERS
    assert http.app[QUOTA].too_often == flooded.count(429)
    assert http.app[QUOTA].addresses == 0


def presence(number: int) -> tuple[str, dict[str, str]]:
    return "/v1/agents/anna/presence", {"presence": "not-ready", "reason": f"r{number}"}
