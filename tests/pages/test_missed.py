"""Conversations that have ended before the agent had read them: they stay until the agent closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pages.cable import cable
from tests.pages.centre import Centre
from tests.pages.conftest import Somebody
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.work_screen import ACCEPT, CHAT, PHONE, WorkScreen
from tests.pages.writing import Customer

if TYPE_CHECKING:
    from playwright.sync_api import Locator

TITLE = "Gone before all of it was read or sent"
NOTHING_LEFT = "() => JSON.parse(localStorage['acd-desk-looked-at']).looked.length === 0"
"""The page has found out of everything that has gone whether it is to be shown."""


def missed(screen: WorkScreen) -> Locator:
    return screen.page.get_by_role("region", name=TITLE)


def behind(screen: WorkScreen, busy: Centre) -> None:
    """Something else is in front."""
    busy.come("c1")
    screen.is_offered(PHONE)
    screen.press(ACCEPT)
    screen.shows(PHONE, "Talking")


def has_read(customer: Customer) -> None:
    """The agent, all that there is."""
    while customer.marks["agent"]["read"] < customer.log.after:
        customer.hear()


def leave(customer: Customer) -> None:
    customer.tell("leave", conversation=customer.conversation)
    customer.until("entry", kind="ended")


def can_read(screen: WorkScreen, text: str, *, folded: bool = False) -> None:
    """`folded`: something else is in front, so that it takes no place before it is opened."""
    details = missed(screen).locator("details")
    _expect(details).to_have_js_property("open", not folded, timeout=PATIENCE_MS)
    if folded:
        details.locator("summary").click()
    _expect(missed(screen).get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)


def test_what_was_written_before_the_end_while_the_network_was_away_can_be_read(
    somebody: Somebody, busy: Centre, customer: Customer
) -> None:
    with cable(busy.address) as line:
        page = somebody().new_page()
        page.goto(f"{line.address}/desk")
        anna = WorkScreen(page, busy).begin("anna", "Anna Example")
        customer.begin()
        anna.takes(CHAT)
        customer.write("one")
        customer.until("sent")
        has_read(customer)
        line.pull()
        anna.says("No connection. Trying again …")
        customer.write("two")
        customer.until("sent")
        leave(customer)
        line.plug()
        anna.says(CONNECTED)
        anna.says("Nothing in hand.")
        can_read(anna, "two")
        can_read(anna, "one")
        _expect(missed(anna).locator("summary")).to_have_text("Customer · Sales")
        _expect(missed(anna).get_by_role("textbox")).to_be_hidden()
        anna.check()


def test_it_is_there_after_a_reload_and_in_every_tab_until_it_is_closed_in_one(
    anna: WorkScreen, busy: Centre, customer: Customer
) -> None:
    customer.begin()
    anna.takes(CHAT)
    behind(anna, busy)
    customer.write("Are you there?")
    customer.until("sent")
    leave(customer)
    can_read(anna, "Are you there?", folded=True)
    anna.shows(PHONE, "Talking")
    anna.page.reload()
    can_read(anna, "Are you there?", folded=True)
    second = WorkScreen(anna.page.context.new_page(), busy).open()
    can_read(second, "Are you there?", folded=True)
    missed(second).get_by_role("button", name="Close: Customer").click()
    _expect(missed(second)).to_be_hidden(timeout=PATIENCE_MS)
    _expect(missed(anna)).to_be_hidden(timeout=PATIENCE_MS)
    second.page.reload()
    second.shows(PHONE, "Talking")
    _expect(missed(second)).to_be_hidden()
    second.check()


def test_what_was_written_just_before_the_customer_left_stays_to_be_read(anna: WorkScreen, customer: Customer) -> None:
    """It was in front for a moment. And whoever reads it writes to the customer again."""
    customer.begin()
    anna.takes(CHAT)
    anna.page.clock.set_fixed_time(0)  # so that only the server's time counts
    customer.write("Bye")
    leave(customer)
    can_read(anna, "Bye")
    missed(anna).get_by_role("button", name="Write to this customer again").click()
    missed(anna).get_by_role("textbox").fill("One more thing.")
    anna.press("Enter")
    customer.reads("One more thing.")
    anna.is_offered(CHAT)


def test_what_has_been_read_goes_as_before(anna: WorkScreen, customer: Customer) -> None:
    customer.begin()
    anna.takes(CHAT)
    customer.write("Thank you")
    customer.until("sent")
    has_read(customer)
    anna.control("End").click()
    anna.shows_nothing()
    anna.page.wait_for_function(NOTHING_LEFT)
    _expect(missed(anna)).to_be_hidden()


def test_whoever_signs_out_leaves_nothing_behind(anna: WorkScreen, busy: Centre, customer: Customer) -> None:
    customer.begin()
    anna.takes(CHAT)
    behind(anna, busy)
    customer.write("Bye")
    leave(customer)
    can_read(anna, "Bye", folded=True)
    anna.button("Sign out").click()
    anna.asks_for_the_token()
    assert anna.page.evaluate("localStorage.getItem('acd-desk-looked-at')") is None
    anna.begin("anna", "Anna Example")
    anna.shows(PHONE, "Talking")
    _expect(missed(anna)).to_be_hidden()
