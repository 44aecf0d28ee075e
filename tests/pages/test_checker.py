"""The checker finds what is wrong: what a page without a name, contrast, size or room looks like to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pages.checker import Checker
from tests.pages.conftest import Somebody

if TYPE_CHECKING:
    from playwright.sync_api import Page

GOOD = """<!doctype html><html lang="en"><head><title>Good</title><meta name="viewport" content="width=device-width">
<style>:root { color-scheme: light dark } body { background: Canvas; color: CanvasText }
#bad { color: #888888 } @media (min-width: 400px) { #bad { color: inherit } }</style></head>
<body><main><h1>Good</h1><p>Words.</p><div id="more"></div></main></body></html>"""

FAULTS = {
    "button-name": "<button></button>",
    "label": "<input>",
    "color-contrast": "<p style='color: #999; background: #fff'>Pale words.</p>",
    "narrow: color-contrast": "<p id='bad' style='background: white'>Pale on small screens.</p>",
    "target-size": "<style>button { height: 9px; padding: 0; width: 9px; }</style>"
    "<div style='font-size: 0'><button aria-label='a'></button><button aria-label='b'></button></div>",
    "narrow: the page is 700 pixels wide": "<p style='width: 692px'>Wide.</p>",
    "narrow: BUTTON wide": "<div style='overflow: hidden'><button id='wide' style='width: 500px'>Wide</button></div>",
}


def looked_at(page: Page, more: str) -> list[str]:
    checker = Checker(page)
    page.set_content(GOOD.replace('<div id="more"></div>', more))
    checker.look("state")
    assert checker.rules > 10
    return checker.findings


def test_a_good_page_has_no_findings(somebody: Somebody) -> None:
    assert looked_at(somebody().new_page(), "") == []


def test_every_fault_is_found(somebody: Somebody) -> None:
    page = somebody().new_page()
    for fault, markup in FAULTS.items():
        found = looked_at(page, markup)
        assert any(fault in each for each in found), (fault, found)


def test_it_looks_into_shadow_trees(somebody: Somebody) -> None:
    page = somebody().new_page()
    page.set_content(GOOD)
    page.evaluate("""() => {
      const root = document.getElementById("more").attachShadow({mode: "open"});
      const button = document.createElement("button");
      button.id = "inside";
      button.style.width = "600px";
      root.append(button);
    }""")
    checker = Checker(page)
    checker.look("state")
    found = "\n".join(checker.findings)
    assert "button-name" in found
    assert "BUTTON inside" in found
