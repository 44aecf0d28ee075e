"""Sockets that were opened in somebody's session: they end with it, whatever they are for, and not before."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient

from acd.api.sessions import SESSIONS
from acd.runtime.config.model import TokenConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.external import ExternalChannel
from acd.testing.recording_host import RecordingHost
from tests.api.external_process import Process
from tests.api.harness import CONFIG, TOKENS, Http, MemoryRouter
from tests.api.listening import Listener
from tests.api.test_sessions import HOUR_US, Browser, rotate, serving

SYSTEM = TokenConfig("pbx", Secret(TOKENS["system"]), ("system",))
KEPT = tuple(token for token in CONFIG.tokens if token.secret.reveal() != TOKENS["system"])


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    channel = ExternalChannel("web", "chat")
    router.channels["web"] = channel
    await channel.start(RecordingHost(lambda agent_id, media: f"{media}:{agent_id}"))
    async with serving(router, CONFIG) as client:
        yield client
    await channel.stop()


@pytest.fixture
async def browser(http: Http) -> Browser:
    """Of somebody who may be any channel."""
    browser = Browser(http)
    await browser.sign_in("system")
    return browser


async def dialled(browser: Browser) -> Process:
    assert isinstance(browser.http, TestClient)
    ws = await browser.http.ws_connect("/v1/channels/web", headers={"Cookie": browser.cookie, "Origin": browser.origin})
    process = Process(ws, "acd.channel.v1+json")
    assert (await process.asked("hello"))["type"] == "welcome"
    return process


async def test_a_channel_ends_with_the_session_that_is_signed_out(browser: Browser) -> None:
    process = await dialled(browser)
    assert (await browser("DELETE", "/v1/session"))[1] == {"ended": True}
    assert await process.ended() == (4401, "token-revoked")


async def test_a_channel_ends_with_the_session_of_a_token_that_is_withdrawn(browser: Browser, http: Http) -> None:
    process = await dialled(browser)
    await rotate(http, KEPT)
    assert await process.ended() == (4401, "token-revoked")


async def test_a_channel_ends_with_the_session_of_a_token_with_other_rights(browser: Browser, http: Http) -> None:
    process = await dialled(browser)
    await rotate(http, (*KEPT, TokenConfig("pbx", Secret(TOKENS["system"]), ("supervisor",))))
    assert (await process.ended())[0] in {1012, 4401}


async def test_sockets_stay_as_long_as_the_session_is_prolonged(
    browser: Browser, http: Http, router: MemoryRouter
) -> None:
    """Two that would end by the clock, one after the other, and the first has more time by then."""
    other = Browser(http)
    await other.sign_in("boss")
    assert http.app is not None
    first, second = http.app[SESSIONS]._open
    first.expires_us = second.expires_us = router.clock_us + 50_000
    prolonged = await dialled(browser)
    headers = {"Cookie": other.cookie, "Origin": other.origin}
    listener = Listener(await http.ws_connect("/v1/events", headers=headers))
    first.expires_us = router.clock_us + HOUR_US
    assert (await listener.until_closed())[0] == 4401
    await browser("DELETE", "/v1/session")
    assert await prolonged.ended() == (4401, "token-revoked")
