"""The agents' page at work, in a real browser: offers, several things at once, what can be done about them, wrap-up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.pages.centre import PAYLOADS, Centre
from tests.pages.conftest import Somebody
from tests.pages.screen import PATIENCE_MS, _expect
from tests.pages.work_screen import ACCEPT, CHAT, DECLINE, PHONE, TALKING, WorkScreen, item

if TYPE_CHECKING:
    from playwright.sync_api import Route


def beside(screen: WorkScreen, somebody: Somebody, agent: str = "boris", name: str | None = None) -> WorkScreen:
    """Another agent, in a browser of their own."""
    return WorkScreen(somebody().new_page(), screen.centre).open().begin(agent, name)


# Offers


def test_an_offer_is_shown_announced_and_accepted_by_keys(anna: WorkScreen, busy: Centre) -> None:
    anna.shows_nothing()
    busy.come(
        "c1", attributes={"ivr": "2, 1", "language": "en"}, customer={"name": "Chen Wei", "number": "+8613812345678"}
    )
    anna.is_offered(PHONE)
    anna.announced(re.compile(r"^New offer: Sales · telephone\. \d+ seconds to answer\.$"))
    left = anna.offers.locator(".left")
    _expect(left).to_have_text(re.compile(r"^(1:00|0:5\d) left to answer$"), timeout=PATIENCE_MS)
    _expect(left).not_to_have_text(left.inner_text(), timeout=PATIENCE_MS)  # It counts down.
    assert anna.page.title() == "(1) Agent desk"
    assert anna.focused() != "front-title", "whoever types is not interrupted"
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    anna.has(item(PHONE, "Talking"))
    anna.is_offered()
    assert busy.work("anna") == {"c1": "active"}
    assert anna.focused() == "front-title"
    assert anna.page.title() == "Agent desk"
    anna.controls(*TALKING)
    assert (anna.fact("ivr"), anna.fact("Language"), anna.fact("Customer")) == ("2, 1", "en", "C** · +86138****5678")
    assert re.fullmatch(r"0:\d\d", anna.fact("Waited"))


def test_what_is_for_machines_is_not_shown_and_what_a_page_says_is_told_apart(anna: WorkScreen, busy: Centre) -> None:
    own = {"continues": "chat-1", "call.beside": "call-1", "call.score.customer": "4.4", "recording.1": "a.wav"}
    said = {"topic": "invoice", "web.topic": "parcel", "web.page": "tea", "menu.main": "3", "call.reason": "refund"}
    busy.come("c1", attributes={**own, **said})
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    names = ("Topic", "Topic (as the page says)", "page (as the page says)", "Menu main", "call.reason")
    assert dict(zip(names, said.values(), strict=True)) == {name: anna.fact(name) for name in names}
    text = anna.page.locator("#facts").inner_text()
    assert [name for name, value in own.items() if name in text.split() or value in text] == []


def test_the_buttons_do_the_same(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    anna.button(f"Accept: {PHONE}").focus()
    anna.press("Enter")
    anna.shows(PHONE, "Talking")
    busy.come("c2", channel="chat")
    anna.button(f"Decline: {CHAT}").focus()
    anna.press("Space")
    anna.is_offered()
    assert busy.interaction("c2")["state"] == "queued"
    assert busy.work("anna") == {"c1": "active"}


def test_a_decline_by_key_takes_the_oldest_offer_or_the_one_with_the_focus(anna: WorkScreen, busy: Centre) -> None:
    for number in (1, 2, 3):
        busy.come(f"c{number}", channel="chat", queue="sales" if number < 3 else "support")
    anna.is_offered(CHAT, CHAT, "Support · chat")
    anna.button("Accept: Support · chat").focus()
    anna.press(DECLINE)
    anna.is_offered(CHAT, CHAT)
    anna.press(DECLINE)
    anna.is_offered(CHAT)
    assert busy.work("anna") == {"c2": "offered"}


def test_an_offer_that_nobody_answers_is_gone(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1", queue="short")
    anna.announced(re.compile("^New offer"))
    anna.announced("The offer is over.")
    anna.is_offered()
    anna.stands(re.compile(r"^Not ready \(did not answer\)"))
    anna.shows_nothing()


def test_a_customer_who_leaves_rings_no_more(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    accept = anna.button(f"Accept: {PHONE}")
    accept.focus()
    busy.ask("DELETE", "/v1/interactions/c1")
    anna.is_offered()
    anna.announced("The offer is over.")
    assert anna.focused() == "work-title", "whoever was in it is somewhere"


def test_who_accepts_what_is_gone_is_told(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)

    def sooner(route: Route) -> None:
        busy.ask("DELETE", "/v1/interactions/c1")
        route.continue_()

    anna.page.route("**/accept", sooner)
    anna.press(ACCEPT)
    anna.warns("This offer is over.")
    anna.shows_nothing()


# Work


def test_two_at_once_and_one_of_them_in_front(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1", attributes={"topic": "phone"})
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    busy.come("c2", channel="chat", attributes={"topic": "chat"})
    anna.is_offered(CHAT)
    anna.has(item(PHONE, "Talking"))
    anna.press(ACCEPT)
    anna.has(item(PHONE, "Talking"), item(CHAT, "Talking"))
    anna.shows(CHAT, "Talking")
    assert anna.fact("Topic") == "chat"
    anna.items.first.click()
    anna.shows(PHONE, "Talking")
    assert (anna.fact("Topic"), anna.focused()) == ("phone", "front-title")
    anna.page.reload()
    anna.shows(PHONE, "Talking")
    anna.has(item(PHONE, "Talking"), item(CHAT, "Talking"))
    anna.control("End").click()
    anna.shows(CHAT, "Talking")
    assert anna.focused() == "front-title", "nobody ends the next one by pressing twice"
    assert busy.work("anna") == {"c2": "active"}


def test_hold_and_back_by_keys(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    anna.press("Tab")
    anna.is_focused(anna.control("Hold"))
    anna.press("Enter")
    anna.shows(PHONE, "On hold")
    assert busy.work("anna") == {"c1": "held"}
    anna.is_focused(anna.control("Resume"))
    anna.press("Enter")
    anna.shows(PHONE, "Talking")
    anna.is_focused(anna.control("Hold"))
    assert busy.work("anna") == {"c1": "active"}


def test_the_end_without_after_call_work_leaves_nothing(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.control("End").click()
    anna.shows_nothing()
    assert busy.interaction("c1")["state"] == "completed"
    assert anna.focused() == "work-title"


def test_after_call_work_asks_for_a_disposition_and_is_extended(anna: WorkScreen, busy: Centre) -> None:
    title = "Support · telephone"
    busy.come("c1", queue="support")
    anna.is_offered(title)
    anna.press(ACCEPT)
    anna.shows(title, "Talking")
    anna.control("End").click()
    anna.shows(title, "After-call work")
    anna.controls("Done", "30 seconds more")
    _expect(anna.page.locator("#front-timer")).to_have_text(re.compile(r"^0:1\d left$"), timeout=PATIENCE_MS)
    anna.control("30 seconds more").click()
    anna.controls("Done")  # The queue grants no more.
    _expect(anna.page.locator("#front-timer")).to_have_text(re.compile(r"^0:[34]\d left$"), timeout=PATIENCE_MS)
    anna.control("Done").click()
    anna.warns("Say how it ended first.")
    anna.page.get_by_label("How it ended (required)").select_option("solved")
    anna.warns("")
    anna.page.reload()
    _expect(anna.page.get_by_label("How it ended (required)")).to_have_value("solved", timeout=PATIENCE_MS)
    anna.control("Done").click()
    anna.shows_nothing()
    assert busy.work("anna") == {}


def test_after_call_work_ends_by_itself(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1", queue="short", channel="chat")
    anna.is_offered("short · chat")
    anna.press(ACCEPT)
    anna.control("End").click()
    anna.shows_nothing()
    assert busy.work("anna") == {}


def test_after_call_work_for_the_asking(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1", queue="asked")
    anna.is_offered("asked · telephone")
    anna.press(ACCEPT)
    anna.control("Ask for after-call work").click()
    anna.controls(*TALKING)
    anna.control("End").click()
    anna.shows("asked · telephone", "After-call work")
    anna.control("Done").click()
    anna.shows_nothing()


def test_a_callback_whose_customer_is_not_reached(anna: WorkScreen, busy: Centre) -> None:
    busy.post("/v1/callbacks", {"id": "c1", "queue": "sales", "customer": {"number": "+8613812345678"}})
    anna.is_offered("Sales · callback")
    anna.press(ACCEPT)
    anna.control("Nobody was reached").click()
    anna.shows_nothing()
    found = busy.interaction("c1")
    assert (found["state"], found["attempts"]) == ("scheduled", 1)


# Handing on


def test_a_customer_is_transferred_to_a_queue(anna: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.hand("Transfer", "Support", "Hand over")
    anna.shows_nothing()
    found = busy.interaction("c1")
    assert (found["state"], found["queue"]) == ("queued", "support")


def test_a_customer_is_transferred_to_an_agent_who_knows_what_is_known(
    anna: WorkScreen, busy: Centre, somebody: Somebody
) -> None:
    busy.come("c1", queue="support", attributes={"topic": "claims"})
    anna.is_offered("Support · telephone")
    anna.press(ACCEPT)
    boris = beside(anna, somebody)
    anna.hand("Transfer", "boris – Ready", "Hand over")
    # The customer is another's; the after-call work is hers, as her queue wants it.
    anna.shows("Support · telephone", "After-call work")
    assert anna.page.locator("#facts > div").count() == 0
    boris.is_offered("Support · telephone")
    boris.press(ACCEPT)
    boris.shows("Support · telephone", "Talking")
    assert boris.fact("Topic") == "claims"
    assert busy.interaction("c1")["agent"] == "boris"
    boris.check()


def test_targets_are_searched_for_and_the_form_is_left(anna: WorkScreen, busy: Centre, somebody: Somebody) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    beside(anna, somebody)
    anna.control("Transfer").click()
    search, options = anna.page.get_by_label("Search for queues and agents"), anna.page.locator("#target option")
    _expect(search).to_be_focused()
    _expect(options).to_have_count(6, timeout=PATIENCE_MS)
    search.fill("BOR")
    _expect(options).to_have_text(["boris – Ready"], timeout=PATIENCE_MS)
    anna.press("Escape")
    _expect(search).to_be_hidden()
    anna.is_focused(anna.control("Transfer"))


def test_advice_is_asked_for_and_the_customer_handed_over(anna: WorkScreen, busy: Centre, somebody: Somebody) -> None:
    busy.come("c1", attributes={"topic": "claims"})
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    boris = beside(anna, somebody)
    anna.hand("Ask a colleague", "boris – Ready", "Ask")
    anna.says("boris: ringing")
    boris.is_offered("Anna Example asks for advice · Sales")
    boris.press(ACCEPT)
    boris.shows("Anna Example asks for advice · Sales", "Talking")
    boris.controls("End")
    anna.says("boris: talking to you")
    anna.page.reload()
    anna.says("boris: talking to you")
    anna.button("Hand the customer over").click()
    anna.shows_nothing()
    boris.shows(PHONE, "Talking")
    assert busy.work("boris") == {"c1": "active"}
    boris.check()


def test_a_conference_is_left_by_one_and_goes_on(anna: WorkScreen, busy: Centre, somebody: Somebody) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    boris = beside(anna, somebody)
    anna.hand("Ask a colleague", "boris – Ready", "Ask")
    boris.is_offered("Anna Example asks for advice · Sales")
    boris.press(ACCEPT)
    anna.button("Talk together").click()
    anna.shows(PHONE, "Talking, together: Anna Example, boris")
    anna.controls("Hold", "Ask a colleague", "Leave", "End")
    boris.shows(PHONE, "Talking, together: Anna Example, boris")
    boris.controls("Hold", "Leave")
    anna.control("Leave").click()
    anna.shows_nothing()
    boris.shows(PHONE, "Talking")
    boris.controls(*TALKING)
    boris.check()


def test_advice_that_is_not_needed_any_more_is_ended(anna: WorkScreen, busy: Centre, somebody: Somebody) -> None:
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    boris = beside(anna, somebody)
    anna.hand("Ask a colleague", "boris – Ready", "Ask")
    boris.is_offered("Anna Example asks for advice · Sales")
    anna.page.locator("#consults").get_by_role("button", name="Back to the customer").click()
    boris.is_offered()
    _expect(anna.page.locator("#consults > li")).to_have_count(0, timeout=PATIENCE_MS)
    anna.shows(PHONE, "Talking")


def test_a_recording_is_paused_and_goes_on(anna: WorkScreen, busy: Centre) -> None:
    """No channel here records: what the API says of one stands in for it."""
    state = "recording"
    asked: list[str] = []

    def show(route: Route) -> None:
        response = route.fetch()
        found = response.json()
        for each in found["items"]:
            each["recording"] = state
        route.fulfill(response=response, json=found)

    anna.page.route("**/v1/agents/anna/work", show)
    anna.page.on("request", lambda request: asked.append(request.url))
    busy.come("c1")
    anna.is_offered(PHONE)
    anna.press(ACCEPT)
    anna.says("Being recorded")
    state = "paused"
    anna.control("Pause recording").click()
    anna.says("Recording paused")
    anna.is_focused(anna.control("Record again"))
    state = "recording"
    anna.control("Record again").click()
    anna.says("Being recorded")
    assert [url.rpartition("/")[2] for url in asked if "/recording/" in url] == ["pause", "resume"]


# What comes from others is text


def test_whatever_others_say_is_shown_as_it_is(anna: WorkScreen, busy: Centre, somebody: Somebody) -> None:
    attributes = {f"a{number}": payload for number, payload in enumerate(PAYLOADS)}
    attributes |= dict.fromkeys(("<b>x</b>", "onload=alert(1)", "__proto__", "constructor"), "odd name")
    busy.come("c1", queue="odd", channel="<b>fax</b>", attributes=attributes)
    title = "<img src=x onerror=alert(1)> · <b>fax</b>"
    anna.is_offered(title)
    anna.press(ACCEPT)
    anna.shows(title, "Talking")
    for name, value in attributes.items():
        assert anna.fact(name) == " ".join(value.split(" ")), name
    beside(anna, somebody, "odd-0", PAYLOADS[0])
    anna.control("Ask a colleague").click()
    anna.page.get_by_label("To whom").select_option(label=f"{PAYLOADS[0]} – Ready")
    assert anna.page.locator("#handing img, #handing script, #front img, #front script").count() == 0
    anna.front.get_by_role("button", name="Ask", exact=True).click()
    anna.says(f"{PAYLOADS[0]}: ringing")
