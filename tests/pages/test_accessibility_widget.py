"""An outside checker looks into the chat window on a shop's page: nothing of WCAG 2.2 AA that it can find is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.checker import LOCALES, Checker
from tests.pages.screen import PATIENCE_MS
from tests.pages.shop import Agent, Shop, Window, expect, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def anna(shop: Shop) -> Iterator[Agent]:
    agent = Agent(shop.centre).sign_in()
    yield agent
    agent.sign_out()


@pytest.fixture(params=LOCALES)
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(locale=request.param, timezone_id="UTC")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def visited(page: Page, shop: Shop, **attributes: str) -> tuple[Window, Checker]:
    """In the language of the shop's page, which the window follows."""
    language = page.evaluate("navigator.language").partition("-")[0]
    return Window(page, shop).visit(lang=language, **attributes), Checker(page)


def test_a_conversation_from_its_beginning_to_the_rating(page: Page, shop: Shop, anna: Agent) -> None:
    window, checker = visited(page, shop)
    checker.look("closed")
    window.open()
    checker.look("open")
    field = window.dialog.locator("textarea").last
    field.fill("Hello")
    checker.look("writing")
    field.press("Enter")
    conversation = anna.accepts()
    expect(window.dialog.locator(".status")).to_contain_text("Anna W.", timeout=PATIENCE_MS)
    anna.says(conversation, "Good day! https://shop.example/")
    window.shows(["Hello", "Good day! https://shop.example/"])
    anna.does(conversation, "typing", {})
    checker.look("talking")
    window.dialog.locator("header button").first.click()
    expect(window.dialog.locator(".asking")).to_be_visible()
    checker.look("asked whether to end")
    window.dialog.locator(".asking button").last.click()
    window.dialog.locator(".shut").click()
    anna.says(conversation, "Are you there?")
    expect(window.page.locator(".acd-chat .badge")).to_be_visible(timeout=PATIENCE_MS)
    checker.look("closed, with news")
    window.open()
    anna.ends(conversation)
    expect(window.dialog.locator(".rating")).to_be_visible(timeout=PATIENCE_MS)
    checker.look("to be rated")
    window.dialog.locator(".score").nth(3).click()
    checker.look("a mark chosen")
    window.dialog.locator(".rating .main").click()
    expect(window.dialog.locator(".rating")).to_be_hidden(timeout=PATIENCE_MS)
    checker.look("rated")
    checker.check()


def test_nobody_is_there(page: Page, shop: Shop) -> None:
    window, checker = visited(page, shop, **{"data-queue": "night", "data-color": "#ffdd00"})
    agent = Agent(shop.centre)
    agent.queue("night", opens=False)
    try:
        window.open().dialog.locator("textarea").last.fill("Hello")
        window.dialog.locator("textarea").last.press("Enter")
        expect(window.dialog.locator(".left")).to_be_visible(timeout=PATIENCE_MS)
        checker.look("a message for later")
    finally:
        agent.queue("night", opens=True)
    checker.check()


def test_a_window_that_may_not_be_there(page: Page, shop: Shop) -> None:
    window, checker = visited(page, shop, **{"data-channel": "strict"})
    window.open()
    expect(window.dialog.locator(".status.bad")).to_be_visible(timeout=PATIENCE_MS)
    checker.look("refused")
    checker.check()
