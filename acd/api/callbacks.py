"""Routes about callbacks: /v1/callbacks…, …/call-back.

Owns asking for one, taking one instead of waiting, and noting that nobody was reached.

A callback is an interaction that waits in the customer's place: shown, listed, moved, cancelled and ended like any
other (`acd.api.interactions`).
"""

from typing import Final

from acd.api.bodies import CallbackRequest, NoQuery, Why
from acd.api.interactions import ENTRY_PROBLEMS, enqueue, shown, visible
from acd.api.routes import Call, Example, Route
from acd.api.shapes import InteractionShape
from acd.core.messages import CallBackInteraction, FailCallback


async def fail_callback(call: Call[Why, NoQuery]) -> InteractionShape:
    """Nobody was reached."""
    interaction_id = call.path("interaction")
    if not call.who.sees_all and not call.is_repetition():
        visible(call)
    await call.submit(FailCallback(call.command_id(), interaction_id, call.body.reason))
    return shown(call.context, interaction_id)


async def call_back(call: Call[Why, NoQuery]) -> InteractionShape:
    """The customer would rather be called back."""
    interaction_id = call.path("interaction")
    await call.submit(CallBackInteraction(call.command_id(), interaction_id, call.body.reason or "callback"))
    return shown(call.context, interaction_id)


ROUTES: Final = (
    Route(
        "call_back",
        "callbacks",
        "POST",
        "/v1/interactions/{interaction}/call-back",
        "supervisor",
        call_back,
        "A customer who waits would rather be called back: the callback `ID~cb` has their place, and they are let go.",
        InteractionShape,
        body=Why,
        problems=(
            "unknown-interaction",
            "interaction-ended",
            "interaction-active",
            "interaction-scheduled",
            "interaction-reaching",
            "duplicate-callback",
            "callback-impossible",
        ),
        example=Example(
            {"interaction": "mail-1"}, body={"reason": "callback"}, after=("enqueue",), shows={"state": "overflowed"}
        ),
        scoped=True,
    ),
    Route(
        "request_callback",
        "callbacks",
        "POST",
        "/v1/callbacks",
        "supervisor",
        enqueue,
        "A customer wants to be called back: as soon as somebody is free, or from `not_before` on.",
        InteractionShape,
        status=201,
        body=CallbackRequest,
        problems=(*ENTRY_PROBLEMS, "duplicate-callback"),
        example=Example(
            body={"id": "mail-1", "queue": "sales", "customer": {"number": "+86 138 1234 5678"}},
            shows={"id": "mail-1", "kind": "callback", "state": "queued"},
        ),
        notes="Listed by GET /v1/interactions?kind=callback; moved, cancelled and ended like any interaction.",
        scoped=True,
    ),
    Route(
        "fail_callback",
        "callbacks",
        "POST",
        "/v1/callbacks/{interaction}/fail",
        "token",
        fail_callback,
        "The customer of a callback was not reached: tried again later, as often as the queue says.",
        InteractionShape,
        body=Why,
        problems=("unknown-interaction", "interaction-ended", "not-a-callback", "interaction-not-active"),
        example=Example(
            {"interaction": "mail-1"},
            body={"reason": "no answer"},
            after=("request_callback", "sign_in", "accept"),
            shows={"state": "scheduled", "attempts": 1},
        ),
        notes="A token with the role agent fails callbacks that its own agent has. Advisers leave them, too.",
        scoped=True,
    ),
)
