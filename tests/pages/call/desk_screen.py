"""The agents' page with calls in it, as a person has it before them: its bar of calls, and what comes out of it.

Must not know how the page is made, but for the names of its controls; what it plays, the browser says.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, Self

from tests.pages.call.centre import Centre, token_of
from tests.pages.conftest import NOTING
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect
from tests.pages.work_screen import WorkScreen

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

CALL: Final = "sales · telephone"
CONNECTED_CALL: Final = "Connected"
POLL_MS: Final = 50

LISTENING: Final = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...all) { super(...all); window.connections.push(this); }
};
window.asked = [];
const { getUserMedia } = MediaDevices.prototype;
MediaDevices.prototype.getUserMedia = function (wanted) {
  window.asked.push(wanted.audio);
  return getUserMedia.call(this, wanted);
};
"""
"""Every connection that the page makes, for whoever asks the browser what comes in by it; and microphones."""

HEARD: Final = """async () => {
  const found = { bytes: 0, energy: 0, sent: 0, said: 0, path: "", ufrag: "" };
  const pc = window.connections.findLast((each) => each.connectionState !== "closed");
  if (!pc) return found;
  const report = [...(await pc.getStats()).values()];
  for (const each of report) {
    if (each.type === "inbound-rtp" && each.kind === "audio") {
      found.bytes = each.bytesReceived; found.energy = each.totalAudioEnergy ?? 0;
    } else if (each.type === "outbound-rtp" && each.kind === "audio") found.sent = each.bytesSent;
    else if (each.type === "media-source" && each.kind === "audio") found.said = each.totalAudioEnergy ?? 0;
    else if (each.type === "transport" && each.selectedCandidatePairId) {
      const pair = report.find((one) => one.id === each.selectedCandidatePairId);
      found.path = report.find((one) => one.id === pair?.localCandidateId)?.candidateType ?? "";
    }
  }
  found.ufrag = /a=ice-ufrag:(.*)/.exec(pc.currentLocalDescription?.sdp ?? "")?.[1] ?? "";
  return found;
}"""


class CallScreen(WorkScreen):
    """One tab of an agent who speaks by it."""

    def __init__(self, context: BrowserContext, centre: Centre) -> None:
        context.add_init_script(NOTING)
        context.add_init_script(LISTENING)
        context.set_default_timeout(PATIENCE_MS)
        super().__init__(context.new_page(), centre)  # type: ignore[arg-type] # it is asked for its address only
        self.context = context

    def sign_in(self, agent: str, *, name: str | None = None) -> Self:
        self.enter(token_of(agent))
        _expect(self.page.locator("#who")).to_have_text(name or agent, timeout=PATIENCE_MS)
        self.says(CONNECTED)
        return self

    @property
    def calls(self) -> Locator:
        return self.page.get_by_role("region", name="Calls").locator("#call-list > li")

    def call_is(self, state: str | re.Pattern[str]) -> None:
        """There is one, and it stands so."""
        _expect(self.calls.locator(".state")).to_have_text(state, timeout=2 * PATIENCE_MS)

    def has_no_call(self) -> None:
        _expect(self.page.locator("#calls")).to_be_hidden(timeout=PATIENCE_MS)

    def call_warns(self, text: str) -> None:
        _expect(self.calls.locator(".problem")).to_have_text(text, timeout=2 * PATIENCE_MS)

    def call_button(self, name: str) -> Locator:
        return self.calls.locator(".row").get_by_role("button", name=re.compile(f"^{name}: "))

    def call_buttons(self, *names: str) -> None:
        _expect(self.calls.locator(".row > button:visible")).to_have_text(list(names), timeout=PATIENCE_MS)

    def accepts(self) -> None:
        _expect(self.offers).to_have_count(1, timeout=PATIENCE_MS)
        self.offers.get_by_role("button", name=re.compile("^Accept: ")).click()

    def talks(self) -> None:
        """The next offer is accepted, and the call heard."""
        self.accepts()
        self.call_is(CONNECTED_CALL)
        self.hears()

    def heard(self) -> dict[str, Any]:
        return dict(self.page.evaluate(HEARD))

    def hears(self) -> dict[str, Any]:
        """More comes in than until now, and it is no silence."""
        before, deadline = self.heard(), time.monotonic() + 2 * PATIENCE_MS / 1_000
        while True:
            now = self.heard()
            other = now["ufrag"] != before["ufrag"]
            if now["energy"] > (0 if other else before["energy"]) and now["bytes"] > (0 if other else before["bytes"]):
                return now
            assert time.monotonic() < deadline, (before, now, self.noted)
            self.page.wait_for_timeout(POLL_MS)
