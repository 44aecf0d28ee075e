"""How long agents stay occupied by an interaction, as far as seen: an empirical distribution and what follows from it.

Owns the observations, how likely one lasts longer than so long, and how many follow one another in a time. Must not
know queues, agents or clocks. Between the observations and an exponential distribution of the same mean the truth is
taken to lie near the former; beyond the longest that was seen it is the latter.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from acd.runtime.averages import Decayed
from acd.runtime.windows import Window

Floats = npt.NDArray[np.float64]

KEPT: Final = 1_000
"""Durations that are remembered."""

STEPS: Final = 160
"""Points of every curve, after the first."""

PER_MEAN: Final = 40
"""Points of a curve within one mean."""

_ASSUMED: Final = 4.0
"""How many observations the exponential distribution is worth."""

_DAMPING: Final = 0.97
"""Of power series, per step."""

_STALE: Final = 0.1
"""Share of the observations that may come before the curves are drawn anew."""


class Durations:
    """The last `KEPT` durations (seconds). `mean_s` and all curves are drawn now and then, by `add`."""

    __slots__ = ("_since", "_survival", "_window", "mean_s", "step_s", "variability")

    def __init__(self, mean_s: float) -> None:
        """Exponential with this mean, until more is known."""
        self._window = Window(KEPT)
        self._since = 0
        self.mean_s = mean_s
        self.step_s = mean_s / PER_MEAN
        """Seconds between two points of a curve."""
        self.variability = 1.0
        """Squared coefficient of variation."""
        self._survival: Floats
        self._draw(np.zeros(0))

    def add(self, duration_s: float, lasting_s: Callable[[], Floats]) -> None:
        """One has ended. O(log kept), and now and then O(kept).

        `lasting_s` is asked then for how long each of those has lasted that have not ended: who only looks at what has
        ended sees too few of the long ones.
        """
        self._window.add(duration_s)
        self._since += 1
        if self._since > _STALE * self._window.count:
            self._since = 0
            self._draw(lasting_s())

    def survival(self, moments_s: Floats) -> Floats:
        """Which share lasts longer than each of these moments, which ascend."""
        end_s = STEPS * self.step_s
        within = np.interp(moments_s, np.arange(STEPS + 1) * self.step_s, self._survival)
        beyond = np.maximum(moments_s - end_s, 0.0)
        curve: Floats = within * np.exp(-beyond / self.mean_s)
        return curve

    def _draw(self, lasting_s: Floats) -> None:
        """Kaplan and Meier's estimate, with some that are assumed."""
        ended_s = np.array(self._window.ordered)
        total_s = float(ended_s.sum() + lasting_s.sum()) + _ASSUMED * self.mean_s
        assumed_s = max(total_s / (len(ended_s) + _ASSUMED), 0.001)
        self.step_s = assumed_s / PER_MEAN
        moments = np.arange(STEPS + 1, dtype=np.float64) * self.step_s
        assumed = _ASSUMED * np.exp(-moments / assumed_s)
        reached = len(ended_s) - np.searchsorted(ended_s, moments, side="right") + assumed
        at_risk = reached + len(lasting_s) - np.searchsorted(np.sort(lasting_s), moments, side="right")
        staying = 1.0 + np.diff(reached) / at_risk[:-1]
        self._survival = np.concatenate(([1.0], np.cumprod(staying)))
        middles, tail_s = (self._survival[1:] + self._survival[:-1]) / 2, float(self._survival[-1]) * assumed_s
        self.mean_s = float(middles.sum()) * self.step_s + tail_s
        square = 2.0 * float(np.dot(middles, (moments[1:] + moments[:-1]) / 2)) * self.step_s
        square += 2.0 * tail_s * (float(moments[-1]) + assumed_s)
        self.variability = max(square / self.mean_s**2 - 1.0, 0.0)


def renewals(survival: Floats) -> Floats:
    """How many durations follow one another within so many steps, on average: (n,), as the survival is.

    The renewal equation U = F + f * U, where what ends within a step does so at any moment of it, is a product of power
    series; these are divided by Fourier transforms, damped so that what comes round from the far end is nothing.
    """
    count = len(survival)
    damping = _DAMPING ** np.arange(count)
    size = 4 * count
    ending = np.fft.rfft(-np.diff(survival) * damping[:-1], size)
    ended = np.fft.rfft((1.0 - survival) * damping, size)
    step = _DAMPING * np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    curve: Floats = np.fft.irfft(ended / (1.0 - ending * (1.0 + step) / 2.0), size)[:count] / damping
    return curve


class Handling:
    """How long agents are occupied by what they do for one queue and channel.

    `before`: from the offer to the wrap-up, or to the end where there is none; `wrap_up`: of those that have one;
    `whole`: both together.
    """

    __slots__ = ("_wrapped", "before", "whole", "wrap_up")

    def __init__(self, mean_s: float) -> None:
        """Until more is known."""
        self.before = Durations(mean_s)
        self.whole = self.before
        self.wrap_up: Durations | None = None
        self._wrapped = Decayed(KEPT)

    def add(self, before_s: float, wrap_up_s: float, lasting_s: Callable[[], Floats]) -> None:
        """One has ended. `lasting_s`: as `Durations.add`, of those that are not in the wrap-up."""
        if wrap_up_s and self.wrap_up is None:
            self.wrap_up = Durations(wrap_up_s)
            self.whole = Durations(self.before.mean_s + wrap_up_s)
        self.before.add(before_s, lasting_s)
        if self.wrap_up is not None:
            self.whole.add(before_s + wrap_up_s, _nothing)
            self._wrapped.add(float(wrap_up_s > 0))
            if wrap_up_s:
                self.wrap_up.add(wrap_up_s, _nothing)

    @property
    def after_s(self) -> float:
        """How long the wrap-up is yet to take of whoever is not in it."""
        return 0.0 if self.wrap_up is None else self.wrap_up.mean_s * (self._wrapped.mean() or 0.0)


def _nothing() -> Floats:
    return np.zeros(0)
