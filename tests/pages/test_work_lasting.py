"""What is in hand outlives the page: reloads, second tabs, a network that is cut, an engine that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.pages.cable import Cable, cable
from tests.pages.centre import Centre
from tests.pages.conftest import Somebody
from tests.pages.screen import CONNECTED
from tests.pages.work_screen import ACCEPT, CHAT, PHONE, TALKING, UNKNOWN, WorkScreen, item

if TYPE_CHECKING:
    from playwright.sync_api import Route

AWAY = "No connection. Trying again …"
SUPPORT = "Support · telephone"


@pytest.mark.parametrize("state", ["offered", "active", "held", "wrap-up"])
def test_a_reload_shows_what_was_there(anna: WorkScreen, busy: Centre, state: str) -> None:
    busy.come("c1", queue="support", attributes={"topic": "claims"})
    anna.is_offered(SUPPORT)
    words = {"active": "Talking", "held": "On hold", "wrap-up": "After-call work"}
    if state != "offered":
        anna.press(ACCEPT)
        anna.shows(SUPPORT, "Talking")
    if state == "held":
        anna.control("Hold").click()
    if state == "wrap-up":
        anna.control("End").click()
    for _ in range(2):
        if state == "offered":
            anna.is_offered(SUPPORT)
        else:
            anna.shows(SUPPORT, words[state])
            anna.has(item(SUPPORT, words[state]))
            assert anna.fact("Topic") == "claims"
        assert busy.work("anna") == {"c1": state}
        anna.page.reload()
        anna.says(CONNECTED)
    if state == "offered":
        anna.is_offered(SUPPORT)
        anna.press(ACCEPT)
        anna.shows(SUPPORT, "Talking")


def test_two_tabs_show_the_same_and_neither_is_stuck(anna: WorkScreen, busy: Centre) -> None:
    other = WorkScreen(anna.page.context.new_page(), busy).open()
    other.says(CONNECTED)
    busy.come("c1")
    for tab in (anna, other):
        tab.is_offered(PHONE)
    other.press(ACCEPT)
    for tab in (other, anna):
        tab.is_offered()
        tab.shows(PHONE, "Talking")
    anna.control("Hold").click()
    other.shows(PHONE, "On hold")
    other.page.close()
    anna.control("Resume").click()
    anna.shows(PHONE, "Talking")
    anna.control("End").click()
    anna.shows_nothing()
    assert busy.work("anna") == {}


def test_who_accepts_in_two_tabs_at_once_has_accepted(anna: WorkScreen, busy: Centre) -> None:
    """Or has picked up the telephone at the same moment: the later of the two is no problem to anybody."""
    busy.come("c1")
    anna.is_offered(PHONE)

    def sooner(route: Route) -> None:
        busy.post("/v1/offers/c1.1/accept", {"agent_id": "anna"})
        route.continue_()

    anna.page.route("**/accept", sooner)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    anna.warns("")
    assert anna.focused() == "front-title"


@contextmanager
def behind_a_cable(somebody: Somebody, centre: Centre) -> Iterator[tuple[WorkScreen, Cable]]:
    with cable(centre.address) as line:
        page = somebody().new_page()
        page.goto(f"{line.address}/desk")
        screen = WorkScreen(page, centre)
        screen.begin("anna", "Anna Example")
        yield screen, line
        screen.check()


def test_a_network_that_is_cut_loses_nothing(busy: Centre, somebody: Somebody) -> None:
    with behind_a_cable(somebody, busy) as (anna, line):
        busy.come("c1")
        anna.is_offered(PHONE)
        anna.press(ACCEPT)
        anna.shows(PHONE, "Talking")
        line.pull()
        anna.says(AWAY)
        anna.shows(PHONE, "Talking")
        anna.control("Hold").click()
        anna.warns(UNKNOWN)
        # Meanwhile the world goes on.
        busy.post("/v1/agents/anna/work/c1/hold", {})
        busy.come("c2", channel="chat")
        line.plug()
        anna.says(CONNECTED)
        anna.is_offered(CHAT)
        anna.shows(PHONE, "On hold")
        anna.warns(UNKNOWN)
        anna.press(ACCEPT)
        anna.warns("")
        anna.has(item(PHONE, "On hold"), item(CHAT, "Talking"))


def test_what_ended_while_the_network_was_cut_is_gone(busy: Centre, somebody: Somebody) -> None:
    with behind_a_cable(somebody, busy) as (anna, line):
        busy.come("c1")
        anna.is_offered(PHONE)
        anna.press(ACCEPT)
        anna.shows(PHONE, "Talking")
        busy.come("c2", channel="chat")
        anna.is_offered(CHAT)
        line.pull()
        anna.says(AWAY)
        busy.post("/v1/interactions/c1/end", {"by": "customer"})
        busy.ask("DELETE", "/v1/interactions/c2")
        line.plug()
        anna.is_offered()
        anna.shows_nothing()
        assert anna.page.title() == "Agent desk"


def test_an_engine_that_is_killed_in_the_middle_goes_on(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1", attributes={"topic": "claims"})
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.control("Hold").click()
    anna.shows(PHONE, "On hold")
    busy.come("c2", channel="chat")
    anna.is_offered(CHAT)
    busy.begin_anew()
    anna.asks_for_the_token()
    anna.sign_in("anna", name="Anna Example")
    anna.shows(PHONE, "On hold")
    anna.is_offered(CHAT)
    assert anna.fact("Topic") == "claims"
    anna.press(ACCEPT)
    anna.has(item(PHONE, "On hold"), item(CHAT, "Talking"))
    anna.items.first.click()
    anna.control("Resume").click()
    anna.shows(PHONE, "Talking")
    anna.controls(*TALKING)


def test_signing_out_keeps_what_is_in_hand(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    anna.button("Sign out").click()
    anna.asks_for_the_token()
    assert anna.page.locator("#work-list > li").count() == 0, "nothing is left on the page for whoever comes next"
    assert busy.work("anna") == {"c1": "active"}
    anna.sign_in("anna", name="Anna Example")
    anna.shows(PHONE, "Talking")
    anna.control("End").click()
    anna.shows_nothing()
    assert busy.presence("anna")[0] == "signed-out"
