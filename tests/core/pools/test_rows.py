"""A set of rows finds the next one exactly as a sorted list would."""

from hypothesis import given
from hypothesis import strategies as st

from acd.core.pools.rows import Rows

Numbers = st.one_of(st.integers(0, 70), st.integers(1_000, 1_050), st.integers(0, 200_000))


@given(st.lists(st.tuples(st.booleans(), Numbers), max_size=120), st.lists(Numbers, max_size=10))
def test_the_next_row_from_anywhere(steps: list[tuple[bool, int]], asked: list[int]) -> None:
    rows = Rows()
    expected: set[int] = set()
    for add, row in steps:
        if add:
            rows.add(row)
            expected.add(row)
        elif row in expected:
            rows.discard(row)
            expected.discard(row)
    for start in (0, *asked, *expected):
        assert rows.first_from(start) == min((row for row in expected if row >= start), default=-1)


def test_an_empty_set_has_no_next_row() -> None:
    assert Rows().first_from(0) == -1
    assert Rows().first_from(1_000_000) == -1
