"""Conditions of steps: what is written is what is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import limits
from acd.core.messages import Condition
from acd.runtime.config.conditions import (
    KINDS,
    OPS,
    ConditionError,
    describe_found,
    format_condition,
    parse_condition,
)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("estimated_wait > 60s", Condition("estimated_wait", ">", 60_000_000)),
        ("estimated_wait <= 1m30s", Condition("estimated_wait", "<=", 90_000_000)),
        ("estimated_wait>=90", Condition("estimated_wait", ">=", 90_000_000)),
        ("eligible_agents == 0", Condition("eligible_agents", "==", 0)),
        ("  eligible_agents!=2 ", Condition("eligible_agents", "!=", 2)),
        ("position > 5", Condition("position", ">", 5)),
        ("position\t<\t3", Condition("position", "<", 3)),
    ],
)
def test_what_people_write(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@given(st.sampled_from(KINDS), st.sampled_from(OPS), st.integers(2, limits.MAX_AGENTS))
def test_what_is_written_is_read_again(kind: str, op: str, value: int) -> None:
    condition = Condition(kind, op, value)  # type: ignore[arg-type]
    assert parse_condition(format_condition(condition)) == condition


@given(st.text(max_size=40))
def test_nothing_else_than_an_error_with_its_place(text: str) -> None:
    found: ConditionError | None = None
    try:
        parse_condition(text)
    except ConditionError as error:
        found = error
    assert found is not None
    assert 0 <= found.column <= len(text)
    assert found.problem
    assert found.fix


def test_what_was_found_is_told_in_the_same_words() -> None:
    assert describe_found(Condition("estimated_wait", ">", 1), 90_000_000) == "1m30s"
    assert describe_found(Condition("estimated_wait", ">", 1), -1) == "unknown"
    assert describe_found(Condition("position", ">", 1), 3) == "3"
    assert describe_found(None, 0) == ""
