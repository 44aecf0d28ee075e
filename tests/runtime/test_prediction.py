"""Raw predictions agree with what queueing theory says, and with counting where it says nothing simple."""

from collections.abc import Sequence
from math import inf, log, sqrt
from random import Random

import numpy as np
import pytest

from acd.runtime.durations import Durations
from acd.runtime.prediction import Group, Line, Others, Overtaking, Supply, predict

NOBODY = Line(0.0, (), 0.0, 0.0, (), 0.0)


def exponential(mean_s: float = 180.0) -> Durations:
    return Durations(mean_s)


def constant(mean_s: float) -> Durations:
    durations = Durations(mean_s)
    for _ in range(600):
        durations.add(mean_s, lambda: np.zeros(0))
    return durations


def at_work(durations: Durations, ages_s: Sequence[float], after_s: float = 0.0, weight: float = 1.0) -> Group:
    return Group(durations, after_s, np.array(ages_s, dtype=np.float64), np.full(len(ages_s), weight))


def supply(own: Durations, groups: Sequence[Group]) -> Supply:
    return Supply([(1.0, own)], groups)


@pytest.mark.parametrize("ahead", [0, 1, 5, 30, 200])
def test_memoryless_agents_come_free_at_a_constant_rate(ahead: int) -> None:
    """Whoever has k ahead waits for k + 1 of n agents: a gamma distribution of rate n ÷ mean."""
    durations, chance = exponential(), Random(1)  # noqa: S311 - not a secret
    raw = predict(
        supply(durations, [at_work(durations, [chance.uniform(0, 500) for _ in range(20)])]),
        NOBODY._replace(ahead=ahead),
    )
    step_s = 180.0 / 20
    median_s = sorted(sum(chance.expovariate(1 / step_s) for _ in range(ahead + 1)) for _ in range(4_001))[2_000]
    assert raw.mean_s == pytest.approx(median_s, rel=0.05, abs=0.5)
    assert raw.spread_s == pytest.approx(sqrt(ahead + 1) * step_s, rel=0.2)


def test_constant_handling_times_are_foreseen() -> None:
    durations = constant(100.0)
    group = at_work(durations, [10.0, 40.0, 90.0])
    waits = [predict(supply(durations, [group]), NOBODY._replace(ahead=ahead)).mean_s for ahead in range(5)]
    assert waits == pytest.approx([10.0, 60.0, 90.0, 110.0, 160.0], abs=4.0)
    assert predict(supply(durations, [group]), NOBODY).spread_s < 15.0


def test_a_long_way_ahead_everything_goes_on_at_the_rate_of_the_long_run() -> None:
    durations = constant(100.0)
    group = at_work(durations, [10.0, 40.0, 90.0])
    waits = [
        predict(supply(durations, [group]), NOBODY._replace(ahead=ahead)).mean_s
        for ahead in (8, 10, 11, 12, 13, 14, 60)
    ]
    assert waits == pytest.approx([290.0, 360.0, 390.0, 410.0, 460.0, 490.0, 2_010.0], abs=40.0)


def test_those_ahead_may_give_up_long_before_anybody_comes_free() -> None:
    durations = constant(4_000.0)
    line = NOBODY._replace(ahead=50, giving_up=2.0)
    raw = predict(supply(durations, [at_work(durations, [3_000.0])]), line)
    assert 0.0 <= raw.mean_s < 4_000.0
    assert 0.0 < raw.spread_s < inf


def test_those_ahead_give_up_meanwhile() -> None:
    """In the mean, n others go at nµ + jθ with j of them left: the sum over j of one by that."""
    durations, leaving = exponential(), 1 / 300
    group = at_work(durations, [0.0] * 20)
    for ahead in (10, 60, 300):
        expected = sum(1 / (20 / 180 + others * leaving) for others in range(ahead + 1))
        raw = predict(supply(durations, [group]), NOBODY._replace(ahead=ahead, giving_up=leaving))
        assert raw.mean_s == pytest.approx(expected, rel=0.06)


