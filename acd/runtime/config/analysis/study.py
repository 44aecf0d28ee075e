"""What every analysis is given: the agents, the queues with their stages, and where findings go.

Owns the wording that findings share. Must not know any finding.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from acd.core.messages import QueueSettings
from acd.core.requirement import Requirement, parse
from acd.runtime.config.analysis.satisfiable import can_hold
from acd.runtime.config.analysis.staff import Staff
from acd.runtime.config.analysis.stages import Stage, stages_of
from acd.runtime.config.problems import Key, Problems, quoted

MAX_LISTED: Final = 3
"""Names that one finding lists."""


class Said(NamedTuple):
    """A requirement where it is written; `step` is the index of the step, -1 for the queue's own."""

    key: Key
    step: int
    requirement: Requirement


class Study:
    """One configuration. `stages`: those of each queue, in order. `said`: the requirements that it names itself."""

    def __init__(self, problems: Problems, staff: Staff, queues: tuple[QueueSettings, ...]) -> None:
        """Queues with distinct ids, whose requirements can be read."""
        self.problems: Final = problems
        self.staff: Final = staff
        self.queues: Final = {queue.id: queue for queue in queues}
        self.stages: Final[dict[str, list[Stage]]] = {}
        self.said: Final[dict[str, tuple[Said, ...]]] = {}
        for queue in queues:
            # Both at once: then each text is read only once, however many there are.
            self.stages[queue.id] = stages_of(queue, self.queues)
            self.said[queue.id] = tuple(_said_by(queue))
        self._can_hold: dict[str, bool] = {}

    def can_hold(self, requirement: Requirement) -> bool:
        """As `satisfiable.can_hold`, decided once for each spelling."""
        found = self._can_hold.get(requirement.canonical)
        if found is None:
            found = bool(self.staff.passing(requirement).any()) or can_hold(requirement.tree)
            self._can_hold[requirement.canonical] = found
        return found


def listed(names: list[str]) -> str:
    """The first few names, quoted, and how many more there are."""
    more = len(names) - MAX_LISTED
    shown = ", ".join(quoted(name) for name in names[:MAX_LISTED])
    return f"{shown} and {more} more" if more > 0 else shown


def _said_by(queue: QueueSettings) -> Iterator[Said]:
    if queue.requirement.strip():
        yield Said(("queues", queue.id, "requirement"), -1, parse(queue.requirement))
    for index, step in enumerate(queue.steps):
        if step.requirement.strip():
            yield Said(("queues", queue.id, "steps", index, "requirement"), index, parse(step.requirement))
