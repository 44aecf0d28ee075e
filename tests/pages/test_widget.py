"""The chat window on a shop's page, in a real browser: both ways, after a reload, in two tabs, closed, rated, safe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.centre import PAYLOADS
from tests.pages.conftest import Somebody
from tests.pages.shop import Agent, Shop, Window, expect, opened

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession

KEPT = "We have your message, and answer when we are back."
AWAY = "We are not here at the moment."
CONTACT = "Telephone or e-mail, for our answer"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def anna(shop: Shop) -> Iterator[Agent]:
    agent = Agent(shop.centre).sign_in()
    yield agent
    agent.sign_out()


@pytest.fixture
def window(somebody: Somebody, shop: Shop) -> Iterator[Window]:
    """The shop's page, just opened; in the end it has done nothing that it must not."""
    window = Window(somebody().new_page(), shop).visit()
    yield window
    window.check()


def begun(window: Window, agent: Agent, text: str = "Hello") -> str:
    """A conversation with the agent; returns its id."""
    window.open().writes(text)
    conversation = agent.accepts()
    window.stands("You are talking with: Anna W.")
    return conversation


# Both ways


def test_both_sides_see_what_the_other_writes(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna, "Where is my parcel?")
    anna.says(conversation, "Good day!")
    window.shows(["Where is my parcel?", "Good day!"])
    window.field.fill("one")
    window.field.press("Shift+Enter")
    window.field.press_sequentially("two")
    window.button("Send").click()
    window.shows(["Where is my parcel?", "Good day!", "one\ntwo"])
    anna.hears(conversation, ["Where is my parcel?", "one\ntwo"])
    expect(window.field).to_be_focused()
    expect(window.field).to_have_value("")


