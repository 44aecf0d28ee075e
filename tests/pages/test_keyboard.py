"""Whole days at work with the keyboard alone: everything is reached by Tab, and the focus is never lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests.pages.centre import Centre, begun, token_of
from tests.pages.conftest import Somebody
from tests.pages.floor import Floor
from tests.pages.floor import opened as opened_floor
from tests.pages.floor import token_of as floor_token
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.shop import Agent
from tests.pages.shop import opened as opened_shop
from tests.pages.work_screen import ACCEPT, CHAT, PHONE, WorkScreen
from tests.pages.writing import Customer

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

MOST_TABS: Final = 60

# Where the focus was before nobody had it for ten frames in a row.
WATCHING: Final = """
window.lost = [];
let before = "", frames = 0;
const watch = () => {
  const at = document.activeElement;
  if (at && at !== document.body) {
    before = at.id || at.textContent.slice(0, 40);
    frames = 0;
  } else if (before && document.hasFocus()) {
    frames += 1;
    if (frames === 10) window.lost.push(before);
  }
  requestAnimationFrame(watch);
};
document.addEventListener("DOMContentLoaded", () => requestAnimationFrame(watch));
"""

NAME: Final = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const labels = at?.labels ? [...at.labels].map((each) => each.textContent) : [];
  return (at?.getAttribute("aria-label") || labels.join(" ") || at?.textContent || "").trim();
}"""

SEEN: Final = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const { top, bottom, left, right, width } = at.getBoundingClientRect();
  const x = (left + right) / 2, y = (top + bottom) / 2;
  if (!width || x < 0 || y < 0 || x > innerWidth || y > innerHeight) return false;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  return at.matches(":focus-visible") && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""


