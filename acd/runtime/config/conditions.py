"""Conditions of steps, as people write them: `estimated_wait > 60s`, `eligible_agents == 0`, `position > 5`.

Owns the notation, both ways. Must not know TOML, nor what a condition is about.
"""

import re
from typing import Final, get_args

from acd.core import limits
from acd.core.messages import Condition, ConditionKind
from acd.core.messages.settings import ConditionOp
from acd.runtime.config.durations import FIX, format_duration, parse_duration
from acd.runtime.config.problems import did_you_mean, quoted

KINDS: Final[tuple[ConditionKind, ...]] = get_args(ConditionKind)
OPS: Final[tuple[ConditionOp, ...]] = get_args(ConditionOp)

_LEAST: Final[dict[ConditionKind, int]] = {"estimated_wait": 0, "eligible_agents": 0, "position": 1}
_MOST: Final[dict[ConditionKind, int]] = {
    "estimated_wait": limits.MAX_DURATION_US,
    "eligible_agents": limits.MAX_AGENTS,
    "position": limits.MAX_INTERACTIONS,
}
_EXAMPLE: Final = "write it like: estimated_wait > 60s, eligible_agents == 0 or position > 5"
_PARTS: Final = re.compile(r"\s*([\w.-]*)\s*([^\w\s\"'-]*)\s*([^\n]*)")


class ConditionError(ValueError):
    """`problem` at character `column` (from 0) of the text, and what to do about it."""

    def __init__(self, column: int, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.column = column
        self.problem = problem
        self.fix = fix


def parse_condition(text: str) -> Condition:
    """Raises `ConditionError`."""
    parts = _PARTS.match(text)
    if parts is None or not parts[1]:
        raise ConditionError(0, "the condition is missing", _EXAMPLE)
    word, sign, rest = parts.groups()
    kind = next((each for each in KINDS if each == word), None)
    if kind is None:
        problem = f"{quoted(word)} is nothing that a condition can be about"
        raise ConditionError(parts.start(1), problem, did_you_mean(word, KINDS))
    op = next((each for each in OPS if each == sign), None)
    if op is None:
        problem = f"{quoted(sign)} is no comparison" if sign else "the comparison is missing"
        raise ConditionError(parts.start(2), problem, f"use one of {' '.join(OPS)}")
    value = _value(kind, rest.strip(), parts.start(3))
    _check_sense(kind, op, value, parts.start(3))
    return Condition(kind, op, value)


def format_condition(condition: Condition) -> str:
    """As people write it."""
    return f"{condition.kind} {condition.op} {_format_value(condition.kind, condition.value)}"


def describe_found(condition: Condition | None, found: int) -> str:
    """What was compared, in the same words; empty without a condition."""
    if condition is None:
        return ""
    return "unknown" if found < 0 else _format_value(condition.kind, found)


def _value(kind: ConditionKind, text: str, column: int) -> int:
    if not text:
        raise ConditionError(column, "what to compare with is missing", _EXAMPLE)
    if kind == "estimated_wait":
        value = parse_duration(int(text) if text.isdecimal() and len(text) < len(str(limits.MAX_DURATION_US)) else text)
        if value is None:
            raise ConditionError(column, f"{quoted(text)} is not a duration", FIX)
    elif text.isascii() and text.isdecimal():
        value = int(text[:20])
    else:
        raise ConditionError(column, f"{quoted(text)} is not a whole number", f"write it like: {kind} > 5")
    if value > _MOST[kind]:
        raise ConditionError(column, f"{quoted(text)} is out of range", f"{_format_value(kind, _MOST[kind])} at most")
    return value


def _check_sense(kind: ConditionKind, op: ConditionOp, value: int, column: int) -> None:
    """Refuse what never holds, and what always does where something is always known."""
    least = _LEAST[kind]
    never = (op == "<" and value <= least) or (op in ("<=", "==") and value < least)
    always = (op == ">=" and value <= least) or (op in (">", "!=") and value < least)
    least_text = _format_value(kind, least)
    if never:
        raise ConditionError(column, f"never holds: {kind} is {least_text} at least", "compare with more")
    if always and kind != "estimated_wait":
        raise ConditionError(
            column, f"always holds: {kind} is {least_text} at least", "compare with more, or leave it out"
        )


def _format_value(kind: ConditionKind, value: int) -> str:
    return format_duration(value) if kind == "estimated_wait" else str(value)
