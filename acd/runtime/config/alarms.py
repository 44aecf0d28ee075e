"""`[alarms]` for every queue, and `[queues.NAME.alarms]` for one: from which figure on something is wrong.

Owns their keys, bounds and defaults. Must not know how figures are made, nor who is told.

    [alarms]
    longest_wait = "2m"
    no_agent_ready = "30s"

    [queues.sales.alarms]
    waiting = 10
    waiting_clear = 6
    service_level = 80
"""

from typing import Final

from msgspec.structs import replace

from acd.runtime.config.model import AlarmLimits
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table
from acd.runtime.tallies import FINE_KEPT, FINE_US

MAX_WAITING: Final = 1_000_000
MAX_CALLS: Final = 1_000_000
MAX_PER_CENT: Final = 100
LEAST_WINDOW_US: Final = 60 * 1_000_000
MOST_WINDOW_US: Final = (FINE_KEPT - 1) * FINE_US
MOST_WAIT_US: Final = 24 * 3600 * 1_000_000
MOST_SETTLE_US: Final = 3600 * 1_000_000
_SECOND_US: Final = 1_000_000

CLEAR_AT_PER_CENT: Final = 80
"""Of its threshold: below this a wait or a line is well again, unless the queue says otherwise."""

CLEAR_ABOVE: Final = 5
"""So many points above its threshold a service level is well again, likewise."""

_PAIRS: Final = (
    ("longest_wait", "longest_wait_us", "longest_wait_clear_us"),
    ("waiting", "waiting", "waiting_clear"),
    ("service_level", "service_level", "service_level_clear"),
)
"""Key, and the fields of its threshold and of where it is well again."""


def read_alarms(root: Table) -> AlarmLimits:
    """`[alarms]`: what holds for every queue that says nothing else."""
    return _read(root.table("alarms"), AlarmLimits())


def read_queue_alarms(queue: Table, general: AlarmLimits) -> AlarmLimits:
    """`[queues.NAME.alarms]`; what it does not say is as `general`. 0 switches one off."""
    return _read(queue.table("alarms"), general)


def _read(table: Table, general: AlarmLimits) -> AlarmLimits:
    limits = AlarmLimits(
        longest_wait_us=_duration(table, "longest_wait", general.longest_wait_us, MOST_WAIT_US),
        waiting=table.integer("waiting", general.waiting, 0, MAX_WAITING),
        service_level=table.integer("service_level", general.service_level, 0, MAX_PER_CENT),
        no_agent_ready_us=_duration(table, "no_agent_ready", general.no_agent_ready_us, MOST_WAIT_US),
        window_us=table.duration("window", general.window_us, LEAST_WINDOW_US, MOST_WINDOW_US),
        least_calls=table.integer("least_calls", general.least_calls, 1, MAX_CALLS),
        settle_us=table.duration("settle", general.settle_us, 0, MOST_SETTLE_US),
    )
    limits = replace(
        limits,
        longest_wait_clear_us=_clear(table, "longest_wait", limits, general),
        waiting_clear=_clear(table, "waiting", limits, general),
        service_level_clear=_clear(table, "service_level", limits, general),
    )
    table.finish()
    return limits


def _duration(table: Table, key: str, default: int, most: int) -> int:
    """Whole seconds at least: nobody is alarmed by less. 0 is for none."""
    found = table.duration(key, default, 0, most)
    if 0 < found < _SECOND_US:
        table.problems.error(table.at(key), f"{quoted(table.raw[key])} is less than a second", 'use "1s" or more')
        return default
    return found


def _clear(table: Table, key: str, limits: AlarmLimits, general: AlarmLimits) -> int:
    """Where a figure is well again: as it is written, else as for all queues if the threshold is theirs, else by it."""
    name = f"{key}_clear"
    _, field, clear_field = next(each for each in _PAIRS if each[0] == key)
    threshold: int = getattr(limits, field)
    if not table.has(name):
        same = threshold == getattr(general, field) and getattr(general, clear_field)
        return getattr(general, clear_field) if same else _usual(key, threshold)
    found = (
        table.duration(name, 0, 0, MOST_WAIT_US)
        if key == "longest_wait"
        else table.integer(name, 0, 0, MAX_WAITING if key == "waiting" else MAX_PER_CENT)
    )
    if not threshold:
        reason = f"has no effect without {key}"
        table.problems.warn(table.at(name), reason, f"say {key}, or leave it out", code="no-effect")
    elif key == "service_level" and found < threshold:
        reason = f"{found} is below the threshold of {threshold}, so that it would be cleared at once"
        table.problems.error(table.at(name), reason, f"use {threshold} to {MAX_PER_CENT}")
    elif key != "service_level" and found >= threshold:
        reason = f"{quoted(table.raw[name])} is not below its threshold, so that it would be cleared at once"
        table.problems.error(table.at(name), reason, f"use less than {key}, or leave it out")
    return found


def _usual(key: str, threshold: int) -> int:
    if key == "service_level":
        return min(MAX_PER_CENT, threshold + CLEAR_ABOVE) if threshold else 0
    return threshold * CLEAR_AT_PER_CENT // 100
