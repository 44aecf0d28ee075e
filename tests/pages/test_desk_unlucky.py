"""Agents who have bad luck: what they wrote comes too late, and a tab that they have twice."""

from __future__ import annotations

from typing import Final

from tests.pages.cable import cable
from tests.pages.centre import Centre
from tests.pages.conftest import Somebody
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.test_missed import missed
from tests.pages.work_screen import CHAT, WorkScreen
from tests.pages.writing import Customer

NO_NOTES: Final = "() => !Object.keys(sessionStorage).some((key) => key.startsWith('acd-note:'))"
"""The server has all that were written in this tab."""


def wrote_too_late(screen: WorkScreen) -> None:
    """The message is there, and what has become of it."""
    own = missed(screen).locator(".own")
    _expect(own.locator(".text")).to_have_text("The code is 1234.", timeout=PATIENCE_MS)
    _expect(own.locator(".standing")).to_have_text("Not sent: The conversation has ended.")


def test_what_was_written_too_late_is_said_not_to_be_sent(somebody: Somebody, busy: Centre, customer: Customer) -> None:
    """Also where another tab, which knows nothing of it, has found nothing to be shown."""
    with cable(busy.address) as line:
        page = somebody().new_page()
        page.goto(f"{line.address}/desk")
        anna = WorkScreen(page, busy).begin("anna", "Anna Example")
        customer.begin()
        anna.takes(CHAT)
        other = WorkScreen(page.context.new_page(), busy)
        other.page.goto(f"{line.address}/desk")
        other.shows(CHAT, "Talking")
        line.pull()
        anna.says("No connection. Trying again …")
        anna.front.locator("#conversation").get_by_role("textbox").fill("The code is 1234.")
        anna.press("Enter")
        customer.tell("leave", conversation=customer.conversation)
        customer.until("entry", kind="ended")
        line.plug()
        for tab in (other, anna):
            tab.says(CONNECTED)
            tab.says("Nothing in hand.")
        wrote_too_late(anna)
        _expect(missed(other)).to_be_hidden()
        anna.page.reload()
        wrote_too_late(anna)
        missed(anna).get_by_role("button", name="Close: Customer").click()
        _expect(missed(anna)).to_be_hidden()
        assert anna.page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('acd-desk:'))") == []
        anna.check()


def test_a_note_in_a_tab_that_is_there_twice_is_one(anna: WorkScreen, busy: Centre, customer: Customer) -> None:
    customer.begin()
    anna.takes(CHAT)
    anna.page.get_by_role("region", name="Notes").get_by_role("textbox").fill("Angry about the parcel")
    with anna.page.context.expect_page() as opened:
        anna.page.evaluate("void window.open('/desk')")
    twin = WorkScreen(opened.value, busy)
    _expect(twin.page.get_by_role("region", name="Notes").get_by_role("textbox")).to_have_value(
        "Angry about the parcel", timeout=PATIENCE_MS
    )
    asked: list[str | None] = []
    anna.page.context.on("request", lambda found: asked.append(found.post_data) if "/notes" in found.url else None)
    anna.control("End").click()
    for tab in (anna, twin):
        tab.shows_nothing()
        tab.page.wait_for_function(NO_NOTES)
    assert len(asked) == 2
    assert asked[0] == asked[1], "the same id, and so the same note"
    twin.check()
