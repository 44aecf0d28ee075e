"""What the desk shows of a customer's earlier conversations, and notes, in a real browser on a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.pages.cable import cable
from tests.pages.centre import PAYLOADS, Centre, begun, token_of
from tests.pages.conftest import Somebody
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.work_screen import ACCEPT, CHAT, DECLINE, PHONE, WorkScreen
from tests.pages.writing import Customer, asked
from tests.runtime.chat.chats import IDENTITY_SECRET, signed
from tests.served import ask, write_secret

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator

NUMBER: Final = "+491701234567"
CONFIG: Final = """\
[queues.sales]
title = "Sales"
offer_timeout = "60s"
affinity = "1h"
hold_for = "20s"
wrap_up = "60s"
dispositions = ["solved"]
[queues.short]
title = "Short"
wrap_up = "1s"
[channels.shop]
type = "webchat"
origins = ["https://shop.example"]
queues = ["sales"]
identity_secret_file = "identity.secret"
"""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Centre]:
    write_secret(tmp_path, "identity.secret", IDENTITY_SECRET)
    with begun(tmp_path, CONFIG, "parallel") as found:
        yield found


@pytest.fixture
def boris(somebody: Somebody, busy: Centre) -> Iterator[WorkScreen]:
    screen = WorkScreen(somebody().new_page(), busy).open()
    yield screen
    screen.check()


def calls(centre: Centre, name: str, queue: str = "sales", number: str = NUMBER, channel: str = "voice") -> None:
    centre.come(name, queue, channel, customer={"number": number})


def vouched(centre: Centre, texts: list[str], number: str = NUMBER) -> tuple[Customer, str]:
    """A customer whom the shop vouches for, who has written this."""
    customer = Customer(centre)
    customer.connect()
    claims = {"sub": "4711", "aud": "shop", "exp": int(time.time()) + 60, "number": number, "name": "Chen Wei"}
    customer.tell("begin", id="b", identity=signed(claims))
    conversation = str(customer.until("done", id="b")["conversation"])
    while not customer.conversation:
        customer.hear()
    for text in texts:
        customer.write(text)
        customer.until("sent")
    return customer, conversation


def taken(screen: WorkScreen, title: str = PHONE) -> None:
    screen.is_offered(title)
    screen.press(ACCEPT)
    screen.shows(title, "Talking")


def done(screen: WorkScreen) -> None:
    """Whatever is in front is over, with its after-call work."""
    screen.control("End").click()
    screen.control("Done").click()
    screen.shows_nothing()


def field(screen: WorkScreen) -> Locator:
    return screen.page.get_by_label("New note", exact=False)


def writes(screen: WorkScreen, text: str) -> None:
    field(screen).fill(text)
    screen.button("Save note").click()


def notes(screen: WorkScreen, *texts: str) -> None:
    """On what is in front, in this order, all of them saved."""
    rows = screen.page.get_by_role("region", name="Notes").locator("li")
    _expect(rows.locator("p:nth-child(2)")).to_have_text(list(texts), timeout=PATIENCE_MS)
    _expect(screen.page.locator(".notes .late")).to_have_count(0, timeout=PATIENCE_MS)


def earlier(screen: WorkScreen) -> Locator:
    return screen.page.get_by_role("region", name="Earlier conversations").locator("details")


def got(centre: Centre, agent: str, path: str) -> tuple[int, Any]:
    """As this agent's own page asks."""
    status, text = ask(f"{centre.address}/v1/agents/{agent}/work/{path}", "GET", token_of(agent))
    return status, text


