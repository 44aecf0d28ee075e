"""What a program can find of WCAG 2.2 A and AA in a page as it stands: axe-core, in light and dark, and how it reflows.

The checker runs in a world of its own beside the page's: nothing of it is in what is served, and the page's policy
stays as it is. Must not know what is on the pages.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from tests.node_packages import node_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, ViewportSize

LOCALES: Final = ("en-GB", "zh-CN")

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

NARROW: Final[ViewportSize] = {"width": 320, "height": 640}
"""1280 pixels at 400 %: WCAG 1.4.10."""

RUN: Final = "axe.run(document, {runOnly: {type: 'tag', values: TAGS}, resultTypes: ['violations', 'incomplete']})"
ASK: Final = f"{RUN.replace('TAGS', json.dumps(TAGS))}.then(JSON.stringify)"

UNREADABLE: Final = ("bgGradient", "bgImage", "equalRatio", "fgAlpha", "pseudoContent")
"""Why the checker cannot decide on a contrast; where something only scrolls over a text it cannot either, rightly."""

# What the page is wider than it may be by, and controls that are beyond its edges, except in what scrolls by itself.
BEYOND: Final = """() => {
  const root = document.documentElement, found = [];
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} pixels wide`);
  const controls = "a, button, input, select, textarea, summary, h1, h2, h3, h4";
  const isBox = (each) => each instanceof Element && each !== root && each !== document.body;
  const isWide = (each) => each.scrollWidth > each.clientWidth;
  const scrolls = (element) => {
    for (let each = element.parentNode; each; each = each.parentNode ?? each.host) {
      if (isBox(each) && isWide(each) && ["auto", "scroll"].includes(getComputedStyle(each).overflowX)) return true;
    }
    return false;
  };
  const look = (tree) => {
    for (const each of tree.querySelectorAll("*")) {
      if (each.shadowRoot) look(each.shadowRoot);
      const { left, right, width } = each.getBoundingClientRect();
      if (!each.matches(controls) || width <= 1 || !each.checkVisibility()) continue;
      if ((right > root.clientWidth + 1 || left < -1) && !scrolls(each)) {
        const name = each.id || each.className || each.textContent.slice(0, 20);
        found.push(`${each.tagName} ${name} to ${Math.round(right)}`);
      }
    }
  };
  look(document);
  return found;
}"""


class Checker:
    """Looks at a page, state after state. `findings`: one line each; a test asks for them in the end, all at once."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.findings: list[str] = []
        self.rules = 0
        self._devtools = page.context.new_cdp_session(page)
        self._script = axe()

    def look(self, state: str) -> None:
        """At the page as it is now. `state`: what to call that."""
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self._note(f"{state}, {scheme}", self._run())
        with self._narrow():
            self.findings += [f"{state}, narrow: {each}" for each in self.page.evaluate(BEYOND)]
            self._note(f"{state}, narrow", self._run())

    def check(self) -> None:
        """Nothing was found, and something was tried."""
        assert self.rules > 0, "nothing was looked at"
        assert self.findings == [], "\n" + "\n".join(self.findings)

    @contextmanager
    def _narrow(self) -> Iterator[None]:
        before = self.page.viewport_size
        assert before is not None
        self.page.set_viewport_size(NARROW)
        try:
            yield
        finally:
            self.page.set_viewport_size(before)

    def _run(self) -> dict[str, Any]:
        frame = self._devtools.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self._devtools.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "checker"})
        self._evaluate(self._script, world["executionContextId"])
        found: dict[str, Any] = json.loads(self._evaluate(ASK, world["executionContextId"])["value"])
        return found

    def _evaluate(self, script: str, world: int) -> dict[str, Any]:
        asked = {"expression": script, "contextId": world, "awaitPromise": True, "returnByValue": True}
        answer = self._devtools.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return dict(answer["result"])

    def _note(self, state: str, results: dict[str, Any]) -> None:
        self.rules += len(results["passes"]) + len(results["violations"])
        self.findings += findings_of(state, results)


def axe() -> str:
    """The checker's script."""
    return (node_packages(Path(__file__).parent / "checking") / "node_modules/axe-core/axe.min.js").read_text()


def findings_of(state: str, results: dict[str, Any]) -> list[str]:
    """One line each. A contrast that depends on where one looks is a finding, too."""
    lines: list[str] = []
    doubtful = [rule for rule in results["incomplete"] if rule["id"] == "color-contrast"]
    for rule in [*results["violations"], *doubtful]:
        found: dict[str, list[str]] = {}
        for node in rule["nodes"]:
            first = [*node["any"], *node["all"], *node["none"]][0]
            if rule not in doubtful or (first["data"] or {}).get("messageKey") in UNREADABLE:
                found.setdefault(first["message"], []).append(node["html"][:120])
        for message, elements in found.items():
            lines.append(f"{state}: {rule['id']}: {len(elements)} times, first {elements[0]} ({message})")
    return lines
