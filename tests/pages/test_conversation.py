"""The chat pane in a real browser, before a customer who writes: everything once, in order, and by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.pages.centre import PAYLOADS, Centre, token_of
from tests.pages.pane import Pane, expect, tree
from tests.pages.screen import PATIENCE_MS, Screen
from tests.pages.writing import Customer, accepted, answered, asked, only, writing_centre

if TYPE_CHECKING:
    from playwright.sync_api import Route

MESSAGES = re.compile(r"/conversations/[^/]+/messages$")
MARKS = re.compile(r"/conversations/[^/]+/marks$")


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with writing_centre(tmp_path_factory.mktemp("writing")) as found:
        for agent in ("anna", "boris"):
            asked(found, "POST", f"/v1/agents/{agent}/sign-in", {"ready": False, "reason": "lunch"})
        yield found


@pytest.fixture
def customer(centre: Centre) -> Iterator[Customer]:
    found = Customer(centre)
    found.connect()
    yield found
    found.tell("leave")
    found.close()


@pytest.fixture
def pane(screen: Screen, centre: Centre, customer: Customer) -> Pane:
    """Of a conversation that anna has accepted, before her."""
    screen.sign_in("anna", name="Anna Example")
    found = Pane(screen, answered(centre, customer))
    expect(found.field).to_be_visible(timeout=PATIENCE_MS)
    return found


# Both sides


def test_both_sides_see_the_same(pane: Pane, customer: Customer) -> None:
    customer.write("Where is my parcel?")
    pane.shows("Where is my parcel?")
    pane.write("Good day!")
    customer.reads("Good day!")
    pane.field.fill("Your number,")
    pane.field.press("Shift+Enter")
    pane.page.keyboard.type("please?")
    pane.button("Send").click()
    customer.reads("Your number,\nplease?")
    assert pane.entries() == [
        ["system", "Anna Example has joined."],
        ["customer", "Where is my parcel?"],
        ["own", "Good day!"],
        ["own", "Your number,\nplease?"],
    ]
    assert pane.texts() == customer.texts
    assert pane.field.input_value() == ""
    expect(pane.field).to_be_focused()
    assert pane.element.locator(".customer .who").all_inner_texts() == ["Customer"]
    assert pane.element.locator(".own .who").first.inner_text() == "Anna Example"
    times = pane.element.locator(".entries time").all_inner_texts()
    assert len(times) == 4
    assert all(re.fullmatch(r"\d\d:\d\d", each) for each in times)


def test_own_messages_are_sent_then_delivered_then_read(pane: Pane, customer: Customer) -> None:
    pane.write("Good day!")
    pane.stands("Good day!", "Sent")
    while customer.texts != ["Good day!"]:
        customer.hear()
    customer.tell("mark", delivered=customer.log.after)
    pane.stands("Good day!", "Delivered")
    customer.tell("mark", read=customer.log.after)
    pane.stands("Good day!", "Read")
    pane.write("One more.")
    pane.stands("One more.", "Sent")
    pane.stands("Good day!", "Read")


def test_only_who_looks_has_read(pane: Pane, customer: Customer) -> None:
    customer.write("one")
    while customer.marks["agent"]["read"] != customer.log.after or customer.texts != ["one"]:
        customer.hear()
    for away in ("hidden", "below", "unfocused", "behind"):
        pane.page.evaluate(
            """([id, away]) => {
              const { element } = window.panes[id];
              if (away === "hidden") element.hidden = true;
              if (away === "below") element.style.marginTop = "2000px";
              if (away === "unfocused") document.hasFocus = () => false;
              const hidden = { value: "hidden", configurable: true };
              if (away === "behind") Object.defineProperty(document, "visibilityState", hidden);
              return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            }""",
            [pane.conversation, away],
        )
        before = customer.marks["agent"]["read"]
        customer.write(away)
        while customer.marks["agent"]["delivered"] != customer.log.after or customer.texts[-1] != away:
            customer.hear()
        assert customer.marks["agent"]["read"] == before, away
        pane.page.evaluate(
            """(id) => {
              window.panes[id].element.hidden = false;
              window.panes[id].element.style.marginTop = "";
              delete document.hasFocus;
              delete document.visibilityState;
              window.dispatchEvent(new Event("focus"));
            }""",
            pane.conversation,
        )
        while customer.marks["agent"]["read"] != customer.log.after:
            customer.hear()


def test_what_is_above_the_end_is_not_pulled_away(pane: Pane, customer: Customer) -> None:
    for number in range(30):
        customer.write(f"line {number}")
    pane.shows("line 29")
    pane.log.evaluate("(log) => { log.scrollTop = 0; }")
    expect(pane.button("New messages below")).to_be_hidden()
    customer.write("far below")
    expect(pane.button("New messages below")).to_be_visible(timeout=PATIENCE_MS)
    assert pane.log.evaluate("(log) => log.scrollTop") == 0
    while customer.texts[-1:] != ["far below"] or customer.marks["agent"]["delivered"] < customer.log.after:
        customer.hear()
    assert customer.marks["agent"]["read"] < customer.log.after
    pane.button("New messages below").click()
    while customer.marks["agent"]["read"] != customer.log.after:
        customer.hear()
    expect(pane.button("New messages below")).to_be_hidden()


def test_each_sees_the_other_type_and_not_too_often(pane: Pane, customer: Customer) -> None:
    customer.tell("typing")
    pane.says("The customer is typing …")
    customer.write("there")
    pane.shows("there")
    expect(pane.element.get_by_text("The customer is typing …")).to_have_count(0)
    with pane.page.expect_response("**/typing"):
        pane.field.press_sequentially("Good day, how are you?")
    pane.field.press("Enter")
    customer.reads("Good day, how are you?")
    assert customer.typed == 1


def test_two_tabs_of_one_agent_show_the_same(pane: Pane, customer: Customer) -> None:
    tab = Screen(pane.page.context.new_page(), pane.screen.centre)
    other = Pane(tab, pane.conversation)
    expect(other.field).to_be_visible(timeout=PATIENCE_MS)
    pane.write("from the first")
    other.shows("from the first")
    other.write("from the second")
    pane.shows("from the second")
    customer.reads("from the second")
    pane.stands("from the second", "Read")
    other.stands("from the first", "Read")
    assert pane.entries() == other.entries()
    tab.check()


# When the network goes


def cut(pane: Pane) -> None:
    pane.page.context.set_offline(True)
    pane.page.evaluate("window.socket.close()")


def mend(pane: Pane) -> None:
    pane.page.context.set_offline(False)


def test_a_network_that_goes_loses_and_doubles_nothing(pane: Pane, customer: Customer) -> None:
    said = ["before"]
    pane.write("before")
    customer.reads("before")
    for turn in range(3):
        cut(pane)
        for number in range(3):
            pane.write(f"{turn}.{number}")
        pane.waits_for(3)
        pane.stands(f"{turn}.0", "Waiting to be sent. It is sent by itself.")
        customer.write(f"customer {turn}")
        customer.until("sent")
        mend(pane)
        pane.waits_for(0)
        customer.reads(f"{turn}.2")
        said += [f"customer {turn}", *(f"{turn}.{number}" for number in range(3))]
        pane.page.wait_for_function(
            "([id, count]) => window.panes[id].element.querySelectorAll('.entries .text').length === count",
            arg=[pane.conversation, len(said)],
        )
    assert pane.texts() == customer.texts == said


def test_answers_that_are_lost_double_nothing(pane: Pane, customer: Customer) -> None:
    """The server has the message, and the page does not know it."""
    lost: list[str] = []

    def lose(route: Route) -> None:
        text = json.loads(route.request.post_data or "")["text"]
        if text in lost:
            route.continue_()
            return
        lost.append(text)
        route.fetch()
        route.abort()

    pane.page.route(MESSAGES, lose)
    said = [f"message {number}" for number in range(5)]
    for text in said:
        pane.write(text)
    pane.stands("message 4", "Sent")
    customer.reads("message 4")
    pane.waits_for(0)
    assert pane.texts() == customer.texts == said
    assert lost


def test_a_server_that_is_busy_gets_it_later(pane: Pane, customer: Customer) -> None:
    answer = '{"code": "chat-store-unavailable", "detail": "later"}'
    pane.page.route(MESSAGES, lambda route: route.fulfill(status=503, body=answer))
    pane.write("one")
    pane.stands("one", "Waiting to be sent. It is sent by itself.")
    pane.write("two")
    pane.waits_for(2)
    pane.page.unroute(MESSAGES)
    customer.reads("two")
    pane.waits_for(0)
    assert pane.texts() == customer.texts == ["one", "two"]


def test_what_waits_outlives_a_reload_and_the_pane(pane: Pane, customer: Customer) -> None:
    pane.page.route(MESSAGES, lambda route: route.abort())
    pane.write("one")
    pane.write("two")
    pane.waits_for(2)
    pane.page.reload()
    again = Pane(pane.screen, pane.conversation)
    again.waits_for(2)
    again.field.fill("draft")
    again.close()
    pane.page.unroute(MESSAGES)
    customer.reads("two")
    assert customer.texts == ["one", "two"]
    third = Pane(pane.screen, pane.conversation)
    third.shows("two")
    third.waits_for(0)
    assert third.texts() == ["one", "two"]
    assert third.field.input_value() == "draft"


def test_what_is_refused_is_said_and_is_in_the_agents_hands(pane: Pane, customer: Customer) -> None:
    answer = '{"code": "conversation-full", "detail": "full"}'
    pane.page.route(MESSAGES, lambda route: route.fulfill(status=409, body=answer))
    why = "Not sent: The conversation is as long as one may be."
    pane.write("one")
    pane.stands("one", why)
    pane.write("two")
    pane.stands("two", why)
    pane.page.unroute(MESSAGES)
    pane.write("three")
    customer.reads("three")
    pane.button("Send again").first.click()
    customer.reads("one")
    pane.button("Take back").click()
    pane.waits_for(0)
    assert pane.field.input_value() == "two"
    expect(pane.field).to_be_focused()
    assert pane.texts() == customer.texts == ["three", "one"]


# Writing


def test_half_a_word_is_never_sent(pane: Pane, customer: Customer) -> None:
    """Pinyin, as an input method composes it: Enter takes the letters as they are, Space a word."""
    tools = pane.devtools()

    def enter(key: str, code: int) -> None:
        press = {"type": "rawKeyDown", "key": key, "code": "Enter", "windowsVirtualKeyCode": code}
        tools.send("Input.dispatchKeyEvent", press)

    pane.field.focus()
    tools.send("Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6})
    enter("Process", 229)
    # Some browsers tell of Enter by its own name meanwhile.
    enter("Enter", 13)
    pane.button("Send").dispatch_event("click")
    assert pane.field.input_value() == "ni hao"
    tools.send("Input.insertText", {"text": "你好"})
    # And some of the Enter that ended the composing when it is over.
    enter("Enter", 229)
    assert pane.field.input_value() == "你好"
    tools.send("Input.imeSetComposition", {"text": "ma", "selectionStart": 2, "selectionEnd": 2})
    enter("Process", 229)
    tools.send("Input.insertText", {"text": "吗"})
    pane.waits_for(0)
    assert pane.texts() == []
    pane.page.keyboard.press("Enter")
    customer.reads("你好吗")
    assert customer.texts == ["你好吗"]


def test_drafts_outlive_switching_and_a_reload(pane: Pane, customer: Customer, centre: Centre) -> None:
    other = Customer(centre)
    other.connect()
    second = answered(centre, other, "boris")
    pane.field.fill("half a sent")
    pane.close()
    Pane(pane.screen, second, "anna").close()
    back = Pane(pane.screen, pane.conversation)
    assert back.field.input_value() == "half a sent"
    pane.page.reload()
    back = Pane(pane.screen, pane.conversation)
    expect(back.field).to_have_value("half a sent", timeout=PATIENCE_MS)
    back.field.press("Enter")
    customer.reads("half a sent")
    back.waits_for(0)
    kept = pane.page.evaluate("Object.keys(sessionStorage)")
    assert [key for key in kept if key.startswith("acd-desk:")] == []
    other.tell("leave")
    other.close()


def test_canned_answers_come_by_the_keyboard(pane: Pane, customer: Customer) -> None:
    press = pane.page.keyboard.press
    pane.field.press_sequentially("/")
    expect(pane.options).to_have_count(3, timeout=PATIENCE_MS)
    press("ArrowDown")
    chosen = pane.field.get_attribute("aria-activedescendant")
    assert pane.element.get_by_role("option", selected=True).get_attribute("id") == chosen
    press("Enter")
    assert pane.field.input_value() == "Thank you for writing.\nGoodbye!"
    press("Enter")
    customer.reads("Thank you for writing.\nGoodbye!")
    # A name that is not known is written over.
    pane.field.press_sequentially("/hel")
    expect(pane.options).to_have_count(1)
    press("Enter")
    pane.page.keyboard.type("Chen")
    assert pane.field.input_value() == "Good day, Chen! I am Anna Example."
    press("Enter")
    customer.reads("Good day, Chen! I am Anna Example.")
    # Escape keeps what was written; what is no name of an answer is a message like any other.
    pane.field.press_sequentially("/bye")
    press("Escape")
    expect(pane.options).to_have_count(0)
    press("Enter")
    customer.reads("/bye")
    pane.field.fill("Please: ")
    pane.button("Canned answers").click()
    pane.element.get_by_role("option", name="发票").click()
    assert pane.field.input_value() == "Please: 您的发票已开具，请查收。"


def test_long_chinese_and_emoji_are_counted_as_the_server_does(pane: Pane, customer: Customer) -> None:
    longest = "您好👋🏽" * 1_000
    assert len(longest) == 4_000
    pane.field.fill(longest + "了")
    pane.says("1 characters too many")
    pane.field.press("Enter")
    expect(pane.button("Send")).to_be_disabled()
    pane.field.fill(longest)
    pane.says("0 characters left")
    pane.field.press("Enter")
    customer.reads(longest)
    pane.shows(longest)
    customer.write("家" * 4_000)
    pane.shows("家" * 4_000)
    assert pane.log.evaluate("(log) => log.scrollWidth <= log.clientWidth")
    pane.write("bell\x07 and half\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    customer.reads("bell and half�")


# What comes from others is text


def test_messages_are_shown_as_they_are(pane: Pane, customer: Customer) -> None:
    for payload in PAYLOADS:
        customer.write(payload)
        pane.shows(payload)
        pane.write(f"{payload} {payload}")
        customer.reads(f"{payload} {payload}")
    assert pane.texts() == customer.texts
    inside = pane.element.locator(".text *").evaluate_all("(all) => all.map((each) => each.outerHTML.slice(0, 16))")
    assert set(inside) == {'<a href="https:/'}


def test_only_addresses_of_the_web_are_links(pane: Pane, customer: Customer) -> None:
    text = (
        "请看https://shop.example/订单和http://shop.example/a?b=c&d=(e)。(https://shop.example/x), javascript:alert(1) "
        "data:text/html,x https://bank.example@evil.example/ ftp://shop.example HTTPS://SHOP.EXAMPLE/Y! https://"
    )
    customer.write(text)
    pane.shows(text)
    links = pane.element.locator(".text a").evaluate_all(
        "(all) => all.map((each) => [each.textContent, each.href, each.rel, each.target])"
    )
    rest = ["noopener noreferrer", "_blank"]
    assert links == [
        ["https://shop.example/", "https://shop.example/", *rest],
        ["http://shop.example/a?b=c&d=(e)", "http://shop.example/a?b=c&d=(e)", *rest],
        ["https://shop.example/x", "https://shop.example/x", *rest],
        ["HTTPS://SHOP.EXAMPLE/Y", "https://shop.example/Y", *rest],
    ]


# From its beginning to its end


def test_who_is_asked_reads_and_who_accepts_writes(screen: Screen, centre: Centre, customer: Customer) -> None:
    screen.sign_in("anna", name="Anna Example")
    only(centre, "anna")
    conversation = customer.begin()
    customer.write("hello?")
    customer.until("sent")
    pane = Pane(screen, conversation)
    pane.shows("hello?")
    pane.says("It can be read. Whoever accepts it can write.")
    pane.is_not_written()
    accepted(centre, conversation)
    expect(pane.field).to_be_visible(timeout=PATIENCE_MS)
    pane.write("Yes!")
    customer.reads("Yes!")


def test_who_may_only_read_is_told_who_writes(screen: Screen, centre: Centre, customer: Customer) -> None:
    """As beside a call that has gone on from it to another agent."""
    conversation = answered(centre, customer, "boris")
    screen.sign_in("anna", name="Anna Example")
    # Her own reading of it is answered as it is to whoever is called from there; the rest is the server's.
    screen.page.route(
        "**/v1/agents/anna/conversations/*",
        lambda route: route.fulfill(json=asked(centre, "GET", f"/v1/agents/boris/conversations/{conversation}")),
    )
    pane = Pane(screen, conversation)
    pane.says("boris writes with this customer. It can be read here.")
    pane.is_not_written()


def test_what_has_ended_is_read_and_not_written(pane: Pane, customer: Customer, centre: Centre) -> None:
    pane.write("Good day!")
    customer.reads("Good day!")
    pane.field.fill("Are you still th")
    customer.tell("leave")
    pane.says("The conversation has ended. It can be read.")
    pane.is_not_written()
    expect(pane.log).to_be_focused()
    assert pane.entries()[-1] == ["system", "The customer has ended the conversation."]
    customer.tell("rate", id="r", score=4, comment="<b>fine</b>")
    pane.says("The customer's rating: 4 of 5. <b>fine</b>")
    # A new one is another conversation, begun by the agent.
    before = customer.conversation
    only(centre, "anna")
    pane.button("Write to this customer again").click()
    expect(pane.field).to_be_focused()
    pane.write("One more thing.")
    pane.says("A new conversation has begun. It is offered to you.")
    while customer.conversation == before or customer.texts != ["One more thing."]:
        customer.hear()
    accepted(centre, customer.conversation)
    second = Pane(pane.screen, customer.conversation)
    second.shows("One more thing.")
    customer.write("Which?")
    second.shows("Which?")
    assert pane.texts() == ["Good day!"]


def test_what_is_handed_on_is_no_longer_ones_own(pane: Pane, customer: Customer, centre: Centre) -> None:
    customer.write("hello")
    pane.shows("hello")
    only(centre, "boris")
    asked(centre, "POST", f"/v1/agents/anna/work/{pane.conversation}/transfer", {"to_agent": "boris"})
    accepted(centre, pane.conversation, "boris")
    pane.page.evaluate("(id) => window.panes[id].refresh()", pane.conversation)
    pane.says("This conversation is no longer yours.")
    pane.is_not_written()
    assert pane.texts() == ["hello"]


def test_two_thousand_entries_come_in_pages(screen: Screen, centre: Centre, customer: Customer) -> None:
    screen.sign_in("anna", name="Anna Example")
    conversation = answered(centre, customer)
    path, token = f"/v1/agents/anna/conversations/{conversation}", token_of("anna")

    def say(number: int) -> int:
        said = {"id": f"m-{number}", "text": f"message {number}"}
        return int(asked(centre, "POST", f"{path}/messages", said, token=token)["seq"])

    with ThreadPoolExecutor(16) as many:
        order = dict(zip(many.map(say, range(1_890)), range(1_890), strict=True))
    said = [f"message {order[seq]}" for seq in sorted(order)]
    pane = Pane(screen, conversation)
    pane.shows(said[-1])
    assert pane.texts() == said[-100:]
    pane.page.evaluate("""() => {
      window.slowest = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((each) => {
        window.slowest = Math.max(window.slowest, each.duration);
      })).observe({ type: "longtask" });
    }""")
    while pane.button("Show earlier messages").is_visible():
        shown = len(pane.texts())
        pane.button("Show earlier messages").click()
        pane.page.wait_for_function(
            "([id, count]) => window.panes[id].element.querySelectorAll('.entries .text').length > count",
            arg=[conversation, shown],
        )
    assert pane.texts() == said
    customer.write("still there?")
    pane.shows("still there?")
    pane.write("Yes.")
    customer.reads("Yes.")
    slowest = pane.page.evaluate("window.slowest")
    assert slowest < 1_000, f"the page stood still for {slowest} ms"


# For everybody


def test_it_is_there_for_those_who_do_not_see_it(pane: Pane, customer: Customer) -> None:
    customer.write("hello")
    pane.write("Good day!")
    customer.reads("Good day!")
    found = tree(pane)
    assert ("log", "Messages") in found
    assert ("region", "Conversation in writing") in found
    assert ("textbox", "Message") in found
    assert "" not in {name for role, name in found if role in {"button", "textbox", "combobox", "listbox", "option"}}
    expect(pane.log).to_have_attribute("aria-live", "polite", timeout=PATIENCE_MS)


CONTRASTS = """(pane) => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const own = (each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...pane.querySelectorAll("*")].filter((each) => own(each) && each.checkVisibility()).map((each) => {
    const [a, b] = [light(getComputedStyle(each).color), light(behind(each))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), each.className || each.tagName];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_light_and_dark(pane: Pane, customer: Customer, scheme: str) -> None:
    pane.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    customer.write("see https://shop.example/")
    pane.write("Good day!")
    customer.reads("Good day!")
    pane.page.route(MESSAGES, lambda route: route.fulfill(status=409, body='{"code": "not-talking", "detail": "x"}'))
    pane.write("refused")
    pane.stands("refused", "Not sent: Only who has accepted the conversation can write.")
    pane.field.press_sequentially("/")
    expect(pane.options).to_have_count(3, timeout=PATIENCE_MS)
    found = pane.element.evaluate(CONTRASTS)
    assert len(found) > 15
    assert [each for each in found if each[0] < 4.5] == []


def test_it_speaks_chinese_at_once(pane: Pane, customer: Customer) -> None:
    customer.write("你好")
    pane.write("您好！")
    customer.reads("您好！")
    pane.stands("您好！", "Read")
    pane.page.evaluate("window.words.use('zh')")
    pane.stands("您好！", "已读")
    assert pane.entries()[0] == ["system", "Anna Example 已加入。"]
    expect(pane.page.get_by_role("log", name="消息")).to_be_visible()
    left = pane.element.evaluate(
        """(pane) => [...pane.querySelectorAll("p:not(.text), button, label")].filter((each) => each.checkVisibility())
                       .map((each) => each.innerText.replace(/Anna Example|Enter|Shift/g, ""))"""
    )
    assert [each for each in left if re.search("[A-Za-z]", each)] == []
