"""The windows of whoever plays an agent and a customer at once, as the demo tells people to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from playwright.sync_api._generated import LocatorAssertions

PATIENCE_MS: Final = 15_000


def expect(locator: Locator) -> LocatorAssertions:
    from playwright.sync_api import expect as expected  # noqa: PLC0415 - where it is missing, tests say so

    return expected(locator)


class Desk:
    """An agent's window."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def begin(self, token: str) -> None:
        self.page.get_by_label("Your token").fill(token)
        self.press("Sign in")
        self.press("Ready")

    def accept(self) -> None:
        """The button says so, and to screen readers what, too."""
        self.page.get_by_role("button", name=re.compile("^Accept")).click()

    def answers(self, text: str) -> None:
        field = self.page.get_by_label("Message", exact=True)
        field.fill(text)
        field.press("Enter")

    def reads(self, text: str) -> None:
        expect(self.page.locator("#conversation").get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)


class Shop:
    """A customer's window."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)

    def writes(self, text: str) -> None:
        if not self.page.get_by_role("dialog").is_visible():
            self.page.locator(".acd-chat .launch").click()
        field = self.page.get_by_role("dialog").get_by_role("textbox")
        field.fill(text)
        field.press("Enter")

    def reads(self, text: str) -> None:
        expect(self.page.get_by_role("dialog").get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)
