"""The chat pane of the agents' page, mounted as the list of work does it, and what is done in it.

It is alone there: the page's own script is kept out, for it shows the same conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.pages.screen import PATIENCE_MS, Screen

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Locator
    from playwright.sync_api._generated import LocatorAssertions

MOUNT: Final = """async ({agent, id}) => {
  const { openConversation } = await import("/desk/conversation.js");
  const { ask } = await import("/pages/common/requests.js");
  const { Words } = await import("/pages/common/words.js");
  if (!window.words) {
    window.words = new Words("/desk");
    await window.words.use(document.documentElement.lang);
    window.panes = {};
    window.errors = [];
    const follow = async () => {
      try {
        const { ticket } = await ask("POST", "/v1/tickets");
        const address = new URL(`/v1/events?conversations=true&ticket=${ticket}`, location.href);
        const socket = new WebSocket(address.href.replace("http", "ws"), ["cloudevents.json"]);
        window.socket = socket;
        socket.onmessage = (message) => {
          const { type, data } = JSON.parse(message.data);
          if (type === "acd.conversation") window.panes[data.interaction_id]?.news(data);
          if (type === "acd.stream-started") Object.values(window.panes).forEach((each) => each.refresh());
        };
        socket.onclose = () => setTimeout(follow, 200);
      } catch {
        setTimeout(follow, 200);
      }
    };
    follow();
  }
  window.panes[id]?.close();
  const onError = (error) => window.errors.push(`${error.code ?? error}`);
  window.panes[id] = openConversation({ agent, interactionId: id, words: window.words, onError });
  window.panes[id].element.dataset.id = id;
  document.querySelector("main").append(window.panes[id].element);
}"""

ENTRIES: Final = """(element) => [...element.querySelectorAll(".entries .entry")].map((each) => [
  ["own", "colleague", "customer", "system"].find((kind) => each.classList.contains(kind)),
  each.querySelector(".text")?.textContent ?? each.querySelector("bdi").textContent,
])"""


class Pane:
    """One conversation in the page of an agent who is signed in."""

    def __init__(self, screen: Screen, conversation: str, agent: str = "anna") -> None:
        self.screen = screen
        self.page = screen.page
        self.page.set_viewport_size({"width": 1280, "height": 1400})
        if not self.page.evaluate("Boolean(window.words)"):
            self.page.route("**/desk/desk.js", lambda route: route.abort())
            screen.open()
        self.page.evaluate(MOUNT, {"agent": agent, "id": conversation})
        self.element = self.page.locator(f'.conversation[data-id="{conversation}"]')
        self.conversation = conversation

    @property
    def field(self) -> Locator:
        return self.element.get_by_role("textbox")

    @property
    def log(self) -> Locator:
        return self.element.get_by_role("log")

    @property
    def options(self) -> Locator:
        return self.element.get_by_role("option")

    def button(self, name: str) -> Locator:
        return self.element.get_by_role("button", name=name, exact=True)

    def write(self, text: str) -> None:
        """Typed, and sent by Enter."""
        self.field.fill(text)
        self.field.press("Enter")

    def entries(self) -> list[list[str]]:
        """Who, and what, in the order in which it is shown; what waits is not in it."""
        found: list[list[str]] = self.element.evaluate(ENTRIES)
        return found

    def texts(self) -> list[str]:
        return [text for kind, text in self.entries() if kind != "system"]

    def shows(self, text: str) -> None:
        """As the last message."""
        self.has_last(self.element.locator(".entries .text"), text)

    def has_last(self, locator: Locator, text: str) -> None:
        expect(locator.last).to_have_text(text, timeout=PATIENCE_MS)

    def stands(self, text: str, standing: str) -> None:
        """What is said of an own message."""
        message = self.element.locator(".own", has=self.page.get_by_text(text, exact=True)).last
        expect(message.locator(".standing")).to_have_text(standing, timeout=PATIENCE_MS)

    def says(self, text: str) -> None:
        expect(self.element.get_by_text(text, exact=True)).to_be_visible(timeout=PATIENCE_MS)

    def waits_for(self, count: int) -> None:
        """So many own messages have no answer."""
        expect(self.element.locator(".waiting .entry")).to_have_count(count, timeout=PATIENCE_MS)

    def is_not_written(self) -> None:
        expect(self.field).to_be_hidden(timeout=PATIENCE_MS)

    def close(self) -> None:
        self.page.evaluate("(id) => { window.panes[id].close(); delete window.panes[id]; }", self.conversation)

    def devtools(self) -> CDPSession:
        return self.page.context.new_cdp_session(self.page)


def expect(locator: Locator) -> LocatorAssertions:
    from playwright.sync_api import expect as expect_  # noqa: PLC0415 - where it is missing, tests say so

    return expect_(locator)


def tree(pane: Pane) -> list[tuple[str, str]]:
    """Role and name of everything that Chromium gives to screen readers."""
    nodes: list[dict[str, Any]] = pane.devtools().send("Accessibility.getFullAXTree")["nodes"]
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")]
