"""Medians, percentiles and ratios, against figures worked out by hand."""

from bench.contest import Cost
from bench.report import WHOLE, DecisionResult, Timing, percentile


def test_percentiles_by_nearest_rank() -> None:
    values = list(range(100, 0, -1))
    assert [percentile(values, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7], 1) == 7
    assert percentile([], 50) == 0


def test_a_life_cycle_begins_with_an_enqueue() -> None:
    timing = Timing(
        "x", [[Cost("enqueue", 1), Cost("accept", 2), Cost("enqueue", 10), Cost("end", 20), Cost("end-wrap-up", 30)]]
    )
    assert timing.cycles() == [[3, 60]]


def test_ticks_are_shown_apart() -> None:
    costs = [Cost("tick", 7), Cost("enqueue", 1), Cost("tick", 5), Cost("end", 2), Cost("enqueue", 10)]
    timing = Timing("x", [costs])
    assert timing.cycles() == [[3, 10]]
    assert timing.tick_ns() == 6


def test_the_headline_is_the_median_of_medians() -> None:
    rounds: list[list[Cost]] = [[Cost("enqueue", ns) for ns in part] for part in ((1, 2, 900), (4, 5, 6), (7, 8, 9))]
    assert Timing("x", rounds).cycle_ns() == 5


def test_a_ratio_is_the_rival_over_the_engine() -> None:
    timings = (Timing(WHOLE, [[Cost("enqueue", 10)]]), Timing("rival", [[Cost("enqueue", 45)]]))
    result = DecisionResult(1, 1, 1, "best-fit", "low", 0, 0, 1.0, 0, 1, 1, timings, {})
    assert result.ratio("rival") == 4.5


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    ours = Timing(WHOLE, [[Cost("enqueue", ns)] for ns in (10, 20, 40)])
    theirs = Timing("rival", [[Cost("enqueue", ns)] for ns in (40, 60, 400)])
    result = DecisionResult(1, 1, 1, "best-fit", "low", 0, 0, 1.0, 0, 1, 1, (ours, theirs), {})
    assert result.ratio("rival") == 4
    assert result.tail_ratio("rival", "enqueue", 99) == 0.25
