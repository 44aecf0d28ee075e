"""The raw prediction of a wait: when so many others and this one have been taken, as agents come free.

Owns the arithmetic. Must not know queues, agents or the view. This is the queue-length predictor with abandonment
(Ibrahim and Whitt, "Real-Time Delay Estimation in Overloaded Multiserver Queues with Abandonments", 2009), for handling
times of any distribution: whoever is occupied comes free according to how long they have been, and again and again
after that. Those ahead give up meanwhile, and others overtake.
"""

from collections.abc import Sequence
from math import exp, log1p, sqrt
from typing import Final, NamedTuple

import numpy as np

from acd.runtime.calibration import Raw
from acd.runtime.durations import PER_MEAN, STEPS, Durations, Floats, renewals

_MEDIAN: Final = 2 / 3
"""The k-th of many rare events has come, half of the time, when k − 1/3 are to be expected: k others and this one."""

_LEAST: Final = 0.05
"""Share of those who come free that is left for this line, however many overtake."""

_TINY: Final = 1e-9

_HARDLY: Final = 1e-12
"""Whoever has lasted longer than this share ever does is taken for one who has lasted just as long."""

_SOON: Final = 0.05
"""Somebody has to come free all the same when more are as good as free than wait."""

_COARSER: Final = 0.5
"""Steps as short as those of a group's curves, this part of them, are short enough."""

_NOBODY_LEFT: Final = 30.0
"""After so many times the mean patience nobody is left, whoever waited; much more could not be computed."""

_WIDE: Final = 8
"""Steps on both sides over which a rate is averaged."""


class Group(NamedTuple):
    """Agents at work on things that take equally long.

    `ages_s`: how long each has been, `weights`: how many of ours each can take when free, both (n,). `after_s`: what
    each has still to do after that.
    """

    durations: Durations
    after_s: float
    ages_s: Floats
    weights: Floats


class Others(NamedTuple):
    """Those ahead in other lines: how many of them our agents will take, and at most which share of what these take."""

    taken: float
    share: float


class Overtaking(NamedTuple):
    """Those who come later and go first: `per_second` at first, `in_the_end` after `soon_s`, until `for_s` from now.

    `share`: at most this share of what our agents take.
    """

    per_second: float
    in_the_end: float
    soon_s: float
    for_s: float
    share: float


class Line(NamedTuple):
    """What stands before: `ahead` of the same kind, `others` of other kinds.

    `giving_up`: the rate per second at which one of those ahead gives up. `shared`: which share of our agents has
    others to serve at all. `free`: how many agents are as good as free.
    """

    ahead: float
    others: Sequence[Others]
    shared: float
    giving_up: float
    overtaking: Sequence[Overtaking]
    free: float


class Supply:
    """How soon agents come free, whoever takes them: worth keeping for a moment."""

    def __init__(self, following: Sequence[tuple[float, Durations]], groups: Sequence[Group]) -> None:
        """`following`: how long those take who are served next, with weights; one of them at least."""
        total = sum(weight for weight, _ in following)
        self.mean_s = sum(weight * each.mean_s for weight, each in following) / total
        square = sum(weight * each.mean_s**2 * (1.0 + each.variability) for weight, each in following) / total
        self.variability = max(square / self.mean_s**2 - 1.0, 0.0)
        steps_s = [self.mean_s / PER_MEAN, *(group.durations.step_s * _COARSER for group in groups)]
        self.step_s = max(steps_s)
        self.slots = sum(float(group.weights.sum()) for group in groups)
        self._crowds = [_Crowd(group, self.step_s) for group in groups]
        moments = np.arange(STEPS + 1, dtype=np.float64) * self.step_s
        lasting = sum((weight / total * each.survival(moments) for weight, each in following), np.zeros(STEPS + 1))
        again = renewals(lasting)
        self._following = (again[:-1] + again[1:]) / 2
        self._curves: dict[int, tuple[Floats, Floats]] = {}

    def curves(self, steps: int) -> tuple[Floats, Floats]:
        """How many will have come free for the first time after each step, and how often anybody: (steps + 1,) each."""
        curves = self._curves.get(steps)
        if curves is None:
            first = np.zeros(steps + 1)
            for crowd in self._crowds:
                first += crowd.ended(steps)
            freed = first.copy()
            freed[1:] += np.convolve(np.diff(first), self._following[:steps])[:steps]
            curves = self._curves[steps] = (first, freed)
        return curves

    def variance(self, step: int, first: float, freed: float) -> float:
        """Of how often anybody will have come free after so many steps."""
        # Whoever comes free soon does so more often: twice the covariance of the first time and the later ones.
        again = (freed - first) * (min(self.variability, 1.0) + 2.0 * (1.0 - first / max(self.slots, _TINY)))
        return sum(crowd.variance(step) for crowd in self._crowds) + again


