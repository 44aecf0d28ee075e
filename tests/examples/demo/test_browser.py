"""The demo's pages in a real Chromium: whoever does what is printed, word for word, can chat with themselves."""

from __future__ import annotations

import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.examples.demo.playing import played
from tests.examples.demo.windows import LISTENING, PATIENCE_MS, Desk, Shop, expect

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    Somebody = Callable[[], BrowserContext]

PROMISED_SECONDS: Final = 60.0
"""Within a minute of being ready, a person is to have talked with themselves."""

INVITATION: Final = (
    r"The pages are open until Ctrl-C.*?agent +(?P<desk>http\S+).*?token.*?:  (?P<token>\S+)"
    r".*?customer +(?P<shop>http\S+).*?(?P<zh>http\S+).*?supervisor +(?P<wallboard>http\S+).*?:  (?P<second>jun-\S+)"
)


def test_a_person_with_two_windows_chats_and_talks_to_themselves_within_a_minute(somebody: Somebody) -> None:
    """While the simulated telephones go on; in one browser, as most people will."""
    with played(terminal=False, FOREVER="1") as playing:
        told = playing.until(INVITATION)
        ready_at = time.monotonic()
        browser = somebody()
        browser.add_init_script(LISTENING)
        desk = Desk(browser.new_page(), told["desk"])
        desk.begin(told["token"])
        shop = Shop(browser.new_page(), told["shop"])
        shop.writes("Do you have Longjing of this year?")
        desk.accept()
        desk.reads("Do you have Longjing of this year?")
        desk.answers("Yes, since last week.")
        shop.reads("Yes, since last week.")
        shop.writes("Wonderful!")
        desk.reads("Wonderful!")
        shop.calls()
        desk.accept()
        desk.talks()
        shop.talks()
        assert time.monotonic() - ready_at < PROMISED_SECONDS
        board = browser.new_page()
        board.goto(told["wallboard"])
        agent = board.locator("#agents tbody tr").filter(has=board.get_by_role("rowheader", name="Mia Novak"))
        expect(agent).to_contain_text("Web shop 网店", timeout=PATIENCE_MS)
        desk.talks()
        assert shop.errors == []
        assert playing.end(signal.SIGTERM) == 130
        assert "Nothing is left running" in playing.said


def test_a_second_agent_and_a_chinese_customer(somebody: Somebody) -> None:
    """Who reads Chinese gets the Chinese shop; whoever of the two agents is ready is asked, and nobody of the cast."""
    with played(terminal=False, FOREVER="1") as playing:
        told = playing.until(INVITATION)
        desk = Desk(somebody().new_page(), told["desk"])
        desk.begin(told["second"])
        shop = Shop(somebody().new_page(), told["zh"])
        shop.writes("有今年的龙井吗？")
        desk.accept()
        desk.reads("有今年的龙井吗？")
        desk.answers("有的，上周到货。")
        shop.reads("有的，上周到货。")
        assert shop.errors == []


def test_who_sits_at_a_terminal_has_the_pages_until_they_leave() -> None:
    """The verdict comes as it does for everybody; a build server gets no more than that."""
    with played(terminal=True, DEMO_SECONDS="10", TERM="xterm", LINES="40", COLUMNS="110") as playing:
        playing.until(r"others are not.*?The pages are open until Ctrl-C.*?a second agent.*?token:")
        verdict = playing.said.rpartition("offered")[2]
        assert "NO" not in verdict
        (desk,) = set(re.findall(r"http\S+/desk", verdict))
        with urllib.request.urlopen(desk, timeout=10) as answer:  # noqa: S310 - our own address
            assert answer.status == 200
        assert playing.end(signal.SIGINT) == 0
        assert is_gone(desk)


def test_without_anybody_it_ends_by_itself() -> None:
    with played(terminal=False, DEMO_SECONDS="10") as playing:
        told = playing.until(r"The pages are open for \d s more \(FOREVER=1.*?agent +(?P<desk>http\S+)")
        assert playing.process.wait(60) == 0, playing.said
        assert is_gone(told["desk"])


def test_a_terminal_can_do_without_the_pages() -> None:
    with played(terminal=True, DEMO_SECONDS="10", FOREVER="0", TERM="xterm") as playing:
        assert playing.process.wait(60) == 0, playing.said


def is_gone(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=10).close()  # noqa: S310 - our own address
    except urllib.error.URLError:
        return True
    return False


def test_ports_that_are_taken_are_left_alone() -> None:
    """Two of it at once: each has its own."""
    with played(terminal=False, FOREVER="1") as one, played(terminal=False, FOREVER="1") as other:
        addresses = [set(re.findall(r"http://[\d.]+:\d+", each.until(INVITATION)[0])) for each in (one, other)]
        assert [len(each) for each in addresses] == [2, 2]
        assert addresses[0].isdisjoint(addresses[1])
        assert one.end(signal.SIGTERM) == other.end(signal.SIGTERM) == 130
