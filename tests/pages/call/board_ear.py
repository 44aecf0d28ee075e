"""A supervisor before the wallboard who hears calls between browsers by it: what they do there, and what comes in.

Must not know how the page is made, but for the names of its controls; what it plays and sends, the browser says.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from tests.pages.call.desk_screen import LISTENING
from tests.pages.call.sides import PATIENCE_MS, POLL_MS
from tests.pages.conftest import NOTING
from tests.pages.screen import _expect

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.pages.call.centre import Centre

BOSS: Final = "a-long-token-of-boss"

MORE: Final = """
[api.wallboard]
enabled = true
[agents.maria]
[agents.nina]
[[api.tokens]]
name = "boss"
token_file = "boss.token"
roles = ["supervisor"]
telephone = "maria"
[[api.tokens]]
name = "deaf"
token_file = "deaf.token"
roles = ["supervisor"]
"""

FLOWS: Final = """async (connections) => {
  const found = [];
  for (const pc of connections) {
    if (pc.connectionState === "closed") continue;
    const flow = { bytes: 0, energy: 0, sent: 0 };
    for (const each of (await pc.getStats()).values()) {
      if (each.kind !== "audio") continue;
      if (each.type === "inbound-rtp") { flow.bytes = each.bytesReceived; flow.energy = each.totalAudioEnergy ?? 0; }
      if (each.type === "outbound-rtp") flow.sent = each.bytesSent;
    }
    found.push(flow);
  }
  return found;
}"""
"""What comes in by each connection, and what goes out."""


class EarScreen:
    """One tab with the wallboard. Connections in it: with the agent, then with the customer."""

    def __init__(self, context: BrowserContext, centre: Centre) -> None:
        for each in (NOTING, LISTENING):
            context.add_init_script(each)
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.centre = centre
        self.noted: list[str] = []
        self.page.on("pageerror", lambda error: self.noted.append(f"error: {error}"))

    def open(self, token: str = BOSS) -> EarScreen:
        self.page.goto(f"{self.centre.address}/wallboard")
        self.page.get_by_label("Your token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        return self

    def does(self, what: str, agent: str = "anna") -> None:
        """By the dialog of the agent's row."""
        self.asks(what, agent)
        self.page.get_by_role("dialog").get_by_text("Done:").wait_for()
        self.page.get_by_role("dialog").get_by_role("button", name="Close").click()

    def asks(self, what: str, agent: str = "anna") -> None:
        row = self.page.locator("#agents tbody tr").filter(has=self.page.get_by_role("rowheader", name=agent))
        _expect(row).to_contain_text("talking", timeout=PATIENCE_MS)
        row.get_by_role("button").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name=what, exact=True).click()
        dialog.get_by_role("button", name="Yes, do it").click()

    @property
    def call(self) -> Locator:
        return self.page.locator("#call-list > li")

    def shows(self, heading: str, state: str = "Connected") -> None:
        _expect(self.call.get_by_role("heading")).to_have_text(heading, timeout=PATIENCE_MS)
        _expect(self.call.get_by_role("status")).to_have_text(state, timeout=2 * PATIENCE_MS)

    def hears_nothing(self) -> None:
        """No call is shown, and none is there."""
        _expect(self.call).to_have_count(0, timeout=PATIENCE_MS)
        self.until(lambda: self.flows() == [])

    def flows(self) -> list[dict[str, Any]]:
        return list(self.page.evaluate(f"() => ({FLOWS})(window.connections)"))

    def hears_both(self) -> None:
        """Sound comes in from the agent and the customer, from now on."""
        before: list[dict[str, Any]] = []

        def both() -> bool:
            nonlocal before
            now = self.flows()
            if len(before) != len(now):
                before = now
            return len(now) == 2 and all(now[each]["energy"] > before[each]["energy"] for each in (0, 1))

        self.until(both)

    def until(self, holds: Any) -> None:  # noqa: ANN401 - a question
        deadline = time.monotonic() + 2 * PATIENCE_MS / 1_000
        while not holds():
            assert time.monotonic() < deadline, (self.flows(), self.noted)
            self.page.wait_for_timeout(POLL_MS)

    def check(self) -> None:
        assert self.page.evaluate("window.violations") == []
        assert self.noted == []