def predict(supply: Supply, line: Line) -> Raw:
    """When it is taken: the median, and the spread around it. O(STEPS²) with a new supply, else O(STEPS)."""
    target = max(line.ahead + _MEDIAN - line.free, _SOON)
    course = _Course(supply, line, STEPS // 4)
    if course.covered[-1] < target:
        course = _Course(supply, line, STEPS)
    if course.covered[-1] < target:
        return _beyond(supply, line, course, target)
    step_s = supply.step_s
    at = max(int(np.searchsorted(course.covered, target)), 1)
    below, above = float(course.covered[at - 1]), float(course.covered[at])
    middle_s = step_s * (at - 1 + (target - below) / max(above - below, _TINY))
    freed, overtaken = float(course.freed[at]), float(course.overtaken[at])
    variance = supply.variance(at, float(course.first[at]), freed) + overtaken + max(target - freed + overtaken, 0.0)
    low, high = max(at - 1 - _WIDE, 0), min(at + _WIDE, len(course.covered) - 1)
    rate = float(course.covered[high] - course.covered[low]) / ((high - low) * step_s)
    return Raw(middle_s, sqrt(max(variance, _LEAST)) / max(rate, _TINY))


class _Crowd:
    """A group, by age."""

    def __init__(self, group: Group, step_s: float) -> None:
        self._longer = group.durations.survival(np.arange(2 * STEPS + 1, dtype=np.float64) * step_s)
        lasting = int(np.count_nonzero(self._longer > _HARDLY))
        ages = np.minimum(group.ages_s / step_s, max(min(lasting - 2, STEPS - 1), 0))
        below = ages.astype(np.int64)
        part = ages - below
        count = np.bincount(below, group.weights * (1 - part), STEPS + 1)
        count += np.bincount(below + 1, group.weights * part, STEPS + 1)
        self._ages = int(below.max()) + 2
        self._count = count[: self._ages]
        self._longer = np.maximum(self._longer, _HARDLY**2)
        self._alive = self._count / self._longer[: self._ages]
        self._after = group.after_s / step_s
        self.slots = float(group.weights.sum())

    def ended(self, steps: int) -> Floats:
        """How many will have come free for the first time after each step up to so many: (steps + 1,)."""
        lasting = np.correlate(self._longer[: steps + self._ages], self._alive, "valid")
        if not self._after:
            return self.slots - lasting
        at = np.arange(steps + 1) - self._after
        shifted: Floats = np.interp(at, np.arange(steps + 1), self.slots - lasting, left=0.0)
        return shifted

    def variance(self, step: int) -> float:
        """Of how many that will be after so many steps."""
        at = round(step - self._after)
        if at <= 0:
            return 0.0
        lasting = self._longer[at : at + self._ages] / self._longer[: self._ages]
        return float(np.dot(self._count, lasting * (1.0 - lasting)))


class _Course:
    """How a line goes on, after each step: (steps + 1,).

    `covered`: how many of those who wait now and count will have been taken, or have given up.
    """

    def __init__(self, supply: Supply, line: Line, steps: int) -> None:
        self.first, self.freed = supply.curves(steps)
        self.end_s = steps * supply.step_s
        self.overtaken = np.zeros(steps + 1)
        taken = np.diff(self.freed)
        if line.overtaking:
            moments = np.arange(steps + 1) * supply.step_s
            for each in line.overtaking:
                came = np.minimum(moments, min(each.soon_s, each.for_s)) * each.per_second
                came += np.clip(moments - each.soon_s, 0.0, max(each.for_s - each.soon_s, 0.0)) * each.in_the_end
                self.overtaken += np.minimum(came, each.share * self.freed)
            taken = np.maximum(taken - np.diff(self.overtaken), _LEAST * taken)
        if line.giving_up:
            # Each one taken stands for exp(giving up × time) of those who wait now: the rest have given up.
            patience = line.giving_up * supply.step_s * (np.arange(steps) + 0.5)
            taken *= np.exp(np.minimum(patience, _NOBODY_LEFT))
        self.reached = np.zeros(steps + 1)
        np.cumsum(taken, out=self.reached[1:])
        self.covered = self.reached
        if line.others:
            self.covered = np.maximum.accumulate(self.reached - _for_others(line, self.reached))


def _for_others(line: Line, reached: Floats) -> Floats:
    """How many of so many who were taken are from other lines."""
    total = np.zeros(len(reached))
    for others in line.others:
        total += np.minimum(others.taken, others.share * reached)
    taken: Floats = np.minimum(total, line.shared * reached)
    return taken


def _left(line: Line, reached: float) -> float:
    """How many in other lines are still to be taken when so many have been, if they can be so soon at all."""
    total = sum(others.taken for others in line.others)
    return float((total - _for_others(line, np.array([reached]))[0]) * line.shared)


def _beyond(supply: Supply, line: Line, course: _Course, target: float) -> Raw:
    """Past the end of the curves everything goes on at the rates of the long run."""
    left = target - float(course.covered[-1]) + _left(line, float(course.reached[-1]))
    freed = float(course.freed[-1])
    rate = max(supply.slots / supply.mean_s, _TINY)
    going_on = [each for each in line.overtaking if each.for_s > course.end_s]
    rate = max(rate - sum(min(each.in_the_end, each.share * rate) for each in going_on), _LEAST * rate)
    ahead_s = left * exp(-line.giving_up * course.end_s) / rate
    further_s = log1p(line.giving_up * ahead_s) / line.giving_up if line.giving_up * ahead_s > _TINY else ahead_s
    freed += further_s * rate
    variance = freed * supply.variability + float(course.overtaken[-1]) + max(line.ahead - freed, 0.0)
    return Raw(course.end_s + further_s, sqrt(max(variance, 1.0)) / (rate + line.giving_up))
