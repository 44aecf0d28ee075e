"""Curves of how long agents are occupied agree with what is known of the distributions."""

from random import Random

import numpy as np
import pytest

from acd.runtime.durations import STEPS, Durations, Floats, Handling, renewals


def nothing() -> Floats:
    return np.zeros(0)


def following(durations: Durations, *means: float) -> list[float]:
    """How many follow one another within so many means."""
    moments = np.arange(STEPS + 1, dtype=np.float64) * durations.step_s
    return [float(np.interp(each * durations.mean_s, moments, renewals(durations.survival(moments)))) for each in means]


def learnt(draws: list[float]) -> Durations:
    durations = Durations(180.0)
    for each in draws:
        durations.add(each, nothing)
    return durations


def test_nothing_known_is_exponential() -> None:
    durations = Durations(100.0)
    moments = np.array([0.0, 50.0, 100.0, 900.0])
    assert durations.survival(moments) == pytest.approx(np.exp(-moments / 100.0), abs=0.001)
    # A Poisson process: as many as there are means in the time.
    assert following(durations, 0.0, 0.1, 1.0, 3.9) == pytest.approx([0.0, 0.1, 1.0, 3.9], abs=0.02)


def test_constant_ones_end_all_at_once_and_follow_each_other() -> None:
    durations = learnt([100.0] * 600)
    assert durations.mean_s == pytest.approx(100.0, abs=2.0)
    assert durations.variability < 0.05
    survival = durations.survival(np.array([0.0, 90.0, 110.0]))
    assert survival == pytest.approx([1.0, 1.0, 0.0], abs=0.01)
    assert following(durations, 0.5, 1.5, 2.5) == pytest.approx([0.0, 1.0, 2.0], abs=0.06)


def test_uneven_ones_follow_each_other_as_renewal_theory_says() -> None:
    """In the long run t / mean + (variability − 1) / 2."""
    chance = Random(3)  # noqa: S311 - not a secret
    durations = learnt([chance.lognormvariate(4.0, 0.8) for _ in range(1_000)])
    expected = 3.8 + (durations.variability - 1) / 2
    assert following(durations, 3.8) == pytest.approx([expected], abs=0.15)


def test_the_oldest_are_forgotten() -> None:
    durations = learnt([500.0] * 1_000 + [50.0] * 1_100)
    assert durations.mean_s == pytest.approx(50.0, abs=3.0)


def test_what_has_a_wrap_up_takes_longer_in_all() -> None:
    handling = Handling(180.0)
    for _ in range(200):
        handling.add(100.0, 0.0, nothing)
    assert handling.wrap_up is None
    assert handling.after_s == 0.0
    assert handling.whole is handling.before
    for _ in range(1_000):
        handling.add(100.0, 30.0, nothing)
    assert handling.after_s == pytest.approx(30.0, abs=1.0)
    assert handling.before.mean_s == pytest.approx(100.0, abs=2.0)
    assert handling.whole.mean_s == pytest.approx(130.0, abs=2.0)


def test_those_that_have_not_ended_count_as_long_as_they_last() -> None:
    """Two hundred draws watched for 200 s: most of the long ones have not ended."""
    chance = Random(5)  # noqa: S311 - not a secret
    draws = [chance.expovariate(1 / 300.0) for _ in range(400)]
    seen, unseen = Durations(300.0), Durations(300.0)
    for each in draws:
        if each < 200.0:
            seen.add(each, lambda: np.full(sum(other >= 200.0 for other in draws), 200.0))
            unseen.add(each, nothing)
    assert unseen.mean_s < 120.0
    assert seen.mean_s == pytest.approx(300.0, rel=0.2)
    assert seen.survival(np.array([150.0]))[0] == pytest.approx(float(np.exp(-0.5)), abs=0.05)
