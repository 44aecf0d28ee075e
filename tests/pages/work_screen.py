"""The agents' page with work on it, as a person has it before them: what rings, what is in hand, what is in front.

Whatever it says is waited for, and nothing else. Must not know how the page is made, but for the names of its controls.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Self

from tests.pages.screen import PATIENCE_MS, Screen, _expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

ACCEPT: Final = "Alt+Shift+KeyA"
DECLINE: Final = "Alt+Shift+KeyD"
PHONE: Final = "Sales · telephone"
CHAT: Final = "Sales · chat"
UNKNOWN: Final = "It is not known whether this was done. Look whether it was."
"""What the page says of a deed to which no answer came."""
TALKING: Final = ("Hold", "Transfer", "Ask a colleague", "End")
"""What can be done while the agent talks."""


class WorkScreen(Screen):
    """One tab of an agent at work."""

    def open(self) -> Self:
        super().open()
        return self

    def begin(self, agent: str, name: str | None = None) -> Self:
        """Sign in, and be ready."""
        self.sign_in(agent, name=name)
        self.button("Ready").click()
        self.is_pressed("Ready")
        return self

    def takes(self, name: str) -> None:
        """What is offered, by the keyboard."""
        self.is_offered(name)
        self.press(ACCEPT)
        self.shows(name, "Talking")

    @property
    def offers(self) -> Locator:
        return self.page.get_by_role("region", name="Waiting for your answer").locator("#offer-list > li")

    @property
    def items(self) -> Locator:
        return self.page.locator("#work-list button")

    @property
    def front(self) -> Locator:
        return self.page.locator("#front")

    def is_offered(self, *titles: str) -> None:
        """These, and no others, in this order."""
        _expect(self.offers.locator("h4")).to_have_text(list(titles), timeout=PATIENCE_MS)

    def has(self, *items: str | re.Pattern[str]) -> None:
        """This is in hand, and nothing else, in this order."""
        _expect(self.items).to_have_text(list(items), timeout=PATIENCE_MS)

    def shows(self, title: str, state: str) -> None:
        """This is in front."""
        _expect(self.front.get_by_role("heading", level=3)).to_have_text(title, timeout=PATIENCE_MS)
        _expect(self.page.locator("#front-state")).to_have_text(state, timeout=PATIENCE_MS)

    def shows_nothing(self) -> None:
        self.says("Nothing in hand.")
        _expect(self.front).to_be_hidden()

    def control(self, name: str) -> Locator:
        return self.front.get_by_role("button", name=name, exact=True)

    def controls(self, *names: str) -> None:
        """These, and no others, can be pressed."""
        _expect(self.page.locator("#controls button:visible")).to_have_text(list(names), timeout=PATIENCE_MS)

    def fact(self, name: str) -> str:
        """What is known under this name of what is in front."""
        row = self.front.locator("dl > div").filter(
            has=self.page.locator("dt", has_text=re.compile(f"^{re.escape(name)}$"))
        )
        return row.locator("dd").inner_text(timeout=PATIENCE_MS)

    def hand(self, control: str, target: str, go: str) -> None:
        """Transfer or consult: choose this target, by its label."""
        self.control(control).click()
        self.page.get_by_label("To whom").select_option(label=target)
        self.front.get_by_role("button", name=go, exact=True).click()

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.id"))

    def announced(self, text: str | re.Pattern[str]) -> None:
        """To screen readers, at once."""
        _expect(self.page.locator("[aria-live=assertive]")).to_have_text(text, timeout=PATIENCE_MS)


def item(title: str, state: str) -> re.Pattern[str]:
    """How it is in the list of what is in hand."""
    return re.compile(rf"^{re.escape(title)}\s*{re.escape(state)}\s*\d+:\d\d( in all| left)?$")
