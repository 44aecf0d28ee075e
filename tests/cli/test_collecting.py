"""The collector while the engine runs: rarer, never off, and as before afterwards."""

import gc
import weakref

import pytest

from acd.cli.collecting import THRESHOLDS, collecting_rarely


class _Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_as_before_afterwards() -> None:
    before = gc.get_threshold()
    assert before != THRESHOLDS
    with collecting_rarely():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_as_before_after_a_failure() -> None:
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), collecting_rarely():
        1 / 0  # noqa: B018 - it is to fail
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_cycles_are_found_without_being_asked_for() -> None:
    with collecting_rarely():
        found = weakref.ref(_Knot())
        assert found() is not None
        kept: list[list[int]] = [[] for _ in range(2 * THRESHOLDS[0])]
        assert found() is None
    assert len(kept) == 2 * THRESHOLDS[0]