def test_a_chat_is_in_view_when_the_same_customer_calls_and_they_reach_the_same_agent(
    anna: WorkScreen, boris: WorkScreen, busy: Centre
) -> None:
    customer, conversation = vouched(busy, ["Where is my parcel?"])
    taken(anna, CHAT)
    assert anna.fact("Customer").startswith("C")  # who it is, masked as of a caller
    anna.front.get_by_role("textbox").fill("It comes tomorrow.")
    anna.press("Enter")
    customer.reads("It comes tomorrow.")
    writes(anna, "Angry about the parcel")
    notes(anna, "Angry about the parcel")
    anna.page.get_by_label("How it ended").select_option(label="solved")
    done(anna)
    # Boris has been free for longer by now; Anna has talked to the customer.
    boris.begin("boris")
    calls(busy, "by-telephone", number="+49 170 1234567")
    taken(anna)
    boris.is_offered()
    _expect(earlier(anna)).to_have_count(1, timeout=PATIENCE_MS)
    _expect(earlier(anna).locator("summary")).to_contain_text("chat · Sales · Anna Example · completed")
    earlier(anna).locator("summary").focus()
    anna.press("Enter")
    _expect(earlier(anna).get_by_text("Anna Example: solved")).to_be_visible()
    _expect(earlier(anna).get_by_text("Angry about the parcel")).to_be_visible()
    said = earlier(anna).get_by_role("log")
    for text in ("Where is my parcel?", "It comes tomorrow.", "The conversation was ended here."):
        _expect(said.get_by_text(text)).to_be_visible(timeout=PATIENCE_MS)
    _expect(said.get_by_role("textbox")).to_have_count(0)
    # Nobody else reaches it, by whatever address.
    for path in (f"by-telephone/earlier/{conversation}", "by-telephone/earlier", f"{conversation}/earlier"):
        assert got(busy, "boris", path)[0] == 404
    assert got(busy, "anna", f"by-telephone/earlier/{conversation}")[0] == 200
    calls(busy, "another", number="+491709999999")
    taken(boris)
    assert got(busy, "boris", f"another/earlier/{conversation}")[0] == 404
    boris.says("None that is known.")
    customer.close()


def test_whose_call_rings_and_what_was_said_before_is_shown_to_whoever_is_asked_and_nobody_else(
    anna: WorkScreen, boris: WorkScreen, busy: Centre
) -> None:
    customer, conversation = vouched(busy, ["Where is my parcel? <b>x</b>"])
    taken(anna, CHAT)
    writes(anna, "Angry about the parcel")
    notes(anna, "Angry about the parcel")
    anna.page.get_by_label("How it ended").select_option(label="solved")
    done(anna)
    # Who is told by a look-up while it rings: until then nobody knows whose it is.
    busy.come("unknown", "short")
    anna.is_offered("Short · telephone")
    before = anna.offers.get_by_role("group", name="Earlier conversations")
    _expect(before).to_be_hidden()
    assert got(busy, "anna", f"unknown/earlier/{conversation}")[0] == 404
    busy.post("/v1/interactions/unknown/end", {"by": "customer"})
    anna.is_offered()
    boris.begin("boris")
    calls(busy, "c1")
    anna.is_offered(PHONE)
    _expect(anna.offers).to_contain_text("Customer")
    _expect(before.locator("summary")).to_have_count(1, timeout=PATIENCE_MS)
    _expect(before.locator("summary")).to_contain_text("chat · Sales · Anna Example · completed")
    before.locator("summary").focus()
    anna.press("Enter")
    for text in ("Angry about the parcel", "Where is my parcel? <b>x</b>", "Anna Example: solved"):
        _expect(before.get_by_text(text)).to_be_visible(timeout=PATIENCE_MS)
    # By the keyboard it is answered from there, too; who is not asked is shown nothing.
    for path in (f"c1/earlier/{conversation}", "c1/earlier"):
        assert got(busy, "boris", path)[0] == 404
        assert got(busy, "anna", path)[0] == 200
    anna.press(DECLINE)
    anna.is_offered()
    assert got(busy, "anna", "c1/earlier")[0] == 404
    boris.is_offered(PHONE)
    _expect(boris.offers.get_by_role("group", name="Earlier conversations").locator("summary")).to_have_count(
        1, timeout=PATIENCE_MS
    )
    # What cannot be loaded keeps nobody from accepting.
    boris.press(DECLINE)
    boris.is_offered()
    busy.post("/v1/interactions/c1/end", {"by": "customer"})
    for screen in (anna, boris):
        screen.page.route("**/earlier*", lambda route: route.fulfill(status=503, json={"code": "x", "detail": "x"}))
    calls(busy, "c2")
    _expect(anna.offers.get_by_text("This could not be loaded.")).to_be_visible(timeout=PATIENCE_MS)
    anna.page.unroute("**/earlier*")
    anna.offers.get_by_role("button", name="Try again").click()
    _expect(before.locator("summary")).to_have_count(2, timeout=PATIENCE_MS)
    anna.press(ACCEPT)
    anna.shows(PHONE, "Talking")
    customer.close()


