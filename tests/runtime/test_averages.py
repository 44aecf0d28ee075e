"""Averages forget."""

import pytest

from acd.runtime.averages import Decayed


def test_a_decayed_mean_forgets() -> None:
    mean = Decayed(10)
    assert mean.mean() is None
    mean.add(5.0)
    assert mean.mean() == 5.0
    for _ in range(100):
        mean.add(1.0)
    assert mean.mean() == pytest.approx(1.0, abs=0.01)
    assert mean.weight == pytest.approx(10, abs=0.1)
