"""How long agents stay occupied by an interaction, as far as seen: an empirical distribution and what follows from it.

Owns the observations, how likely one lasts longer than so long, and how many follow one another in a time. Must not
know queues, agents or clocks. Between the observations and an exponential distribution of the same mean the truth is
taken to lie near the former; beyond the longest that was seen it is the latter.
"""

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

_STALE: Final = 0.1
"""Share of the observations that may come before the curves are drawn anew."""


class Durations:
    """The last `KEPT` durations (seconds). `mean_s` and all curves are drawn now and then, by `add`."""

    __slots__ = ("_renewals", "_since", "_survival", "_window", "mean_s", "variability")

    def __init__(self, mean_s: float) -> None:
        """Exponential with this mean, until more is known."""
        self._window = Window(KEPT)
        self._since = 0
        self.mean_s = mean_s
        self.variability = 1.0
        """Squared coefficient of variation."""
        self._survival: Floats
        self._renewals: Floats | None
        self._draw()

    @property
    def step_s(self) -> float:
        """Seconds between two points of a curve."""
        return self.mean_s / PER_MEAN

    def add(self, duration_s: float) -> None:
        """One has ended. O(log kept), and now and then O(STEPS²)."""
        self._window.add(duration_s)
        self._since += 1
        if self._since > _STALE * self._window.count:
            self._since = 0
            self._draw()

    def survival(self, moments_s: Floats) -> Floats:
        """Which share lasts longer than each of these moments, which ascend."""
        end_s = STEPS * self.step_s
        within = np.interp(moments_s, np.arange(STEPS + 1) * self.step_s, self._survival)
        beyond = np.maximum(moments_s - end_s, 0.0)
        curve: Floats = within * np.exp(-beyond / self.mean_s)
        return curve

    def following(self, moments_s: Floats) -> Floats:
        """How many follow one another within each of these times, on average."""
        end_s = STEPS * self.step_s
        if self._renewals is None:
            self._renewals = _renewals(-np.diff(self._survival))
        within = np.interp(moments_s, np.arange(STEPS + 1) * self.step_s, self._renewals)
        curve: Floats = within + np.maximum(moments_s - end_s, 0.0) / self.mean_s
        return curve

    def _draw(self) -> None:
        seen = np.array(self._window.ordered)
        weight = len(seen) + _ASSUMED
        self.mean_s = max((float(seen.sum()) + _ASSUMED * self.mean_s) / weight, 0.001)
        moments = np.arange(STEPS + 1) * self.step_s
        longer = len(seen) - np.searchsorted(seen, moments, side="right")
        self._survival = (longer + _ASSUMED * np.exp(-moments / self.mean_s)) / weight
        squares = (float(np.dot(seen, seen)) + _ASSUMED * 2 * self.mean_s**2) / weight
        self.variability = max(squares / self.mean_s**2 - 1.0, 0.0)
        self._renewals = None


def _renewals(ending: Floats) -> Floats:
    """The renewal function of a duration that ends in each step with this probability, the last one in its middle."""
    renewals = np.zeros(len(ending) + 1)
    for step in range(1, len(renewals)):
        # What ends within a step does so at any moment of it: what follows counts as the mean over the step.
        within = ending[:step]
        following = (renewals[step - 1 :: -1] + renewals[step:0:-1]) / 2.0
        renewals[step] = float(np.dot(within, 1.0 + following)) / (1.0 - ending[0] / 2.0)
    return renewals


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

    def add(self, before_s: float, wrap_up_s: float) -> None:
        """One has ended."""
        if wrap_up_s and self.wrap_up is None:
            self.wrap_up = Durations(wrap_up_s)
            self.whole = Durations(self.before.mean_s + wrap_up_s)
        self.before.add(before_s)
        if self.wrap_up is not None:
            self.whole.add(before_s + wrap_up_s)
            self._wrapped.add(float(wrap_up_s > 0))
            if wrap_up_s:
                self.wrap_up.add(wrap_up_s)

    @property
    def after_s(self) -> float:
        """How long the wrap-up is yet to take of whoever is not in it."""
        return 0.0 if self.wrap_up is None else self.wrap_up.mean_s * (self._wrapped.mean() or 0.0)
