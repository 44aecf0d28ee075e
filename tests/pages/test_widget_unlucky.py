"""The chat window of a customer who has bad luck: a tab that is gone, a clock that is wrong, a browser that is full."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

from tests.pages.conftest import Somebody
from tests.pages.shop import Agent, Shop, Window, opened

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

HOUR: Final = 3_600
FILL: Final = """() => {
  for (let size = 1 << 20, at = 0; size; at += 1) {
    try { localStorage.setItem(`shop-${at}`, "x".repeat(size)); } catch { size >>= 1; }
  }
}"""
"""All that the browser keeps for the shop's origin is used up, to the last letters."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def anna(shop: Shop) -> Iterator[Agent]:
    agent = Agent(shop.centre).sign_in()
    yield agent
    agent.sign_out()


@pytest.fixture
def window(somebody: Somebody, shop: Shop) -> Iterator[Window]:
    window = Window(somebody().new_page(), shop).visit()
    yield window
    window.check()


def begun(window: Window, agent: Agent) -> str:
    window.open().writes("Hello")
    conversation = agent.accepts()
    window.stands("You are talking with: Anna W.")
    window.last_state("Sent")
    return conversation


def cut_off(page: Page) -> CDPSession:
    """This tab alone, as long as this is attached."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    devtools.send("Network.emulateNetworkConditions", {"offline": True, **limits})
    return devtools


def test_what_a_tab_that_is_gone_could_not_send_is_sent_by_the_other(window: Window, anna: Agent, shop: Shop) -> None:
    conversation = begun(window, anna)
    lost = Window(window.page.context.new_page(), shop).visit().open()
    lost.shows(["Hello"])
    cut_off(lost.page)
    cut = cut_off(window.page)
    lost.writes("from the tunnel")
    lost.last_state("Sending …")
    lost.page.close()
    window.writes("Are you there?")
    cut.detach()
    anna.hears(conversation, ["Hello", "from the tunnel", "Are you there?"])
    window.shows(["Hello", "from the tunnel", "Are you there?"])


def test_a_clock_that_is_hours_ahead_loses_no_chat(window: Window, anna: Agent) -> None:
    """The server's token seems to have expired before it came."""
    window.page.clock.set_fixed_time(time.time() + 8 * HOUR)
    conversation = begun(window.reload(), anna)
    window.reload().open().shows(["Hello"])
    window.writes("Still here")
    anna.hears(conversation, ["Hello", "Still here"])


def test_a_clock_that_is_set_back_changes_no_order(window: Window, anna: Agent) -> None:
    conversation, context = begun(window, anna), window.page.context
    context.set_offline(True)
    window.writes("first")
    window.page.clock.set_fixed_time(time.time() - HOUR)
    window.writes("second")
    window.page.close()
    context.set_offline(False)
    window.page = context.new_page()
    window.visit().open().shows(["Hello", "first", "second"])
    anna.hears(conversation, ["Hello", "first", "second"])


def test_a_shop_that_has_filled_up_the_browser_loses_no_chat_by_a_reload(window: Window, anna: Agent) -> None:
    window.page.evaluate(FILL)
    conversation, context = begun(window, anna), window.page.context
    context.set_offline(True)
    window.writes("from the tunnel")
    window.last_state("Sending …")
    context.set_offline(False)
    window.reload().open().shows(["Hello", "from the tunnel"])
    anna.hears(conversation, ["Hello", "from the tunnel"])
    window.page.evaluate("acdChat.forget()")
    assert not [each for each in window.stored() if each.startswith("acd-chat")]
