"""Routes about those who wait: what is known better, another priority, another queue, a ringing offer taken back.

Owns PATCH /v1/interactions/{interaction}, …/priority, …/move and …/recall. Effective at once.
"""

from typing import Final

from msgspec import UNSET

from acd.api.bodies import Move, NoQuery, Nothing, PriorityChange, Update
from acd.api.interactions import reference_of, shown
from acd.api.routes import Call, Example, Route
from acd.api.shapes import InteractionShape
from acd.core.messages import MoveInteraction, RecallInteraction, ReprioritizeInteraction, UpdateInteraction

_MAIL: Final = {"interaction": "mail-1"}
_WAITING: Final = (
    "unknown-interaction",
    "interaction-ended",
    "interaction-active",
    "interaction-scheduled",
    "interaction-reaching",
)


async def update(call: Call[Update, NoQuery]) -> InteractionShape:
    """What a look-up, a classifier or an agent has found out."""
    body, interaction_id = call.body, call.path("interaction")
    wishes = body.preferences
    # The person of a repetition is in the store already.
    customer = "" if call.is_repetition() else await reference_of(call.context.router.remember, body.customer)
    command = UpdateInteraction(
        call.command_id(),
        interaction_id,
        tuple(sorted((name, value) for name, value in body.attributes.items() if value is not None)),
        tuple(sorted(name for name, value in body.attributes.items() if value is None)),
        customer,
        None if body.requirement is UNSET else body.requirement or "",
        None if wishes is UNSET else tuple(wish.preference() for wish in wishes or ()),
        None if body.preferred_agent is UNSET else body.preferred_agent or "",
    )
    await call.submit(command)
    return shown(call.context, interaction_id)


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
        "update_interaction",
        "interactions",
        "PATCH",
        "/v1/interactions/{interaction}",
        "supervisor",
        update,
        "What has become known about a live interaction: attributes, the customer, what it needs, whom it prefers.",
        InteractionShape,
        body=Update,
        problems=(
            "unknown-interaction",
            "interaction-ended",
            "interaction-active",
            "too-many-attributes",
            "customer-known",
            "duplicate-callback",
            "bad-requirement",
            "unknown-skill",
            "bad-consult",
            "personal-store-unavailable",
        ),
        example=Example(
            _MAIL,
            body={"attributes": {"topic": "invoice", "language": None}, "requirement": "skills.english >= 5"},
            after=("enqueue",),
            shows={"attributes": {"topic": "invoice"}, "requirement": "skills.english >= 5"},
        ),
        notes="A merge patch (RFC 7396), sent as `application/json`. Whoever waits is routed anew at its place in line;"
        " what rings goes on ringing. Once an agent has accepted, only attributes and customer can change.",
        scoped=True,
    ),
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
        scoped=True,
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
        scoped=True,
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
        scoped=True,
    ),
)
