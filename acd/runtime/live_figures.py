"""Live figures: every queue, agent and channel counted by interval, from committed events.

Owns what each event counts as. Must not know intervals' arithmetic (`tallies`) nor HTTP. It follows a view: an outcome
is folded here after the view has folded it. Figures begin when it begins; an agent's time is counted up to the last
event about them, and up to now by `settle`.
"""

from collections.abc import Callable, Container, Mapping
from typing import Any, Final

from acd.core.messages import (
    AgentLeft,
    AgentRemoved,
    ConsultMerged,
    Event,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionMoved,
    InteractionOverflowed,
    InteractionQueued,
    InteractionTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    Outcome,
    QueueRemoved,
    WorkEnded,
    WrapUpStarted,
)
from acd.runtime.figures import SERVICE_LEVEL_US
from acd.runtime.records import AgentRecord
from acd.runtime.tallies import Tally
from acd.runtime.view import View

SHORT_ABANDON_US: Final = 5_000_000
"""Whoever leaves sooner is counted as a short abandonment, unless the queue says otherwise."""

MAX_CHANNELS: Final = 256
"""Channels that are counted by name; others are counted as `other`."""

MAX_GONE: Final = 10_000
"""Agents whose figures are kept though no configuration names them any more, and so many queues; the latest."""


