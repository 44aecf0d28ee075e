"""Markup and code in whatever pages show and other tests do not: nothing of it runs, nothing becomes an element.

Names, reasons, attributes and messages are tried beside what else is tested of them.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.pages.board_screen import BoardScreen, expect
from tests.pages.centre import PAYLOADS, begun
from tests.pages.conftest import Somebody
from tests.pages.floor import opened
from tests.pages.screen import PATIENCE_MS
from tests.pages.work_screen import ACCEPT, CHAT, WorkScreen
from tests.pages.writing import Customer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page, Route

PRINTED: Final = ["".join(each for each in payload if each.isprintable()) for payload in PAYLOADS]
IDS: Final = [each for each in PRINTED if not any(map(str.isspace, each))]

CANARY: Final = "window.xss = 0; window.alert = () => { window.xss += 1; };"

ODD: Final = """() => [...document.querySelectorAll("body :is(script, img, iframe, style, math, object, embed, base)")]
  .map((each) => each.outerHTML)"""


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A page that notes what runs; in the end nothing has."""
    context.add_init_script(CANARY)
    page = context.new_page()
    yield page
    assert page.evaluate("[window.xss, window.violations]") == [0, []]
    assert page.evaluate(ODD) == []


def test_what_the_desk_shows_of_its_configuration_and_of_refusals(somebody: Somebody, tmp_path: Path) -> None:
    answers = "".join(f"a{number} = {json.dumps(text)}\n" for number, text in enumerate(PRINTED))
    queues = (
        f'[queues.sales]\ntitle = "Sales"\noffer_timeout = "60s"\ndispositions = {json.dumps(IDS)}\n'
        '[channels.shop]\ntype = "webchat"\norigins = ["https://shop.example"]\nqueues = ["sales"]\n'
        f"[api.desk.answers]\n{answers}"
    )
    with begun(tmp_path, queues) as centre, watched(somebody()) as page:
        anna = WorkScreen(page, centre).open().begin("anna", "Anna Example")
        customer = Customer(centre)
        customer.connect()
        customer.begin()
        for payload in PRINTED:
            customer.write(payload)
        anna.is_offered(CHAT)
        anna.press(ACCEPT)
        anna.shows(CHAT, "Talking")
        texts = anna.front.locator(".entries .text")
        expect(texts).to_have_count(len(PRINTED), timeout=PATIENCE_MS)
        assert texts.all_text_contents() == PRINTED
        shown = page.locator("#disposition option").all_text_contents()
        assert sorted(shown) == sorted(["–", *IDS])
        page.get_by_role("textbox", name="Message").fill("/a")
        expect(anna.front.get_by_role("option").first).to_be_visible(timeout=PATIENCE_MS)
        found = " ".join(anna.front.locator("[role=option]").all_text_contents())
        assert all(payload in found for payload in PRINTED)
        page.get_by_role("textbox", name="Message").fill("")
        for payload in PAYLOADS:
            refused(page, "**/v1/agents/anna/presence", payload)
            anna.button("Not ready").click()
            anna.warns(f"This could not be done ({payload}).")
            page.unroute("**/v1/agents/anna/presence")
        customer.close()


def test_what_the_wallboard_shows_of_alarms_lines_and_refusals(somebody: Somebody, tmp_path: Path) -> None:
    people = "[agents.anna]\n[queues.sales]\n"
    for number, payload in enumerate(PRINTED):
        people += f"[queues.q{number}]\ntitle = {json.dumps(payload)}\nalarms = {{ waiting = 1, settle = '1s' }}\n"
    with opened(tmp_path, people) as floor, watched(somebody()) as page:
        board = BoardScreen(page, floor).open().sign_in()
        for number, payload in enumerate(PAYLOADS):
            person = {"name": payload, "number": f"1381234{number:04}"}
            floor.call(f"c{number}", f"q{number}", channel=IDS[number % len(IDS)], customer=person)
            floor.must("POST", f"/v1/queues/q{number}/close", {"reason": payload})
        expect(page.locator("#alarms li")).to_have_count(len(PRINTED), timeout=PATIENCE_MS)
        alarms = " ".join(page.locator("#alarms li").all_text_contents())
        assert all(payload in alarms for payload in PRINTED)
        board.count("waiting", len(PRINTED))
        row = page.locator("#waiting tbody tr").first
        board.act(row)
        for payload in PAYLOADS:
            refused(page, "**/v1/interactions/*/priority", payload)
            board.button("Change priority").click()
            board.button("Yes, do it").click()
            said = page.locator("#said")
            expect(said).to_have_text(f"This could not be done ({payload}).", timeout=PATIENCE_MS)
            page.unroute("**/v1/interactions/*/priority")


def refused(page: Page, path: str, text: str) -> None:
    """By whoever is in between, and says something else than acd does."""

    def answer(route: Route) -> None:
        route.fulfill(status=409, json={"code": text, "detail": text})

    page.route(path, answer)
