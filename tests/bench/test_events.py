"""Subscribers on their way through the bench: who hears what, and what is said of it."""

from pathlib import Path

import pytest

from bench.event_clients import MAX_NAMES, _micros, queries
from bench.events import Audience, Heard, measure, report


@pytest.mark.parametrize("audience", ["desks", "walls"])
async def test_everybody_hears_what_is_theirs(tmp_path: Path, audience: Audience) -> None:
    heard = await measure(audience, 20, 1.0, tmp_path)
    assert heard.exactly_once
    assert heard.connections > 3
    assert heard.cut_off == 0
    # One in ten reads nothing; walls hear everything, desks what concerns their agents.
    walls = heard.events * 18
    assert len(heard.late_us) == walls if audience == "walls" else 0 < len(heard.late_us) <= heard.events
    assert all(0 <= late < 60_000_000 for late in heard.late_us)


def test_the_agents_are_shared_out() -> None:
    found = queries(20, 1_000, 0.1)
    assert found[:2] == ["", ""]
    names = [name for query in found[2:] for name in query.removeprefix("agent=").split("+")]
    assert sorted(names) == sorted({f"a{number}" for number in range(1_000)})
    assert max(len(query.split("+")) for query in found) <= MAX_NAMES


def test_times_are_read() -> None:
    assert _micros(b"2025-06-15T15:06:40.250000") == 1_750_000_000_250_000


def test_the_ratio_is_that_of_the_p99() -> None:
    few = [
        Heard(audience, 10, [100, 200], 0, 0, 1, exactly_once=True, events=2)
        for audience in ("desks", "centre", "walls")
    ]
    many = [Heard(each.audience, 1_000, [100, 280], 0, 0, 1, exactly_once=True, events=2) for each in few]
    targets = report([*few, *many], smaller=False)["targets"]
    assert isinstance(targets, list)
    assert [each["value"] for each in targets] == [1.4, 1.4, 1.4]
    assert [each["target_met"] for each in targets] == [True, True, None]
