"""What is known of one queue's waits: handling times, patience, how good estimates have been.

Owns what is learnt from every answer. Must not know the view nor how waits are predicted.
"""

from typing import Final

from msgspec import Struct

from acd.runtime.averages import Decayed
from acd.runtime.calibration import Band, Calibration, Raw

QUALITY_WINDOW: Final = 2_000
"""Answers over which the quality of estimates is averaged."""

PATIENCE_WINDOW: Final = 1_000
"""Waits from which the rate of giving up is taken."""

RINGING_S: Final = 5.0
"""How long an agent is taken to pick up, until enough have been seen."""


_KEEP: Final = 1.0 - 1.0 / PATIENCE_WINDOW
_SECOND_US: Final = 1_000_000


class Quality(Struct, frozen=True):
    """How good a queue's estimates have been, over the answers of late (seconds; None before the first).

    `answers`: how many were compared in all. `covered`: share of the waits that lay in their 80 % band, where that was
    wider than a point: who is picked up the moment they come is certain not to wait. `error_s`: mean
    absolute error of the band's middle. `rolling_error_s`: the same of the rolling average that `app_queue`
    announces, `(3 × old + new) >> 2`, on the same answers.
    """

    answers: int
    covered: float | None
    error_s: float | None
    rolling_error_s: float | None


class Given(Struct, frozen=True, gc=False):
    """An estimate that was given: to be compared with what comes."""

    queue: str
    at_once: bool
    raw: Raw
    band: Band
    rolling_s: int


class Learnt:
    """What is known of one queue."""

    __slots__ = (
        "_counted_us",
        "_exposure_s",
        "_gave_up",
        "_waiting",
        "answers",
        "at_once",
        "channel",
        "covered",
        "error",
        "picked_up",
        "rolling_error",
        "rolling_s",
        "waiting",
    )

    def __init__(self) -> None:
        self.channel = "voice"
        self.picked_up = Decayed()
        self._exposure_s = 0.0
        self._gave_up = 0.0
        self._waiting = 0
        self._counted_us = 0
        self.at_once = Calibration()
        self.waiting = Calibration()
        self.rolling_s = 0
        self.answers = 0
        self.covered = Decayed(QUALITY_WINDOW)
        self.error = Decayed(QUALITY_WINDOW)
        self.rolling_error = Decayed(QUALITY_WINDOW)

    def quality(self) -> Quality:
        """How good the estimates have been."""
        return Quality(self.answers, self.covered.mean(), self.error.mean(), self.rolling_error.mean())

    def ringing(self) -> Raw:
        """The raw prediction for whoever is offered at once."""
        mean_s = self.picked_up.mean()
        if mean_s is None:
            mean_s = RINGING_S
        return Raw(mean_s, mean_s / 2)

    def giving_up(self) -> float:
        """How many of those who wait give up, per second."""
        return self._gave_up / self._exposure_s if self._exposure_s > 0 else 0.0

    def count(self, waiting: int, now_us: int) -> None:
        """So many wait from now on; those before have waited until now."""
        self._exposure_s += self._waiting * max(now_us - self._counted_us, 0) / _SECOND_US
        self._waiting, self._counted_us = waiting, now_us

    def stopped_waiting(self, *, gave_up: bool) -> None:
        """Somebody was answered, or gave up."""
        self._exposure_s *= _KEEP
        self._gave_up = self._gave_up * _KEEP + gave_up

    def compare(self, given: Given, waited_s: float) -> None:
        """An answer came."""
        band = given.band
        self.answers += 1
        if band.high_s > band.low_s:
            self.covered.add(float(band.low_s <= waited_s <= band.high_s))
        self.error.add(abs(band.middle_s - waited_s))
        self.rolling_error.add(abs(given.rolling_s - waited_s))
        (self.at_once if given.at_once else self.waiting).learn(given.raw, band, waited_s)

    def roll(self, waited_s: float) -> None:
        """As `app_queue` averages hold times, in whole seconds."""
        self.rolling_s = (3 * self.rolling_s + int(waited_s)) >> 2
