"""An outside checker looks at the agents' page in every state: nothing of WCAG 2.2 AA that it can find is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pages.centre import QUEUES, Centre, begun, token_of
from tests.pages.checker import LOCALES, Checker
from tests.pages.screen import PATIENCE_MS, _expect
from tests.pages.writing import Customer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ANSWERS = '[api.desk.answers]\nhello = "Good day! I am {agent}."\nbye = "Goodbye!"\n'


@pytest.fixture(params=LOCALES)
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(locale=request.param, timezone_id="UTC")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Centre]:
    with begun(tmp_path, QUEUES + ANSWERS, "parallel") as found:
        yield found


def signed_in(page: Page, centre: Centre, agent: str = "anna") -> Checker:
    checker = Checker(page)
    page.goto(f"{centre.address}/desk")
    page.locator("#token").fill(token_of(agent))
    page.locator("#enter").click()
    page.locator("#ready").click()
    _expect(page.locator("#ready")).to_have_attribute("aria-pressed", "true")
    return checker


def test_signing_in(page: Page, busy: Centre) -> None:
    checker = Checker(page)
    page.goto(f"{busy.address}/desk")
    page.locator("#token").wait_for()
    checker.look("signed out")
    page.locator("#token").fill("a-token-of-nobody")
    page.locator("#enter").click()
    _expect(page.locator("#notice")).not_to_be_empty()
    checker.look("refused")
    page.locator("#token").fill(token_of("anna"))
    page.locator("#enter").click()
    page.locator("#ready").wait_for()
    checker.look("signed in")
    page.locator("#ready").click()
    _expect(page.locator("#ready")).to_have_attribute("aria-pressed", "true")
    checker.look("ready")
    connected = page.locator("#connection").inner_text()
    busy.served.kill()
    _expect(page.locator("#connection")).not_to_have_text(connected)
    checker.look("cut off")
    checker.check()


def test_a_call_from_the_offer_to_its_end(page: Page, busy: Centre) -> None:
    checker = signed_in(page, busy)
    busy.come("c1", queue="support", attributes={"ivr": "2, 1", "language": "en"}, customer={"name": "Chen Wei"})
    busy.come("c2", channel="chat")
    _expect(page.locator("#offer-list > li")).to_have_count(2)
    checker.look("offered")
    page.locator("#offer-list .accept").first.click()
    page.locator("#offer-list .accept").first.click()
    _expect(page.locator("#work-list button")).to_have_count(2)
    page.locator("#work-list button").first.click()
    checker.look("talking")
    page.locator("#transfer").click()
    _expect(page.locator("#target option")).not_to_have_count(0)
    checker.look("transferring")
    page.locator("#handing-cancel").click()
    page.locator("#consult").click()
    _expect(page.locator("#target option")).not_to_have_count(0)
    checker.look("asking a colleague")
    page.locator("#target").select_option(index=0)
    page.locator("#handing-go").click()
    page.locator("#consults li").wait_for()
    checker.look("asked a colleague")
    page.locator("#consults button[data-how=end]").click()
    page.locator("#hold").click()
    page.locator("#resume").wait_for()
    checker.look("held")
    page.locator("#end").click()
    page.locator("#done").wait_for()
    checker.look("after-call work")
    page.locator("#done").click()
    _expect(page.locator("#notice")).not_to_be_empty()
    checker.look("disposition missing")
    checker.check()


def test_a_conversation_in_writing(page: Page, busy: Centre, customer: Customer) -> None:
    checker = signed_in(page, busy)
    customer.begin()
    customer.write("Where is my parcel? https://shop.example/parcel/1")
    page.locator("#offer-list summary").click()
    page.locator("#offer-list .entries .text").wait_for()
    checker.look("read before it is accepted")
    page.locator("#offer-list .accept").click()
    field = page.locator("#front textarea")
    field.fill("Good day!")
    field.press("Enter")
    customer.reads("Good day!")
    checker.look("in writing")
    field.fill("/")
    _expect(page.locator("#front [role=option]").first).to_be_visible()
    checker.look("canned answers")
    field.fill("x" * 5000)
    checker.look("too long")
    field.fill("")
    page.route("**/messages", lambda route: route.abort())
    field.fill("Nobody hears")
    field.press("Enter")
    page.locator("#front .waiting .entry").wait_for()
    checker.look("waits for the network")
    page.unroute("**/messages")
    page.locator("#end").click()
    page.locator("#front .waiting .entry").wait_for(state="detached")
    checker.look("ended")
    again = Customer(busy)
    again.connect()
    again.begin()
    page.locator("#offer-list .accept").click()
    page.locator("#front textarea").wait_for()
    busy.come("c1")
    page.locator("#offer-list .accept").click()
    page.locator("#hold").wait_for()
    again.write("Bye")
    again.tell("leave")
    page.locator("#missed-list summary").click()
    page.locator("#missed-list .entries .text").wait_for()
    checker.look("ended before it was read")
    again.close()
    checker.check()


def test_notes_and_earlier_conversations(page: Page, busy: Centre) -> None:
    checker = signed_in(page, busy)
    caller = {"number": "+491701234567"}
    busy.come("c1", customer=caller)
    page.locator("#offer-list .accept").click()
    note, save = page.locator("#note"), page.locator(".note-form button")
    note.fill("Wants a call on Monday")
    checker.look("a note is written")
    save.click()
    _expect(page.locator(".notes li")).to_have_count(1)
    page.route("**/notes", lambda route: route.abort())
    note.fill("And another")
    save.click()
    _expect(page.locator(".notes .late")).to_have_count(1)
    checker.look("a note waits for the network")
    page.unroute("**/notes")
    page.route("**/notes", lambda route: route.fulfill(status=409, json={"code": "person-erased", "detail": ""}))
    page.locator(".notes .refused button").wait_for()
    checker.look("a note was refused")
    page.unroute("**/notes")
    page.locator("#end").click()
    busy.come("c2", customer=caller)
    page.locator("#offer-list .earlier-list summary").click()
    page.locator("#offer-list .earlier-list .notes li").first.wait_for()
    checker.look("an earlier conversation, while they ring")
    page.locator("#offer-list .accept").click()
    page.locator("#beside .earlier-list summary").click()
    page.locator("#beside .earlier-list .notes li").first.wait_for()
    checker.look("an earlier conversation")
    page.locator("#end").click()
    page.route("**/earlier*", lambda route: route.abort())
    busy.come("c3", customer=caller)
    page.locator("#offer-list .offer > [role=group] button").wait_for()
    checker.look("not loaded, while they ring")
    page.locator("#offer-list .accept").click()
    page.locator("#beside > section:last-child > button").wait_for()
    checker.look("not loaded")
    checker.check()
