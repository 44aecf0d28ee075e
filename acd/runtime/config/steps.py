"""`[[queues.NAME.steps]]`: what a queue loosens for those who wait.

Owns the keys of a step. Must not know other keys of a queue.
"""

from typing import Final

from acd.core import limits
from acd.core.messages import Condition, Step
from acd.core.requirement import parse
from acd.errors import RequirementError
from acd.runtime.config.conditions import ConditionError, parse_condition
from acd.runtime.config.durations import format_duration
from acd.runtime.config.problems import did_you_mean, excerpt, quoted
from acd.runtime.config.table import Table

EFFECTS: Final = ("requirement", "drop_own", "queues", "priority", "announce")
"""Keys of which a step needs at least one."""


def read_steps(table: Table, names: frozenset[str]) -> tuple[Step, ...]:
    """The steps of a queue, in the order of their times. `names`: all queues that there are."""
    steps: list[Step] = []
    for inner in table.each("steps", limits.MAX_STEPS):
        last_us = steps[-1].after_us if steps else 0
        step = _step(inner, names)
        if step is None:
            continue
        if step.after_us <= last_us:
            reason = f"comes after a step at {format_duration(last_us)}"
            inner.problems.error(inner.at("after"), reason, "write the steps in the order of their times, one per time")
            continue
        steps.append(step)
    return tuple(steps)


def _step(table: Table, names: frozenset[str]) -> Step | None:
    if not table.has("after"):
        table.problems.error(table.key, "has no time", 'say when, like after = "30s"')
    after_us = table.duration("after", 0, least=1)
    step = Step(
        after_us,
        requirement=_requirement(table),
        drop_own=table.flag("drop_own", default=False),
        queues=table.ids("queues", "queue"),
        priority=table.integer("priority", 0, -limits.MAX_PRIORITY, limits.MAX_PRIORITY),
        announce=table.identifier("announce", "") if table.has("announce") else "",
        when=_condition(table),
    )
    if not any(name in table.raw for name in EFFECTS):
        table.problems.error(table.key, "changes nothing", f"give it one of {', '.join(EFFECTS)}")
    for index, name in enumerate(step.queues):
        if name not in names:
            table.problems.error(table.at("queues", index), f"{quoted(name)} is not a queue", did_you_mean(name, names))
    table.finish()
    return step if after_us else None


def _condition(table: Table) -> Condition | None:
    text = table.text("when", "")
    if "when" not in table.raw or not isinstance(table.raw["when"], str):
        return None
    try:
        return parse_condition(text)
    except ConditionError as error:
        table.problems.error(table.at("when"), error.problem, error.fix, excerpt(text, error.column))
        return None


def _requirement(table: Table) -> str:
    text = table.text("requirement", "", most=limits.MAX_REQUIREMENT)
    if not table.has("requirement"):
        return ""
    try:
        parse(text)
    except RequirementError as error:
        fix = "" if ";" in error.problem else 'write it like: skills.english >= 5, or "true" for anyone'
        table.problems.error(table.at("requirement"), error.problem, fix, excerpt(error.text, error.column))
        return ""
    return text
