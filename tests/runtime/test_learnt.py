"""What is learnt of a queue: how good estimates were, and at which rate those who wait give up."""

import pytest

from acd.runtime.calibration import Band, Raw
from acd.runtime.learnt import Given, Learnt, Quality

SECOND = 1_000_000


def test_quality_compares_the_middle_with_what_app_queue_would_have_said() -> None:
    learnt = Learnt()
    assert learnt.quality() == Quality(0, None, None, None)
    for waited_s, rolling_s in ((40.0, 0), (8.0, 10), (9.0, 9)):
        assert learnt.rolling_s == rolling_s
        given = Given("q", at_once=False, raw=Raw(20.0, 5.0), band=Band(10.0, 20.0, 50.0), rolling_s=rolling_s)
        learnt.compare(given, waited_s)
        learnt.roll(waited_s)
    quality = learnt.quality()
    assert quality.answers == 3
    assert quality.covered == pytest.approx(1 / 3, abs=0.001)
    assert quality.error_s == pytest.approx((20 + 12 + 11) / 3, abs=0.01)
    assert quality.rolling_error_s == pytest.approx((40 + 2 + 0) / 3, abs=0.01)


def test_a_band_that_is_a_point_is_no_promise_of_four_in_five() -> None:
    learnt = Learnt()
    given = Given("q", at_once=True, raw=Raw(0.0, 0.0), band=Band(0.0, 0.0, 0.0), rolling_s=3)
    learnt.compare(given, 0.0)
    assert learnt.quality() == Quality(1, None, 0.0, 3.0)


def test_giving_up_is_a_rate_of_all_the_time_that_is_waited() -> None:
    """Those who still wait have waited, too."""
    learnt = Learnt()
    assert learnt.giving_up() == 0.0
    learnt.count(4, 0)
    learnt.count(3, 25 * SECOND)
    learnt.stopped_waiting(gave_up=True)
    assert learnt.giving_up() == pytest.approx(1 / 100, rel=0.01)
    learnt.count(0, 125 * SECOND)
    learnt.stopped_waiting(gave_up=False)
    assert learnt.giving_up() == pytest.approx(1 / 400, rel=0.01)
