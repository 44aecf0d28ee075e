"""The day of one queue: what happened in which interval, and how many waited.

Owns the intervals and their bounds. Must not know events. Two grids, as long as they are: of five minutes for a day, of
half a minute for an hour, from which windows that slide are added up. Times are µs since 1970.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

STEP_US: Final = 300_000_000
"""Length of an interval of the day: five minutes."""

STEPS_KEPT: Final = 24 * 12 + 1
"""Intervals that are kept: a day, and the one under way."""

FINE_US: Final = 30_000_000
"""Length of an interval of sliding windows: so much earlier a window may begin than asked for."""

FINE_KEPT: Final = 2 * 60 + 1
"""Likewise: an hour."""

NAMES: Final = ("entered", "answered", "in_time", "abandoned", "most_waiting")
"""`in_time`: of the answered, within the queue's `service_level`. `most_waiting`: at one moment of the interval."""

_MOST: Final = NAMES.index("most_waiting")


class Spell(Struct):
    """What was counted over some time, by `NAMES`."""

    entered: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    most_waiting: int = 0

    @property
    def decided(self) -> int:
        """Those who were answered or left."""
        return self.answered + self.abandoned

    @property
    def level(self) -> float | None:
        """The service level, 0 to 1; None before anybody was answered or left."""
        return self.in_time / self.decided if self.decided else None


class Grid(Struct):
    """The newest intervals of one length: `rows` by index modulo `kept`, each by `NAMES`."""

    length_us: int
    kept: int
    newest: int = 0
    rows: dict[int, list[int]] = {}

    def row(self, at_us: int, waiting: int) -> list[int] | None:
        """The interval of a moment, to be counted in; None when it is older than all that are kept.

        `waiting`: how many wait since the last change; so many have waited in every interval since.
        """
        index = at_us // self.length_us
        if index > self.newest:
            self._go_on(index, waiting)
        elif index <= self.newest - self.kept:
            return None
        return self.rows.setdefault(index, [0] * len(NAMES))

    def since(self, begin_us: int) -> Spell:
        """Together, from the interval on in which this moment is."""
        first = begin_us // self.length_us
        found = [0] * len(NAMES)
        for index, row in self.rows.items():
            if index >= first:
                for at, amount in enumerate(row):
                    found[at] = max(found[at], amount) if at == _MOST else found[at] + amount
        return Spell(*found)

    def points(self, begin_us: int, end_us: int, waiting: int) -> list[tuple[int, list[int]]]:
        """(beginning, counts) of every interval that something was counted in, or that somebody waited in.

        From the one of `begin_us` to the one of `end_us`, in order; `waiting` as for `row`.
        """
        first, last = max(begin_us // self.length_us, self.newest - self.kept + 1), end_us // self.length_us
        found = [(index, row) for index, row in sorted(self.rows.items()) if first <= index <= last]
        if waiting:
            idle = [0] * _MOST
            later = range(max(self.newest + 1, first), min(last, first + self.kept) + 1)
            found += [(index, [*idle, waiting]) for index in later]
        return [(index * self.length_us, row) for index, row in found]

    def _go_on(self, newest: int, waiting: int) -> None:
        if waiting:
            for index in range(max(self.newest + 1, newest - self.kept + 1), newest + 1):
                self.rows[index] = [0] * _MOST + [waiting]
        self.newest = newest
        for index in [each for each in self.rows if each <= newest - self.kept]:
            del self.rows[index]


class Series(Struct):
    """One queue's. `waiting`: how many wait now, without an offer."""

    waiting: int = 0
    day: Grid = field(default_factory=lambda: Grid(STEP_US, STEPS_KEPT))
    fine: Grid = field(default_factory=lambda: Grid(FINE_US, FINE_KEPT))

    def count(self, at_us: int, name: str, amount: int = 1) -> None:
        """Something happened at a moment."""
        place = NAMES.index(name)
        for grid in (self.day, self.fine):
            row = grid.row(at_us, self.waiting)
            if row is not None:
                row[place] += amount

    def wait(self, at_us: int, more: int) -> None:
        """So many more wait from this moment on, or fewer."""
        now = self.waiting + more
        for grid in (self.day, self.fine):
            row = grid.row(at_us, self.waiting)
            if row is not None:
                row[_MOST] = max(row[_MOST], self.waiting, now)
        self.waiting = now

    def window(self, now_us: int, length_us: int) -> Spell:
        """The last `length_us`, an hour at most."""
        return self.fine.since(max(0, now_us - length_us))

    def points(self, begin_us: int, end_us: int) -> Sequence[tuple[int, list[int]]]:
        """The day's, as `Grid.points`."""
        return self.day.points(begin_us, end_us, self.waiting)
