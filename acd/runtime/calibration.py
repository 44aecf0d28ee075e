"""Calibration: from a raw prediction to a band that keeps its promise.

Owns what was learnt from earlier predictions of one kind: by what factor they were off, and how far out, in units of
the raw prediction's own spread, the edges of the band must lie. Must not know queues, agents or clocks. The edges
follow adaptive conformal inference (Gibbs and Candès, "Adaptive Conformal Inference Under Distribution Shift", 2021):
each miss moves an edge out and each hit moves it in by as much as makes the long-run share of misses what was asked
for, whatever the traffic does.
"""

from bisect import bisect_left, insort
from collections import deque
from math import exp, log
from typing import Final

from msgspec import Struct

KEPT: Final = 400
"""Observations that are remembered."""

MISS: Final = 0.1
"""Share of what comes that may lie below the band, and above it: together they make an 80 % band."""

STEP: Final = 0.02
"""How far one observation moves an edge's quantile."""

_OFFSET_S: Final = 2.0
"""Added on both sides of a ratio, so that a wait of nothing has one, too."""

_FEWEST: Final = 20
"""Observations that are needed before they replace what is assumed."""

_ASSUMED: Final = (-1.3, 0.0, 1.3)
"""Distances of the low edge, the middle and the high edge, in spreads, until enough is known."""

_FURTHEST: Final = 1.0
"""How far beyond the furthest observation an edge may move, in distances from the middle to it."""


class Raw(Struct, frozen=True, gc=False):
    """A raw prediction, in seconds: what is expected, and its spread (a standard deviation)."""

    mean_s: float
    spread_s: float


class Band(Struct, frozen=True, gc=False):
    """An 80 % band, in seconds: one in ten comes before `low_s`, half before `middle_s`, one in ten after `high_s`."""

    low_s: float
    middle_s: float
    high_s: float


class Calibration:
    """One kind of prediction. `band` predicts, `learn` is told what came of it."""

    __slots__ = ("_distances", "_high", "_low", "_ratios")

    def __init__(self) -> None:
        self._ratios = _Window()
        self._distances = _Window()
        self._low = MISS
        self._high = 1.0 - MISS

    def band(self, raw: Raw) -> Band:
        """The band around a raw prediction. O(1)."""
        mean_s, spread_s = self._corrected(raw)
        if self._distances.count < _FEWEST:
            low, middle, high = _ASSUMED
        else:
            low, middle, high = (self._distances.quantile(share) for share in (self._low, 0.5, self._high))
        return Band(*(max(0.0, mean_s + each * spread_s) for each in (low, middle, high)))

    def learn(self, raw: Raw, given: Band, actual_s: float) -> None:
        """What came (seconds) of a raw prediction for which `given` was the band. O(log kept)."""
        self._low += STEP * (MISS - (actual_s < given.low_s))
        self._high -= STEP * (MISS - (actual_s > given.high_s))
        self._low = min(max(self._low, -_FURTHEST), 0.5)
        self._high = min(max(self._high, 0.5), 1.0 + _FURTHEST)
        mean_s, spread_s = self._corrected(raw)
        self._distances.add((actual_s - mean_s) / spread_s)
        self._ratios.add(log((actual_s + _OFFSET_S) / (raw.mean_s + _OFFSET_S)))

    def _corrected(self, raw: Raw) -> tuple[float, float]:
        """Mean and spread after the factor by which such predictions have been off lately."""
        factor = exp(self._ratios.quantile(0.5)) if self._ratios.count >= _FEWEST else 1.0
        return (raw.mean_s + _OFFSET_S) * factor - _OFFSET_S, max(raw.spread_s, _OFFSET_S / 2) * factor


class _Window:
    """The last `KEPT` numbers, in order of size."""

    __slots__ = ("_order", "_sorted")

    def __init__(self) -> None:
        self._sorted: list[float] = []
        self._order: deque[float] = deque()

    @property
    def count(self) -> int:
        return len(self._order)

    def add(self, number: float) -> None:
        insort(self._sorted, number)
        self._order.append(number)
        if len(self._order) > KEPT:
            del self._sorted[bisect_left(self._sorted, self._order.popleft())]

    def quantile(self, share: float) -> float:
        """Between 0 and 1 interpolated; beyond, as far out as the furthest is from the middle, for each whole one."""
        ordered = self._sorted
        if share < 0 or share > 1:
            edge = ordered[0] if share < 0 else ordered[-1]
            return edge + (edge - ordered[len(ordered) // 2]) * (-share if share < 0 else share - 1)
        at = share * (len(ordered) - 1)
        below = int(at)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (at - below) * (ordered[above] - ordered[below])
