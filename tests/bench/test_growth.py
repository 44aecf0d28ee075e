"""Small and large centres in turns, and what is said of them."""

from bench.growth import PAIRS, Extent, Pair, measure, quickened, report
from bench.live import LiveCentre
from bench.workload import KINDS, draw_centre


def test_a_pair_is_measured_and_judged_by_its_median() -> None:
    pair = Pair("classes", Extent(40, 10, "overload", 60), Extent(40, 40, "overload", 60), evenly=True)
    grown = measure(pair, rounds=3, cycles=20, seed=5)
    assert [len(part) for part in grown.large.cycles()] == [20, 20, 20]
    assert grown.waiting_classes[0] <= 10 < grown.waiting_classes[1]
    figure = grown.figure()
    assert figure.key == "classes"
    assert figure.value == sorted(grown.ratios())[1]
    assert [verdict["figure"] for verdict in _listed(report([grown], seed=5)["targets"])] == ["classes"]


def test_a_centre_is_timed_while_it_is_played() -> None:
    live = LiveCentre(draw_centre(40, 10, "best-fit", seed=5), seed=5)
    live.reach("low", 0)
    costs = live.play_timed(30)
    assert {cost.kind for cost in costs} == set(KINDS)
    assert sum(cost.kind == "enqueue" for cost in costs) == 30
    assert all(cost.ns > 0 for cost in costs)


def test_evenly_means_every_class_in_turn() -> None:
    live = LiveCentre(draw_centre(40, 10, "best-fit", seed=5), seed=5, evenly=True)
    live.reach("low", 0, warm_up=0)
    asked = [step.requirement for step in live.play(20) if step.kind == "enqueue"]
    assert sorted(asked) == sorted([*range(10), *range(10)])


def test_quick_pairs_are_not_judged() -> None:
    assert all(quickened(pair).smaller for pair in PAIRS)
    assert not any(pair.smaller for pair in PAIRS)


def _listed(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
