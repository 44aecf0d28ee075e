"""Networks that are really off: the browser's own, which it knows of, and one that goes dead without a word.

In both cases a page says that it shows how things were, nothing in it is stuck, and it comes back by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.board_screen import BoardScreen, expect
from tests.pages.cable import cable
from tests.pages.centre import Centre
from tests.pages.conftest import Somebody
from tests.pages.floor import Floor
from tests.pages.floor import opened as opened_floor
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.shop import Agent, Window
from tests.pages.shop import opened as opened_shop
from tests.pages.work_screen import ACCEPT, PHONE, UNKNOWN, WorkScreen

if TYPE_CHECKING:
    from pathlib import Path

AWAY = "No connection. Trying again …"
BOARD_AWAY = "No connection: this is how it was. Trying again …"
SILENT = "00:50"
"""Longer than a page goes without a word of the server's."""
SOON = "00:15"
"""Longer than the longest pause before it tries again."""
LONG_MS = 20_000


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with opened_floor(tmp_path) as found:
        yield found


def test_a_desk_without_a_network_says_so_and_comes_back(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    anna.page.context.set_offline(offline=True)
    anna.says(AWAY)
    anna.control("Hold").click()
    anna.warns(UNKNOWN)
    _expect(anna.control("Hold")).not_to_have_attribute("aria-busy", "true")
    busy.come("c2", channel="chat")
    anna.page.context.set_offline(offline=False)
    anna.says(CONNECTED)
    anna.is_offered("Sales · chat")
    anna.warns(UNKNOWN)
    anna.control("Hold").click()
    anna.shows(PHONE, "On hold")
    anna.warns("")


def test_a_desk_whose_network_goes_dead_finds_out(busy: Centre, somebody: Somebody) -> None:
    with cable(busy.address) as line:
        anna = WorkScreen(somebody().new_page(), busy)
        anna.page.clock.install()
        anna.page.goto(f"{line.address}/desk")
        anna.begin("anna", "Anna Example")
        busy.come("c1")
        anna.is_offered(PHONE)
        anna.press(ACCEPT)
        anna.shows(PHONE, "Talking")
        line.hush()
        anna.page.clock.fast_forward(SILENT)
        anna.says(AWAY)
        anna.control("Hold").click()
        _expect(anna.page.get_by_role("alert")).to_have_text(UNKNOWN, timeout=LONG_MS)
        _expect(anna.control("Hold")).not_to_have_attribute("aria-busy", "true")
        line.speak()
        anna.page.clock.fast_forward(SOON)
        _expect(anna.page.get_by_text(CONNECTED, exact=True)).to_be_visible(timeout=LONG_MS)
        # What was kept back on the way has arrived, or has not: the page shows what is so.
        state = "On hold" if busy.work("anna")["c1"] == "held" else "Talking"
        anna.shows(PHONE, state)
        anna.check()


def test_a_wallboard_without_a_network_says_so_and_comes_back(somebody: Somebody, floor: Floor) -> None:
    board = BoardScreen(somebody().new_page(), floor).open().sign_in()
    floor.call("c1")
    board.count("waiting", 1)
    board.page.context.set_offline(offline=True)
    board.says(BOARD_AWAY)
    board.act(board.page.locator("#waiting tbody tr").first)
    board.button("Let go").click()
    board.button("Yes, do it").click()
    board.refused("No answer from the server. Try again.")
    floor.call("c2")
    board.page.context.set_offline(offline=False)
    board.says(CONNECTED)
    board.count("waiting", 2)
    board.check()


def test_a_wallboard_whose_network_goes_dead_finds_out(somebody: Somebody, floor: Floor) -> None:
    with cable(floor.address) as line:
        board = BoardScreen(somebody().new_page(), floor)
        board.page.clock.install()
        board.page.goto(f"{line.address}/wallboard")
        board.sign_in()
        line.hush()
        board.page.clock.fast_forward(SILENT)
        board.says(BOARD_AWAY)
        floor.call("c1")
        line.speak()
        board.page.clock.fast_forward(SOON)
        expect(board.page.get_by_text(CONNECTED, exact=True)).to_be_visible(timeout=LONG_MS)
        expect(board.page.locator("#waiting tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
        board.check()


def test_a_chat_window_without_a_network_says_so_and_sends_afterwards(somebody: Somebody, tmp_path: Path) -> None:
    with opened_shop(tmp_path) as shop:
        agent = Agent(shop.centre).sign_in()
        window = Window(somebody().new_page(), shop).visit().open()
        window.writes("Hello")
        conversation = agent.accepts()
        window.stands("You are talking with: Anna W.")
        window.page.context.set_offline(offline=True)
        window.writes("Are you there?")
        window.stands("No connection. Reconnecting … What you have written is sent then.")
        agent.says(conversation, "Yes.")
        window.page.context.set_offline(offline=False)
        expect(window.dialog.locator(".status")).to_have_text("You are talking with: Anna W.", timeout=LONG_MS)
        agent.hears(conversation, ["Hello", "Are you there?"])
        expect(window.dialog.locator(".message .text")).to_have_count(3, timeout=PATIENCE_MS)
        window.check()
