"""Calibration: from a raw prediction to a band that keeps its promise.

Owns what was learnt from earlier predictions of one kind: by what factor they were off, and how far out, in units of
the raw prediction's own spread, the edges of the band must lie. Must not know queues, agents or clocks. The edges
follow adaptive conformal inference (Gibbs and Candès, "Adaptive Conformal Inference Under Distribution Shift", 2021):
each miss moves an edge out and each hit moves it in by as much as makes the long-run share of misses what was asked
for, whatever the traffic does.
"""

from math import exp, log
from typing import Final

from msgspec import Struct

from acd.runtime.averages import Decayed
from acd.runtime.windows import Window

KEPT: Final = 400
"""Observations that are remembered."""

MISS: Final = 0.1
"""Share of what comes that may lie below the band, and above it: together they make an 80 % band."""

STEP: Final = 0.05
"""How far one observation moves an edge's quantile."""

JUDGED: Final = 1_000
"""Observations over which the ways to find the middle are compared."""

_EARNS: Final = 0.93
"""A correction is made if it leaves no more than this of the error."""

_EVIDENCE: Final = 150
"""Observations that are needed before the middle is corrected: waits of one rush hour are off all in the same way."""

_OFFSET_S: Final = 2.0
"""Added on both sides of a ratio, so that a wait of nothing has one, too."""

_FEWEST: Final = 20
"""Observations that are needed before they replace what is assumed."""

_ASSUMED: Final = (-1.3, 1.3)
"""Distances of the edges from the middle, in spreads, until enough is known."""

_FURTHEST: Final = 4.0
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

    __slots__ = ("_distances", "_errors", "_high", "_low", "_ratios")

    def __init__(self) -> None:
        self._ratios = Window(KEPT)
        self._distances = Window(KEPT)
        self._errors = (Decayed(JUDGED), Decayed(JUDGED))
        self._low = MISS
        self._high = 1.0 - MISS

    def band(self, raw: Raw) -> Band:
        """The band around a raw prediction. O(1)."""
        as_is_s, corrected_s = self._middles(raw)
        middle_s = corrected_s if self._corrects() else as_is_s
        if self._distances.count < _FEWEST:
            low, high = _ASSUMED
        else:
            low, high = self._distances.quantile(self._low), self._distances.quantile(self._high)
        spread_s = max(raw.spread_s, _OFFSET_S / 2)
        low_s, high_s = min(middle_s + low * spread_s, middle_s), max(middle_s + high * spread_s, middle_s)
        return Band(*(max(0.0, each) for each in (low_s, middle_s, high_s)))

    def learn(self, raw: Raw, given: Band, actual_s: float) -> None:
        """What came (seconds) of a raw prediction for which `given` was the band. O(log kept)."""
        self._low += STEP * (MISS - (actual_s < given.low_s))
        self._high -= STEP * (MISS - (actual_s > given.high_s))
        self._low = min(max(self._low, -_FURTHEST), 0.5)
        self._high = min(max(self._high, 0.5), 1.0 + _FURTHEST)
        self._distances.add((actual_s - given.middle_s) / max(raw.spread_s, _OFFSET_S / 2))
        for middle_s, error in zip(self._middles(raw), self._errors, strict=True):
            error.add(abs(middle_s - actual_s))
        self._ratios.add(log((actual_s + _OFFSET_S) / (raw.mean_s + _OFFSET_S)))

    def _middles(self, raw: Raw) -> tuple[float, float]:
        """The raw prediction as it is, and after the factor by which such predictions have been off lately."""
        factor = exp(self._ratios.quantile(0.5)) if self._ratios.count >= _FEWEST else 1.0
        return raw.mean_s, max((raw.mean_s + _OFFSET_S) * factor - _OFFSET_S, 0.0)

    def _corrects(self) -> bool:
        """Whether the factor would have done better lately. It costs something where nothing is to be corrected."""
        as_is, corrected = self._errors
        return corrected.weight >= _EVIDENCE and (corrected.mean() or 0.0) < _EARNS * (as_is.mean() or 0.0)
