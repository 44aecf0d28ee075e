"""The floor as the wallboard knows it: rows of agents, queues and live interactions, and what events do to them.

Owns these rows. Must not know HTTP, terminals, nor clocks: every moment comes with an event or an answer. Rows are made
of answers, each with the cursor up to which it was true: of the events that follow, what a row knows already passes it
by. What nobody has told of (an agent's token hears of that agent only) is let pass, too.
"""

from collections import deque
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from acd.client import StreamEvent
from acd.client.answers import Agent, Capacity, Decision, Estimate, Figures, Interaction, Queue
from acd.runtime.events import Cursor
from acd.runtime.tallies import CALENDAR_US

DECISIONS_KEPT: Final = 50
"""Newest decisions."""

MAX_INTERACTIONS: Final = 200_000
"""Live interactions that are followed one by one; of more, those that come last are not shown."""

IN_LINE: Final = frozenset({"queued", "offered"})
LIVE: Final = IN_LINE | {"active", "scheduled", "reaching"}


class WorkRow(Struct):
    """A work item: `offered`, `active`, `held` or `wrap-up`, since then."""

    interaction_id: str
    offer_id: str
    queue: str
    channel: str
    state: str
    since_us: int


class AgentRow(Struct):
    """An agent. `since_us`: of this presence. `devices`: states of those that keep a channel from the agent, by it."""

    id: str
    name: str
    presence: str
    reason: str
    next_presence: str
    since_us: int
    capacity: Capacity
    profile: tuple[tuple[tuple[str, int], ...], tuple[str, ...], tuple[str, ...]]
    retired: bool
    as_of: Cursor
    work: dict[str, WorkRow]
    devices: dict[str, str]

    def load(self) -> int:
        """Percent of the capacity in use, as the engine counts it."""
        shares, rest = self.capacity.channels, self.capacity.channels.get("*")
        costs = (share.cost for item in self.work.values() if (share := shares.get(item.channel, rest)) is not None)
        return sum(costs) * 100 // max(1, self.capacity.total)


class Interval(Struct):
    """What was counted of a queue in one calendar interval, by the interval's number."""

    number: int = 0
    as_of: Cursor = Cursor(0)
    entered: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0

    def at(self, at_us: int) -> "Interval":
        """Itself, or an empty one if by then another interval has begun."""
        number = at_us // CALENDAR_US
        return self if number == self.number else Interval(number, self.as_of)


class QueueRow(Struct):
    """A queue. `line`: who waits or is rung for, by id. `closed`: why it takes nobody, None while it is open."""

    id: str
    title: str
    requirement: str
    threshold_seconds: float
    retired: bool
    closed: str | None
    estimate: Estimate | None
    as_of: Cursor
    line: dict[str, "InteractionRow"] = field(default_factory=dict)
    active: int = 0
    interval: Interval = field(default_factory=Interval)


class InteractionRow(Struct):
    """A live interaction. `answered`: somebody has talked with the customer."""

    id: str
    queue: str
    channel: str
    state: str
    enqueued_us: int
    as_of: Cursor
    answered: bool = False


class DecisionRow(Struct, frozen=True):
    """A decision in words."""

    at_us: int
    queue: str
    reason: str


