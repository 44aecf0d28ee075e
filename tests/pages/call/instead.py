"""A shop whose customers may call instead of writing, in the hands of a test: the window's call, and its sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.pages.call.centre import AGENTS, token_of
from tests.pages.call.sides import PATIENCE_MS, POLL_MS
from tests.pages.shop import Agent, Shop, Window, expect, opened
from tests.served import write_secret

if TYPE_CHECKING:
    from re import Pattern

    from playwright.sync_api import BrowserContext, Locator

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
[api.desk]
enabled = true
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[queues.sales]
offer_timeout = "2m"
hold_for = "5s"
[channels.shop]
type = "webchat"
origins = [ORIGIN]
queues = ["sales"]
widget = true
call = "talk"
names = { anna = "Anna W." }
[channels.talk]
type = "webrtc"
origins = [ORIGIN]
queues = ["sales"]
away = "5s"
join = "20s"
resume = "8s"
names = { anna = "Anna W.", boris = "Boris" }
"""

NOTING: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
window.made = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.made.push(this); }
};
"""

HEARD: Final = """async () => {
  const hears = (each) => each.getTransceivers().some(({ direction }) => direction !== "sendonly");
  const pc = window.made.findLast((each) => each.connectionState === "connected" && hears(each));
  const all = pc ? [...(await pc.getStats()).values()] : [];
  const found = all.find((each) => each.type === "inbound-rtp" && each.kind === "audio");
  return found ? [found.bytesReceived, found.totalAudioEnergy] : [0, 0];
}"""


@contextmanager
def calling_shop(folder: Path, more: str = "") -> Iterator[Shop]:
    """The shop, and acd with two agents who write and talk; `more`: of the calls' channel."""
    config = CONFIG + more
    for agent in AGENTS:
        write_secret(folder, f"{agent}.token", token_of(agent))
        token = f'name = "{agent}"\ntoken_file = "{agent}.token"\nroles = ["agent"]\nagent = "{agent}"\n'
        config += f'[agents.{agent}]\ncapacity = "parallel"\n[[api.tokens]]\n{token}'
    with opened(folder, config) as found:
        yield found


class Caller(Window):
    """A tab of the shop whose window may call."""

    def __init__(self, context: BrowserContext, shop: Shop) -> None:
        super().__init__(context.new_page(), shop)

    @property
    def standing(self) -> Locator:
        return self.dialog.locator(".standing")

    def calls(self) -> None:
        """Of who has an open window."""
        self.button("Call instead").click()

    def says_call(self, text: str | Pattern[str]) -> None:
        expect(self.standing).to_have_text(text, timeout=PATIENCE_MS)

    def says_trouble(self, text: str) -> None:
        expect(self.dialog.locator(".calls .problem")).to_have_text(text, timeout=PATIENCE_MS)

    def says_over(self, text: str) -> None:
        expect(self.dialog.locator(".calls .quiet")).to_have_text(text, timeout=PATIENCE_MS)

    def hears(self) -> None:
        """Sound comes in, from now on: more bytes, and some of it is loud."""
        before = self.page.evaluate(HEARD)
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while not all(now > then for now, then in zip(self.page.evaluate(HEARD), before, strict=True)):
            assert time.monotonic() < deadline, (before, self.page.evaluate(HEARD))
            self.page.wait_for_timeout(POLL_MS)


def interactions(shop: Shop) -> list[dict[str, Any]]:
    """All that live."""
    return list(Agent(shop.centre).asks("GET", "/v1/interactions")["interactions"])
