"""What the view makes of events about conversations under way and after-call work.

Owns these folds. Must not know the other events, nor who asks the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acd.core.messages import (
    DispositionSet,
    Event,
    WorkHeld,
    WorkResumed,
    WrapUpExtended,
    WrapUpRequested,
    WrapUpStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from acd.runtime.view import View


def table(view: View) -> dict[type[Event], Callable[[Any], None]]:
    """Event → what it does to the view's rows."""
    agents = view.agents

    def held(event: WorkHeld) -> None:
        agents[event.agent_id].work[event.interaction_id].state = "held"

    def resumed(event: WorkResumed) -> None:
        agents[event.agent_id].work[event.interaction_id].state = "active"

    def wrap_up_started(event: WrapUpStarted) -> None:
        item = agents[event.agent_id].work[event.interaction_id]
        item.state, item.since_us, item.deadline_us = "wrap-up", view.at_us, event.until_us
        item.queue = view.interactions[event.interaction_id].queue

    def wrap_up_extended(event: WrapUpExtended) -> None:
        agents[event.agent_id].work[event.interaction_id].deadline_us = event.until_us

    def wrap_up_requested(event: WrapUpRequested) -> None:
        agents[event.agent_id].work[event.interaction_id].wants_wrap_up = True

    def disposition_set(event: DispositionSet) -> None:
        agents[event.agent_id].work[event.interaction_id].disposition = event.code

    return {
        WorkHeld: held,
        WorkResumed: resumed,
        WrapUpStarted: wrap_up_started,
        WrapUpExtended: wrap_up_extended,
        WrapUpRequested: wrap_up_requested,
        DispositionSet: disposition_set,
    }
