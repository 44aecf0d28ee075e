"""Routes about one agent's work on one interaction: hold, wrap-up, disposition, transfer.

Owns /v1/agents/{agent}/work/{interaction}/…. Must not know presence or offers.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from acd.api.bodies import Disposition, Extension, NoQuery, Nothing, Transfer, duration_us
from acd.api.numbers import transfer_to_number
from acd.api.problems import not_found
from acd.api.routes import Call, Example, Route
from acd.api.shapes import InteractionShape, interaction_shape
from acd.core.messages import (
    Command,
    EndWrapUp,
    ExtendWrapUp,
    HoldWork,
    RequestWrapUp,
    ResumeWork,
    SetDisposition,
    TransferInteraction,
)

_PATH: Final = {"agent": "anna", "interaction": "mail-1"}
_TALKING: Final = ("enqueue", "sign_in", "accept")
_Simple = HoldWork | ResumeWork | RequestWrapUp | EndWrapUp


def _simple(kind: type[_Simple]) -> Callable[[Call[Nothing, NoQuery]], Awaitable[InteractionShape]]:
    """What hands in a command that needs nothing but who and what."""

    async def change(call: Call[Nothing, NoQuery]) -> InteractionShape:
        return await _about(call, kind(call.command_id(), call.path("agent"), call.path("interaction")))

    return change


async def extend_wrap_up(call: Call[Extension, NoQuery]) -> InteractionShape:
    """More time for the wrap-up of one work item."""
    by_us = duration_us("by", call.body.by)
    return await _about(call, ExtendWrapUp(call.command_id(), call.path("agent"), call.path("interaction"), by_us))


async def set_disposition(call: Call[Disposition, NoQuery]) -> InteractionShape:
    """How the agent's part ended."""
    code = call.body.code
    return await _about(call, SetDisposition(call.command_id(), call.path("agent"), call.path("interaction"), code))


async def transfer(call: Call[Transfer, NoQuery]) -> InteractionShape:
    """The customer goes on to a queue, to another agent, or to a telephone number."""
    body = call.body
    if body.to_number:
        await transfer_to_number(call)
        return _shape(call)
    command = TransferInteraction(
        call.command_id(),
        call.path("interaction"),
        call.path("agent"),
        body.to_queue,
        body.to_agent,
        body.with_context,
        body.reason,
    )
    return await _about(call, command)


async def _about(call: Call[Any, Any], command: Command) -> InteractionShape:
    await call.submit(command)
    return _shape(call)


def _shape(call: Call[Any, Any]) -> InteractionShape:
    context = call.context
    row = context.view.interaction(call.path("interaction"))
    if row is None:
        raise not_found("interaction")
    return interaction_shape(row, context.now_us())


def _route(name: str, summary: str, handler: Callable[..., Any], *problems: str, example: Example) -> Route:
    """A row for POST to NAME of a work item, without a body."""
    path = f"/v1/agents/{{agent}}/work/{{interaction}}/{name.replace('_', '-')}"
    known = ("unknown-agent", "no-such-work", *problems)
    return Route(
        name,
        "work",
        "POST",
        path,
        "agent",
        handler,
        summary,
        InteractionShape,
        problems=known,
        example=example,
        scoped=True,
    )


ROUTES: Final = (
    _route(
        "hold",
        "Put the customer on hold.",
        _simple(HoldWork),
        "work-not-active",
        example=Example(_PATH, after=_TALKING, shows={"state": "active"}),
    ),
    _route(
        "resume",
        "Take the customer back from hold.",
        _simple(ResumeWork),
        "work-not-held",
        example=Example(_PATH, after=(*_TALKING, "hold"), shows={"state": "active"}),
    ),
    _route(
        "request_wrap_up",
        "Ask for after-call work, in a queue that grants it for the asking.",
        _simple(RequestWrapUp),
        "work-not-active",
        "wrap-up-not-optional",
        example=Example(_PATH, after=("enqueue", "move", "sign_in", "accept"), shows={"queue": "support"}),
    ),
    _route(
        "end_wrap_up",
        "The after-call work is done.",
        _simple(EndWrapUp),
        "not-in-wrap-up",
        "disposition-required",
        example=Example(_PATH, after=(*_TALKING, "end"), shows={"state": "completed"}),
    ),
    Route(
        "extend_wrap_up",
        "work",
        "POST",
        "/v1/agents/{agent}/work/{interaction}/extend-wrap-up",
        "agent",
        extend_wrap_up,
        "More time for after-call work, up to what the queue allows.",
        InteractionShape,
        body=Extension,
        problems=("unknown-agent", "no-such-work", "not-in-wrap-up", "wrap-up-not-extendable", "wrap-up-limit"),
        example=Example(_PATH, body={"by": "30s"}, after=(*_TALKING, "end"), shows={"state": "completed"}),
        scoped=True,
    ),
    Route(
        "set_disposition",
        "work",
        "PUT",
        "/v1/agents/{agent}/work/{interaction}/disposition",
        "agent",
        set_disposition,
        "How the agent's part ended, by one of the queue's codes; the last one counts.",
        InteractionShape,
        body=Disposition,
        problems=("unknown-agent", "no-such-work", "work-not-active", "unknown-disposition"),
        example=Example(_PATH, body={"code": "solved"}, after=_TALKING, shows={"state": "active"}),
        scoped=True,
    ),
    Route(
        "transfer",
        "work",
        "POST",
        "/v1/agents/{agent}/work/{interaction}/transfer",
        "agent",
        transfer,
        "Hand the customer on: to a queue, to an agent who is asked first, or to both.",
        InteractionShape,
        body=Transfer,
        problems=(
            "unknown-agent",
            "unknown-interaction",
            "interaction-ended",
            "interaction-not-active",
            "no-such-work",
            "in-conference",
            "bad-target",
            "unknown-queue",
            "queue-closed",
            "queue-unstaffed",
            "queue-full",
            "no-numbers",
            "number-not-allowed",
            "channel-unavailable",
        ),
        example=Example(
            _PATH,
            body={"to_queue": "support", "with_context": True},
            after=_TALKING,
            shows={"state": "queued", "queue": "support"},
        ),
        notes="`to_number`, in the place of both, is a telephone number which the channel dials, if its configuration"
        " allows that one: the interaction ends, `transferred-out`.",
        scoped=True,
    ),
)
