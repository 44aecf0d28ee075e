"""Routes of supervisors about those who wait: another priority, another queue, a ringing offer taken back.

Owns /v1/interactions/{interaction}/priority, …/move and …/recall. Effective at once.
"""

from typing import Final

from acd.api.bodies import Move, NoQuery, Nothing, PriorityChange
from acd.api.interactions import shown
from acd.api.routes import Call, Example, Route
from acd.api.shapes import InteractionShape
from acd.core.messages import MoveInteraction, RecallInteraction, ReprioritizeInteraction

_MAIL: Final = {"interaction": "mail-1"}
_WAITING: Final = ("unknown-interaction", "interaction-ended", "interaction-active", "interaction-scheduled")


async def reprioritize(call: Call[PriorityChange, NoQuery]) -> InteractionShape:
    """Another priority; the place in line follows."""
    interaction_id = call.path("interaction")
    await call.submit(ReprioritizeInteraction(call.command_id(), interaction_id, call.body.priority))
    return shown(call.context, interaction_id)


async def move(call: Call[Move, NoQuery]) -> InteractionShape:
    """Into another queue."""
    body, interaction_id = call.body, call.path("interaction")
    await call.submit(MoveInteraction(call.command_id(), interaction_id, body.queue, body.keep_place, body.reason))
    return shown(call.context, interaction_id)


async def recall(call: Call[Nothing, NoQuery]) -> InteractionShape:
    """Take a ringing interaction back from its agent."""
    interaction_id = call.path("interaction")
    await call.submit(RecallInteraction(call.command_id(), interaction_id))
    return shown(call.context, interaction_id)


ROUTES: Final = (
    Route(
        "reprioritize",
        "interactions",
        "PUT",
        "/v1/interactions/{interaction}/priority",
        "supervisor",
        reprioritize,
        "Another priority for a waiting or ringing interaction; its place in line follows.",
        InteractionShape,
        body=PriorityChange,
        problems=_WAITING,
        example=Example(_MAIL, body={"priority": 5}, after=("enqueue",), shows={"priority": 5}),
    ),
    Route(
        "move",
        "interactions",
        "POST",
        "/v1/interactions/{interaction}/move",
        "supervisor",
        move,
        "Take a waiting or ringing interaction to a queue, its place kept or anew.",
        InteractionShape,
        body=Move,
        problems=(*_WAITING, "unknown-queue"),
        example=Example(_MAIL, body={"queue": "support"}, after=("enqueue",), shows={"queue": "support"}),
    ),
    Route(
        "recall",
        "interactions",
        "POST",
        "/v1/interactions/{interaction}/recall",
        "supervisor",
        recall,
        "Take a ringing interaction back; its agent is not asked again before the queue's `retry_after`.",
        InteractionShape,
        problems=("unknown-interaction", "interaction-ended", "interaction-not-offered"),
        example=Example(_MAIL, after=("enqueue", "sign_in"), shows={"state": "queued"}),
    ),
)
