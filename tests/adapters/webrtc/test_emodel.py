"""The E-model against figures that were published."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd_webrtc.emodel import (
    DEFAULT_R,
    G711,
    G711_CONCEALED,
    G723,
    G729A,
    GSM_EFR,
    Codec,
    delay_impairment,
    echo_impairment,
    equipment_impairment,
    mean_opinion,
    rating,
)


@pytest.mark.parametrize(("r", "mos"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_opinions_are_those_of_g107_table_b1(r: float, mos: float) -> None:
    """The table has 4.03 for 80 where its own formula gives 4.024."""
    assert mean_opinion(r) == pytest.approx(mos, abs=0.0065)


def test_the_default_is_that_of_g107() -> None:
    assert rating(one_way_delay_ms=0, loss_percent=0) == DEFAULT_R
    assert round(mean_opinion(DEFAULT_R), 2) == 4.41


@pytest.mark.parametrize(
    ("codec", "loss", "impairment"),
    [
        # ITU-T G.113 (02/2001), Appendix I, table of Ie by loss: random losses.
        *((G729A, loss, ie) for loss, ie in ((0, 11), (1, 15), (2, 19), (3, 23), (4, 26), (8, 36), (16, 49))),
        *((G723, loss, ie) for loss, ie in ((0, 15), (1, 19), (2, 24), (3, 27), (4, 32), (8, 41), (16, 55))),
        *((G711_CONCEALED, loss, ie) for loss, ie in ((0, 0), (1, 5), (2, 7), (3, 10), (5, 15), (7, 20), (10, 25))),
        *((GSM_EFR, loss, ie) for loss, ie in ((0, 5), (1, 16), (2, 21), (3, 26), (5, 33))),
    ],
)
def test_losses_cost_what_g113_has(codec: Codec, loss: float, impairment: float) -> None:
    """The table has measured values, the formula fits them."""
    assert equipment_impairment(loss, codec) == pytest.approx(impairment, abs=3.5)


@pytest.mark.parametrize("delay_ms", [50, 100, 150, 177, 200, 250, 300, 350, 400])
def test_delay_and_echo_cost_what_others_found(delay_ms: float) -> None:
    """Cole and Rosenbluth, "Voice over IP performance monitoring" (2001), put G.107's Id by default into two lines."""
    two_lines = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    assert delay_impairment(delay_ms) + echo_impairment(delay_ms) == pytest.approx(two_lines, abs=4.5)


def test_echo_that_comes_at_once_or_not_at_all_costs_nothing() -> None:
    assert echo_impairment(0) == 0
    assert echo_impairment(150, 120) == pytest.approx(0, abs=0.6)
    assert echo_impairment(150, 45) > 15


def test_delay_costs_nothing_up_to_a_tenth_of_a_second_and_g114s_limits_show() -> None:
    assert [delay_impairment(each) for each in (0, 50, 100)] == [0, 0, 0]
    assert delay_impairment(100.001) == pytest.approx(0, abs=1e-6)
    assert mean_opinion(rating(one_way_delay_ms=150, loss_percent=0)) > 4.3  # "very satisfied": R of 90 and more
    assert 60 < rating(one_way_delay_ms=400, loss_percent=0) < 75


def test_losses_in_bursts_cost_more() -> None:
    alone, burst = (rating(one_way_delay_ms=0, loss_percent=5, codec=G711_CONCEALED, burst=each) for each in (1, 2))
    assert burst < alone
    assert rating(one_way_delay_ms=0, loss_percent=5, codec=G711) < burst


@given(st.floats(0, 5_000), st.floats(0, 5_000), st.floats(0, 100), st.floats(0, 100))
def test_worse_is_never_rated_better(delay: float, more_delay: float, loss: float, more_loss: float) -> None:
    (delay, more_delay), (loss, more_loss) = sorted((delay, more_delay)), sorted((loss, more_loss))
    better = rating(one_way_delay_ms=delay, loss_percent=loss)
    worse = rating(one_way_delay_ms=more_delay, loss_percent=more_loss)
    assert 0 <= worse <= better + 1e-9 <= DEFAULT_R + 1e-9
    assert 1 <= mean_opinion(worse) <= mean_opinion(better) + 1e-6 <= 4.42


@pytest.mark.parametrize(
    ("delay", "loss", "burst", "named"),
    [
        (-1.0, 0.0, 1.0, "one_way_delay_ms"),
        (math.inf, 0.0, 1.0, "one_way_delay_ms"),
        (math.nan, 0.0, 1.0, "one_way_delay_ms"),
        (0.0, 100.1, 1.0, "loss_percent"),
        (0.0, math.nan, 1.0, "loss_percent"),
        (0.0, 0.0, 0.0, "burst"),
    ],
)
def test_what_is_no_figure_is_named(delay: float, loss: float, burst: float, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}: "):
        rating(one_way_delay_ms=delay, loss_percent=loss, burst=burst)


def test_the_scale_has_ends() -> None:
    assert [mean_opinion(each) for each in (-5, 0, 3, 100, 120)] == [1, 1, 1, 4.5, 4.5]
