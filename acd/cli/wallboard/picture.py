"""The picture: the floor as rows of plain values at one moment, filtered and sorted, for a screen or for a program.

Owns what is shown of everything, and in which order. Must not know terminals, nor where the floor comes from.
"""

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from acd.cli.wallboard.floor import AgentRow, Floor, QueueRow
from acd.client.answers import Health
from acd.core.requirement import parse
from acd.errors import RequirementError

SORTS: Final = ("name", "waiting", "wait", "level", "since", "load")
"""`waiting`, `wait` and `level` are of queues, `since` and `load` of agents; the others go by name."""

BUSY: Final = frozenset({"active", "held", "wrap-up"})
CACHED: Final = 100_000
"""Pairs of a requirement and a profile of skills of which it is remembered whether they fit."""


class QueueLine(Struct, frozen=True):
    """A queue. `level`, `entered`, `answered`, `abandoned`: of the current quarter of an hour.

    `estimate_seconds`: low, middle, high; None if not known. `ready`, `busy`, `away`: agents who could serve it: free,
    at work, neither.
    """

    id: str
    title: str
    closed: str | None
    waiting: int
    ringing: int
    active: int
    longest_wait_seconds: float
    estimate_seconds: tuple[float, float, float] | None
    level: float | None
    entered: int
    answered: int
    abandoned: int
    ready: int
    busy: int
    away: int


class WorkLine(Struct, frozen=True):
    """A work item."""

    interaction_id: str
    queue: str
    channel: str
    state: str
    seconds: float


class AgentLine(Struct, frozen=True):
    """An agent. `seconds`: in this presence. `load`: percent. `devices`: those in the way, as (channel, state)."""

    id: str
    name: str
    presence: str
    reason: str
    next_presence: str
    seconds: float
    load: int
    work: tuple[WorkLine, ...]
    devices: tuple[tuple[str, str], ...] = ()


class ChannelLine(Struct, frozen=True):
    """A channel instance."""

    name: str
    connected: bool
    state: str
    error: str


class DecisionLine(Struct, frozen=True):
    """A decision, so many seconds ago."""

    at_us: int
    queue: str
    reason: str


class Picture(Struct, frozen=True):
    """Everything at one moment. `queues` is None for a token that may not see any."""

    at_us: int
    ready: bool
    reason: str
    queues: list[QueueLine] | None
    agents: list[AgentLine]
    channels: list[ChannelLine]
    decisions: list[DecisionLine]


class Choice(Struct, frozen=True):
    """What is wanted. `queues`: only these, and the agents who could serve them; empty for all."""

    queues: frozenset[str] = frozenset()
    sort: str = "name"


def picture(floor: Floor, health: Health | None, now_us: int, choice: Choice, *, sees_all: bool = True) -> Picture:
    """The floor as it is now. O(queues × different profiles of agents + agents + interactions)."""
    rows = [row for row in floor.queues.values() if not choice.queues or row.id in choice.queues]
    crowd = _Crowd(floor.agents.values())
    queues = [_queue_line(row, crowd, now_us) for row in rows if not row.retired or row.line]
    agents = [
        _agent_line(agent, now_us)
        for agent in floor.agents.values()
        if not choice.queues or any(crowd.fits(row, agent) for row in rows)
    ]
    said = health or Health(ready=False, reason="not known yet")
    return Picture(
        now_us,
        said.ready,
        said.reason,
        sorted(queues, key=_QUEUE_ORDERS.get(choice.sort, _by_id)) if sees_all else None,
        sorted(agents, key=_AGENT_ORDERS.get(choice.sort, _by_id)),
        [_channel_line(name, found) for name, found in sorted(said.channels.items())],
        [
            DecisionLine(each.at_us, each.queue, each.reason)
            for each in reversed(floor.decisions)
            if not choice.queues or each.queue in choice.queues
        ],
    )


class _Crowd:
    """Agents by profile, so that each requirement is tried on each profile once."""

    def __init__(self, agents: Collection[AgentRow]) -> None:
        self._by_profile: dict[Any, list[AgentRow]] = {}
        for agent in agents:
            if not agent.retired:
                self._by_profile.setdefault(agent.profile, []).append(agent)

    def fits(self, queue: QueueRow, agent: AgentRow) -> bool:
        """Whether the agent could ever serve the queue."""
        return _fits(queue.requirement, agent.profile)

    def of(self, queue: QueueRow) -> tuple[int, int, int]:
        """(ready, busy, away) of those who could."""
        counts = [0, 0, 0]
        for profile, agents in self._by_profile.items():
            if _fits(queue.requirement, profile):
                for agent in agents:
                    counts[_standing(agent)] += agent.presence != "signed-out" or bool(agent.work)
        return counts[0], counts[1], counts[2]


@lru_cache(maxsize=CACHED)
def _fits(requirement: str, profile: Any) -> bool:  # noqa: ANN401 - hashable, and as `AgentRow` says
    if not requirement.strip():
        return True
    skills, labels, queues = profile
    try:
        return parse(requirement).matches(dict(skills), labels, queues)
    except RequirementError:
        return False


def _standing(agent: AgentRow) -> int:
    if any(item.state in BUSY for item in agent.work.values()):
        return 1
    if agent.presence == "ready" and agent.devices:
        return 1 if "in-use" in agent.devices.values() else 2
    return 0 if agent.presence == "ready" else 2


def _queue_line(row: QueueRow, crowd: _Crowd, now_us: int) -> QueueLine:
    waiting = sum(each.state == "queued" for each in row.line.values())
    oldest_us = min((each.enqueued_us for each in row.line.values()), default=now_us)
    counts = row.interval.at(now_us)
    decided = counts.answered + counts.abandoned
    estimate = row.estimate
    return QueueLine(
        row.id,
        row.title,
        row.closed,
        waiting,
        len(row.line) - waiting,
        row.active,
        max(0, now_us - oldest_us) / 1_000_000,
        None if estimate is None else (estimate.low_seconds, estimate.middle_seconds, estimate.high_seconds),
        counts.in_time / decided if decided else None,
        counts.entered,
        counts.answered,
        counts.abandoned,
        *crowd.of(row),
    )


def _agent_line(row: AgentRow, now_us: int) -> AgentLine:
    work = tuple(
        WorkLine(item.interaction_id, item.queue, item.channel, item.state, max(0, now_us - item.since_us) / 1_000_000)
        for item in row.work.values()
    )
    seconds = max(0, now_us - row.since_us) / 1_000_000
    devices = tuple(sorted(row.devices.items()))
    return AgentLine(row.id, row.name, row.presence, row.reason, row.next_presence, seconds, row.load(), work, devices)


def _channel_line(name: str, said: dict[str, Any]) -> ChannelLine:
    return ChannelLine(name, bool(said.get("connected")), str(said.get("state", "")), str(said.get("error") or ""))


def _by_id(line: QueueLine | AgentLine) -> tuple[str]:
    return (line.id,)


_QUEUE_ORDERS: Final[dict[str, Callable[[QueueLine], Any]]] = {
    "waiting": lambda line: (-line.waiting, line.id),
    "wait": lambda line: (-line.longest_wait_seconds, line.id),
    "level": lambda line: (1.0 if line.level is None else line.level, line.id),
}
_AGENT_ORDERS: Final[dict[str, Callable[[AgentLine], Any]]] = {
    "since": lambda line: (-line.seconds, line.id),
    "load": lambda line: (-line.load, line.id),
}
