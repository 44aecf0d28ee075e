"""Tables whose keys are names, of which there are only so many."""

import pytest

from acd.errors import ConfigError
from acd_asterisk.options.reader import Reader

MOST = 3


def problems(reader: Reader) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        reader.finish()
    return caught.value.problems


@pytest.mark.parametrize("count", [0, 1, MOST])
def test_each_name_is_asked_for(count: int) -> None:
    reader = Reader("channels.pbx", {"days": {f"day{n}": "x" for n in range(count)}}, what="a channel")
    days = reader.entries("days", "days", MOST)
    assert days.names() == tuple(f"day{n}" for n in range(count))
    assert [days.text(name, "") for name in days.names()] == ["x"] * count
    reader.finish()


def test_none_are_given() -> None:
    reader = Reader("channels.pbx", {}, what="a channel")
    assert reader.entries("days", "days", MOST).names() == ()
    reader.finish()


def test_too_many_are_one_problem() -> None:
    """And none of them is looked at."""
    reader = Reader("channels.pbx", {"days": {f"day{n}": "x" for n in range(MOST + 1)}}, what="a channel")
    assert reader.entries("days", "days", MOST).names() == ()
    assert problems(reader) == ("channels.pbx.days: has 4 entries; 3 at most",)


def test_what_is_no_table_is_said() -> None:
    reader = Reader("channels.pbx", {"days": ["monday"]}, what="a channel")
    assert reader.entries("days", "days", MOST).names() == ()
    assert problems(reader) == ("channels.pbx.days: is not a table; write [channels.pbx.days]",)
