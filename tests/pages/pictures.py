"""The documentation's pictures, from the pages themselves: `python -m tests.pages.pictures`, or `make screenshots`.

Owns what is on each picture, how large it is, and the record beside it: checksum, size, and what was on the page,
element by element, with the words and without the times. So a page that has changed has another record, whatever the
machine's fonts do to the pixels.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.provision import Program, chinese_font, chromium_program
from tests.pages.call.conftest import ARGUMENTS as VOICE
from tests.pages.png import size_of, small
from tests.pages.scene import Scene, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FOLDER: Final = Path(__file__).parents[2] / "examples" / "pictures"
PATIENCE_MS: Final = 15_000
LARGEST: Final = 60_000
"""Bytes of a picture."""

FONTS: Final = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>{folders}<cachedir>{cache}</cachedir>
<include ignore_missing="yes">{settings}</include></fontconfig>"""

ON_PAGE: Final = r"""() => {
  const lines = [], passed = new Set(["SCRIPT", "STYLE", "TEMPLATE", "HEAD", "NOSCRIPT"]);
  const word = (element) => {
    if (element.matches("input[type=password]")) return element.value ? "•" : "";
    if (element.matches("input, textarea")) return element.value || element.placeholder;
    if (element.matches("select")) return element.selectedOptions[0]?.text ?? "";
    return [...element.childNodes].filter((each) => each.nodeType === 3).map((each) => each.data).join(" ");
  };
  const walk = (element, depth) => {
    const is_seen = element.checkVisibility({ visibilityProperty: true });
    if (passed.has(element.tagName) || !(is_seen || getComputedStyle(element).display === "contents")) return;
    const name = element.localName + (element.id ? `#${element.id}` : "");
    lines.push(`${"  ".repeat(depth)}${name} ${word(element).replace(/\s+/g, " ").trim()}`.trimEnd());
    if (element.matches("svg, select")) return;
    for (const child of element.shadowRoot?.children ?? element.children) walk(child, depth + 1);
  };
  walk(document.body, 0);
  return lines.join("\n");
}"""


class Picture(NamedTuple):
    """One of them. `shown`: what was on the page."""

    name: str
    image: bytes
    shown: str

    def record(self) -> str:
        """For the file beside the picture."""
        width, height = size_of(self.image)
        return f"sha256 {sha256(self.image).hexdigest()}\n{width} x {height}\n\n{self.shown}\n"


