"""Who does not look, does not see or reads Chinese: sounds, notifications, names of controls, contrast, words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.centre import Centre, begun
from tests.pages.conftest import Somebody
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.work_screen import ACCEPT, PHONE, WorkScreen

NOTED = """
window.tones = [];
window.notes = [];
window.AudioContext = class extends AudioContext {
  createOscillator() {
    const tone = super.createOscillator(), start = tone.start.bind(tone);
    tone.start = (at) => { window.tones.push(tone.frequency.value); start(at); };
    return tone;
  }
};
window.Notification = class extends EventTarget {
  static permission = "default";
  static async requestPermission() { return (Notification.permission = window.mayNotify ?? "granted"); }
  constructor(title, options) {
    super();
    this.at = window.notes.push({ title, ...options, closed: false }) - 1;
  }
  close() { window.notes[this.at].closed = true; }
};
"""
"""What is heard and put up outside the page, noted: a browser without windows shows neither."""

CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([...rgb]) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.slice(0, 3).map((each) => linear(each / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = rgba(getComputedStyle(each).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba("Canvas");
  };
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest(":disabled, noscript, .unseen")) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    found.push([node.data.trim(), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
}"""
"""Every text that is there, with its contrast against what is behind it, as WCAG 2.2 counts it."""


@pytest.fixture
def noted(somebody: Somebody, busy: Centre) -> Iterator[WorkScreen]:
    context = somebody()
    context.add_init_script(NOTED)
    screen = WorkScreen(context.new_page(), busy).open().begin("anna", "Anna Example")
    yield screen
    screen.check()


def tones(screen: WorkScreen) -> int:
    return int(screen.page.evaluate("window.tones.length"))


def test_an_offer_is_heard_by_whoever_wants_it_until_it_is_over(noted: WorkScreen, busy: Centre) -> None:
    busy.come("c1")
    noted.is_offered(PHONE)
    assert tones(noted) == 0, "nobody has asked for it"
    busy.ask("DELETE", "/v1/interactions/c1")
    noted.is_offered()
    noted.button("Sound").click()
    noted.page.wait_for_function("() => window.tones.length === 2")  # This is how it sounds.
    busy.come("c2")
    noted.page.wait_for_function("() => window.tones.length > 4")
    noted.press(ACCEPT)
    noted.shows(PHONE, "Talking")
    before = tones(noted)
    busy.come("c3", queue="short", channel="chat")
    noted.announced(re.compile("^New offer"))
    noted.announced("The offer is over.")
    rung = tones(noted)
    assert rung in (before + 2, before + 4)
    noted.button("Sound").click()
    _expect(noted.button("Sound")).to_have_attribute("aria-pressed", "false", timeout=PATIENCE_MS)


def test_one_of_two_tabs_sounds(noted: WorkScreen, busy: Centre) -> None:
    noted.button("Sound").click()
    noted.page.wait_for_function("() => window.tones.length === 2")
    other = WorkScreen(noted.page.context.new_page(), busy).open()
    other.says(CONNECTED)
    other.page.mouse.click(1, 1)
    _expect(other.button("Sound")).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    busy.come("c1")
    noted.page.wait_for_function("() => window.tones.length >= 6")
    assert tones(other) == 0
    noted.page.close()
    other.page.wait_for_function("() => window.tones.length >= 2")
    other.button("Sound").click()
    noted.page = other.page


def test_an_offer_is_notified_where_the_agent_has_asked_for_it(noted: WorkScreen, busy: Centre) -> None:
    page = noted.page
    page.evaluate("document.hasFocus = () => false")
    busy.come("c1", attributes={"topic": "secret"})
    noted.is_offered(PHONE)
    assert page.evaluate("[Notification.permission, window.notes]") == ["default", []]
    busy.ask("DELETE", "/v1/interactions/c1")
    noted.is_offered()
    noted.button("Notifications").click()
    noted.is_pressed("Notifications")
    busy.come("c2", attributes={"topic": "secret"})
    page.wait_for_function("() => window.notes.length === 1")
    (note,) = page.evaluate("window.notes")
    assert (note["title"], note["body"], note["closed"]) == ("New offer", PHONE, False)
    noted.press(ACCEPT)
    page.wait_for_function("() => window.notes[0].closed")


