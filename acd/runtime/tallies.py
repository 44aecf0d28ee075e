"""Counts by interval: what was counted when, for one queue, agent or channel.

Owns the intervals and the arithmetic of what is read off them. Must not know events. Two grids are kept: fine slots for
sliding windows ("the last 15 minutes") and calendar intervals aligned to UTC, from which longer ones (an hour, a day
in any time zone) are added up. Times are µs since 1970.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

FINE_US: Final = 30_000_000
"""Length of a slot of sliding windows: 30 s, so much earlier a window may begin than asked for."""

FINE_KEPT: Final = 2 * 60 + 1
"""Slots that are kept: an hour."""

CALENDAR_US: Final = 900_000_000
"""Length of a calendar interval: a quarter of an hour, of which every time zone's days are made."""

CALENDAR_KEPT: Final = 4 * 24 * 8
"""Calendar intervals that are kept: eight days."""


_SLACK: Final = 2
"""How many times as many calendar intervals as are promised may be there before the old ones go."""

_WORD: Final = 8
"""Bytes of a count."""

LONGEST: Final = frozenset({"longest_us"})
"""Of these the longest is kept; all else is summed."""


class Counts(Struct):
    """What is counted, of interactions (by queue and by channel) or of an agent; what does not apply stays 0.

    `entered`: enqueued, or moved in; `moved_out`: to another queue. `answered`: accepted by an agent for the first time
    (an agent's: every time); of these `answered_in_time`: within the queue's threshold. `abandoned`, and of these
    `abandoned_short`: within the queue's threshold for them. `cancelled`, `overflowed`, `completed`: how others ended.
    `handled`: work items that were accepted and have ended. `offers` that were made; `declined`, `expired`: how an
    agent left them. Sums in µs: `waited_us` of the answered until then, `abandoned_after_us`, `talked_us` (holds
    included), `wrapped_us`; `longest_us`: the longest wait of anyone answered or abandoned. Of an agent's time:
    `idle_us` ready without accepted work, `busy_us` with, `away_us` not-ready.
    """

    entered: int = 0
    moved_out: int = 0
    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    cancelled: int = 0
    overflowed: int = 0
    completed: int = 0
    handled: int = 0
    offers: int = 0
    declined: int = 0
    expired: int = 0
    waited_us: int = 0
    abandoned_after_us: int = 0
    talked_us: int = 0
    wrapped_us: int = 0
    longest_us: int = 0
    idle_us: int = 0
    busy_us: int = 0
    away_us: int = 0

    def add(self, name: str, amount: int) -> None:
        """Count; the longest of something is kept, everything else is summed."""
        before: int = getattr(self, name)
        setattr(self, name, max(before, amount) if name in LONGEST else before + amount)

    def service_level(self, denominator: str = "answered+abandoned") -> float | None:
        """Answered in time ÷ what the denominator names (`DENOMINATORS`), 0 to 1; None when that is nothing."""
        return _ratio(self.answered_in_time, DENOMINATORS[denominator](self))

    def speed_of_answer_us(self) -> float | None:
        """Average speed of answer (ASA): mean wait of the answered, from enqueued to accepted."""
        return _ratio(self.waited_us, self.answered)

    def handling_us(self) -> float | None:
        """Average handling time (AHT): conversation, holds included, and after-call work, by work items handled."""
        return _ratio(self.talked_us + self.wrapped_us, self.handled)

    def abandonment(self, *, short: bool = True) -> float | None:
        """Abandoned ÷ (answered + abandoned); without `short`, short abandonments are left out above and below."""
        left = self.abandoned - (0 if short else self.abandoned_short)
        return _ratio(left, self.answered + left)

    def occupancy(self) -> float | None:
        """Time with accepted work ÷ time with or waiting for it; not-ready is neither."""
        return _ratio(self.busy_us, self.busy_us + self.idle_us)


DENOMINATORS: Final = {
    "answered+abandoned": lambda counts: counts.answered + counts.abandoned,
    "answered+abandoned-short": lambda counts: counts.answered + counts.abandoned - counts.abandoned_short,
    "answered": lambda counts: counts.answered,
    "entered": lambda counts: counts.entered,
}
"""What a service level may be a share of."""