class Camera:
    """Takes pictures in a browser, which reads one language."""

    def __init__(self, browser: Browser, scene: Scene, taken: list[Picture]) -> None:
        self._browser = browser
        self._taken = taken
        self.scene = scene

    def window(self, language: str, *, width: int = 1100, height: int = 800, dark: bool = False) -> Page:
        """A window of somebody else's."""
        context: BrowserContext = self._browser.new_context(
            locale=language,
            timezone_id="UTC",
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        return context.new_page()

    def take(self, name: str, page: Page) -> None:
        """As it is now, but for the caret."""
        image = small(page.screenshot(caret="hide", animations="disabled"))
        self._taken.append(Picture(name, image, normal(page.evaluate(ON_PAGE))))


def normal(shown: str) -> str:
    """Without what differs from one time to the next: days, times, and ids that are drawn."""
    for what, instead in (
        (r"\b[A-Z][a-z]{2} \d{1,2}, \d{4}\b|\b\d{4}年\d{1,2}月\d{1,2}日", "day"),
        (r"\d{1,2}(:\d\d)+", "0:00"),
        (r"\b(chat|call)-[0-9a-f]{16,}", r"\1-…"),
    ):
        shown = re.sub(what, instead, shown)
    return shown


def pictures() -> list[Picture]:
    """All of them, made anew. Raises `LabUnavailable` where there is no Chromium to be had, or no font."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is missing, tests say so

    taken: list[Picture] = []
    program = chromium_program()
    with tempfile.TemporaryDirectory(prefix="acd-pictures-") as folder, sync_playwright() as playwright:
        environment = with_fonts(program, Path(folder))
        browser = playwright.chromium.launch(
            executable_path=program.folder / "chromium-headless-shell",
            env=dict(environment),
            args=["--font-render-hinting=none", "--disable-lcd-text", *VOICE],
        )
        try:
            for each in SCENES:
                with fresh(Path(folder) / each.__name__) as scene:
                    each(Camera(browser, scene, taken))
        finally:
            browser.close()
    return taken


@contextmanager
def fresh(folder: Path) -> Iterator[Scene]:
    """A centre in which nothing has happened yet."""
    folder.mkdir()
    with opened(folder) as scene:
        yield scene


def with_fonts(program: Program, folder: Path) -> dict[str, str]:
    """The browser's environment, with its own fonts and one that has Chinese characters, and with no others."""
    environment = program.environment()
    tree = environment.pop("FONTCONFIG_SYSROOT", "")
    folders = "".join(f"<dir>{each}</dir>" for each in (f"{tree}/usr/share/fonts", chinese_font().parent))
    file = folder / "fonts.conf"
    file.write_text(FONTS.format(folders=folders, cache=folder / "fonts", settings=f"{tree}/etc/fonts/conf.d"))
    return environment | {"FONTCONFIG_FILE": str(file)}


def begin(page: Page, address: str, token: str, *, ready: bool = True) -> Page:
    """Sign in, and be ready; by what the controls are, for they have words in two languages."""
    page.goto(address)
    page.locator("#token").fill(token)
    page.locator("#enter").click()
    if ready:
        page.locator("#ready").click()
        page.locator("#ready[aria-pressed=true]").wait_for()
    page.locator("#connection").filter(has_text=re.compile("Connected|已连接")).wait_for()
    return page


def writes(page: Page, text: str) -> None:
    """The customer, in the shop's window."""
    dialog = page.get_by_role("dialog")
    if not dialog.is_visible():
        page.locator(".acd-chat .launch").click()
    dialog.get_by_role("textbox").fill(text)
    dialog.get_by_role("textbox").press("Enter")
    dialog.get_by_text(text, exact=True).wait_for()


def answers(page: Page, text: str) -> None:
    """The agent, at the desk."""
    field = page.locator("#conversation textarea")
    field.fill(text)
    field.press("Enter")
    page.locator("#conversation").get_by_text(text, exact=True).wait_for()


def conversation(
    camera: Camera, language: str, seat: str, said: tuple[str, ...], names: tuple[str, str, str]
) -> tuple[Page, Page]:
    """A customer and an agent by turns: the offer, then both windows when all has been read. `names`: of pictures.

    Returns the agent's window and the customer's.
    """
    places, token = camera.scene.pages.places, camera.scene.pages.tokens[seat]
    desk = begin(camera.window(language), places.desk, token)
    shop = camera.window(language, width=1280)
    shop.goto(f"{places.shop}/{'zh.html' if language.startswith('zh') else ''}")
    writes(shop, said[0])
    desk.locator("#offer-list summary").click()
    desk.locator("#offer-list").get_by_text(said[0]).wait_for()
    offer, talk, window = names
    if offer:
        camera.take(offer, desk)
    desk.locator("#offer-list .accept").click()
    for number, text in enumerate(said[1:]):
        other = (desk, shop)[number % 2 == 0]
        desk.bring_to_front() if number % 2 == 0 else shop.bring_to_front()
        (answers, writes)[number % 2]((desk, shop)[number % 2], text)
        other.get_by_text(text, exact=True).wait_for()
    shop.bring_to_front()
    desk.bring_to_front()
    desk.locator(".entry.own").last.get_by_text(re.compile("^(Read|已读)$")).wait_for()
    camera.take(talk, desk)
    shop.bring_to_front()
    camera.take(window, shop)
    return desk, shop


def in_english(camera: Camera) -> None:
    """A customer writes, Mia answers; then they talk."""
    said = (
        "Hello! Is the Longjing of this spring still there?",
        "Good day! Yes, since last week. Would you like to order some?",
        "Two boxes, please. How long does it take to Hangzhou?",
        "Two days. I have put them aside for you.",
    )
    desk, shop = conversation(camera, "en-GB", "mia", said, ("desk-offer", "desk-conversation", "shop-chat"))
    shop.get_by_role("dialog").get_by_role("button", name="Call instead").click()
    desk.locator("#offer-list .accept").click()
    desk.locator("#call-list").get_by_text("Connected", exact=True).wait_for()
    shop.get_by_text("In a call: Mia Novak").wait_for()
    desk.bring_to_front()
    camera.take("desk-call", desk)
    shop.bring_to_front()
    camera.take("shop-call", shop)


def in_chinese(camera: Camera) -> None:
    """The same in Chinese, by another agent."""
    said = (
        "您好，今年的龙井还有吗？",
        "您好！有的，上周刚到货。您想订购吗？",
        "要两盒。寄到杭州要几天？",
        "两天。已经为您留好了。",
    )
    conversation(camera, "zh-CN", "jun", said, ("", "desk-conversation-zh", "shop-chat-zh"))


def on_the_wall(camera: Camera) -> None:
    """Calls in several queues, so many in one that an alarm is raised."""
    scene = camera.scene
    scene.sign_in("tang", "lam", "yu", "tom", "dana", "li", "zhang")
    scene.must("PUT", "/v1/agents/li/presence", {"presence": "not-ready", "reason": "lunch"})
    for number, queue in enumerate(("cantonese", "cantonese", "cantonese", "english-tech", "mandarin-billing"), 1):
        scene.answered(f"talk-{number}", queue)
    for number in range(1, 4):
        scene.call(f"wait-{number}", "cantonese")
    for name, language, dark in (("wallboard", "en-GB", False), ("wallboard-zh", "zh-CN", True)):
        window = camera.window(language, width=1280, height=800, dark=dark)
        board = begin(window, scene.pages.places.wallboard, scene.pages.tokens["mia"], ready=False)
        board.locator("#alarms li").wait_for()
        camera.take(name, board)


SCENES: Final[tuple[Callable[[Camera], None], ...]] = (in_english, in_chinese, on_the_wall)


def main() -> int:
    """Make them, and write what has changed."""
    FOLDER.mkdir(exist_ok=True)
    for each in pictures():
        record = FOLDER / f"{each.name}.txt"
        before = record.read_text(encoding="utf-8") if record.exists() else ""
        if before.partition("\n")[2] == each.record().partition("\n")[2] and "--anew" not in sys.argv:
            sys.stdout.write(f"{each.name}: as it was\n")
            continue
        (FOLDER / f"{each.name}.png").write_bytes(each.image)
        record.write_text(each.record(), encoding="utf-8")
        sys.stdout.write(f"{each.name}: {len(each.image):,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
