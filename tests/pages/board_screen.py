"""The supervisors' page as a person has it before them: its tables, alarms and dialog, by roles and names.

Whatever it says is waited for, and nothing else. Must not know how the page is made, but for the names of its controls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.pages.floor import Floor, token_of
from tests.pages.screen import PATIENCE_MS

if TYPE_CHECKING:
    from re import Pattern

    from playwright.sync_api import Dialog, Locator, Page
    from playwright.sync_api._generated import LocatorAssertions

CONNECTED: Final = "Connected: changes are shown at once."
CALM: Final = "✔ No alarms"


class BoardScreen:
    """One tab with the page. `noted`: what no test is to see: dialogs, errors."""

    def __init__(self, page: Page, floor: Floor) -> None:
        self.page = page
        self.floor = floor
        self.noted: list[str] = []
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.noted.append(f"error: {error}"))

    def open(self) -> BoardScreen:
        self.page.goto(f"{self.floor.address}/wallboard")
        return self

    def sign_in(self, name: str = "boss") -> BoardScreen:
        self.enter(token_of(name))
        self.says(CONNECTED)
        return self

    def enter(self, token: str) -> None:
        self.page.get_by_label("Your token").fill(token)
        self.button("Sign in").click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def row(self, table: str, name: str | Pattern[str]) -> Locator:
        """A row of a table by its heading."""
        heading = self.page.get_by_role("rowheader", name=name)
        return self.page.locator(f"#{table} tbody tr").filter(has=heading)

    def cells(self, row: Locator, *texts: str | Pattern[str]) -> None:
        """What stands in its first cells after the heading."""
        for number, text in enumerate(texts):
            expect(row.get_by_role("cell").nth(number)).to_have_text(text, timeout=PATIENCE_MS)

    def count(self, table: str, count: int) -> None:
        expect(self.page.locator(f"#{table} tbody tr")).to_have_count(count, timeout=PATIENCE_MS)

    def says(self, text: str | Pattern[str]) -> None:
        expect(self.page.get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)

    def warns(self, text: str) -> None:
        expect(self.page.locator("#notice")).to_have_text(text, timeout=PATIENCE_MS)

    def alarms(self, text: str | Pattern[str]) -> None:
        """What is said of all of them together."""
        expect(self.page.locator("#alarm-count")).to_have_text(text, timeout=PATIENCE_MS)

    def asks_for_the_token(self) -> None:
        expect(self.page.get_by_label("Your token")).to_be_visible(timeout=PATIENCE_MS)

    def act(self, row: Locator) -> Locator:
        """Opens the dialog of a row."""
        row.get_by_role("button").click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        return dialog

    def confirm(self, question: str) -> None:
        expect(self.page.locator("#question")).to_have_text(question)
        self.button("Yes, do it").click()

    def done(self) -> None:
        """Was carried out, and says so; then the dialog goes."""
        expect(self.page.locator("#done")).to_contain_text("Done:", timeout=PATIENCE_MS)
        expect(self.page.locator("#done")).not_to_contain_text("?")  # it is a question no more
        self.button("Close").click()

    def refused(self, text: str) -> None:
        expect(self.page.locator("#said")).to_have_text(text, timeout=PATIENCE_MS)
        self.button("Close").click()

    def check(self) -> None:
        """It has violated no policy, raised no error and shown no dialog."""
        assert self.page.evaluate("window.violations") == []
        assert self.noted == []

    def _dialog(self, dialog: Dialog) -> None:
        self.noted.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def expect(locator: Locator) -> LocatorAssertions:
    """Playwright's, where it is there."""
    from playwright.sync_api import expect as found  # noqa: PLC0415 - where it is missing, tests say so

    return found(locator)
