"""Penalties become levels that open when the maximum of app_queue would have let them in."""

import doctest

import pytest

from acd.core import limits
from acd_asterisk.importing import penalties
from acd_asterisk.importing.penalties import UNLIMITED, Change, levels, read_change, shrinks


def test_without_a_rule_all_levels_are_open_and_the_lowest_penalty_goes_first() -> None:
    found = levels([5, 0, 5, 20])
    assert found.by_penalty == {0: 1, 5: 2, 20: 3}
    assert found.delays == ()


def test_a_maximum_that_grows_opens_levels_at_its_times() -> None:
    found = levels(
        [0, 1, 5, 20], [Change(60, 100, relative=False, narrows=False), Change(30, 5, relative=True, narrows=False)], 1
    )
    assert found.by_penalty == {0: 1, 1: 2, 5: 3, 20: 4}
    assert found.delays == (0, 30, 60)


def test_who_is_beyond_every_maximum_has_no_level() -> None:
    assert levels([0, 9], [Change(30, 5, relative=False, narrows=False)], 0).by_penalty == {0: 1}


def test_when_nobody_is_asked_at_first_the_first_level_stays_empty() -> None:
    found = levels([3, 7], [Change(10, 3, relative=False, narrows=False)], 0)
    assert found.by_penalty == {3: 2}
    assert found.delays == (10,)


def test_a_maximum_that_is_not_set_is_not_changed() -> None:
    found = levels([0, 9], [Change(30, 0, relative=False, narrows=False)], UNLIMITED)
    assert found.by_penalty == {0: 1, 9: 2}
    assert found.delays == ()


def test_more_penalties_than_levels_share_the_last() -> None:
    found = levels(range(limits.MAX_LEVEL + 3))
    assert found.merged
    assert found.by_penalty[limits.MAX_LEVEL + 2] == found.by_penalty[limits.MAX_LEVEL - 1] == limits.MAX_LEVEL
    assert not levels(range(limits.MAX_LEVEL)).merged


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("30,+3", Change(30, 3, relative=True, narrows=False)),
        ("60, 10 ,5", Change(60, 10, relative=False, narrows=True)),
        ("75,,7", Change(75, None, relative=False, narrows=True)),
        ("120,-2,,r20", Change(120, -2, relative=True, narrows=True)),
        ("90,", None),
        ("soon,3", None),
        ("30", None),
        ("30,many", None),
    ],
)
def test_changes_are_read_as_app_queue_reads_them(text: str, change: Change | None) -> None:
    assert read_change(text) == change


def test_a_maximum_that_becomes_less_is_noticed() -> None:
    assert shrinks([Change(30, 5, relative=False, narrows=False), Change(60, -1, relative=True, narrows=False)], 0)
    assert not shrinks([Change(30, 5, relative=False, narrows=False)], 0)


def test_the_example_in_the_documentation() -> None:
    assert doctest.testmod(penalties).failed == 0
