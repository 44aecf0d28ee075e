"""When nobody waits, what an idle gap is, and a small run on a real Asterisk."""

import json

import pytest

from acd_asterisk.lab import AgentDialog, CallerDialog
from bench.calls import CONTESTANTS, Run, as_dict, idle_gaps, measure, talk_seconds


@pytest.mark.parametrize(
    ("agents", "rate", "expected"), [(10, 1, 1.0), (10, 20, 0.15), (10, 100, None), (100, 100, 0.45), (500, 100, 1.0)]
)
def test_talks_are_so_short_that_nobody_waits(agents: int, rate: float, expected: float | None) -> None:
    assert talk_seconds(agents, rate) == (None if expected is None else pytest.approx(expected))


def test_a_gap_counts_while_somebody_waits() -> None:
    callers = [CallerDialog(f"+{each}", "x", f"c{each}", at) for each, at in enumerate((0, 10, 20, 500))]
    rung = [
        AgentDialog("a", "+0", "1", 5, ended_us=100),
        AgentDialog("b", "+1", "2", 15, ended_us=110),
        AgentDialog("a", "+2", "3", 130, ended_us=300),
        AgentDialog("b", "+3", "4", 505, ended_us=700),
    ]
    assert idle_gaps(callers, rung) == [30], "the last caller came when b had been idle for long"


def test_a_clean_rate_loses_nobody() -> None:
    assert Run("x", 1, 1, [1_000] * 100, 0, 0.0).is_clean
    assert not Run("x", 1, 1, [1_000] * 100, 1, 0.0).is_clean
    assert not Run("x", 1, 1, [1_000] * 90 + [30_000] * 10, 0, 0.0).is_clean


@pytest.mark.xdist_group("load")
@pytest.mark.usefixtures("provisioned")
async def test_all_three_are_measured() -> None:
    result = await measure((10,), (10.0,), 1, waiting=(5,), climb=False)
    assert [run.contestant for run in result.runs] == [gaps.contestant for gaps in result.gaps] == list(CONTESTANTS)
    for run in result.runs:
        assert run.lost == 0
        assert len(run.delays_us) == 10
        assert run.processor_s > 0
    assert all(len(gaps.gaps_us) > 50 for gaps in result.gaps)
    assert json.dumps(as_dict(result))
