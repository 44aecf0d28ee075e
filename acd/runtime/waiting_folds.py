"""The view's folds of events about queues that open and close, what happens to those who wait, and what becomes known.

Owns what these events do to the rows. Must not know the rest of the view.
"""

from collections.abc import Callable, Mapping
from typing import Any

from acd.core import limits
from acd.core.messages import (
    AgentPreferred,
    CustomerCalled,
    CustomerReached,
    Event,
    HoldEnded,
    HoldStarted,
    InteractionDue,
    InteractionMoved,
    InteractionNoted,
    InteractionRelaxed,
    InteractionReprioritized,
    InteractionScheduled,
    InteractionUpdated,
    LevelOpened,
    QueueClosed,
    QueueOpened,
)
from acd.core.reaching import reach_after
from acd.runtime.ended import EndedRecords
from acd.runtime.records import InteractionRecord, QueueRecord

Folds = dict[type[Event], Callable[[Any], None]]
Interactions = Mapping[str, InteractionRecord]
Queues = Mapping[str, QueueRecord]


def table(queues: Queues, interactions: Interactions, ended: EndedRecords, now_us: Callable[[], int]) -> Folds:
    """Kind of event → what folds it, into these rows. `now_us`: the moment of the outcome that is being folded."""
    return {
        **_between_queues(queues, interactions),
        **_aside(queues, interactions, now_us),
        **_in_line(interactions),
        **_known_later(interactions, ended),
    }


def _between_queues(queues: Queues, interactions: Interactions) -> Folds:
    def opened(event: QueueOpened) -> None:
        queues[event.queue].closed = None

    def closed(event: QueueClosed) -> None:
        queues[event.queue].closed = event.reason

    def moved(event: InteractionMoved) -> None:
        row = interactions[event.interaction_id]
        left, entered = queues[row.queue], queues[event.to_queue]
        left.uncount(row)
        left.line.pop(row.id, None)
        left.figures.moved_out += 1
        row.queue, row.place_at_us, row.priority, row.held_for = entered.id, event.place_at_us, event.priority, ""
        entered.enter(row)

    return {QueueOpened: opened, QueueClosed: closed, InteractionMoved: moved}


def _aside(queues: Queues, interactions: Interactions, now_us: Callable[[], int]) -> Folds:
    def scheduled(event: InteractionScheduled) -> None:
        row = interactions[event.interaction_id]
        queue = queues[row.queue]
        queue.uncount(row)
        queue.line.pop(row.id, None)
        row.offered(())
        row.state, row.since_us, row.waited_us, row.held_for = "scheduled", now_us(), None, ""
        row.reach = limits.MAX_LEVEL
        row.due_us, row.attempts = event.not_before_us, event.attempts

    def due(event: InteractionDue) -> None:
        row = interactions[event.interaction_id]
        row.state, row.since_us, row.due_us = "queued", now_us(), 0
        row.enqueued_at_us = row.since_us
        row.place_at_us, row.priority = event.place_at_us, event.priority
        queues[row.queue].count(row)

    def called(event: CustomerCalled) -> None:
        row = interactions[event.interaction_id]
        queue = queues[row.queue]
        queue.uncount(row)
        queue.line.pop(row.id, None)
        row.state, row.since_us, row.held_for, row.due_us = "reaching", now_us(), "", event.until_us
        row.reach = limits.MAX_LEVEL

    def reached(event: CustomerReached) -> None:
        row = interactions[event.interaction_id]
        queue = queues[row.queue]
        row.state, row.since_us, row.due_us = "queued", now_us(), 0
        row.enqueued_at_us = row.since_us
        row.reach = reach_after(queue.settings.level_delays_us, 0)
        queue.count(row)

    return {InteractionScheduled: scheduled, InteractionDue: due, CustomerCalled: called, CustomerReached: reached}


def _in_line(interactions: Interactions) -> Folds:
    def reprioritized(event: InteractionReprioritized) -> None:
        interactions[event.interaction_id].priority = event.priority

    def level_opened(event: LevelOpened) -> None:
        interactions[event.interaction_id].reach = event.level

    def relaxed(event: InteractionRelaxed) -> None:
        interactions[event.interaction_id].priority = event.priority

    def preferred(_event: AgentPreferred) -> None:
        """Shows only while somebody is waited for."""

    def hold_started(event: HoldStarted) -> None:
        interactions[event.interaction_id].held_for = event.agent_id

    def hold_ended(event: HoldEnded) -> None:
        interactions[event.interaction_id].held_for = ""

    return {
        InteractionReprioritized: reprioritized,
        LevelOpened: level_opened,
        InteractionRelaxed: relaxed,
        AgentPreferred: preferred,
        HoldStarted: hold_started,
        HoldEnded: hold_ended,
    }


def _known_later(interactions: Interactions, ended: EndedRecords) -> Folds:
    def updated(event: InteractionUpdated) -> None:
        row = interactions[event.interaction_id]
        row.attributes, row.customer, row.requirement = event.attributes, event.customer, event.requirement

    def noted(event: InteractionNoted) -> None:
        row = interactions.get(event.interaction_id) or ended.get(event.interaction_id)
        if row is not None:
            said = dict(event.attributes)
            row.attributes = (*(each for each in row.attributes if each[0] not in said), *event.attributes)
            ended.change(row)

    return {InteractionUpdated: updated, InteractionNoted: noted}
