"""The same commands three ways, and what is said of them."""

from pathlib import Path

from bench.durable import Cost, DurableResult, measure, report


def test_all_three_carry_out_every_command(tmp_path: Path) -> None:
    result = measure("low", rounds=2, cycles=10, batch=16, seed=5, folder=tmp_path)
    assert result.commands == [40, 40]
    for costs in (result.memory, result.durable, result.replayed):
        assert len(costs) == 2
        assert all(cost.clock > 0 for cost in costs)
    assert not list(tmp_path.iterdir())


def test_ratios_are_medians_of_the_rounds() -> None:
    memory = [Cost(10, 10), Cost(20, 10), Cost(10, 10)]
    durable = [Cost(30, 20), Cost(40, 20), Cost(90, 20)]
    result = DurableResult("low", [4, 4, 4], 1, 256, 100, memory, durable, memory)
    assert result.ratio(result.durable) == 3
    assert result.ratio(result.durable, processor=True) == 2
    targets = report([result])["targets"]
    assert isinstance(targets, list)
    assert [(each["figure"], each["value"], each["target_met"]) for each in targets] == [
        ("durable", 3, True),
        ("replay", 1, True),
    ]
