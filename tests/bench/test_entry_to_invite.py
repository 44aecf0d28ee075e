"""Pairing INVITEs, the target, and a small run on a real Asterisk."""

import json
from pathlib import Path

import pytest

from acd_asterisk.lab import AgentDialog, CallerDialog
from bench.entry_to_invite import ALLOWANCE_US, CONTESTANTS, EntryResult, Waits, as_dict, fsync_us, measure, pair
from bench.rig import APP_QUEUE, ENGINE, TRIVIAL


def test_the_first_invite_for_a_number_counts() -> None:
    callers = [CallerDialog("+1", "x", "c1", 1_000), CallerDialog("+2", "x", "c2", 2_000)]
    rung = [AgentDialog("b", "+1", "a2", 9_000), AgentDialog("a", "+1", "a1", 4_000), AgentDialog("a", "+3", "a3", 1)]
    waits = Waits("any", [])
    pair(waits, callers, rung)
    assert waits.delays_us == [3_000]
    assert waits.lost == 1


def test_the_target_is_a_trivial_handler_one_fsync_and_a_half_millisecond() -> None:
    waits = [Waits(ENGINE, [3_100]), Waits(TRIVIAL, [2_000]), Waits(APP_QUEUE, [1_000])]
    result = EntryResult("versions", 20, 1, 1, 1, waits, fsync_us=600)
    assert result.target_us == 2_000 + 600 + ALLOWANCE_US
    assert as_dict(result)["target_met"] is True
    waits[0].delays_us[0] = 3_101
    assert as_dict(result)["target_met"] is False
    json.dumps(as_dict(result))


def test_an_fsync_is_measured_and_leaves_nothing_behind(tmp_path: Path) -> None:
    assert fsync_us(tmp_path, 0.001) > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.xdist_group("load")
@pytest.mark.usefixtures("provisioned")
async def test_all_three_ring_an_agent_for_every_call() -> None:
    result = await measure(rate=20, calls=6, rounds=1, agents=12, talk_seconds=0.2, warm_up=2)
    assert [waits.name for waits in result.waits] == list(CONTESTANTS)
    for waits in result.waits:
        assert waits.lost == 0
        assert len(waits.delays_us) == 6
        assert 0 < waits.percentiles()[0] < 1_000_000
