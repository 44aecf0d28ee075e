"""Token buckets."""

import pytest

from acd.api.rates import MAX_NAMES, Bucket, Rates

SECOND_US = 1_000_000


def test_a_burst_at_once_and_then_steadily() -> None:
    bucket = Bucket(10.0, 3)
    assert [bucket.take(0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(0) == pytest.approx(0.1)
    assert bucket.take(SECOND_US // 20) == pytest.approx(0.05)
    assert bucket.take(SECOND_US // 10) == 0.0
    assert bucket.take(SECOND_US // 10) > 0


def test_over_a_long_time_it_is_the_rate() -> None:
    bucket = Bucket(10.0, 5)
    done = sum(bucket.take(at_us) == 0.0 for at_us in range(0, 60 * SECOND_US, 7_000))
    assert done == pytest.approx(5 + 10 * 60, abs=1)


def test_it_is_never_fuller_than_full_and_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1.0, 2)
    assert [bucket.take(1_000 * SECOND_US) for _ in range(2)] == [0.0, 0.0]
    assert bucket.take(0) > 0
    assert bucket.take(1_000 * SECOND_US) > 0
    assert bucket.take(1_001 * SECOND_US) == 0.0


def test_everybody_has_a_bucket_and_the_longest_unseen_is_forgotten() -> None:
    rates = Rates(1.0, 1)
    assert rates.take("a", 0) == 0.0
    assert rates.take("a", 0) > 0
    assert rates.take("b", 0) == 0.0
    for number in range(MAX_NAMES - 1):
        assert rates.take("a", 0) > 0
        assert rates.take(f"n{number}", 0) == 0.0
    assert len(rates) == MAX_NAMES
    assert rates.take("a", 0) > 0, "who keeps coming is not forgotten"
    assert rates.take("b", 0) == 0.0
    assert len(rates) == MAX_NAMES


def test_who_may_do_as_much_as_a_stranger_is_forgotten() -> None:
    rates = Rates(1.0, 3)
    for number in range(MAX_NAMES):
        assert rates.take(f"n{number}", number * SECOND_US) == 0.0
    assert len(rates) <= 2, "a bucket is full again after a second: who came before then is nobody any more"


def test_nobody_gains_by_being_forgotten() -> None:
    rates = Rates(1.0, 3)
    for _ in range(3):
        assert rates.take("a", 0) == 0.0
    for number in range(100):
        assert rates.take(f"n{number}", SECOND_US + number) == 0.0
    assert [rates.take("a", 2 * SECOND_US) for _ in range(3)][:2] == [0.0, 0.0]
    assert rates.take("a", 2 * SECOND_US) > 0, "two seconds were two more, not three"
