"""A short soak, and the arithmetic of a long one."""

from pathlib import Path

import pytest

from acd_asterisk.lab import Provisioned
from tests.adapters.asterisk.soak import Plan, soak
from tests.adapters.asterisk.soak_account import kept, memory_slope


@pytest.mark.xdist_group("load")
async def test_a_short_soak(provisioned: Provisioned, tmp_path: Path) -> None:
    """One kill of each, a cut in every round; then all accounts are the same, and nothing is left over."""
    course = await soak(
        provisioned,
        tmp_path,
        Plan(rounds=4, round_seconds=6, rate=10, agents=25, engine_kills=1, pbx_kills=1, freezes=1),
    )
    assert course.cuts == 4
    assert course.transfers
    assert course.died
    assert kept(tmp_path) == course


def test_memory_slope() -> None:
    steady = [(each, 100_000_000) for each in range(0, 600, 5)]
    assert memory_slope(steady) == pytest.approx(0)
    growing = [(each, 100_000_000 + 10_000 * each) for each in range(0, 600, 5)]
    assert memory_slope(growing) == pytest.approx(100 * 6_000_000 / (100_000_000 + 10_000 * 357.5), rel=0.01)
    assert memory_slope(steady[:12]) is None
