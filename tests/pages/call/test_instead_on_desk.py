"""From the chat window to the agents' own page: one customer, one agent, who write and hear each other at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.call.desk_screen import CONNECTED_CALL, CallScreen
from tests.pages.call.instead import NOTING, Caller, calling_shop, interactions
from tests.pages.screen import PATIENCE_MS, _expect
from tests.pages.shop import Agent as ByApi
from tests.pages.shop import Shop

if TYPE_CHECKING:
    from tests.pages.call.conftest import Somebody

CHAT = "sales · chat"
CALL = "sales · telephone"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with calling_shop(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def window(somebody: Somebody, shop: Shop) -> Iterator[Caller]:
    context = somebody()
    context.add_init_script(NOTING)
    found = Caller(context, shop)
    found.visit()
    yield found
    found.check()


@pytest.fixture
def desk(somebody: Somebody, shop: Shop) -> Iterator[CallScreen]:
    screen = CallScreen(somebody(), shop.centre).open()  # type: ignore[arg-type]
    yield screen
    screen.check()
    by_api = ByApi(shop.centre)
    for each in interactions(shop):
        by_api.asks("POST", f"/v1/interactions/{each['id']}/end", {"by": "system"})
    if by_api.asks("GET", "/v1/agents/anna")["presence"] != "signed-out":
        by_api.asks("POST", "/v1/agents/anna/sign-out", {})


def heard_both_ways(window: Caller, desk: CallScreen) -> None:
    """What either says comes in at the other's, as bytes and as sound, from now on."""
    before = desk.heard()
    window.hears()
    assert desk.hears()["sent"] > before["sent"]


def test_who_writes_with_an_agent_talks_with_them_and_both_go_on(window: Caller, desk: CallScreen, shop: Shop) -> None:
    desk.begin("anna")
    window.open().writes("Where is my parcel?")
    desk.is_offered(CHAT)
    desk.accepts()
    desk.shows(CHAT, "Talking")
    window.stands("You are talking with: Anna W.")
    window.calls()
    desk.is_offered(CALL)
    desk.accepts()
    desk.call_is(CONNECTED_CALL)
    window.says_call("In a call: Anna W.")
    heard_both_ways(window, desk)
    # The chat is before the agent, beside the call, and written in by both.
    desk.shows(CALL, "Talking")
    field = desk.front.get_by_role("textbox")
    field.fill("I see it here.")
    field.press("Enter")
    window.shows(["Where is my parcel?", "I see it here."])
    window.writes("Thank you!")
    _expect(desk.front.get_by_text("Thank you!")).to_be_visible(timeout=PATIENCE_MS)
    window.button("Mute").click()
    _expect(desk.calls.get_by_text(re.compile("muted"))).to_be_visible(timeout=PATIENCE_MS)
    window.button("Mute").click()
    _expect(desk.calls.get_by_text(re.compile("muted"))).to_have_count(0, timeout=PATIENCE_MS)
    heard_both_ways(window, desk)
    desk.call_button("Hang up").click()
    window.says_over("The call has ended.")
    desk.has_no_call()
    assert [each["channel"] for each in interactions(shop) if each["state"] == "active"] == ["chat"]


def test_who_calls_from_the_line_is_read_while_they_ring_and_then_heard(window: Caller, desk: CallScreen) -> None:
    """What has been written in the chat that is over is before the agent, in one reading or another, all along."""
    window.open().writes("My parcel is wet.")
    window.stands(re.compile(r"^You are number 1 in line"))
    window.calls()
    window.says_call(re.compile(r"^You are number 1 in line for a call"))
    desk.begin("anna")
    desk.is_offered(CALL)
    before = desk.offers.get_by_role("group", name="Earlier conversations")
    before.locator("summary").click()
    _expect(before.get_by_text("My parcel is wet.")).to_be_visible(timeout=PATIENCE_MS)
    desk.accepts()
    desk.call_is(CONNECTED_CALL)
    heard_both_ways(window, desk)
    _expect(desk.front.get_by_text("My parcel is wet.")).to_be_visible(timeout=PATIENCE_MS)
    window.button("Hang up").click()
    desk.has_no_call()
