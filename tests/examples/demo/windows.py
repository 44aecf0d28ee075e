"""The windows of whoever plays an agent and a customer at once, as the demo tells people to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from playwright.sync_api._generated import LocatorAssertions

PATIENCE_MS: Final = 15_000
POLL_MS: Final = 100


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

    def talks(self) -> None:
        """The customer is heard: more sound comes in than until now, and it is no silence."""
        expect(self.page.locator("#call-list > li .state")).to_have_text("Connected", timeout=2 * PATIENCE_MS)
        hears(self.page)

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

    def calls(self) -> None:
        self.page.get_by_role("dialog").get_by_role("button", name="Call instead").click()

    def talks(self) -> None:
        """The agent is heard."""
        hears(self.page)


LISTENING: Final = """
window.connections = [];
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...all) { super(...all); window.connections.push(this); }
};
"""
"""Every connection that a page makes, for whoever asks the browser what comes in by it."""

HEARD: Final = """async () => {
  let heard = 0;
  for (const each of window.connections) {
    for (const one of (await each.getStats()).values()) {
      if (one.type === "inbound-rtp" && one.kind === "audio" && one.bytesReceived) heard += one.totalAudioEnergy ?? 0;
    }
  }
  return heard;
}"""


def hears(page: Page) -> None:
    """More comes in than until now."""
    before, left = page.evaluate(HEARD), 2 * PATIENCE_MS / POLL_MS
    while page.evaluate(HEARD) <= before:
        left -= 1
        assert left > 0, "nothing is heard"
        page.wait_for_timeout(POLL_MS)
