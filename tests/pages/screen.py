"""The agents' page as a person has it before them: what it shows, by roles and names, and what can be done there.

Whatever it says is waited for, and nothing else. Must not know how the page is made, but for the names of its controls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.pages.centre import Centre, token_of

if TYPE_CHECKING:
    from re import Pattern

    from playwright.sync_api import Dialog, Locator, Page
    from playwright.sync_api._generated import LocatorAssertions

PATIENCE_MS: Final = 10_000

CONNECTED: Final = "Connected: changes are shown at once."


class Screen:
    """One tab with the page. `noted`: what no test is to see: dialogs, errors."""

    def __init__(self, page: Page, centre: Centre) -> None:
        self.page = page
        self.centre = centre
        self.noted: list[str] = []
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.noted.append(f"error: {error}"))

    def open(self) -> Screen:
        self.page.goto(f"{self.centre.address}/desk")
        return self

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def token(self) -> Locator:
        return self.page.get_by_label("Your token")

    @property
    def reason(self) -> Locator:
        return self.page.get_by_label("Reason for not being ready")

    def sign_in(self, agent: str, *, name: str | None = None) -> Screen:
        self.enter(token_of(agent))
        self.has_heading(agent if name is None else name)
        self.says(CONNECTED)
        return self

    def enter(self, token: str) -> None:
        self.token.fill(token)
        self.button("Sign in").click()

    def has_heading(self, name: str) -> None:
        """And has put whoever listens there."""
        heading = self.page.get_by_role("heading", level=2)
        _expect(heading).to_have_text(name, timeout=PATIENCE_MS)
        _expect(heading).to_be_focused()

    def stands(self, state: str | Pattern[str]) -> None:
        """What is said of the agent's presence, to everybody alike."""
        _expect(self.page.get_by_role("status").first).to_have_text(state, timeout=PATIENCE_MS)

    def says(self, text: str) -> None:
        _expect(self.page.get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)

    def warns(self, text: str) -> None:
        _expect(self.page.get_by_role("alert")).to_have_text(text, timeout=PATIENCE_MS)

    def asks_for_the_token(self) -> None:
        _expect(self.token).to_be_visible(timeout=PATIENCE_MS)
        _expect(self.token).to_be_focused()
        _expect(self.button("Sign out")).to_be_hidden()

    def is_pressed(self, name: str) -> None:
        _expect(self.button(name)).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)

    def is_focused(self, locator: Locator) -> None:
        _expect(locator).to_be_focused()

    def cookies(self) -> list[str]:
        return [cookie["name"] for cookie in self.page.context.cookies()]

    def check(self) -> None:
        """It has violated no policy, raised no error and shown no dialog."""
        assert self.page.evaluate("window.violations") == []
        assert self.noted == [], self.noted

    def _dialog(self, dialog: Dialog) -> None:
        self.noted.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def _expect(locator: Locator) -> LocatorAssertions:
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is missing, tests say so

    return expect(locator)
