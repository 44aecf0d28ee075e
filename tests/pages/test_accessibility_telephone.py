"""An outside checker looks at the pages that are telephones, before a real Asterisk: keypad, ringing, listening in.

These tests are coroutines, as whatever drives the PBX is; so the checker is asked by a driver that is one, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from acd_asterisk.lab import Provisioned
from bench.provision import Program
from tests.pages.board_centre import centre as listening_centre
from tests.pages.checker import ASK, BEYOND, LOCALES, NARROW, SCHEMES, axe, findings_of
from tests.pages.phone_centre import phone_centre
from tests.pages.phone_desk import phone_desk
from tests.pages.test_numbers import OUTSIDE

if TYPE_CHECKING:
    from playwright.async_api import Page

LANGUAGE = "document.documentElement.lang"


class Checker:
    """As `tests.pages.checker.Checker`, in both languages of a page, each state after the other."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.findings: list[str] = []
        self.rules = 0

    async def look(self, state: str) -> Self:
        """At the page as it is now, in each language, light, dark and narrow."""
        before = self.page.viewport_size
        assert before is not None
        for locale in reversed(LOCALES):
            await self.page.locator("#language").select_option(locale.partition("-")[0])
            await self.page.wait_for_function(f"lang => {LANGUAGE} === lang", arg=locale.partition("-")[0])
            for scheme in SCHEMES:
                await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                await self._note(f"{state}, {locale}, {scheme}")
            await self.page.set_viewport_size(NARROW)
            self.findings += [f"{state}, {locale}, narrow: {each}" for each in await self.page.evaluate(BEYOND)]
            await self._note(f"{state}, {locale}, narrow")
            await self.page.set_viewport_size(before)
        return self

    def check(self) -> None:
        """Nothing was found, and something was tried."""
        assert self.rules > 0, "nothing was looked at"
        assert self.findings == [], "\n" + "\n".join(self.findings)

    async def _note(self, state: str) -> None:
        devtools = await self.page.context.new_cdp_session(self.page)
        frame = (await devtools.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        world = await devtools.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "checker"})
        results: dict[str, Any] = {}
        for script in (axe(), ASK):
            asked = {"expression": script, "contextId": world["executionContextId"]}
            answer = await devtools.send("Runtime.evaluate", {**asked, "awaitPromise": True, "returnByValue": True})
            assert "exceptionDetails" not in answer, answer["exceptionDetails"]
            results = json.loads(answer["result"]["value"]) if script is ASK else {}
        await devtools.detach()
        self.rules += len(results["passes"]) + len(results["violations"])
        self.findings += findings_of(state, results)


async def test_the_desk_as_a_telephone(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path, more=OUTSIDE) as centre, phone_desk(centre) as desk:
        await desk.begin()
        checker = await Checker(desk.page).look("a telephone that is ready")
        await desk.page.locator("#devices summary").click()
        await checker.look("devices")
        async with centre.caller():
            await desk.call_is("Ringing")
            await checker.look("ringing")
            await desk.accept()
            await desk.call_is("Connected")
            await desk.call_button("Keypad").click()
            await desk.page.keyboard.type("42#")
            await checker.look("keypad")
            await desk.page.keyboard.press("Alt+Shift+KeyM")
            await desk.call_is("Connected · You are muted")
            await desk.control("Transfer").click()
            await desk.page.locator("#number").fill("+49")
            await checker.look("muted, handing on to a number")
            await desk.page.keyboard.press("Escape")
            await desk.control("Hold").click()
            await desk.call_is("On hold · You are muted")
            await checker.look("on hold")
            await desk.call_button("Hang up").click()
            await desk.has_no_call()
        checker.check()


async def test_the_wallboard_as_a_telephone(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with listening_centre(provisioned, program, tmp_path, in_page=True) as on:
        row = on.page.locator("#agents tbody tr", has_text="Anna Example")
        await row.get_by_text("talking").wait_for()
        await row.get_by_role("button").click()
        await on.does("Listen in")
        await on.page.locator("#call-list").get_by_text("Connected").wait_for()
        checker = await Checker(on.page).look("listening, in the dialog")
        await on.page.get_by_role("dialog").get_by_role("button", name="Close").click()
        await on.page.locator("#call-list").get_by_role("button", name="Mute").click()
        await checker.look("listening, muted")
        checker.check()
