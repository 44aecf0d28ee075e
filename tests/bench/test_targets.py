"""Targets and aims: the worst figure of a line counts, and other sizes prove nothing."""

from bench.report import console_for_reports
from bench.targets import LINES, Figure, show_verdicts, verdicts, verdicts_json


def test_the_worst_figure_counts() -> None:
    slow, fast = Figure("c-plain", 8.5, "overload"), Figure("c-plain", 3.9, "low")
    (verdict,) = verdicts([fast, slow])
    assert (verdict.figure, verdict.target_met, verdict.aim_met) == (slow, False, False)
    (verdict,) = verdicts([fast])
    assert (verdict.target_met, verdict.aim_met) == (True, True)


def test_of_how_many_times_faster_the_least_counts() -> None:
    figures = [Figure("naive-1k-low", 31, "one"), Figure("naive-1k-low", 29, "other")]
    (verdict,) = verdicts(figures)
    assert (verdict.figure.words, verdict.target_met, verdict.aim_met) == ("other", False, None)
    assert verdicts_json(figures)[0]["target_met"] is False


def test_other_sizes_are_not_judged() -> None:
    (verdict,) = verdicts([Figure("line", 9.0, "small", smaller=True)])
    assert (verdict.target_met, verdict.aim_met) == (None, None)


def test_lines_have_different_keys_and_are_shown_in_their_order() -> None:
    keys = [line.key for line in LINES]
    assert len(set(keys)) == len(keys)
    assert [verdict.line.key for verdict in verdicts([Figure(key, 1, "") for key in reversed(keys)])] == keys


def test_the_table_says_met_and_missed() -> None:
    console = console_for_reports()
    with console.capture() as shown:
        show_verdicts([Figure("c-plain", 5, "here")], console)
    assert "≤ 8 met" in shown.get()
    assert "≤ 4 missed" in shown.get()
