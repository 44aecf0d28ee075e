"""EVENTS.md lists the events that there are, and what it says of the protocol is what the code says."""

from pathlib import Path

from acd.api import sockets, tickets
from acd.api.events import PROTOCOLS
from acd.runtime.events.cloud import NOTICES
from acd.runtime.events.stream import STATE_LIKE
from acd.testing import event_page
from acd.testing.sections import updated

PAGE = (Path(__file__).parents[2] / event_page.DOCUMENT).read_text(encoding="utf-8")


def test_it_is_up_to_date() -> None:
    assert event_page.BEGIN in PAGE
    assert updated(PAGE, event_page.section()) == PAGE, f"stale; run: {event_page.COMMAND}"


def test_it_names_what_the_protocol_knows() -> None:
    for code in (sockets.CURSOR_UNKNOWN, sockets.CURSOR_TOO_OLD, sockets.TOKEN_EXPIRED, 1001, 1008, 1012, 1013):
        assert f"| {code} |" in PAGE
    for name in (*PROTOCOLS, *STATE_LIKE, *(f"acd.{name}" for name in NOTICES)):
        assert f"`{name}`" in PAGE, name
    assert f"{tickets.LIFE_US // 1_000_000} seconds" in PAGE