class Keys:
    """Somebody without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def focused(self) -> str:
        return str(self.page.evaluate(NAME))

    def to(self, name: str, *, back: bool = False) -> Keys:
        """By Tab, to what has this name; it is in sight then, and seen to have the focus."""
        passed = []
        for _ in range(MOST_TABS):
            self.press("Shift+Tab" if back else "Tab")
            if (at := self.focused()) == name:
                assert self.page.evaluate(SEEN), f"nobody sees that {name} has the focus"
                return self
            passed.append(at)
        raise AssertionError((name, passed))

    def activate(self, name: str, *, back: bool = False) -> None:
        self.to(name, back=back).press("Enter")

    def check(self) -> None:
        self.page.evaluate("new Promise((done) => setTimeout(done, 300))")
        assert self.page.evaluate("window.lost") == []


@contextmanager
def keys(somebody: Somebody, address: str) -> Iterator[Keys]:
    """On the page at this address; in the end the focus was somewhere at all times."""
    context = somebody()
    context.add_init_script(WATCHING)
    found = Keys(context.new_page())
    found.page.goto(address)
    yield found
    found.check()


def at_work(hand: Keys, centre: Centre) -> WorkScreen:
    screen = WorkScreen(hand.page, centre)
    screen.asks_for_the_token()
    hand.type(token_of("anna"))
    hand.press("Enter")
    screen.has_heading("Anna Example")
    hand.activate("Ready")
    screen.is_pressed("Ready")
    screen.says(CONNECTED)
    return screen


def test_a_call_is_taken_held_handed_on_and_wrapped_up(somebody: Somebody, busy: Centre) -> None:
    with keys(somebody, f"{busy.address}/desk") as hand:
        screen = at_work(hand, busy)
        busy.come("c1")
        screen.is_offered(PHONE)
        hand.press(ACCEPT)
        screen.shows(PHONE, "Talking")
        hand.activate("Hold")
        screen.shows(PHONE, "On hold")
        hand.press("Enter")  # the focus is on the way back
        screen.shows(PHONE, "Talking")
        hand.activate("Transfer")
        hand.type("Supp")
        options = screen.page.locator("#target option")
        _expect(options).to_have_count(1, timeout=PATIENCE_MS)
        hand.to("To whom").press("ArrowDown")
        hand.activate("Hand over")
        screen.shows_nothing()
        assert busy.interaction("c1")["queue"] == "support"
        busy.ask("DELETE", "/v1/interactions/c1")
        title = "Support · telephone"
        busy.come("c2", queue="support")
        screen.is_offered(title)
        hand.activate(f"Accept: {title}", back=True)
        screen.shows(title, "Talking")
        hand.activate("End")
        screen.shows(title, "After-call work")
        hand.activate("30 seconds more")
        hand.to("How it ended (required)").press("ArrowDown")
        _expect(screen.page.locator("#disposition")).to_have_value("other")
        hand.activate("Done", back=True)
        screen.shows_nothing()
        assert busy.work("anna") == {}
        hand.activate("Sign out", back=True)
        screen.asks_for_the_token()


def test_advice_is_asked_for_and_ended(somebody: Somebody, busy: Centre) -> None:
    busy.post("/v1/agents/boris/sign-in", {"ready": True})
    busy.put("/v1/agents/boris/presence", {"presence": "not-ready", "reason": "lunch"})
    with keys(somebody, f"{busy.address}/desk") as hand:
        screen = at_work(hand, busy)
        busy.come("c1")
        screen.is_offered(PHONE)
        hand.press(ACCEPT)
        screen.shows(PHONE, "Talking")
        hand.activate("Ask a colleague")
        hand.press("Escape")
        screen.is_focused(screen.control("Ask a colleague"))
        hand.press("Enter")
        screen.is_focused(screen.page.get_by_label("Search for queues and agents"))
        _expect(screen.page.locator("#target option")).not_to_have_count(0, timeout=PATIENCE_MS)
        hand.to("To whom").press("ArrowDown")
        hand.activate("Ask")
        screen.page.locator("#consults li").wait_for()
        hand.activate("Back to the customer")
        _expect(screen.page.locator("#consults li")).to_have_count(0, timeout=PATIENCE_MS)
        hand.activate("End")
        screen.shows_nothing()


def test_a_conversation_is_written(somebody: Somebody, tmp_path: Path) -> None:
    with (
        begun(
            tmp_path,
            '[queues.sales]\ntitle = "Sales"\noffer_timeout = "60s"\n[channels.shop]\ntype = "webchat"\n'
            'origins = ["https://shop.example"]\nqueues = ["sales"]\n[api.desk.answers]\nhello = "Good day!"\n',
        ) as centre,
        keys(somebody, f"{centre.address}/desk") as hand,
    ):
        screen = at_work(hand, centre)
        customer = Customer(centre)
        customer.connect()
        customer.begin()
        customer.write("Where is my parcel?")
        screen.is_offered(CHAT)
        hand.activate("What has been written")
        _expect(screen.offers.get_by_text("Where is my parcel?")).to_be_visible(timeout=PATIENCE_MS)
        hand.activate(f"Accept: {CHAT}")
        screen.shows(CHAT, "Talking")
        hand.to("Message")
        hand.type("/he")
        hand.press("Enter")
        hand.press("Enter")
        customer.reads("Good day!")
        screen.page.route("**/messages", lambda route: route.fulfill(status=422, json={"code": "invalid-field"}))
        hand.type("Refused")
        hand.press("Enter")
        screen.page.get_by_role("button", name="Take back").wait_for()
        hand.activate("Take back", back=True)
        _expect(screen.front.get_by_role("textbox")).to_have_value("Refused", timeout=PATIENCE_MS)
        hand.check()
        hand.activate("End", back=True)
        screen.shows_nothing()
        customer.close()


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with opened_floor(tmp_path) as found:
        yield found


def test_a_supervisor_acts_on_who_is_gone_the_next_moment(somebody: Somebody, floor: Floor) -> None:
    with keys(somebody, f"{floor.address}/wallboard") as hand:
        page = hand.page
        page.get_by_label("Your token").wait_for()
        hand.type(floor_token("boss"))
        hand.press("Enter")
        page.get_by_text(CONNECTED).wait_for()
        for number in range(3):
            floor.call(f"c{number}")
        _expect(page.locator("#waiting tbody tr")).to_have_count(3, timeout=PATIENCE_MS)
        hand.to("Act on place 2 in Sales")
        floor.must("DELETE", "/v1/interactions/c1")  # with the focus on it
        _expect(page.locator("#waiting tbody tr")).to_have_count(2, timeout=PATIENCE_MS)
        hand.check()
        hand.activate("Act on place 1 in Sales")
        _expect(page.get_by_role("dialog")).to_be_visible()
        hand.activate("Let go")
        hand.press("Enter")
        _expect(page.locator("#done")).not_to_be_empty(timeout=PATIENCE_MS)
        _expect(page.locator("#waiting tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
        hand.activate("Close")
        hand.check()
        hand.activate("Act on place 1 in Sales")
        hand.press("Escape")
        assert hand.focused() == "Act on place 1 in Sales"


def test_a_customer_writes_ends_and_rates(somebody: Somebody, tmp_path: Path) -> None:
    with opened_shop(tmp_path) as shop:
        anna = Agent(shop.centre).sign_in()
        with keys(somebody, f"{shop.origin}/") as hand:
            page = hand.page
            page.locator(".acd-chat .launch").wait_for()
            hand.activate("Open the chat")
            hand.type("Hello")
            hand.press("Enter")
            conversation = anna.accepts()
            page.get_by_text("You are talking with: Anna W.").wait_for()
            anna.says(conversation, "Good day!")
            page.get_by_text("Good day!").wait_for()
            hand.press("Escape")
            assert hand.focused().startswith("Open the chat")
            hand.press("Enter")
            hand.activate("End", back=True)
            hand.press("Enter")
            hand.to("1 of 5").press("Space", "ArrowRight", "ArrowRight", "ArrowRight")
            hand.activate("Send the rating")
            page.get_by_text("Thank you for your rating.").wait_for()
            hand.check()
