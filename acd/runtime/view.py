"""The committed projection: what APIs and dashboards read instead of the Engine.

Owns the picture of agents, queues, interactions and offers that follows from a state and the events
after it. Must not know asyncio, HTTP or the journal. The Router folds every outcome exactly once, in
order and after its commit; an outcome that was merely returned again for a repeated command id is
not folded. Folding costs O(1) per event, except ConfigApplied and
EngineRecovered (O(entities)); reading may cost O(n).
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from acd.core.messages import (
    CoreSettings,
    EngineRecovered,
    Event,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionFailed,
    InteractionOverflowed,
    InteractionQueued,
    InteractionRequeued,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    OfferRevoked,
    Outcome,
    PresenceChanged,
    WorkEnded,
)
from acd.core.state import EngineState, InteractionState, WorkState
from acd.ports.channel import Desired
from acd.runtime import alarm_folds, config_folds, device_folds, handover_folds, waiting_folds, work_folds
from acd.runtime.ended import EndedRecords
from acd.runtime.figures import SERVICE_LEVEL_US, QueueFigures
from acd.runtime.records import AgentRecord, Decision, InteractionRecord, QueueRecord, WorkRecord

DECISIONS_KEPT: Final = 1_000
"""Most recent decisions that the view remembers."""

INTERACTION_ENDS: Final = frozenset({"completed", "abandoned", "cancelled", "overflowed", "failed"})


class View:
    """The picture after the last folded outcome. Everything public is for reading.

    `agents`, `queues`, `interactions` (live ones, until the last work item on them has ended) and `work` (work items
    by offer's id, pending offers among them) are dicts by id; `ended` holds the last ended interactions, oldest first;
    `decisions` the last decisions, oldest first. `titles` names queues for people, `names` agents; `service_level_us`
    holds thresholds by queue. All three may be replaced at any time; a threshold counts for answers from then on.
    `revision` rises with every change, by whoever changes something.
    """

    def __init__(
        self,
        at_us: int = 0,
        *,
        titles: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        service_level_us: Mapping[str, int] | None = None,
    ) -> None:
        """The picture of an engine that has never seen a command."""
        self.at_us = at_us
        self._base, self._edited = CoreSettings(), False
        self.titles: Mapping[str, str] = titles or {}
        self.names: Mapping[str, str] = names or {}
        self.service_level_us: Mapping[str, int] = service_level_us or {}
        self.agents: dict[str, AgentRecord] = {}
        self.queues: dict[str, QueueRecord] = {}
        self.interactions: dict[str, InteractionRecord] = {}
        self.work: dict[str, WorkRecord] = {}
        self.ended = EndedRecords()
        self.decisions: deque[Decision] = deque(maxlen=DECISIONS_KEPT)
        self.recoveries = 0
        self.revision = 0
        self._arrivals = 0
        self._folds: dict[type[Event], Callable[[Any], None]] = self._table()

    @classmethod
    def from_state(
        cls,
        state: EngineState,
        at_us: int,
        *,
        titles: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        service_level_us: Mapping[str, int] | None = None,
    ) -> "View":
        """The picture that the state determines.

        Counters and decisions begin empty, `since_us` of agents at `at_us`.
        """
        view = cls(at_us, titles=titles, names=names, service_level_us=service_level_us)
        view.configure(state.settings)
        view._arrivals = state.seq
        view.queues |= {queue.id: QueueRecord(queue.id, queue) for queue in state.settings.queues}
        view.queues |= {queue.id: QueueRecord(queue.id, queue, retired=True) for queue in state.retired_queues}
        for queue_id, reason in state.closed_queues:
            view.queues[queue_id].closed = reason
        named = {agent.id: agent for agent in (*state.settings.agents, *state.retired_agents)}
        view.agents |= {row.id: AgentRecord.restored(row, named[row.id], at_us) for row in state.agents}
        device_folds.restore(view, state)
        alarm_folds.restore(view, state)
        for row in sorted(state.interactions, key=lambda row: row.seq):
            view._restore_interaction(row)
        guests = {offer_id for row in state.interactions for offer_id in row.participants}
        for item in sorted(state.work, key=lambda item: (item.offered_at_us, item.deadline_seq)):
            # Somebody wraps up who handed it on, or talks without being responsible.
            view._restore_work(item, aside=bool(item.queue) or item.offer_id in guests)
        for row in state.interactions:
            joined = tuple((offer_id, view.work[offer_id].agent_id) for offer_id in row.participants)
            view.interactions[row.request.interaction_id].participants = joined
        ended = state.ended_interactions
        for order, (ended_id, final) in enumerate(ended, -len(ended)):
            view.ended.add(InteractionRecord.partly_known(ended_id, final, order))
        for each in state.interactions:
            if each.request.end_reason and (replaced := view.ended.get(each.request.place_of)) is not None:
                replaced.know_replaced(each.request)
                view.ended.change(replaced)
        return view

    def fold(self, at_us: int, outcome: Outcome) -> None:
        """Take in one committed outcome. A refusal changes nothing but the clock."""
        self.at_us = at_us
        self.revision += 1
        folds = self._folds
        for event in outcome.events:
            folds[type(event)](event)

    def configure(self, settings: CoreSettings | None) -> None:
        """These settings are in force; None: the same, but with the agents that there are now."""
        self._base, self._edited = settings or self._base, settings is None

    # -- reading

    @property
    def settings(self) -> CoreSettings:
        """The settings in force. After changes of single agents O(agents) once."""
        if self._edited:
            everyone = (self.agents[agent_id] for agent_id in sorted(self.agents))
            agents = tuple(agent.settings for agent in everyone if not agent.retired)
            self.configure(msgspec.structs.replace(self._base, agents=agents))
        return self._base

    def interaction(self, interaction_id: str) -> InteractionRecord | None:
        """A live interaction, or one of the last ended; None when unknown or forgotten."""
        return self.interactions.get(interaction_id) or self.ended.get(interaction_id)

    def lives(self, interaction_id: str) -> bool:
        """Whether it has not ended."""
        row = self.interactions.get(interaction_id)
        return row is not None and not row.ended_at_us

    def pending_offers(self, agent_id: str) -> tuple[WorkRecord, ...]:
        """The agent's pending offers, oldest first."""
        agent = self.agents.get(agent_id)
        return tuple(item for item in agent.work.values() if item.state == "offered") if agent else ()

    def desired(self, instance: str) -> tuple[Desired, ...]:
        """How every live interaction of one channel instance should stand in the world. O(live interactions)."""
        rows = (row for row in self.interactions.values() if row.instance == instance)
        return tuple(row.desired() for row in rows if not row.ended_at_us and row.state != "scheduled")

    def presences(self) -> dict[str, int]:
        """Agents by presence; the four presences are always there."""
        counts = {"signed-out": 0, "not-ready": 0, "ready": 0, "draining": 0}
        for agent in self.agents.values():
            counts[agent.presence] += 1
        return counts

    # -- configuration and agents

    def _presence_changed(self, event: PresenceChanged) -> None:
        agent = self.agents[event.agent_id]
        if event.presence == "ready" and agent.presence in ("signed-out", "not-ready"):
            agent.idle_since_us = self.at_us
        if event.presence != agent.presence:
            agent.since_us = self.at_us
        agent.presence, agent.reason, agent.next_presence = event.presence, event.reason, event.next_presence

    def _engine_recovered(self, event: EngineRecovered) -> None:
        self.recoveries += 1
        for item in self.work.values():
            if item.state == "offered":
                item.deadline_us = max(item.deadline_us, event.until_us)
        if event.customers:
            for row in self.interactions.values():
                if row.state == "reaching":
                    row.due_us = max(row.due_us, event.until_us)

    # -- interactions

    def _interaction_queued(self, event: InteractionQueued) -> None:
        self._arrivals += 1
        row = InteractionRecord.queued(event, self.at_us, self._arrivals)
        self.ended.discard(row.id)
        self.interactions[row.id] = row
        if row.parent:
            row.asking = self.interactions[row.parent].agent_id
            self._know_consult(row)
        self.queues[row.queue].enter(row)

    def _interaction_requeued(self, event: InteractionRequeued) -> None:
        row = self.interactions[event.interaction_id]
        row.offered(())
        row.waited_us = None
        self.move(row, "queued")

    def _interaction_completed(self, event: InteractionCompleted) -> None:
        row = self.interactions[event.interaction_id]
        figures = self._end(row, "completed", event.reason or event.by)
        figures.completed += 1
        figures.talked_us += event.talked_us

    def _interaction_abandoned(self, event: InteractionAbandoned) -> None:
        row = self.interactions[event.interaction_id]
        row.waited_us = event.waited_us
        figures = self._end(row, "abandoned", event.reason)
        figures.abandoned += 1
        if not row.answered:
            figures.level_decided += 1
        self.forget_if_done(row)

    def _interaction_let_go(self, event: InteractionCancelled | InteractionOverflowed) -> None:
        row = self.interactions[event.interaction_id]
        row.waited_us = event.waited_us
        if isinstance(event, InteractionCancelled):
            self._end(row, "cancelled", event.reason).cancelled += 1
        else:
            self._end(row, "overflowed", event.reason).overflowed += 1
        self.forget_if_done(row)

    def _interaction_failed(self, event: InteractionFailed) -> None:
        self._end(row := self.interactions[event.interaction_id], "failed", event.reason).failed += 1
        self.forget_if_done(row)

    def _know_consult(self, row: InteractionRecord) -> None:
        """Its parent has it, and no more of the ended ones: nobody asks about them."""
        parent = self.interactions[row.parent]
        earlier = (each for each in parent.consults if self.lives(each))
        parent.consults = (*earlier, row.id)

    # -- offers

    def _offer_made(self, event: OfferMade) -> None:
        row = self.interactions[event.interaction_id]
        row.offers += 1
        row.offered((*row.pending, (event.offer_id, event.agent_id)))
        row.held_for = ""
        row.open_work += 1
        self.move(row, "offered")
        at_us = self.at_us
        item = WorkRecord(
            event.offer_id, row.id, event.agent_id, row.channel, "offered", at_us, at_us, event.expires_at_us
        )
        self.work[event.offer_id] = item
        self.agents[event.agent_id].work[row.id] = item
        self.queues[row.queue].figures.offers += 1
        self.decisions.append(Decision(at_us, event))

    def _offer_accepted(self, event: OfferAccepted) -> None:
        item = self.work[event.offer_id]
        item.state, item.since_us, item.deadline_us = "active", self.at_us, 0
        row = self.interactions[event.interaction_id]
        row.pending = ()
        row.offer_id, row.agent_id = event.offer_id, event.agent_id
        row.waited_us = event.waited_us
        self.move(row, "active")
        figures = self.queues[row.queue].figures
        figures.accepted += 1
        if row.answered:
            return
        row.answered = True
        figures.answered += 1
        figures.waited_us += event.waited_us
        figures.level_decided += 1
        figures.level_met += event.waited_us <= self.service_level_us.get(row.queue, SERVICE_LEVEL_US)

    def _offer_declined(self, event: OfferDeclined) -> None:
        self._drop_offer(event).declined += 1
        self.agents[event.agent_id].idle_since_us = self.at_us

    def _offer_expired(self, event: OfferExpired) -> None:
        self._drop_offer(event).expired += 1
        self.agents[event.agent_id].idle_since_us = self.at_us

    def _offer_revoked(self, event: OfferRevoked) -> None:
        self._drop_offer(event).revoked += 1

    def _offer_rescinded(self, event: OfferRescinded) -> None:
        self._drop_offer(event).rescinded += 1

    # -- work items

    def _work_ended(self, event: WorkEnded) -> None:
        agent = self.agents[event.agent_id]
        item = agent.work.pop(event.interaction_id)
        del self.work[item.offer_id]
        agent.idle_since_us = self.at_us
        row = self.interactions[event.interaction_id]
        row.open_work -= 1
        if row.ended_at_us:
            self.forget_if_done(row)

    # -- for the folds in modules of their own

    def move(self, row: InteractionRecord, state: str) -> None:
        """The interaction is in another state from now on."""
        queue = self.queues[row.queue]
        queue.uncount(row)
        row.state, row.since_us = state, self.at_us
        queue.count(row)

    def forget_if_done(self, row: InteractionRecord) -> None:
        """Off the live ones, on to the last ended, unless somebody still wraps up."""
        if row.open_work:
            return
        del self.interactions[row.id]
        self.ended.add(row)

    # -- pieces of the above

    def _drop_offer(self, event: OfferDeclined | OfferExpired | OfferRevoked | OfferRescinded) -> QueueFigures:
        """End a pending offer's work item; after the last one the interaction's own event follows in the outcome."""
        del self.work[event.offer_id]
        del self.agents[event.agent_id].work[event.interaction_id]
        row = self.interactions[event.interaction_id]
        if row.pending:
            row.offered(tuple(offer for offer in row.pending if offer[0] != event.offer_id))
        row.open_work -= 1
        return self.queues[row.queue].figures

    def _end(self, row: InteractionRecord, state: str, reason: str) -> QueueFigures:
        queue = self.queues[row.queue]
        queue.uncount(row)
        queue.line.pop(row.id, None)
        row.held_for, row.due_us = "", 0
        row.state, row.since_us, row.ended_at_us, row.end_reason = state, self.at_us, self.at_us, reason
        return queue.figures

    def _restore_interaction(self, state: InteractionState) -> None:
        row = self.interactions[state.request.interaction_id] = InteractionRecord.restored(state)
        if row.state in INTERACTION_ENDS:
            row.ended_at_us, row.due_us = self.at_us, 0
            return
        self.queues[row.queue].count(row)
        if row.parent in self.interactions:
            self._know_consult(row)

    def _restore_work(self, state: WorkState, *, aside: bool) -> None:
        row = self.interactions[state.interaction_id]
        item = self.work[state.offer_id] = WorkRecord.restored(state, row.channel, row.queue)
        self.agents[item.agent_id].work[item.interaction_id] = item
        row.open_work += 1
        if aside:
            return
        if row.ended_at_us:
            row.ended_at_us = item.since_us
        if item.state == "offered":
            row.offered((*row.pending, (item.offer_id, item.agent_id)))
        else:
            row.offer_id, row.agent_id = item.offer_id, row.agent_id or item.agent_id
        row.since_us = item.since_us

    def _table(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            **config_folds.table(self),
            PresenceChanged: self._presence_changed,
            InteractionQueued: self._interaction_queued,
            InteractionRequeued: self._interaction_requeued,
            **handover_folds.table(self),
            **waiting_folds.table(self.queues, self.interactions, self.ended, lambda: self.at_us),
            **work_folds.table(self),
            **device_folds.table(self),
            **alarm_folds.table(self),
            InteractionCompleted: self._interaction_completed,
            InteractionAbandoned: self._interaction_abandoned,
            InteractionCancelled: self._interaction_let_go,
            InteractionOverflowed: self._interaction_let_go,
            InteractionFailed: self._interaction_failed,
            OfferMade: self._offer_made,
            OfferAccepted: self._offer_accepted,
            OfferDeclined: self._offer_declined,
            OfferExpired: self._offer_expired,
            OfferRevoked: self._offer_revoked,
            OfferRescinded: self._offer_rescinded,
            WorkEnded: self._work_ended,
            EngineRecovered: self._engine_recovered,
        }
