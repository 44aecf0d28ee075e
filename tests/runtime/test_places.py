"""Lines and arrivals: who stands before whom, and who comes how often."""

import pytest

from acd.runtime.places import ARRIVALS, LINES, Arrivals, Lines, Rush

SECOND = 1_000_000
KIND, OTHER = ("q", "", "voice"), ("q", "true", "voice")


def test_lines_count_who_stands_before_a_key() -> None:
    lines = Lines()
    for number, key in enumerate((50, 10, 30)):
        lines.enter(f"i{number}", KIND, (key, number))
    lines.enter("x", OTHER, (5, 9))
    every, others = lines.others(KIND)
    assert (every, list(others)) == (1, [OTHER])
    assert [lines.before(KIND, (key, 0)) for key in (0, 30, 31, 99)] == [0, 1, 2, 3]
    assert lines.before(KIND, (30, 5)) == 2
    assert lines.before(KIND, None) == 3
    assert lines.leave("i1") == KIND
    assert lines.leave("x") == OTHER
    assert lines.leave("never there") is None
    assert lines.before(KIND, None) == 2
    assert lines.before(OTHER, None) == 0


def test_of_very_many_lines_some_stand_for_all() -> None:
    lines = Lines()
    for number in range(10 * LINES):
        lines.enter(f"i{number}", ("q", f"skills.s{number} >= 1", "voice"), (number, number))
    every, others = lines.others(KIND)
    assert every == 10
    assert len(list(others)) == LINES


def test_arrivals_are_rates_by_head_start() -> None:
    arrivals = Arrivals()
    for number in range(20):
        arrivals.come("q", "voice", 60 * SECOND if number % 4 == 0 else 0, 10 * number * SECOND)
    assert not arrivals.are_alike
    rushes = {rush.lead_us: rush for rush in arrivals.of("q", 200 * SECOND)}
    assert rushes[60 * SECOND] == Rush("voice", 60 * SECOND, 5 / 200, pytest.approx(5 / 200, rel=0.02), 200.0)  # type: ignore[arg-type]
    assert rushes[0].per_second == pytest.approx(15 / 200)


def test_old_arrivals_and_queues_that_are_gone_are_forgotten() -> None:
    arrivals = Arrivals()
    arrivals.come("p", "voice", 7, 0)
    for number in range(ARRIVALS + 5):
        arrivals.come("q", "voice", 60 if number < 5 else 0, number * SECOND)
    assert not arrivals.are_alike
    assert [rush.lead_us for rush in arrivals.of("q", ARRIVALS * SECOND)] == [0]
    arrivals.forget("p")
    assert arrivals.are_alike
    assert list(arrivals.queues()) == ["q"]