class LiveFigures:
    """`queues`, `agents` and `channels`: a `Tally` by id. `short_abandon_us`: thresholds by queue.

    `gone_queues` and `gone_agents`: whom no configuration names any more, the first to go first.
    """

    def __init__(self, view: View, earlier: "LiveFigures | None" = None) -> None:
        """Everything begins at zero, or goes on from `earlier`, with whoever is there in the view."""
        self._view = view
        self.short_abandon_us: Mapping[str, int] = {}
        self.queues: dict[str, Tally] = {} if earlier is None else earlier.queues
        self.agents: dict[str, Tally] = {} if earlier is None else earlier.agents
        self.channels: dict[str, Tally] = {} if earlier is None else earlier.channels
        self.gone_queues: dict[str, None] = {} if earlier is None else earlier.gone_queues
        self.gone_agents: dict[str, None] = {} if earlier is None else earlier.gone_agents
        self._answered = {row.id for row in view.interactions.values() if row.answered}
        self._where = {row.id: (row.queue, row.channel) for row in view.interactions.values()}
        self._wrapping: dict[tuple[str, str], int] = {}
        self._spending: dict[str, tuple[str, int]] = {}
        self._folds: dict[type[Event], Callable[[Any], None]] = self._table()
        for agent in view.agents.values():
            self._spending[agent.id] = (_spends(agent), view.at_us)
            for item in agent.work.values():
                if item.state == "wrap-up":
                    self._wrapping[agent.id, item.interaction_id] = item.since_us

    def fold(self, outcome: Outcome) -> None:
        """Take in an outcome that the view has folded."""
        for event in outcome.events:
            fold = self._folds.get(type(event))
            if fold is not None:
                fold(event)
            agent_id = getattr(event, "agent_id", None)
            if agent_id is not None:
                self._spend(agent_id)
        # The view has folded the whole outcome: where an interaction was at each event, only we know.
        for event in outcome.events:
            interaction_id = getattr(event, "interaction_id", None)
            if interaction_id is not None and interaction_id not in self._view.interactions:
                self._where.pop(interaction_id, None)
                self._answered.discard(interaction_id)

    def settle(self, now_us: int) -> None:
        """Count every agent's time up to now. O(agents)."""
        for agent_id, (name, since_us) in self._spending.items():
            if name and now_us > since_us:
                _of(self.agents, agent_id).spend(since_us, now_us, name)
                self._spending[agent_id] = (name, now_us)

    # ---- counting

    def _count(self, interaction_id: str, name: str, amount: int = 1) -> None:
        where = self._where.get(interaction_id)
        if where is None:
            return
        at_us = self._view.at_us
        queue, channel = where
        _of(self.queues, queue).add(at_us, name, amount)
        if channel not in self.channels and len(self.channels) >= MAX_CHANNELS:
            channel = "other"
        _of(self.channels, channel).add(at_us, name, amount)

    def _count_agent(self, agent_id: str, name: str, amount: int = 1) -> None:
        _of(self.agents, agent_id).add(self._view.at_us, name, amount)

    def _spend(self, agent_id: str) -> None:
        """Whether the agent is idle, busy or away may have changed."""
        agent = self._view.agents.get(agent_id)
        before, since_us = self._spending.get(agent_id, ("", 0))
        now = "" if agent is None else _spends(agent)
        if now != before:
            at_us = self._view.at_us
            if before and at_us > since_us:
                _of(self.agents, agent_id).spend(since_us, at_us, before)
            self._spending[agent_id] = (now, at_us)

    # ---- events

    def _queued(self, event: InteractionQueued) -> None:
        self._where[event.interaction_id] = (event.queue, event.channel)
        self._count(event.interaction_id, "entered")

    def _moved(self, event: InteractionMoved) -> None:
        _of(self.queues, event.from_queue).add(self._view.at_us, "moved_out")
        _of(self.queues, event.to_queue).add(self._view.at_us, "entered")
        where = self._where.get(event.interaction_id)
        if where is not None:
            self._where[event.interaction_id] = (event.to_queue, where[1])

    def _offered(self, event: OfferMade) -> None:
        self._count(event.interaction_id, "offers")
        self._count_agent(event.agent_id, "offers")

    def _accepted(self, event: OfferAccepted) -> None:
        interaction_id = event.interaction_id
        self._count_agent(event.agent_id, "answered")
        where = self._where.get(interaction_id)
        if where is None or interaction_id in self._answered:
            return
        self._answered.add(interaction_id)
        self._count(interaction_id, "answered")
        self._count(interaction_id, "waited_us", event.waited_us)
        self._count(interaction_id, "longest_us", event.waited_us)
        if event.waited_us <= self._view.service_level_us.get(where[0], SERVICE_LEVEL_US):
            self._count(interaction_id, "answered_in_time")

    def _declined(self, event: OfferDeclined) -> None:
        self._count(event.interaction_id, "declined")
        self._count_agent(event.agent_id, "declined")

    def _expired(self, event: OfferExpired) -> None:
        self._count(event.interaction_id, "expired")
        self._count_agent(event.agent_id, "expired")

    def _completed(self, event: InteractionCompleted) -> None:
        self._count(event.interaction_id, "completed")
        self._count(event.interaction_id, "talked_us", event.talked_us)
        self._count_agent(event.agent_id, "talked_us", event.talked_us)

    def _handed_on(self, event: InteractionTransferred | AgentLeft) -> None:
        self._count(event.interaction_id, "talked_us", event.talked_us)
        self._count_agent(event.agent_id, "talked_us", event.talked_us)

    def _merged(self, event: ConsultMerged) -> None:
        # The work item goes on elsewhere, where it will end: for the queue of the consult it has been handled.
        self._count(event.consult_id, "handled")
        self._count(event.interaction_id, "talked_us", event.talked_us)
        self._count_agent(event.by_agent, "talked_us", event.talked_us)
        self._spend(event.by_agent)

    def _abandoned(self, event: InteractionAbandoned) -> None:
        interaction_id = event.interaction_id
        where = self._where.get(interaction_id)
        if where is None:
            return
        self._count(interaction_id, "abandoned")
        self._count(interaction_id, "abandoned_after_us", event.waited_us)
        self._count(interaction_id, "longest_us", event.waited_us)
        if event.waited_us < self.short_abandon_us.get(where[0], SHORT_ABANDON_US):
            self._count(interaction_id, "abandoned_short")

    def _cancelled(self, event: InteractionCancelled) -> None:
        self._count(event.interaction_id, "cancelled")

    def _overflowed(self, event: InteractionOverflowed) -> None:
        self._count(event.interaction_id, "overflowed")

    def _wraps_up(self, event: WrapUpStarted) -> None:
        self._wrapping[event.agent_id, event.interaction_id] = self._view.at_us

    def _work_ended(self, event: WorkEnded) -> None:
        begun_us = self._wrapping.pop((event.agent_id, event.interaction_id), None)
        wrapped_us = 0 if begun_us is None else self._view.at_us - begun_us
        self._count(event.interaction_id, "handled")
        self._count(event.interaction_id, "wrapped_us", wrapped_us)
        self._count_agent(event.agent_id, "handled")
        self._count_agent(event.agent_id, "wrapped_us", wrapped_us)

    def _agent_gone(self, event: AgentRemoved) -> None:
        self._spend(event.agent_id)
        self._spending.pop(event.agent_id, None)
        _forget(self.agents, self.gone_agents, event.agent_id, self._view.agents)

    def _queue_gone(self, event: QueueRemoved) -> None:
        _forget(self.queues, self.gone_queues, event.queue, self._view.queues)

    def _table(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            InteractionQueued: self._queued,
            InteractionMoved: self._moved,
            OfferMade: self._offered,
            OfferAccepted: self._accepted,
            OfferDeclined: self._declined,
            OfferExpired: self._expired,
            InteractionCompleted: self._completed,
            InteractionTransferred: self._handed_on,
            AgentLeft: self._handed_on,
            ConsultMerged: self._merged,
            InteractionAbandoned: self._abandoned,
            InteractionCancelled: self._cancelled,
            InteractionOverflowed: self._overflowed,
            WrapUpStarted: self._wraps_up,
            WorkEnded: self._work_ended,
            AgentRemoved: self._agent_gone,
            QueueRemoved: self._queue_gone,
        }


def _spends(agent: AgentRecord) -> str:
    """What an agent's time counts as; empty while signed out."""
    if any(item.state != "offered" for item in agent.work.values()):
        return "busy_us"
    return {"ready": "idle_us", "not-ready": "away_us", "draining": "away_us"}.get(agent.presence, "")


def _of(tallies: dict[str, Tally], name: str) -> Tally:
    tally = tallies.get(name)
    if tally is None:
        tally = tallies[name] = Tally()
    return tally


def _forget(tallies: dict[str, Tally], gone: dict[str, None], name: str, there: Container[str]) -> None:
    """One is gone; of those who are, the one gone first is forgotten when they are too many."""
    gone.pop(name, None)
    gone[name] = None
    if len(gone) > MAX_GONE:
        first = next(iter(gone))
        del gone[first]
        if first not in there:
            tallies.pop(first, None)
