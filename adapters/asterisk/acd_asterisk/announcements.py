"""What a caller who waits is told, and when: position, expected wait, announcements in turn. Pure: no IO, no clock.

Owns the wording of figures and their rounding. Must not know callers, playbacks or the engine.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from acd.ports.channel import Place
from acd_asterisk.media import number
from acd_asterisk.options.sounds import AHEAD, MINUTES, POSITION, Sounds
from acd_asterisk.options.waiting import Waiting

IMPROVED_US: Final = 15_000_000
"""An improved position is said at most this often."""

LONGEST_MINUTES: Final = 60
"""A longer wait is not said: nobody knows it so well."""

_MINUTE_US: Final = 60_000_000
_STEPS: Final = ((5, 1), (30, 5), (LONGEST_MINUTES, 10))
"""Up to so many minutes, in steps of so many."""


class Told:
    """What one caller has been told, and is to be told next. Times in µs, of any clock that goes on steadily."""

    def __init__(self, waiting: Waiting, now_us: int) -> None:
        """The caller begins to wait in a queue."""
        self._waiting = waiting
        self._every_us = now_us + waiting.every_us
        self._better_us = now_us + IMPROVED_US
        self._turn = 0
        self._position = 0
        """The last one that was said; 0: none."""

    def due_us(self) -> int | None:
        """When to look again whether there is anything to say; None: never."""
        times = [
            *([self._every_us] if self._waiting.every_us else []),
            *([self._better_us] if self._waiting.position == "improved" else []),
        ]
        return min(times) if times else None

    def say(self, waiting: Waiting, sounds: Sounds, place: Place | None, now_us: int) -> tuple[str, ...]:
        """What to say now, everything in one go; nothing when it is not time.

        `waiting` is that of the queue in which they stand by now. `place` is where; None: that is not known.
        """
        if waiting != self._waiting:
            self._waiting, self._position = waiting, 0
            self._every_us, self._better_us = now_us + waiting.every_us, now_us + IMPROVED_US
        is_time = bool(waiting.every_us) and now_us >= self._every_us
        may_be_better = waiting.position == "improved" and now_us >= self._better_us
        if not is_time and not may_be_better:
            return ()
        if is_time:
            self._every_us = now_us + waiting.every_us
        self._better_us = now_us + IMPROVED_US
        figures = self._figures(waiting, sounds, place, is_time=is_time)
        if not is_time or not waiting.announcements:
            return figures
        self._turn += 1
        return (*figures, waiting.announcements[(self._turn - 1) % len(waiting.announcements)])

    def _figures(self, waiting: Waiting, sounds: Sounds, place: Place | None, *, is_time: bool) -> tuple[str, ...]:
        if place is None:
            return ()
        is_better = not self._position or place.position < self._position
        says_position = waiting.position != "off" and (is_time or is_better)
        said: list[str] = []
        if says_position and place.position <= waiting.position_limit:
            self._position = place.position
            said += position_said(sounds, place.position)
        if waiting.wait and (is_time or said):
            said += wait_said(sounds, place.expected_us)
        return (*said, *sounds.thanks) if said else ()


def position_said(sounds: Sounds, position: int) -> list[str]:
    """Where the caller stands, from 1."""
    template = sounds.next if position == 1 else sounds.position
    return _filled(template, {POSITION: position, AHEAD: position - 1})


def wait_said(sounds: Sounds, expected_us: int | None) -> list[str]:
    """How long it will take; nothing when nobody can tell, or when it is too long to be told."""
    minutes = rounded_minutes(expected_us)
    if minutes is None:
        return []
    if minutes == 0:
        return list(sounds.wait_short)
    return _filled(sounds.wait_minute if minutes == 1 else sounds.wait, {MINUTES: minutes})


def rounded_minutes(expected_us: int | None) -> int | None:
    """Up, and coarser the longer it is: whole minutes to 5, then fives to 30, then tens to 60. 0: less than one.

    None: not to be told.
    """
    if expected_us is None or expected_us > LONGEST_MINUTES * _MINUTE_US:
        return None
    if expected_us < _MINUTE_US:
        return 0
    minutes = expected_us / _MINUTE_US
    step = next(step for most, step in _STEPS if minutes <= most)
    return math.ceil(minutes / step) * step


def _filled(template: Iterable[str], figures: Mapping[str, int]) -> list[str]:
    """With what is not known here left out."""
    said = [number(figures[each]) if each in figures else each for each in template]
    return [each for each in said if not each.startswith("{")]
