"""An outside checker looks at the supervisors' page and at the API's documentation: nothing of WCAG 2.2 AA is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.checker import LOCALES, Checker
from tests.pages.floor import Floor, opened, token_of
from tests.pages.screen import PATIENCE_MS, _expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page


@pytest.fixture(params=LOCALES)
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(locale=request.param, timezone_id="UTC")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    with opened(tmp_path) as found:
        yield found


def signed_in(page: Page, floor: Floor) -> Checker:
    checker = Checker(page)
    page.goto(f"{floor.address}/wallboard")
    page.locator("#token").fill(token_of("boss"))
    page.locator("#enter").click()
    page.locator("#board").wait_for()
    return checker


def test_signing_in(page: Page, floor: Floor) -> None:
    checker = Checker(page)
    page.goto(f"{floor.address}/wallboard")
    page.locator("#token").wait_for()
    checker.look("signed out")
    page.locator("#token").fill(token_of("anna"))
    page.locator("#enter").click()
    _expect(page.locator("#notice")).not_to_be_empty()
    checker.look("refused")
    page.locator("#token").fill(token_of("boss"))
    page.locator("#enter").click()
    page.locator("#board").wait_for()
    checker.look("nothing happens")
    _expect(page.locator("#connection")).not_to_be_empty()
    connected = page.locator("#connection").inner_text()
    floor.served.kill()
    _expect(page.locator("#connection")).not_to_have_text(connected)
    checker.look("cut off")
    checker.check()


def test_a_busy_centre(page: Page, floor: Floor) -> None:
    checker = signed_in(page, floor)
    floor.sign_in("anna", "boris")
    floor.call("talk", customer={"name": "Li Ming", "number": "13812345678"})
    floor.answer("talk", "anna")
    for number in range(5):
        floor.call(f"waits-{number}")
    floor.must("PUT", "/v1/agents/boris/presence", {"presence": "not-ready", "reason": "lunch"})
    floor.must("POST", "/v1/queues/support/close", {"reason": "night"})
    _expect(page.locator("#waiting tbody tr")).to_have_count(5, timeout=PATIENCE_MS)
    page.locator("#alarms li").wait_for()
    page.locator("#plot-waiting *").first.wait_for(state="attached")
    checker.look("alarms, lines and work")
    page.locator("#sound").click()
    page.locator("#shown").select_option("sales")
    checker.look("one queue, with sound")
    checker.check()


def test_what_supervisors_do(page: Page, floor: Floor) -> None:
    checker = signed_in(page, floor)
    floor.sign_in("anna")
    floor.call("talk")
    floor.answer("talk", "anna")
    floor.call("waits")
    _expect(page.locator("#waiting tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
    _expect(page.locator("#agents tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
    page.locator("#waiting tbody button").click()
    checker.look("of somebody who waits")
    page.locator("#priority").fill("")
    page.locator("#reprioritise").click()
    _expect(page.locator("#said")).not_to_be_empty()
    checker.look("no priority")
    page.locator("#priority").fill("7")
    page.locator("#reprioritise").click()
    page.locator("#yes").wait_for()
    checker.look("asked once more")
    page.locator("#yes").click()
    _expect(page.locator("#done")).not_to_be_empty()
    checker.look("done")
    page.locator("#close").click()
    page.locator("#agents tbody button").click()
    checker.look("of an agent who talks")
    page.locator("#close").click()
    checker.check()


def test_the_documentation_of_the_api(page: Page, floor: Floor) -> None:
    checker = Checker(page)
    page.goto(f"{floor.address}/docs")
    page.locator("main details, main section, main article").first.wait_for()
    checker.look("as it opens")
    for each in page.locator("details > summary").all()[:3]:
        each.click()
    checker.look("a route unfolded")
    checker.check()
