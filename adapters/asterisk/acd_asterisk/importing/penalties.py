"""Penalties become levels, and `penaltychange` the time after which a level opens.

Owns this arithmetic. Must not know files or people.

app_queue asks a member with a penalty while nobody of a lower one is free; so does a queue with levels. A maximum that
grows while a caller waits (queuerules.conf) is `level_delays`. What only narrows (a minimum) or evens out (a raise) has
no counterpart: who may take an interaction never becomes less.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from acd.core import limits
from acd_asterisk.importing.members import whole

UNLIMITED: Final = 1 << 31

_CHANGE: Final = re.compile(r"(r?)([+-]?)(\d{1,9})", re.ASCII)


class Change(NamedTuple):
    """One `penaltychange`: from `seconds` on the maximum is `to`, or as much more if `relative`; None leaves it."""

    seconds: int
    to: int | None
    relative: bool
    narrows: bool
    """Whether it says something about the minimum or a raise, too."""


class Levels(NamedTuple):
    """Penalty → level, from 1; penalties that are never asked are missing. Seconds after which levels 2, 3, … open."""

    by_penalty: dict[int, int]
    delays: tuple[int, ...]
    merged: bool
    """More penalties than levels: the highest share the last one."""


def read_change(text: str) -> Change | None:
    """What stands behind `penaltychange =>`; None when Asterisk would pass over it."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 2 or not re.match(r"\d", parts[0]):  # noqa: PLR2004 - a time and a change
        return None
    match = _CHANGE.fullmatch(parts[1])
    narrows = any(parts[2:])
    if match is None or match[1]:
        return Change(whole(parts[0]), None, relative=False, narrows=narrows) if not parts[1] and narrows else None
    number = int(match[3]) * (-1 if match[2] == "-" else 1)
    return Change(whole(parts[0]), number, bool(match[2]), narrows)


def shrinks(changes: Sequence[Change], start: int) -> bool:
    """Whether the maximum ever becomes less."""
    times = _maxima(changes, start)
    return any(after < before for (_, before), (_, after) in pairwise(times))


def levels(penalties: Iterable[int], changes: Sequence[Change] = (), start: int = UNLIMITED) -> Levels:
    """The levels of a queue whose members have these penalties, with QUEUE_MAX_PENALTY at `start`.

    >>> levels([0, 5, 5, 20], [Change(30, 5, True, False)], start=0)
    Levels(by_penalty={0: 1, 5: 2}, delays=(30,), merged=False)
    """
    maxima = _maxima(changes, start)
    opened: dict[int, int] = {}
    for penalty in sorted(set(penalties)):
        after = next((seconds for seconds, most in maxima if penalty <= most), None)
        if after is not None:
            opened[penalty] = after
    level = 1 if next(iter(opened.values()), 0) == 0 else 2
    by_penalty: dict[int, int] = {}
    delays: dict[int, int] = {}
    merged = False
    for penalty, after in opened.items():
        merged |= level > limits.MAX_LEVEL
        by_penalty[penalty] = min(level, limits.MAX_LEVEL)
        delays.setdefault(by_penalty[penalty], after)
        level += 1
    named = tuple(delays[each] for each in sorted(delays) if each > 1)
    return Levels(by_penalty, named if any(named) else (), merged)


def _maxima(changes: Sequence[Change], start: int) -> list[tuple[int, int]]:
    """(seconds, the maximum from then on). One that is not set (`UNLIMITED`) is not changed, as in app_queue."""
    found = [(0, start)]
    if start == UNLIMITED:
        return found
    for change in sorted(changes, key=lambda each: each.seconds):
        if change.to is not None:
            found.append((change.seconds, max(0, found[-1][1] + change.to if change.relative else change.to)))
    return found
