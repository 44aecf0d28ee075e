"""What a queue asks for as time passes, and who can be offered what waits in it.

Owns the stages of a queue: its requirement, then one more stage for each step. Must not know findings. Interactions may
ask for more; here they ask for nothing of their own.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from acd.core.expression import Mask
from acd.core.messages import QueueSettings
from acd.core.requirement import Requirement, relaxed
from acd.runtime.config.analysis.staff import Staff

Times = npt.NDArray[np.int64]

NEVER_US: Final = 1 << 62
"""Later than any wait."""


class Stage(NamedTuple):
    """From `begin_us` to `end_us` after it entered, this is asked for. `step`: the index of the step; -1 at first."""

    step: int
    begin_us: int
    end_us: int
    requirement: Requirement

    @property
    def reached(self) -> bool:
        """Whether anything waits that long."""
        return self.begin_us <= self.end_us


def keeps_callbacks(queue: QueueSettings) -> bool:
    """Whether callbacks may wait in the queue: nothing takes them away, and nothing hands them on as they come in."""
    actions = (queue.when_closed, queue.when_unstaffed, queue.when_full, queue.when_overdue)
    return any(action.kind == "callback" for action in actions)


def limits_wait(queue: QueueSettings) -> bool:
    """Whether a maximum wait takes away what nobody takes, callbacks apart."""
    return queue.max_wait_us > 0 and queue.when_overdue.kind != "wait"


def has_way_out(queue: QueueSettings) -> bool:
    """Whether nothing at all stays for ever."""
    return limits_wait(queue) and not keeps_callbacks(queue)


def hands_on_unstaffed(queue: QueueSettings) -> bool:
    """Whether nothing comes in that nobody who is there could take."""
    return queue.when_unstaffed.kind != "wait" and not keeps_callbacks(queue)


def longest_wait_us(queue: QueueSettings) -> int:
    """How long anything waits in the queue at most; `NEVER_US` for as long as it takes."""
    return queue.max_wait_us if has_way_out(queue) else NEVER_US


def stages_of(queue: QueueSettings, queues: Mapping[str, QueueSettings]) -> list[Stage]:
    """The stages in order. What is beyond the queue's maximum wait is there, and not `reached`."""
    ends = [*(step.after_us for step in queue.steps), NEVER_US]
    most_us = longest_wait_us(queue)
    stages = [Stage(-1, 0, min(ends[0], most_us), relaxed((queue.requirement,), ""))]
    replaced = queue.requirement
    wider: dict[str, None] = {}
    for index, step in enumerate(queue.steps):
        replaced = step.requirement or replaced
        wider |= dict.fromkeys(queues[each].requirement for each in step.queues if each in queues)
        asked = relaxed((replaced, *wider), "")
        # A step is waited for when the one before it is over: at the very moment of the maximum wait, only the first
        # comes before everybody leaves.
        begin_us = step.after_us + (index > 0 and step.after_us == most_us)
        stages.append(Stage(index, begin_us, min(ends[index + 1], most_us), asked))
    return stages


def offered(queue: QueueSettings, stages: Sequence[Stage], staff: Staff) -> Mask:
    """Who can be offered what waits in the queue, some time: bool, shape (agents,)."""
    found = np.zeros(len(staff.agents), dtype=np.bool_)
    opens_us = opening_us(queue, staff)
    rooms: list[Mask] | None = None
    if hands_on_unstaffed(queue):
        # What nobody could take as it comes in is handed on and never sees a step.
        at_first = staff.passing(stages[0].requirement)
        rooms = [room for does, room in staff.channels() if (at_first & does).any()]
    elif queue.reserve:
        rooms = [room for _, room in staff.channels()]
    for stage in stages:
        if stage.reached:
            passing = staff.passing(stage.requirement)
            able = staff.able if rooms is None else _beyond(queue.reserve, passing, rooms)
            found |= passing & able & (opens_us <= stage.end_us)
    return found


def _beyond(reserve: int, passing: Mask, rooms: Sequence[Mask]) -> Mask:
    """Who has room for a channel for which more agents than the reserve have."""
    able = np.zeros(len(passing), dtype=np.bool_)
    for room in rooms:
        if np.count_nonzero(passing & room) > reserve:
            able |= room
    return able


def opening_us(queue: QueueSettings, staff: Staff) -> Times:
    """When each agent's level opens, after an interaction entered: int64 µs, shape (agents,)."""
    by_level = np.array([0, 0, *delays_us(queue)], dtype=np.int64)
    opens: Times = by_level[np.minimum(staff.levels(queue.id), len(by_level) - 1)]
    return opens


def delays_us(queue: QueueSettings) -> list[int]:
    """When levels 2, 3, … open; the last one that is named, and all further ones, with the last delay."""
    opens: list[int] = []
    most_us = longest_wait_us(queue)
    for delay_us in queue.level_delays_us:
        last_us = opens[-1] if opens else 0
        # As with steps: only the first deadline comes before everybody leaves.
        opens.append(max(last_us, delay_us + (last_us > 0 and delay_us == most_us)))
    return opens