def test_a_message_is_sent_then_delivered_then_read_and_so_is_theirs(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    window.last_state("Sent")
    # Whoever is quick has joined before the message came.
    seq = next(each["seq"] for each in anna.entries(conversation) if each["kind"] == "message")
    anna.does(conversation, "marks", {"delivered": seq})
    window.last_state("Delivered")
    anna.does(conversation, "marks", {"read": seq})
    window.last_state("Read")
    anna.says(conversation, "Good day!")
    anna.until(lambda: anna.marks()["read"] == 3)
    window.button("Close the window").click()
    anna.says(conversation, "Are you there?")
    anna.until(lambda: anna.marks() == {"delivered": 4, "read": 3})
    window.open()
    anna.until(lambda: anna.marks()["read"] == 4)


def test_who_types_is_seen_by_the_other(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    anna.does(conversation, "typing", {})
    expect(window.dialog.locator(".typing")).to_have_text("Anna W.: typing …")
    anna.says(conversation, "Good day!")
    expect(window.dialog.locator(".typing")).to_have_text("")


def test_those_who_wait_are_told_their_place(window: Window, somebody: Somebody, shop: Shop) -> None:
    window.open().writes("first")
    window.stands(re.compile(r"^You are number 1 in line"))
    other = Window(somebody().new_page(), shop).visit().open()
    other.writes("second")
    other.stands(re.compile(r"^You are number 2 in line"))
    for each in (window, other):
        each.button("End").click()
        each.button("End it").click()
        each.says("You have ended the chat.")
    other.check()


def test_what_has_not_been_seen_is_counted_on_the_button(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    window.page.keyboard.press("Escape")
    expect(window.dialog).to_be_hidden()
    anna.says(conversation, "one")
    anna.says(conversation, "two")
    expect(window.launch).to_have_accessible_name("Open the chat (2 new)")
    window.reload()
    expect(window.launch).to_have_accessible_name("Open the chat (2 new)")
    window.open()
    expect(window.launch).to_have_accessible_name("Open the chat")


# Reload, tabs, storage


def test_a_reload_shows_all_of_it_and_goes_on(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    anna.says(conversation, "Good day!")
    window.shows(["Hello", "Good day!"])
    window.reload().open().shows(["Hello", "Good day!"])
    window.stands("You are talking with: Anna W.")
    window.writes("again")
    anna.hears(conversation, ["Hello", "again"])


def test_two_tabs_show_the_same(window: Window, anna: Agent, shop: Shop) -> None:
    """Also one that was open, and connected, before the customer began in the other."""
    other = Window(window.page.context.new_page(), shop).visit().open()
    window.page.bring_to_front()
    conversation = begun(window, anna)
    other.shows(["Hello"])
    other.writes("from the other")
    anna.says(conversation, "Good day!")
    window.shows(["Hello", "from the other", "Good day!"])
    other.shows(["Hello", "from the other", "Good day!"])
    anna.hears(conversation, ["Hello", "from the other"])
    anna.ends(conversation)
    for each in (window, other):
        each.says("How was it?")
    other.check()


def test_nothing_is_stored_before_the_customer_begins(window: Window, shop: Shop) -> None:
    heard: list[str] = []
    window.page.on("websocket", lambda found: found.on("framereceived", lambda text: heard.append(str(text))))
    window.open()
    window.field.fill("not sent yet")
    # Each look lets the driver tell what has come; the visitor's token is in the first of it.
    Agent(shop.centre).until(lambda: window.stored() or any('"welcome"' in each for each in heard))
    assert window.stored() == []
    window.writes("Hello")
    window.last_state("Sent")
    assert all(each.startswith(f"acd-chat:{shop.centre.address[7:]}:shop") for each in window.stored())
    assert window.stored() != []
    window.button("End").click()
    window.button("End it").click()
    window.says("You have ended the chat.")


def test_nothing_is_stored_where_the_shop_says_so_and_the_chat_goes_on(window: Window, anna: Agent) -> None:
    window.visit(**{"data-consent": "none"})
    conversation = begun(window, anna)
    anna.says(conversation, "Good day!")
    window.shows(["Hello", "Good day!"])
    assert window.stored() == []
    window.page.evaluate("acdChat.consent(true)")
    assert window.stored() != []
    window.page.evaluate("acdChat.consent(false)")
    assert window.stored() == []


def test_what_the_shop_says_of_the_visitor_reaches_the_agent(window: Window, anna: Agent) -> None:
    window.visit(**{"data-attribute-topic": "invoice", "data-queue": "night", "data-name": "Chen"})
    window.page.evaluate("acdChat.setVisitor({number: '+8613800138000', attributes: {cart: '3'}})")
    window.page.evaluate("acdChat.open()")
    window.writes("Hello")
    conversation = anna.accepts()
    found = anna.asks("GET", f"/v1/interactions/{conversation}")
    assert (found["queue"], found["attributes"]) == ("night", {"web.cart": "3"})
    seen = anna.asks("GET", f"/v1/agents/anna/conversations/{conversation}")["conversation"]
    assert found["customer"]["reference"] == seen["visitor"]
    assert (seen["name"], seen["number"]) == ("Chen", "+8613800138000")


def test_what_was_written_too_long_ago_is_not_sent_by_itself(window: Window, anna: Agent, shop: Shop) -> None:
    name = f"acd-chat:{shop.centre.address[7:]}:shop"
    keep = "([name, value]) => localStorage.setItem(name, JSON.stringify(value))"
    window.page.evaluate(keep, [name, {"token": "old", "expires": "2020-01-01T00:00:00.000000Z"}])
    window.page.evaluate(keep, [f"{name}:unsent:m-1", {"id": "m-1", "text": "from last year", "at": 1}])
    window.visit().open()
    expect(window.field).to_have_value("from last year")
    assert window.stored() == []
    window.button("Send").click()
    conversation = anna.accepts()
    anna.hears(conversation, ["from last year"])


def test_an_agent_may_begin_and_the_button_says_so(window: Window, anna: Agent) -> None:
    first = begun(window, anna)
    visitor = anna.conversations()[0]["visitor"]
    anna.ends(first)
    window.says("How was it?")
    window.page.keyboard.press("Escape")
    body = {"channel": "shop", "visitor": visitor, "id": "invite", "text": "Your parcel has come."}
    anna.asks("POST", "/v1/agents/anna/conversations", body)
    expect(window.launch).to_have_accessible_name("Open the chat (1 new)")
    window.open().shows(["Your parcel has come."])
    window.writes("Thank you!")
    second = anna.accepts()
    anna.hears(second, ["Thank you!"])


# Closed, left messages, the end


def test_a_closed_queue_says_so_and_takes_a_message_that_becomes_work(window: Window, anna: Agent) -> None:
    anna.queue("sales", opens=False)
    try:
        window.visit(**{"data-hours": "Monday to Friday, 9 to 17."}).open().writes("My shoes are too small")
        window.stands(f"{AWAY} Monday to Friday, 9 to 17.")
        expect(window.dialog.get_by_label("Your message for us")).to_have_value("My shoes are too small")
        window.dialog.get_by_label("Your name (optional)").fill("Chen")
        window.dialog.get_by_label(CONTACT).fill("chen@shop.example")
        window.button("Leave the message").click()
        window.stands(KEPT)
        window.shows(["Chen <chen@shop.example>\n\nMy shoes are too small"])
    finally:
        anna.queue("sales", opens=True)
    conversation = anna.accepts()
    anna.hears(conversation, ["Chen <chen@shop.example>\n\nMy shoes are too small"])
    anna.says(conversation, "We send you larger ones.")
    window.shows(["Chen <chen@shop.example>\n\nMy shoes are too small", "We send you larger ones."])


def test_a_queue_that_lets_everybody_go_says_the_same(window: Window, anna: Agent) -> None:
    anna.queue("gone", opens=False)
    try:
        window.visit(**{"data-queue": "gone"}).open().writes("Hello")
        window.stands(AWAY)
        expect(window.dialog.get_by_label(CONTACT)).to_be_visible()
    finally:
        anna.queue("gone", opens=True)
    window.button("Try once more").click()
    window.writes("Hello")
    assert anna.accepts()


def test_the_end_is_rated_once_and_another_one_begins(window: Window, anna: Agent) -> None:
    first = begun(window, anna)
    anna.ends(first)
    window.dialog.get_by_role("radio", name="4 of 5").check()
    window.dialog.get_by_label("What would you like to tell us? (optional)").fill("Quick!")
    window.button("Send the rating").click()
    window.says("Thank you for your rating.")
    found = anna.asks("GET", f"/v1/agents/anna/conversations/{first}")["conversation"]
    assert (found["rating"], found["comment"]) == (4, "Quick!")
    window.reload().open().says("Thank you for your rating.")
    window.button("Begin another chat").click()
    window.shows([])
    window.writes("Once more")
    second = anna.accepts()
    assert second != first
    window.shows(["Once more"])


# Without a mouse, in Chinese, as text, in other people's pages


def test_it_is_used_without_a_mouse_and_read_out(window: Window, anna: Agent) -> None:
    window.page.locator("#own").focus()
    window.page.keyboard.press("Tab")
    expect(window.launch).to_be_focused()
    window.page.keyboard.press("Enter")
    expect(window.dialog).to_have_accessible_name("Chat with us")
    expect(window.field).to_be_focused()
    window.page.keyboard.type("Hello")
    window.page.keyboard.press("Enter")
    conversation = anna.accepts()
    anna.says(conversation, "Good day!")
    window.shows(["Hello", "Good day!"])
    expect(window.dialog.get_by_role("log")).to_have_accessible_name("What has been said")
    window.page.keyboard.press("Escape")
    expect(window.launch).to_be_focused()
    expect(window.dialog).to_be_hidden()
    tree = window.page.context.new_cdp_session(window.page).send("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "textbox", "radio", "link"}
    named = [each.get("name", {}).get("value") for each in tree if each.get("role", {}).get("value") in controls]
    assert all(named)


def test_choosing_a_word_in_an_input_method_sends_nothing(window: Window, anna: Agent) -> None:
    """By the same messages that an input method sends to the browser."""
    window.open().field.focus()
    session: CDPSession = window.page.context.new_cdp_session(window.page)
    session.send("Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6})
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    session.send("Input.insertText", {"text": "你好"})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    expect(window.field).to_have_value("你好")
    assert window.dialog.locator(".message").count() == 0
    window.field.press("Enter")
    conversation = anna.accepts()
    anna.hears(conversation, ["你好"])


def test_it_speaks_chinese_as_the_page_around_it(window: Window, anna: Agent) -> None:
    for attributes in ({"lang": "zh-CN"}, {"data-lang": "zh"}):
        window.visit(**attributes)
        expect(window.launch).to_have_accessible_name("打开在线客服")
    window.open()
    window.dialog.get_by_label("输入消息").fill("你好")
    window.page.keyboard.press("Enter")
    conversation = anna.accepts()
    window.stands("正在为您服务：Anna W.")
    anna.ends(conversation)
    expect(window.dialog.get_by_text("您对服务满意吗？")).to_be_visible()
    shown = re.sub(r"Anna W\.|shop", "", window.dialog.inner_text())
    assert not re.search("[A-Za-z]", shown), shown


def test_what_others_write_is_shown_as_it_is(window: Window, anna: Agent) -> None:
    said = [each for each in PAYLOADS if each.strip() == each]
    conversation = begun(window, anna, said[0])
    anna.says(conversation, said[0])
    for payload in said[1:]:
        window.writes(payload)
        anna.says(conversation, payload)
    anna.until(lambda: len(anna.texts(conversation)) == len(said))
    window.reload().open()
    expect(window.dialog.locator(".message .text")).to_have_count(2 * len(said))
    shown = window.dialog.locator(".message .text").all_text_contents()
    assert sorted(shown) == sorted([*said, *said])
    assert window.dialog.locator(".message .text *").count() == 0


def test_what_is_pasted_with_control_characters_is_sent_without(window: Window, anna: Agent) -> None:
    window.visit()
    window.page.evaluate("acdChat.setVisitor({name: 'Ch\\u0000en\\ud800', attributes: {topic: 'a\\u000bb'}})")
    conversation = begun(window, anna, "one\u000btwo\u0000\tthree\u001b")
    anna.hears(conversation, ["onetwo\tthree"])
    assert anna.asks("GET", f"/v1/interactions/{conversation}")["attributes"] == {"web.topic": "a b"}
    window.field.evaluate("(field) => { field.value = 'half \\ud83d'; field.dispatchEvent(new InputEvent('input')) }")
    window.button("Send").click()
    anna.hears(conversation, ["onetwo\tthree", "half \ufffd"])


def test_a_shops_title_and_greeting_are_text_too(window: Window) -> None:
    for payload in PAYLOADS:
        window.visit(**{"data-title": payload, "data-greeting": payload, "data-color": payload}).open()
        expect(window.dialog.get_by_role("heading")).to_have_text(payload)
        assert window.dialog.locator("header h2 *, .greeting *").count() == 0


def test_elements_of_the_shop_that_are_called_like_parts_of_a_page_are_not_taken_for_them(
    window: Window, shop: Shop
) -> None:
    """What others wrote into the shop's page may have names: they hide what the document has by itself."""
    names = ("acdChat", "body", "scripts", "hidden", "createElementNS")
    shop.markup = "".join(f'<img name="{name}" alt=""><form name="{name}"></form>' for name in names)
    try:
        window.visit().open()
    finally:
        shop.markup = ""
    assert window.page.evaluate("typeof window.acdChat.open") == "function"
    assert window.page.locator("img[name], form[name]").count() == 2 * len(names)


def test_the_shops_styles_and_the_windows_leave_each_other_alone(window: Window) -> None:
    own = "getComputedStyle(document.querySelector('h1')).cssText"
    window.visit("/loud").open()
    style = window.dialog.locator("h2").evaluate(
        "(each) => [getComputedStyle(each).fontSize, getComputedStyle(each).color]"
    )
    assert style == ["17.6px", "rgb(255, 255, 255)"]
    host = "(each) => [getComputedStyle(each).display, getComputedStyle(each).opacity, getComputedStyle(each).position]"
    assert window.page.locator(".acd-chat").evaluate(host) == ["block", "1", "fixed"]
    assert (
        "60px" in window.page.evaluate(own)
        or window.page.evaluate("getComputedStyle(document.body).fontSize") == "60px"
    )


def test_colour_side_and_button_are_the_shops(window: Window) -> None:
    window.visit(**{"data-color": "#ffe600", "data-position": "left", "data-title": "Shoes & more"}).open()
    look = "(each) => [getComputedStyle(each).backgroundColor, getComputedStyle(each).color]"
    assert window.launch.evaluate(look) == ["rgb(255, 230, 0)", "rgb(0, 0, 0)"]
    box = window.launch.bounding_box()
    assert box is not None
    assert box["x"] < 100
    window.visit(**{"data-button": "none"})
    expect(window.launch).to_be_hidden()
    window.page.evaluate("acdChat.open()")
    expect(window.dialog).to_be_visible()
    window.page.evaluate("acdChat.close()")
    expect(window.dialog).to_be_hidden()


def test_on_a_small_screen_it_is_all_of_it(window: Window, anna: Agent) -> None:
    window.page.emulate_media(reduced_motion="reduce")
    window.page.set_viewport_size({"width": 360, "height": 640})
    window.open()
    expect(window.dialog).to_have_attribute("aria-modal", "true")
    assert window.dialog.bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 640}
    for _ in range(6):
        window.page.keyboard.press("Tab")
        assert window.page.evaluate("document.activeElement.className") == "acd-chat"
    window.field.fill("Hello")
    window.button("Send").click()
    anna.hears(anna.accepts(), ["Hello"])
    window.button("Close the window").click()
    expect(window.launch).to_be_focused()


def test_a_page_that_is_not_listed_is_told_so(window: Window, shop: Shop) -> None:
    window.visit(**{"data-channel": "strict"}).open()
    window.stands(f"The chat does not take part in this website ({shop.origin}).")
    expect(window.dialog.get_by_label("Your message", exact=True)).to_be_hidden()
    window.visit(**{"data-channel": "nobody"}).open()
    window.stands("There is no such chat here.")
    assert window.stored() == []


def test_the_policy_would_stop_what_got_through(window: Window) -> None:
    """An inline style, markup made of a text: none of it, and the tests would notice."""
    failed = window.page.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>' } catch (error) { return error.name } })()"
    )
    assert failed == "TypeError"
    told = "new Promise((done) => document.addEventListener('securitypolicyviolation', done, {once: true}))"
    window.page.evaluate(f"(document.body.setAttribute('style', 'color: red'), {told}.then(() => null))")
    assert "style-src-attr" in " ".join(window.page.evaluate("window.violations"))
    window.page.evaluate("window.violations = []")
