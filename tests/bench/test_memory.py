"""A fresh process is measured, and what is said of it."""

from bench.memory import AGENTS, CLASSES, MB, Taken, measure, report


def test_a_fresh_process_grows_by_its_agents() -> None:
    (taken,) = measure(2_000, 20, waiting=500, runs=1, seed=5)
    assert 0 < taken.configured <= taken.ready < 50 * MB
    assert 0 < taken.per_waiting < 10_000


def test_the_target_is_about_everybody_ready() -> None:
    taken = [Taken(10 * MB, ready * MB, 500) for ready in (59, 70, 99)]
    targets = report(taken, AGENTS, CLASSES)["targets"]
    assert isinstance(targets, list)
    assert [(each["value"], each["target_met"], each["aim_met"]) for each in targets] == [(70, True, False)]