def test_whoever_comes_later_and_goes_first_takes_their_part() -> None:
    durations = exponential(100.0)
    group = at_work(durations, [0.0] * 10)
    alone = predict(supply(durations, [group]), NOBODY._replace(ahead=5)).mean_s
    half = predict(
        supply(durations, [group]), NOBODY._replace(ahead=5, overtaking=(Overtaking(0.05, 0.05, 60.0, inf, 1.0),))
    ).mean_s
    briefly = predict(
        supply(durations, [group]), NOBODY._replace(ahead=5, overtaking=(Overtaking(0.05, 0.05, 60.0, 20.0, 1.0),))
    ).mean_s
    assert half == pytest.approx(2 * alone, rel=0.05)
    assert briefly == pytest.approx(alone + 10.0, rel=0.05)
    swamped = predict(
        supply(durations, [group]), NOBODY._replace(ahead=5, overtaking=(Overtaking(5.0, 5.0, 60.0, inf, 1.0),))
    ).mean_s
    assert half * 5 < swamped < inf


def test_others_take_no_more_than_the_agents_they_share() -> None:
    """Fifty others who only a third of the agents serve keep nobody long whom all serve."""
    durations = exponential(100.0)
    group = at_work(durations, [0.0] * 12)
    alone = predict(supply(durations, [group]), NOBODY).mean_s
    behind = predict(supply(durations, [group]), NOBODY._replace(others=(Others(50.0, 1 / 3),), shared=1 / 3)).mean_s
    assert behind == pytest.approx(1.5 * alone, rel=0.05)
    behind_few = predict(supply(durations, [group]), NOBODY._replace(others=(Others(2.0, 1.0),), shared=1.0)).mean_s
    assert behind_few == pytest.approx(predict(supply(durations, [group]), NOBODY._replace(ahead=2)).mean_s, rel=0.01)


def test_wrap_up_comes_after_and_counts_from_its_own_beginning() -> None:
    talk, wrap_up = constant(100.0), constant(30.0)
    talking = at_work(talk, [60.0], after_s=30.0)
    wrapping = at_work(wrap_up, [20.0])
    assert predict(supply(constant(130.0), [talking]), NOBODY).mean_s == pytest.approx(70.0, abs=4.0)
    assert predict(supply(constant(130.0), [talking, wrapping]), NOBODY).mean_s == pytest.approx(10.0, abs=3.0)


def test_an_agent_of_several_slots_serves_several_at_once() -> None:
    durations = constant(100.0)
    group = at_work(durations, [40.0], weight=3.0)
    waits = [predict(supply(durations, [group]), NOBODY._replace(ahead=ahead)).mean_s for ahead in range(3)]
    assert waits == pytest.approx([60.0, 60.0, 60.0], abs=5.0)


def test_nobody_at_work_is_a_long_wait_and_no_error() -> None:
    durations = exponential(60.0)
    raw = predict(supply(durations, []), NOBODY)
    assert raw.mean_s > 1_000
    assert raw.spread_s > 0
    assert predict(supply(durations, [at_work(durations, [5.0])]), NOBODY._replace(free=3.0)).mean_s == pytest.approx(
        -60.0 * log(1 - 0.05), rel=0.1
    )


def test_whoever_takes_longer_than_anybody_ever_did_ends_like_the_longest() -> None:
    """One second is usual there, and the others take an hour: a conversation of hours is one that cannot be."""
    quick, slow = exponential(1.0), exponential(3_600.0)
    group = at_work(quick, [3.0 * 3_600.0])
    raw = predict(Supply([(1.0, slow)], [group]), NOBODY._replace(ahead=3.0))
    usual = predict(Supply([(1.0, slow)], [at_work(quick, [1.0])]), NOBODY._replace(ahead=3.0))
    assert raw.mean_s == pytest.approx(usual.mean_s, rel=0.05)
    assert raw.spread_s == pytest.approx(usual.spread_s, rel=0.05)
