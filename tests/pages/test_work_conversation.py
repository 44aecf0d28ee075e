"""Conversations in writing among the work in hand: before they are accepted, in front, behind, and after a cut."""

from __future__ import annotations

import re

from tests.pages.cable import cable
from tests.pages.centre import Centre
from tests.pages.conftest import Somebody
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.work_screen import ACCEPT, CHAT, PHONE, WorkScreen, item
from tests.pages.writing import Customer

MESSAGES = re.compile(r"/conversations/[^/]+/messages$")
NEW = re.compile(r"^Sales · chat\s*Talking – new message\s*\d+:\d\d$")


def wrote(screen: WorkScreen, text: str) -> None:
    """It is before the agent."""
    _expect(screen.front.locator(".entries").get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)


def test_what_has_been_written_is_read_before_it_is_accepted(anna: WorkScreen, customer: Customer) -> None:
    customer.begin()
    customer.write("Where is my parcel?")
    anna.is_offered(CHAT)
    anna.offers.get_by_text("What has been written").click()
    _expect(anna.offers.get_by_text("Where is my parcel?", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    _expect(anna.offers.get_by_role("textbox")).to_be_hidden()
    anna.press(ACCEPT)
    wrote(anna, "Where is my parcel?")
    anna.controls("Transfer", "End")
    anna.front.get_by_role("textbox").fill("Good day!")
    anna.press("Enter")
    customer.reads("Good day!")
    wrote(anna, "Good day!")


def test_it_can_be_accepted_in_sight_of_what_has_been_written(anna: WorkScreen, customer: Customer) -> None:
    """Also in a window that has no room for all of it, where the offer scrolls."""
    anna.page.set_viewport_size({"width": 1024, "height": 600})
    customer.begin()
    customer.write("Where is my parcel?")
    anna.is_offered(CHAT)
    anna.offers.get_by_text("What has been written").click()
    _expect(anna.offers.get_by_text("Where is my parcel?", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    assert anna.page.locator("#offers").evaluate("(panel) => panel.scrollHeight > panel.clientHeight")
    for name in ("left", "accept", "decline"):
        box = anna.offers.locator(f".{name}").bounding_box()
        panel = anna.page.locator("#offers").bounding_box()
        assert box is not None
        assert panel is not None
        assert panel["y"] <= box["y"], name
        assert box["y"] + box["height"] <= panel["y"] + panel["height"], name
    # Nor does it lie over what somebody has reached with the keyboard.
    log = anna.offers.get_by_role("log")
    log.focus()
    summary = anna.offers.locator("summary").first
    summary.focus()
    below = anna.offers.locator(".left").bounding_box()
    reached = summary.bounding_box()
    assert below is not None
    assert reached is not None
    assert reached["y"] + reached["height"] <= below["y"]


def test_several_of_one_queue_are_told_apart(anna: WorkScreen, busy: Centre, customer: Customer) -> None:
    other = Customer(busy)
    other.connect()
    for each, name, text in ((customer, "Li Lei", "Where is my parcel?"), (other, "", "<b>Tea</b>?")):
        each.tell("begin", id="first", name=name)
        each.until("done", id="first")
        while not each.conversation:
            each.hear()
        each.write(text)
        anna.takes(CHAT)
        wrote(anna, text)
    said = anna.page.locator("#work-list .whom")
    _expect(said).to_have_text(["Li Lei · “Where is my parcel?”", "“<b>Tea</b>?”"], timeout=PATIENCE_MS)
    customer.write("Hello?")
    _expect(said).to_have_text(["Li Lei · “Hello?”", "“<b>Tea</b>?”"], timeout=PATIENCE_MS)
    anna.page.reload()
    _expect(said).to_have_text(["Li Lei · “Hello?”", "“<b>Tea</b>?”"], timeout=PATIENCE_MS)
    anna.items.first.click()
    wrote(anna, "Hello?")
    anna.says("Li Lei (as the page says)")
    other.close()


def test_a_conversation_that_is_not_in_front_says_what_is_new(
    anna: WorkScreen, busy: Centre, customer: Customer
) -> None:
    customer.begin()
    anna.takes(CHAT)
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    _expect(anna.front.get_by_role("textbox")).to_be_hidden(timeout=PATIENCE_MS)
    customer.write("Are you there?")
    anna.has(NEW, item(PHONE, "Talking"))
    anna.items.first.click()
    wrote(anna, "Are you there?")
    anna.has(item(CHAT, "Talking"), item(PHONE, "Talking"))
    anna.page.reload()
    wrote(anna, "Are you there?")
    anna.control("End").click()
    anna.shows(PHONE, "Talking")
    _expect(anna.page.locator("#conversation > *")).to_have_count(0, timeout=PATIENCE_MS)
    customer.until("entry", kind="ended")


def test_what_was_written_while_the_network_was_cut_is_there_after_it(
    somebody: Somebody, busy: Centre, customer: Customer
) -> None:
    with cable(busy.address) as line:
        page = somebody().new_page()
        page.goto(f"{line.address}/desk")
        anna = WorkScreen(page, busy).begin("anna", "Anna Example")
        customer.begin()
        anna.takes(CHAT)
        customer.write("one")
        wrote(anna, "one")
        line.pull()
        anna.says("No connection. Trying again …")
        customer.write("two")
        anna.front.get_by_role("textbox").fill("three")
        anna.press("Enter")
        line.plug()
        anna.says(CONNECTED)
        wrote(anna, "two")
        customer.reads("three")
        assert customer.texts == ["one", "two", "three"]
        anna.check()


def test_what_waits_to_be_sent_is_sent_though_something_else_is_in_front(
    anna: WorkScreen, busy: Centre, customer: Customer
) -> None:
    customer.begin()
    anna.takes(CHAT)
    anna.page.route(MESSAGES, lambda route: route.abort())
    anna.front.get_by_role("textbox").fill("one")
    anna.press("Enter")
    _expect(anna.front.get_by_text("Waiting to be sent. It is sent by itself.")).to_be_visible(timeout=PATIENCE_MS)
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    anna.page.reload()
    anna.shows(PHONE, "Talking")
    anna.page.unroute(MESSAGES)
    customer.reads("one")
    assert customer.texts == ["one"]


def test_who_signs_out_leaves_nothing_behind(anna: WorkScreen, customer: Customer) -> None:
    customer.begin()
    anna.takes(CHAT)
    anna.front.get_by_role("textbox").fill("half a sent")
    kept = "Object.values(sessionStorage).join()"
    assert "half a sent" in anna.page.evaluate(kept)
    anna.button("Sign out").click()
    anna.asks_for_the_token()
    assert "half a sent" not in anna.page.evaluate(kept)
    anna.sign_in("anna", name="Anna Example")
    anna.shows(CHAT, "Talking")
    _expect(anna.front.get_by_role("textbox")).to_have_value("", timeout=PATIENCE_MS)


def test_an_engine_that_is_killed_loses_no_conversation(anna: WorkScreen, busy: Centre, customer: Customer) -> None:
    customer.begin()
    anna.takes(CHAT)
    customer.write("one")
    wrote(anna, "one")
    busy.begin_anew()
    anna.asks_for_the_token()
    anna.sign_in("anna", name="Anna Example")
    anna.shows(CHAT, "Talking")
    wrote(anna, "one")
    customer.close()
    customer.connect()
    customer.write("two")
    wrote(anna, "two")
