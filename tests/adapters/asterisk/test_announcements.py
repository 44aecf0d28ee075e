"""What callers who wait are told, and when."""

import pytest

from acd.ports.channel import Place
from acd_asterisk.announcements import Told, position_said, rounded_minutes, wait_said
from acd_asterisk.options.sounds import AHEAD, MINUTES, Sounds
from acd_asterisk.options.waiting import Waiting

SECOND, MINUTE = 1_000_000, 60_000_000
SOUNDS = Sounds(
    next=("sound:next",), position=("sound:before", AHEAD, "sound:after"), wait=("sound:wait", MINUTES), thanks=()
)
TURNS = Waiting(every_us=30 * SECOND, announcements=("sound:a", "sound:b"))


def place(position: int, expected_us: int | None = None) -> Place:
    return Place("sales", position, expected_us)


def test_positions() -> None:
    """By how many are before, in Chinese; by the position, in English."""
    assert position_said(SOUNDS, 4) == ["sound:before", "number:3", "sound:after"]
    assert position_said(SOUNDS, 1) == ["sound:next"]
    assert position_said(Sounds(), 4) == ["sound:queue-thereare", "number:4", "sound:queue-callswaiting"]


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0, 0), (59, 0), (60, 1), (61, 2), (300, 5), (301, 10), (1_800, 30), (1_801, 40), (3_600, 60), (3_601, None)],
)
def test_rounding(seconds: int, minutes: int | None) -> None:
    """As contact centres do: up, and coarser the longer it is."""
    assert rounded_minutes(seconds * SECOND) == minutes


def test_waits() -> None:
    assert wait_said(SOUNDS, 7 * MINUTE) == ["sound:wait", "number:10"]
    assert wait_said(SOUNDS, MINUTE) == ["sound:queue-holdtime", "number:1", "sound:queue-minute"]
    assert wait_said(SOUNDS, 1) == ["sound:queue-holdtime", "sound:queue-less-than", "number:1", "sound:queue-minute"]
    assert wait_said(SOUNDS, None) == wait_said(SOUNDS, 100 * MINUTE) == []


def test_announcements_in_turn() -> None:
    told = Told(TURNS, 0)
    assert told.due_us() == 30 * SECOND
    assert told.say(TURNS, SOUNDS, None, 29 * SECOND) == ()
    assert told.say(TURNS, SOUNDS, None, 30 * SECOND) == ("sound:a",)
    assert told.say(TURNS, SOUNDS, None, 31 * SECOND) == ()
    assert told.due_us() == 60 * SECOND
    assert told.say(TURNS, SOUNDS, None, 61 * SECOND) == ("sound:b",)
    assert told.say(TURNS, SOUNDS, None, 100 * SECOND) == ("sound:a",)


def test_everything_in_one_go() -> None:
    """Nobody gets two at once: position, wait and the announcement are one prompt."""
    waiting = Waiting(every_us=30 * SECOND, announcements=("sound:a",), position="every", wait=True)
    told = Told(waiting, 0)
    said = told.say(waiting, SOUNDS, place(2, 7 * MINUTE), 30 * SECOND)
    assert said == ("sound:before", "number:1", "sound:after", "sound:wait", "number:10", "sound:a")
    # The same place again, at the next turn.
    assert told.say(waiting, SOUNDS, place(2), 60 * SECOND)[:3] == ("sound:before", "number:1", "sound:after")


def test_an_improved_position_is_said_between() -> None:
    waiting = Waiting(every_us=60 * SECOND, position="improved")
    told = Told(waiting, 0)
    assert told.due_us() == 15 * SECOND
    assert told.say(waiting, SOUNDS, place(3), 15 * SECOND) == ("sound:before", "number:2", "sound:after")
    assert told.say(waiting, SOUNDS, place(2), 29 * SECOND) == ()
    assert told.say(waiting, SOUNDS, place(3), 30 * SECOND) == ()
    assert told.say(waiting, SOUNDS, place(4), 45 * SECOND) == ()
    assert told.say(waiting, SOUNDS, place(4), 60 * SECOND) == ("sound:before", "number:3", "sound:after")
    assert told.say(waiting, SOUNDS, place(1), 75 * SECOND) == ("sound:next",)


def test_what_is_not_said() -> None:
    waiting = Waiting(every_us=30 * SECOND, position="every", position_limit=5)
    told = Told(waiting, 0)
    assert told.say(waiting, SOUNDS, place(6), 30 * SECOND) == ()
    assert told.say(waiting, SOUNDS, None, 60 * SECOND) == ()
    assert told.say(waiting, Sounds(), place(1), 90 * SECOND) == ("sound:queue-youarenext", "sound:queue-thankyou")
    assert Told(Waiting(), 0).due_us() is None


def test_another_queue() -> None:
    """Its own period begins, and its own positions."""
    told = Told(TURNS, 0)
    other = Waiting(every_us=20 * SECOND, position="every")
    assert told.say(other, SOUNDS, place(3), 30 * SECOND) == ()
    assert told.due_us() == 50 * SECOND
    assert told.say(other, SOUNDS, place(3), 50 * SECOND) == ("sound:before", "number:2", "sound:after")