class Floor:
    """All rows, by id. `as_of`: up to where events have been taken in; `at_us`: the last moment that is known of."""

    def __init__(self) -> None:
        """Nobody, nothing."""
        self.agents: dict[str, AgentRow] = {}
        self.queues: dict[str, QueueRow] = {}
        self.interactions: dict[str, InteractionRow] = {}
        self.decisions: deque[DecisionRow] = deque(maxlen=DECISIONS_KEPT)
        self.decided_as_of = Cursor(0)
        self.as_of = Cursor(0)
        self.at_us = 0
        self.touched: dict[str, None] = {}
        """Queues about which there was an event since somebody took them out of here."""
        self.changed_agents: dict[str, None] = {}
        """Agents who are configured in another way since somebody took them out of here: they have to be read."""

    # ---- from answers

    def put_agent(self, said: Agent, as_of: Cursor) -> None:
        """An agent, with the work in hand."""
        work = {
            item.interaction_id: WorkRow(
                item.interaction_id, item.offer_id, item.queue, item.channel, item.state, micros(item.since)
            )
            for item in said.work
        }
        profile = (tuple(sorted(said.skills.items())), said.labels, said.queues)
        self.agents[said.id] = AgentRow(
            said.id,
            said.name,
            said.presence,
            said.reason,
            said.next_presence or "",
            micros(said.since),
            said.capacity,
            profile,
            said.retired,
            as_of,
            work,
            {channel: device.state for channel, device in said.devices.items()},
        )

    def put_queue(self, said: Queue, as_of: Cursor) -> None:
        """A queue without the interactions in it; those come by themselves."""
        self.queues[said.id] = QueueRow(
            said.id,
            said.title,
            said.requirement,
            said.service_level.threshold_seconds,
            said.retired,
            said.closed,
            said.estimated_wait,
            as_of,
        )

    def put_interaction(self, said: Interaction, as_of: Cursor) -> None:
        """A live interaction; one about which somebody still wraps up has ended."""
        if len(self.interactions) >= MAX_INTERACTIONS or said.state not in LIVE:
            return
        enqueued_us = 0 if said.enqueued_at is None else micros(said.enqueued_at)
        answered = said.agent is not None
        row = InteractionRow(said.id, said.queue, said.channel, said.state, enqueued_us, as_of, answered)
        self.interactions[said.id] = row
        self._count(row)

    def put_figures(self, said: Figures, at_us: int, as_of: Cursor) -> None:
        """What was counted of a queue in the calendar interval in which `at_us` is."""
        queue, counts = self.queues.get(said.id), said.counts
        if queue is None:
            return
        queue.interval = Interval(
            at_us // CALENDAR_US,
            as_of,
            counts["entered"],
            counts["answered"],
            counts["answered_in_time"],
            counts["abandoned"],
        )

    def put_decisions(self, said: list[Decision], as_of: Cursor) -> None:
        """The last decisions, newest first."""
        self.decisions.extend(DecisionRow(micros(each.at), each.queue, each.reason) for each in reversed(said))
        self.decided_as_of = as_of

    # ---- for the folds

    def change(self, row: InteractionRow, state: str, queue: str = "") -> None:
        """The interaction is in another state, or queue, from now on."""
        self._uncount(row)
        row.state, row.queue = state, queue or row.queue
        self._count(row)

    def add(self, row: InteractionRow) -> None:
        """A new one."""
        if len(self.interactions) < MAX_INTERACTIONS:
            self.interactions[row.id] = row
            self._count(row)

    def drop(self, row: InteractionRow) -> None:
        """It has ended."""
        self._uncount(row)
        del self.interactions[row.id]

    def interval(self, queue_id: str, event: StreamEvent, cursor: Cursor) -> Interval | None:
        """Where the event is counted; None if it has been counted, or the queue is not known."""
        queue = self.queues.get(queue_id)
        if queue is None or cursor <= queue.interval.as_of:
            return None
        queue.interval = queue.interval.at(micros(event.time))
        return queue.interval

    def _count(self, row: InteractionRow) -> None:
        queue = self.queues.get(row.queue)
        if queue is not None:
            if row.state in IN_LINE:
                queue.line[row.id] = row
            queue.active += row.state == "active"

    def _uncount(self, row: InteractionRow) -> None:
        queue = self.queues.get(row.queue)
        if queue is not None:
            queue.line.pop(row.id, None)
            queue.active -= row.state == "active"


def micros(at: datetime) -> int:
    """A moment as µs since 1970."""
    return round(at.timestamp() * 1_000_000)
