"""The skill matrix holds what was put in, and its fits are the definition's."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import limits
from acd.core.matrix import SkillMatrix, fit
from acd.core.messages import Preference

NAMES = ("a", "b", "c", "语")

Row = tuple[dict[str, int], frozenset[str], frozenset[str]]

Skills = st.dictionaries(st.sampled_from(NAMES), st.integers(1, limits.MAX_PROFICIENCY))
Sets = st.frozensets(st.sampled_from(NAMES))
Rows = st.tuples(Skills, Sets, Sets)
Preferences = st.lists(
    st.builds(Preference, st.sampled_from((*NAMES, "nobody")), st.integers(-1_000, 1_000)), max_size=4
).map(tuple)


def filled(rows: Sequence[Row]) -> SkillMatrix:
    matrix = SkillMatrix()
    for row, (skills, labels, queues) in enumerate(rows):
        matrix.set_row(row, skills.items(), labels, queues)
    return matrix


@given(
    st.lists(Rows, max_size=12),
    st.lists(st.sampled_from((*NAMES, "nobody")), unique=True, max_size=4).map(tuple),
    Preferences,
)
def test_fits_are_the_fit_of_every_row(
    rows: list[Row], skills: tuple[str, ...], preferences: tuple[Preference, ...]
) -> None:
    fits = filled(rows).fits(skills, preferences)
    assert fits.dtype == np.int64
    assert fits.tolist() == [fit(row[0], skills, preferences) for row in rows]


@pytest.mark.parametrize(
    ("held", "skills", "preferences", "expected"),
    [
        ({}, (), (), 0),
        ({"a": 7}, (), (), 0),
        ({"a": 7}, ("a",), (), 70),
        ({"a": 7}, ("a", "b"), (), 35),
        ({"a": 7, "b": 1, "c": 2}, ("a", "b", "c"), (), 33),
        ({"a": 7}, ("a",), (Preference("a", 2), Preference("b", 9)), 84),
        ({"a": 7}, (), (Preference("a", -3),), -21),
        ({"a": 10}, ("a",), (Preference("a", 1_000),) * 16, 160_100),
    ],
)
def test_fit(held: dict[str, int], skills: tuple[str, ...], preferences: tuple[Preference, ...], expected: int) -> None:
    assert fit(held, skills, preferences) == expected
    assert filled([(held, frozenset(), frozenset())]).fits(skills, preferences).tolist() == [expected]


@given(st.lists(st.tuples(st.integers(0, 150), st.one_of(st.none(), Rows)), max_size=30))
def test_the_matrix_holds_what_was_last_set(steps: list[tuple[int, Row | None]]) -> None:
    matrix = SkillMatrix()
    model: dict[int, Row] = {}
    rows = 0
    for row, holding in steps:
        if holding is None:
            matrix.clear_row(row)
            model.pop(row, None)
        else:
            skills, labels, queues = holding
            matrix.set_row(row, skills.items(), labels, queues)
            model[row] = holding
            rows = max(rows, row + 1)
    assert matrix.rows == rows
    nothing: Row = ({}, frozenset(), frozenset())
    held = [model.get(row, nothing) for row in range(rows)]
    for name in (*NAMES, "nobody"):
        assert matrix.skill(name).tolist() == [skills.get(name, 0) for skills, _, _ in held]
        assert matrix.label(name).tolist() == [name in labels for _, labels, _ in held]
        assert matrix.queue(name).tolist() == [name in queues for _, _, queues in held]
        assert matrix.skill(name).dtype == np.int8
        assert matrix.label(name).dtype == matrix.queue(name).dtype == np.bool_


def test_skills_are_those_that_somebody_holds() -> None:
    matrix = SkillMatrix()
    matrix.set_row(0, (("english", 3), ("billing", 1)), (), ())
    matrix.set_row(1, (("english", 5),), ("vip",), ("sales",))
    assert matrix.skills() == ["billing", "english"]
    matrix.clear_row(0)
    assert matrix.skills() == ["english"]


def test_a_name_nobody_holds_takes_no_room() -> None:
    matrix = filled([({"a": 3}, frozenset({"x"}), frozenset({"q"}))])
    for asked in range(1_000):
        matrix.skill(f"s{asked}")
        matrix.label(f"s{asked}")
        matrix.queue(f"s{asked}")
    assert (len(matrix._skills), len(matrix._labels), len(matrix._queues)) == (1, 1, 1)
    matrix.set_row(0, (("b", 2),), (), ())
    assert matrix._skills.keys() == {"b"}
    matrix.clear_row(0)
    assert (len(matrix._skills), len(matrix._labels), len(matrix._queues)) == (0, 0, 0)


def test_rows_grow_by_doubling_and_keep_what_they_hold() -> None:
    matrix = SkillMatrix()
    for row in range(1_000):
        matrix.set_row(row, (("a", 1 + row % 10),), ("even",) if row % 2 == 0 else (), ())
    assert matrix.skill("a").tolist() == [1 + row % 10 for row in range(1_000)]
    assert matrix.label("even").tolist() == [row % 2 == 0 for row in range(1_000)]
    assert len(matrix._skills["a"].values) == 1_024


def test_a_negative_row_is_refused_and_clearing_an_unknown_one_does_nothing() -> None:
    matrix = filled([({"a": 3}, frozenset(), frozenset())])
    with pytest.raises(ValueError, match="row -1 is negative"):
        matrix.set_row(-1, (("a", 5),), (), ())
    matrix.clear_row(-1)
    matrix.clear_row(7)
    assert matrix.skill("a").tolist() == [3]
    assert matrix.rows == 1


def test_repeated_names_in_one_row_count_once() -> None:
    matrix = SkillMatrix()
    matrix.set_row(0, (("a", 3), ("a", 5)), ("x", "x"), ("q", "q"))
    assert matrix.skill("a").tolist() == [5]
    matrix.clear_row(0)
    assert not matrix._skills
    assert not matrix._labels
    assert not matrix._queues
