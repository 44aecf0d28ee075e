"""Who is there for each queue: ready, at work, not ready.

Owns these counts, and which queues an agent serves: those whose requirement they satisfy. Must not know events, nor who
asks. Counting one agent anew costs O(queues they serve); all of them are looked at when the configuration is another
one, those with the same skills once.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from acd.core.messages import AgentSettings
from acd.core.requirement import Requirement, parse
from acd.runtime.records import AgentRecord
from acd.runtime.view import View

State = Literal["ready", "busy", "not-ready", "signed-out"]
"""`busy`: with work in hand, ringing included. `ready`: without, and waiting for it. What is on the way is so now."""

STATES: Final[tuple[State, ...]] = ("ready", "busy", "not-ready", "signed-out")

MAX_PROFILES: Final = 10_000
"""Profiles of which it is remembered what they serve."""

Profile = tuple[object, ...]


class Staff(Struct):
    """Of one queue. `on_duty`: those whose presence is ready, with work or without."""

    ready: int = 0
    busy: int = 0
    not_ready: int = 0
    on_duty: int = 0


def state_of(agent: AgentRecord) -> State:
    """How an agent stands, for whoever looks from afar."""
    if agent.work:
        return "busy"
    if agent.presence == "signed-out":
        return "signed-out"
    return "ready" if agent.presence == "ready" else "not-ready"


class Staffing:
    """Counts by queue, of one view."""

    def __init__(self, view: View) -> None:
        """Counts everybody once."""
        self.view = view
        self.queues: dict[str, Staff] = {}
        self._stands: dict[str, tuple[State, bool, tuple[str, ...]]] = {}
        self._wanted: tuple[tuple[str, Requirement], ...] = ()
        self._serves: dict[Profile, tuple[str, ...]] = {}
        self.recount()

    def recount(self) -> None:
        """Queues may be others, and who serves them. O(agents)."""
        rows = self.view.queues.values()
        self._wanted = tuple(
            (row.id, parse(row.settings.requirement.strip() or "true")) for row in rows if not row.retired
        )
        self._serves.clear()
        self._stands.clear()
        self.queues = {row.id: Staff() for row in rows}
        for agent_id in self.view.agents:
            self._count(agent_id)

    def look(self, agent_ids: Iterable[str]) -> Mapping[str, None]:
        """Something happened to these agents; returns the queues that they serve, or did."""
        touched: dict[str, None] = {}
        for agent_id in agent_ids:
            touched.update(dict.fromkeys(self._uncount(agent_id)))
            touched.update(dict.fromkeys(self._count(agent_id)))
        return touched

    def forget(self, queue: str) -> None:
        """The queue is gone."""
        self.queues.pop(queue, None)

    def of(self, queue: str) -> Staff:
        """Of one queue."""
        return self.queues.get(queue) or Staff()

    def served_by(self, settings: AgentSettings) -> tuple[str, ...]:
        """The queues that an agent of these settings serves."""
        profile: Profile = (settings.skills, settings.labels, settings.queues)
        found = self._serves.get(profile)
        if found is None:
            if len(self._serves) >= MAX_PROFILES:
                self._serves.clear()
            skills = dict(settings.skills)
            wanted = self._wanted
            serves = (name for name, each in wanted if each.matches(skills, settings.labels, settings.queues))
            found = self._serves[profile] = tuple(serves)
        return found

    def _count(self, agent_id: str) -> tuple[str, ...]:
        agent = self.view.agents.get(agent_id)
        if agent is None:
            return ()
        queues = () if agent.retired and not agent.work else self.served_by(agent.settings)
        state, on_duty = state_of(agent), agent.presence == "ready"
        self._stands[agent_id] = (state, on_duty, queues)
        self._add(state, queues, 1, on_duty=on_duty)
        return queues

    def _uncount(self, agent_id: str) -> tuple[str, ...]:
        state, on_duty, queues = self._stands.pop(agent_id, ("signed-out", False, ()))
        self._add(state, queues, -1, on_duty=on_duty)
        return queues

    def _add(self, state: State, queues: tuple[str, ...], amount: int, *, on_duty: bool) -> None:
        for name in queues:
            staff = self.queues.get(name)
            if staff is None:
                continue
            staff.on_duty += amount * on_duty
            if state == "ready":
                staff.ready += amount
            elif state == "busy":
                staff.busy += amount
            elif state == "not-ready":
                staff.not_ready += amount