NAMES: Final = Counts.__struct_fields__


class Slots:
    """The fine slots of one tally: one array by name, whose whole room is taken when it is first counted.

    So that an agent's or a queue's hour takes what it takes after the first calls, and not what an hour makes of it.
    """

    __slots__ = ("_columns", "_newest")

    def __init__(self) -> None:
        self._columns: dict[str, array[int]] = {}
        self._newest = 0

    def add(self, index: int, name: str, amount: int) -> None:
        """Count in slot `index`; one that is older than all that are kept counts no more."""
        if index > self._newest:
            self._go_on(index)
        elif index <= self._newest - FINE_KEPT:
            return
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = array("q", bytes(_WORD * FINE_KEPT))
        at = index % FINE_KEPT
        column[at] = max(column[at], amount) if name in LONGEST else column[at] + amount

    def since(self, first: int) -> Counts:
        """What was counted in slot `first` and all after it."""
        total = Counts()
        places = [index % FINE_KEPT for index in range(max(first, self._newest - FINE_KEPT + 1), self._newest + 1)]
        for name, column in self._columns.items():
            for at in places:
                if column[at]:
                    total.add(name, column[at])
        return total

    def _go_on(self, newest: int) -> None:
        """Slots up to this one begin, empty."""
        places = [index % FINE_KEPT for index in range(max(self._newest + 1, newest - FINE_KEPT + 1), newest + 1)]
        for column in self._columns.values():
            for at in places:
                column[at] = 0
        self._newest = newest


class Tally:
    """Counts of one queue, agent or channel: in all, by slot and by calendar interval."""

    __slots__ = ("calendar", "fine", "total")

    def __init__(self) -> None:
        self.total = Counts()
        self.fine = Slots()
        self.calendar: dict[int, Counts] = {}

    def add(self, at_us: int, name: str, amount: int = 1) -> None:
        """Count something that happened at a moment."""
        self.total.add(name, amount)
        self.fine.add(at_us // FINE_US, name, amount)
        self._interval(at_us // CALENDAR_US).add(name, amount)

    def spend(self, begin_us: int, end_us: int, name: str) -> None:
        """Count time that was spent: every interval gets its part. O(intervals that are kept)."""
        self.total.add(name, end_us - begin_us)
        for index, part_us in _parts(begin_us, end_us, FINE_US, FINE_KEPT):
            self.fine.add(index, name, part_us)
        for index, part_us in _parts(begin_us, end_us, CALENDAR_US, CALENDAR_KEPT):
            self._interval(index).add(name, part_us)

    def sliding(self, now_us: int, length_us: int) -> Counts:
        """The last `length_us` (an hour at most), from the beginning of the slot that it begins in."""
        return self.fine.since(max(now_us - length_us, 0) // FINE_US)

    def between(self, begin_us: int, end_us: int) -> Counts:
        """The calendar intervals that begin at `begin_us` or later and before `end_us`."""
        first, last = -(-begin_us // CALENDAR_US), -(-end_us // CALENDAR_US)
        return _sum(counts for index, counts in self.calendar.items() if first <= index < last)

    def _interval(self, index: int) -> Counts:
        grid = self.calendar
        counts = grid.get(index)
        if counts is None:
            counts = grid[index] = Counts()
            if len(grid) > _SLACK * CALENDAR_KEPT:
                newest = max(grid)
                for old in [each for each in grid if each <= newest - CALENDAR_KEPT]:
                    del grid[old]
        return counts


def _parts(begin_us: int, end_us: int, length_us: int, kept: int) -> Iterator[tuple[int, int]]:
    """How much of a time lies in which interval, of those that are kept at its end."""
    last = end_us // length_us
    for index in range(max(begin_us // length_us, last - kept + 1), last + 1):
        part_us = min(end_us, (index + 1) * length_us) - max(begin_us, index * length_us)
        if part_us:
            yield index, part_us


def _sum(parts: Iterable[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        for name in NAMES:
            amount: int = getattr(part, name)
            if amount:
                total.add(name, amount)
    return total


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
