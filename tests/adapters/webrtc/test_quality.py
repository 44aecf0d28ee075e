"""Figures of a call from samples of getStats."""

import math
import statistics
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd_webrtc.emodel import mean_opinion, rating
from acd_webrtc.quality import Interval, Quality, Sample

SECOND = 1_000_000


def sample(second: float, received: int, lost: int = 0, **more: Any) -> Sample:  # noqa: ANN401 - any field
    fields = {"atUs": int(second * SECOND), "packetsReceived": received, "packetsLost": lost, "jitter": 0.0, **more}
    return msgspec.convert(fields, Sample)


def test_the_first_sample_says_nothing_the_second_says_what_came_between() -> None:
    quality = Quality()
    assert quality.add(sample(10, 1_000, 100)) is None
    assert quality.figures().mos is None
    interval = quality.add(sample(15, 1_240, 110, jitter=0.01, roundTripTime=0.08, packetsDiscarded=0))
    # 40 ms one way, twice the jitter in the buffer, a packet and the codec's look-ahead; 10 of 250 packets lost.
    mos = mean_opinion(rating(one_way_delay_ms=40 + 20 + 26.5, loss_percent=4))
    assert interval == Interval(5.0, 250, 4.0, 10.0, 80.0, mos)
    figures = quality.figures()
    assert (figures.seconds, figures.packets, figures.loss_percent) == (5.0, 250, 4.0)


def test_what_came_too_late_to_be_played_is_lost_and_the_buffer_says_how_long_it_held() -> None:
    quality = Quality()
    quality.add(sample(0, 0, jitterBufferDelay=10.0, jitterBufferEmittedCount=1_000))
    late: dict[str, Any] = {"packetsDiscarded": 5, "jitter": 0.5}
    interval = quality.add(
        sample(1, 50, jitterBufferDelay=10.0 + 0.12 * 48_000, jitterBufferEmittedCount=49_000, **late)
    )
    assert interval is not None
    assert interval.loss_percent == 10
    assert interval.mos == pytest.approx(mean_opinion(rating(one_way_delay_ms=146.5, loss_percent=10)))


def test_another_connection_begins_anew_and_what_was_before_stays() -> None:
    quality = Quality()
    quality.add(sample(0, 0))
    quality.add(sample(1, 50))
    assert quality.add(sample(2, 10, 40)) is None
    interval = quality.add(sample(3, 60, 40))
    assert interval is not None
    assert interval.loss_percent == 0
    assert quality.figures().packets == 100


def test_packets_that_came_twice_are_not_less_than_no_loss() -> None:
    quality = Quality()
    quality.add(sample(0, 0, 5))
    interval = quality.add(sample(1, 50, 2))
    assert interval is not None
    assert interval.loss_percent == 0


def test_of_nothing_no_figure_is_made() -> None:
    quality = Quality()
    quality.add(sample(0, 50))
    assert quality.add(sample(1, 50)) is None
    assert quality.figures().seconds == 0


def test_a_round_trip_that_is_not_known_is_in_no_spread() -> None:
    quality = Quality()
    for second in range(3):
        quality.add(sample(second, second * 50))
    assert quality.figures().round_trip_ms is None
    assert quality.figures().jitter_ms is not None


def test_a_page_whose_clock_is_put_back_is_heard_all_the_same() -> None:
    quality = Quality()
    quality.add(sample(3_600, 0))
    quality.add(sample(3_601, 50))
    assert quality.add(sample(10, 100)) is None
    interval = quality.add(sample(11, 150))
    assert interval is not None
    assert (interval.seconds, quality.figures().packets) == (1.0, 100)


def test_another_connection_is_known_by_its_name_where_its_counters_are_higher() -> None:
    quality = Quality()
    quality.add(sample(0, 0, connection="1"))
    quality.add(sample(1, 50, connection="1"))
    assert quality.add(sample(2, 5_000, 4_000, connection="2")) is None
    assert quality.add(sample(3, 5_050, 4_000, connection="2")) is not None
    assert (quality.figures().packets, quality.figures().loss_percent) == (100, 0)


def test_a_dead_line_is_seen_in_the_figures() -> None:
    quality = Quality()
    for second, received in enumerate([0, 50, 50, 50, 100]):
        quality.add(sample(second, received))
    figures = quality.figures()
    assert (figures.seconds, figures.silent_seconds, figures.packets) == (2.0, 2.0, 100)


def test_the_worst_line_of_all_is_not_left_out() -> None:
    quality = Quality()
    quality.add(sample(0, 0))
    interval = quality.add(sample(1, 50, jitter=25.0, roundTripTime=61.0))
    assert interval is not None
    assert (interval.jitter_ms, interval.round_trip_ms) == (10_000, 10_000)
    assert interval.mos < 2.5


@pytest.mark.parametrize("second", [5.0, 5.4])
def test_samples_come_not_too_often(second: float) -> None:
    quality = Quality()
    quality.add(sample(5, 0))
    with pytest.raises(ValueError, match=r"^atUs: is "):
        quality.add(sample(second, 50))
    assert quality.add(sample(6, 50)) is not None


@pytest.mark.parametrize(
    "more",
    [
        {"jitter": -0.1},
        {"connection": "c" * 65},
        {"jitter": math.nan},
        {"roundTripTime": math.inf},
        {"packetsReceived": -1},
        {"packetsReceived": 2**53},
        {"packetsReceived": 1.5},
        {"jitterBufferDelay": -1.0},
        {"atUs": -1},
        {"colour": 1},
    ],
)
def test_figures_that_cannot_be_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        sample(0, 0, **more)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 50)), min_size=1, max_size=60))
def test_percentiles_are_those_of_a_sorted_list(drawn: list[tuple[float, float, int]]) -> None:
    quality = Quality()
    quality.add(sample(0, 0))
    received = lost = 0
    intervals = []
    for second, (jitter, round_trip, missing) in enumerate(drawn, 1):
        received, lost = received + 50, lost + missing
        found = quality.add(sample(second, received, lost, jitter=jitter, roundTripTime=round_trip))
        assert found is not None
        intervals.append(found)
    figures = quality.figures()
    assert figures.packets == received + lost
    for spread, values, step, worse_is_less in (
        (figures.jitter_ms, [each.jitter_ms for each in intervals], 1.0, False),
        (figures.loss, [each.loss_percent for each in intervals], 0.1, False),
        (figures.mos, [each.mos for each in intervals], 0.01, True),
    ):
        assert spread is not None
        ranked = sorted(values, reverse=worse_is_less)
        expected = [ranked[math.ceil(share * len(ranked)) - 1] for share in (0.5, 0.95, 1.0)]
        assert [spread.p50, spread.p95, spread.worst] == pytest.approx(expected, abs=step / 2 + 1e-9)
        assert spread.mean == pytest.approx(statistics.fmean(values))


def test_a_long_call_takes_no_more_memory_than_a_short_one() -> None:
    quality = Quality()
    for second in range(20_000):
        quality.add(sample(second, second * 50, jitter=second % 11_000 / 1_100, roundTripTime=second % 9_000 / 1_000))
    assert len(quality._jitter._counts) <= 10_001
    assert len(quality._mos._counts) <= 451
    assert len(quality._loss._counts) <= 1_001
