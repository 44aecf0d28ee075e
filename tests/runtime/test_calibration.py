"""A band keeps its promise whatever the prediction is worth, and its middle is only corrected where that pays."""

from random import Random

import pytest

from acd.runtime.calibration import Band, Calibration, Raw


def test_an_unlearnt_band_is_wide() -> None:
    assert Calibration().band(Raw(60.0, 20.0)) == Band(34.0, 60.0, 86.0)
    assert Calibration().band(Raw(0.0, 0.0)).low_s == 0.0


def test_it_finds_out_by_what_factor_it_is_off() -> None:
    calibration = Calibration()
    for number in range(800):
        raw = Raw(100.0, 10.0)
        calibration.learn(raw, calibration.band(raw), 300.0 + (number * 37) % 61 - 30)
    band = calibration.band(Raw(100.0, 10.0))
    assert band.low_s == pytest.approx(276, abs=6)
    assert band.middle_s == pytest.approx(300, abs=4)
    assert band.high_s == pytest.approx(324, abs=6)
    assert calibration.band(Raw(200.0, 10.0)).middle_s == pytest.approx(600, abs=10)


def test_a_middle_that_is_right_is_left_alone() -> None:
    """Waits of one rush hour are off all in the same way: to follow them costs more than it brings."""
    calibration, chance = Calibration(), Random(1)  # noqa: S311 - not a secret
    for rush in range(40):
        off = 1.3 if rush % 2 else 0.7
        for _ in range(25):
            raw = Raw(chance.uniform(50, 150), 30.0)
            calibration.learn(raw, calibration.band(raw), raw.mean_s * off)
    assert calibration.band(Raw(100.0, 30.0)).middle_s == 100.0


@pytest.mark.parametrize("spread_s", [1.0, 20.0, 400.0])
def test_four_in_five_lie_within_whatever_the_spread_that_is_claimed(spread_s: float) -> None:
    calibration, chance = Calibration(), Random(2)  # noqa: S311 - not a secret
    within = 0
    for _ in range(2_000):
        raw = Raw(chance.uniform(50, 150), spread_s)
        band, actual_s = calibration.band(raw), raw.mean_s * chance.lognormvariate(0.0, 0.3)
        within += band.low_s <= actual_s <= band.high_s
        calibration.learn(raw, band, actual_s)
    assert 0.78 <= within / 2_000 <= 0.82
