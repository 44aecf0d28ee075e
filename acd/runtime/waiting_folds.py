"""The view's folds of events about queues that open and close, and about what happens to those who wait.

Owns what these events do to the rows. Must not know the rest of the view.
"""

from collections.abc import Callable, Mapping
from typing import Any

from acd.core.messages import (
    Event,
    HoldEnded,
    HoldStarted,
    InteractionMoved,
    InteractionRelaxed,
    InteractionReprioritized,
    LevelOpened,
    QueueClosed,
    QueueOpened,
)
from acd.runtime.records import InteractionRecord, QueueRecord


def table(
    queues: Mapping[str, QueueRecord], interactions: Mapping[str, InteractionRecord]
) -> dict[type[Event], Callable[[Any], None]]:
    """Kind of event → what folds it, into these rows."""

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

    def reprioritized(event: InteractionReprioritized) -> None:
        interactions[event.interaction_id].priority = event.priority

    def level_opened(event: LevelOpened) -> None:
        interactions[event.interaction_id].reach = event.level

    def relaxed(event: InteractionRelaxed) -> None:
        interactions[event.interaction_id].priority = event.priority

    def hold_started(event: HoldStarted) -> None:
        interactions[event.interaction_id].held_for = event.agent_id

    def hold_ended(event: HoldEnded) -> None:
        interactions[event.interaction_id].held_for = ""

    return {
        QueueOpened: opened,
        QueueClosed: closed,
        InteractionMoved: moved,
        InteractionReprioritized: reprioritized,
        LevelOpened: level_opened,
        InteractionRelaxed: relaxed,
        HoldStarted: hold_started,
        HoldEnded: hold_ended,
    }
