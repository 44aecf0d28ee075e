"""What the view makes of events about handing customers on, from agent to agent.

Owns these folds. Must not know the other events, nor who asks the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acd.core.messages import AgentLeft, ConsultMerged, Event, InteractionTransferred

if TYPE_CHECKING:
    from collections.abc import Callable

    from acd.runtime.view import View


def table(view: View) -> dict[type[Event], Callable[[Any], None]]:
    """Event → what it does to the view's rows."""
    interactions, agents = view.interactions, view.agents

    def transferred(event: InteractionTransferred) -> None:
        row = interactions[event.interaction_id]
        row.agent_id = row.offer_id = ""
        row.waited_us = None
        if not event.with_context:
            row.requirement, row.attributes = "", ()
        view.move(row, "queued")

    def merged(event: ConsultMerged) -> None:
        child, parent = interactions[event.consult_id], interactions[event.interaction_id]
        work = agents[event.agent_id].work
        item = work[parent.id] = work.pop(child.id)
        item.interaction_id, item.state, item.since_us = parent.id, "active", view.at_us
        item.wants_wrap_up, item.disposition = False, ""
        parent.open_work += 1
        child.open_work -= 1
        view.forget_if_done(child)
        if event.how == "conference":
            parent.participants = (*parent.participants, (item.offer_id, item.agent_id))
        else:
            parent.offer_id, parent.agent_id, parent.since_us = item.offer_id, item.agent_id, view.at_us

    def left(event: AgentLeft) -> None:
        row = interactions[event.interaction_id]
        row.participants = tuple(each for each in row.participants if each[1] not in (event.agent_id, event.owner))
        if row.agent_id == event.agent_id:
            item = agents[event.owner].work[row.id]
            row.offer_id, row.agent_id, row.since_us = item.offer_id, item.agent_id, item.since_us

    return {InteractionTransferred: transferred, ConsultMerged: merged, AgentLeft: left}
