"""What the view makes of events about handing customers on, from agent to agent.

Owns these folds. Must not know the other events, nor who asks the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acd.core.messages import Event, InteractionTransferred

if TYPE_CHECKING:
    from collections.abc import Callable

    from acd.runtime.view import View


def table(view: View) -> dict[type[Event], Callable[[Any], None]]:
    """Event → what it does to the view's rows."""
    interactions = view.interactions

    def transferred(event: InteractionTransferred) -> None:
        row = interactions[event.interaction_id]
        row.agent_id = row.offer_id = ""
        row.waited_us = None
        if not event.with_context:
            row.requirement, row.attributes = "", ()
        view.move(row, "queued")

    return {InteractionTransferred: transferred}