def test_a_note_outlives_a_reload_and_a_cut(somebody: Somebody, busy: Centre) -> None:
    with cable(busy.address) as line:
        screen = WorkScreen(somebody().new_page(), busy)
        screen.page.goto(f"{line.address}/desk")
        screen.begin("anna", "Anna Example")
        calls(busy, "c1")
        taken(screen)
        field(screen).fill("Half of")
        screen.page.reload()
        _expect(field(screen)).to_have_value("Half of", timeout=PATIENCE_MS)
        line.pull()
        field(screen).fill("Half of it was paid")
        screen.press("Control+Enter")
        screen.says("A note is being saved. It is kept in this tab until the server has it.")
        screen.says("Not saved yet")
        # Meanwhile the conversation ends, and so does the after-call work.
        busy.post("/v1/interactions/c1/end", {"by": "customer"})
        asked(busy, "POST", "/v1/agents/anna/work/c1/end-wrap-up")
        line.plug()
        screen.says(CONNECTED)
        screen.shows_nothing()
        calls(busy, "c2")
        taken(screen)
        earlier(screen).locator("summary").click()
        _expect(earlier(screen).get_by_text("Half of it was paid")).to_be_visible(timeout=PATIENCE_MS)
        assert screen.page.evaluate("Object.keys(sessionStorage).filter((each) => each.startsWith('acd-note'))") == []
        screen.check()


def test_what_was_written_and_not_saved_is_a_note_when_the_work_is_over(anna: WorkScreen, busy: Centre) -> None:
    calls(busy, "c1", "short")
    calls(busy, "c2", channel="chat")
    _expect(anna.offers).to_have_count(2, timeout=PATIENCE_MS)
    anna.offers.first.get_by_role("button", name="Accept").click()
    _expect(anna.offers).to_have_count(1, timeout=PATIENCE_MS)
    anna.offers.first.get_by_role("button", name="Accept").click()
    _expect(anna.items).to_have_count(2, timeout=PATIENCE_MS)
    anna.items.first.click()
    field(anna).fill("About the first")
    anna.items.last.click()
    _expect(field(anna)).to_have_value("")
    field(anna).fill("About the second")
    anna.items.first.click()
    _expect(field(anna)).to_have_value("About the first")
    field(anna).focus()
    anna.control("End").click()
    # The after-call work is over by itself, and what is in front is another customer's.
    _expect(anna.items).to_have_count(1, timeout=PATIENCE_MS)
    _expect(field(anna)).to_have_value("About the second")
    earlier(anna).locator("summary").click()
    _expect(earlier(anna).get_by_text("About the first")).to_be_visible(timeout=PATIENCE_MS)


def test_a_restart_loses_nothing(anna: WorkScreen, busy: Centre) -> None:
    calls(busy, "c1")
    taken(anna)
    writes(anna, "Before the restart")
    notes(anna, "Before the restart")
    busy.begin_anew()
    anna.open()
    anna.sign_in("anna", name="Anna Example")
    notes(anna, "Before the restart")
    writes(anna, "After it")
    notes(anna, "Before the restart", "After it")
    done(anna)
    calls(busy, "c2")
    taken(anna)
    earlier(anna).locator("summary").click()
    _expect(earlier(anna).locator("li > p:nth-child(2)")).to_have_text(["Before the restart", "After it"])


def test_whatever_is_written_is_shown_as_it_is(anna: WorkScreen, busy: Centre) -> None:
    calls(busy, "c1")
    taken(anna)
    for payload in PAYLOADS:
        writes(anna, payload)
    visible = [each.strip() for each in PAYLOADS]
    _expect(anna.page.locator(".notes li")).to_have_count(len(visible), timeout=PATIENCE_MS)
    done(anna)
    calls(busy, "c2")
    taken(anna)
    earlier(anna).locator("summary").click()
    _expect(earlier(anna).locator("li")).to_have_count(len(visible), timeout=PATIENCE_MS)


def test_older_ones_are_shown_when_asked_for_and_nothing_stops_the_work(anna: WorkScreen, busy: Centre) -> None:
    for number in range(12):
        calls(busy, f"old-{number}", "short")
        asked(busy, "POST", f"/v1/interactions/old-{number}/end", {"by": "customer"})
    calls(busy, "now")
    taken(anna)
    _expect(earlier(anna)).to_have_count(10, timeout=PATIENCE_MS)
    anna.button("Show older ones").focus()
    anna.press("Enter")
    _expect(earlier(anna)).to_have_count(12, timeout=PATIENCE_MS)
    _expect(earlier(anna).nth(10).locator("summary")).to_be_focused()
    _expect(anna.button("Show older ones")).to_be_hidden()
    done(anna)
    anna.page.route("**/earlier*", lambda route: route.fulfill(status=503, json={"code": "x", "detail": "x"}))
    calls(busy, "again")
    taken(anna)
    anna.says("This could not be loaded.")
    anna.control("Hold").click()
    anna.shows(PHONE, "On hold")
    anna.page.unroute("**/earlier*")
    anna.button("Try again").click()
    _expect(earlier(anna)).to_have_count(10, timeout=PATIENCE_MS)