def test_a_browser_that_forbids_notifications_is_told_of(noted: WorkScreen) -> None:
    noted.page.evaluate("window.mayNotify = 'denied'")
    noted.button("Notifications").click()
    noted.warns("The browser does not allow notifications for this page.")
    _expect(noted.button("Notifications")).to_have_attribute("aria-pressed", "false", timeout=PATIENCE_MS)


def test_whoever_does_not_see_the_work_is_told_what_is_there(anna: WorkScreen, busy: Centre) -> None:
    """By the accessibility tree that Chromium gives to screen readers."""
    busy.come("c1", queue="support")
    anna.is_offered("Support · telephone")
    anna.press(ACCEPT)
    anna.shows("Support · telephone", "Talking")
    busy.come("c2", channel="chat")
    anna.is_offered("Sales · chat")
    anna.control("Transfer").click()
    _expect(anna.page.locator("#target option")).to_have_count(5, timeout=PATIENCE_MS)
    tree = anna.page.context.new_cdp_session(anna.page).send("Accessibility.getFullAXTree")["nodes"]
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node.get("ignored", False)
    ]
    controls = {"button", "textbox", "searchbox", "combobox", "listbox", "link", "checkbox"}
    named = {name for role, name in found if role in controls}
    assert "" not in named
    assert named >= {
        *("Accept: Sales · chat", "Decline: Sales · chat", "Support · telephone Talking", "To whom"),
        *("Hold", "Transfer", "Ask a colleague", "End", "How it ended (required)", "Search for queues and agents"),
        *("Keep their place and what is known", "Hand over", "Cancel"),
    }
    assert ("region", "Waiting for your answer") in found
    assert ("region", "Work in hand") in found
    assert ("region", "Support · telephone") in found
    assert ("form", "Transfer to") in found
    headings = [name for role, name in found if role == "heading"]
    assert headings[:3] == ["Agent desk", "Anna Example", "Presence"]
    assert anna.button("Accept: Sales · chat").get_attribute("aria-keyshortcuts") == "Alt+Shift+A"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(anna: WorkScreen, busy: Centre, scheme: str) -> None:
    anna.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    busy.come("c1", queue="support", attributes={"topic": "claims"})
    anna.is_offered("Support · telephone")
    anna.press(ACCEPT)
    anna.shows("Support · telephone", "Talking")
    busy.come("c2", channel="chat")
    anna.is_offered("Sales · chat")
    anna.control("Transfer").click()
    _expect(anna.page.locator("#target option")).to_have_count(5, timeout=PATIENCE_MS)
    found = anna.page.evaluate(CONTRAST)
    assert {"Accept", "Decline", "claims", "Hold", "Search for queues and agents"} <= {text for text, _ in found}
    assert [(text, round(ratio, 1)) for text, ratio in found if ratio < 4.5] == []


def test_the_work_is_in_chinese_too(tmp_path: Path, somebody: Somebody) -> None:
    with begun(tmp_path, '[queues."客服"]\n', "parallel") as busy:
        anna = WorkScreen(somebody().new_page(), busy).open().begin("张伟", "张伟")
        _in_chinese(anna, busy)
        anna.check()


def _in_chinese(anna: WorkScreen, busy: Centre) -> None:
    anna.page.get_by_label("Language").select_option("zh")
    busy.come("c1", queue="客服", attributes={"topic": "投诉"})
    anna.button("接受：客服 · 电话").click()
    _expect(anna.page.locator("#front-state")).to_have_text("通话中", timeout=PATIENCE_MS)
    busy.come("c2", queue="客服", channel="chat")
    anna.button("接受：客服 · 在线聊天").wait_for()
    anna.button("转接").click()
    _expect(anna.page.locator("#target option")).to_have_text(["客服"], timeout=PATIENCE_MS)
    text = anna.page.locator("main").inner_text()
    left = set(re.findall("[A-Za-z]+", text)) - {"Alt", "Ctrl", "Shift", "Enter", "A", "D", "own", "code"}
    assert left == set()
    anna.button("接受：客服 · 在线聊天").click()
    _expect(anna.page.locator("#front-state")).to_have_text("会话中", timeout=PATIENCE_MS)  # who writes is in no call
    anna.items.first.click()
    anna.page.get_by_label("语言").select_option("en")
    anna.shows("客服 · telephone", "Talking")
