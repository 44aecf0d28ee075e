"""Routes about interactions: /v1/interactions/…. Owns entering, showing, listing and ending.

Must not know how customers' data are stored: it hands them to the router and passes on the reference. What supervisors
do to those who wait is in `acd.api.supervision`.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from heapq import merge
from itertools import islice
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from msgspec import UNSET, Meta, Struct, UnsetType

from acd.api.bodies import End, Enqueue, NoQuery, Nothing, Person, Why, enqueue_command
from acd.api.context import Api
from acd.api.pages import DEFAULT_PAGE, Cursor, Limit, cursor_of_order, order_of
from acd.api.problems import not_found
from acd.api.routes import Call, Created, Example, Route
from acd.api.shapes import InteractionPage, InteractionShape, customer_shape, interaction_shape
from acd.core.messages import CancelInteraction, EndInteraction, RequeueInteraction
from acd.core.messages.types import Text
from acd.errors import CommandInvalid
from acd.ports.channel import Personal
from acd.runtime.records import InteractionRecord
from acd.runtime.view import INTERACTION_ENDS, View

InteractionStateName = Literal[
    "queued",
    "offered",
    "active",
    "scheduled",
    "reaching",
    "completed",
    "abandoned",
    "cancelled",
    "overflowed",
    "failed",
]

ENTRY_PROBLEMS: Final = (
    "duplicate-interaction",
    "unknown-queue",
    "bad-requirement",
    "unknown-skill",
    "queue-closed",
    "queue-unstaffed",
    "queue-full",
    "personal-store-unavailable",
)
"""What whoever comes in can meet."""

_LIKE_A_NUMBER = re.compile(r"\+?[\d\s().-]{7,}")
_MAIL: Final = {"interaction": "mail-1"}


class InteractionFilter(Struct, frozen=True):
    """Which interactions."""

    state: Annotated[InteractionStateName, Meta(description="Without it: all that live.")] | UnsetType = UNSET
    queue: Annotated[str, Meta(description="In this queue.")] = ""
    channel: Annotated[str, Meta(description="Of this channel.")] = ""
    agent: Annotated[str, Meta(description="Offered to this agent, or theirs now or last.")] = ""
    customer: Annotated[str, Meta(description="Of the customer with this reference.")] = ""
    kind: Annotated[Literal["live", "callback"], Meta(description="Only these.")] | UnsetType = UNSET
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = ""


class Reveal(Struct, frozen=True):
    """How much is shown of a customer."""

    reveal: Annotated[bool, Meta(description="Number and name in full; for the roles supervisor and system.")] = False


class Reason(Struct, frozen=True):
    """Why."""

    reason: Annotated[Text, Meta(description="What is noted as the reason.")] = ""


async def list_interactions(call: Call[Nothing, InteractionFilter]) -> InteractionPage:
    """Live interactions in order of arrival; with `state` also the last ended ones. In pages, by `cursor`."""
    asked, who, context = call.query, call.who, call.context
    lives = context.router.events.lives
    after = await order_of(asked.cursor, lives)
    rows = (
        row
        for row in _rows(context.view, asked, after)
        if (after is None or row.order > after) and _is_wanted(row, asked) and who.sees(row)
    )
    page = list(islice(rows, asked.limit + 1))
    more = len(page) > asked.limit
    now_us = context.now_us()
    shapes = [interaction_shape(row, now_us) for row in page[: asked.limit]]
    return InteractionPage(shapes, cursor_of_order(page[asked.limit - 1].order, lives) if more else None)


async def show_interaction(call: Call[Nothing, Reveal]) -> InteractionShape:
    """One interaction, live or among the last ended."""
    reveal, context = call.query.reveal, call.context
    if reveal:
        call.who.require_all()
    customer = None
    if reference := visible(call).customer:
        # Whoever is erased is not to be shown again.
        call.shared = False
        customer = customer_shape(reference, await context.router.recall(reference), reveal=reveal)
    row = visible(call)
    shape = interaction_shape(row, context.now_us())
    if not row.partial:
        shape.position = context.view.queues[row.queue].position(row) if not row.ended_at_us else None
    shape.customer = customer
    return shape


async def enqueue(call: Call[Any, NoQuery]) -> Created:
    """A new interaction, live or a callback. 201 with its address."""
    body: Enqueue = call.body
    context = call.context
    command_id = call.command_id()
    # The person of a repetition is in the store already.
    reference = "" if call.is_repetition() else await reference_of(context.router.remember, body.customer)
    command = enqueue_command(body, command_id, reference)
    await call.submit(command)
    location = f"/v1/interactions/{quote(command.interaction_id, safe='')}"
    return Created(entered(call, command.interaction_id), location)


async def cancel(call: Call[Nothing, Reason]) -> InteractionShape:
    """Take a waiting or ringing interaction out of the queue."""
    interaction_id = call.path("interaction")
    await call.submit(CancelInteraction(call.command_id(), interaction_id, call.query.reason))
    return shown(call.context, interaction_id)


async def end(call: Call[End, NoQuery]) -> InteractionShape:
    """End the conversation, or let a waiting customer go."""
    who, body, interaction_id = call.who, call.body, call.path("interaction")
    if not who.sees_all and not call.is_repetition():
        visible(call)
    by = body.by or ("system" if who.sees_all else "agent")
    if by != "agent":
        who.require_all()
    await call.submit(EndInteraction(call.command_id(), interaction_id, by, body.reason))
    return shown(call.context, interaction_id)


async def requeue(call: Call[Why, NoQuery]) -> InteractionShape:
    """Back to its original place."""
    interaction_id = call.path("interaction")
    await call.submit(RequeueInteraction(call.command_id(), interaction_id, call.body.reason))
    return shown(call.context, interaction_id)


def visible(call: Call[Any, Any]) -> InteractionRecord:
    """The interaction in the path. Raises a Problem with 404 unless whoever asks may see it."""
    row = call.context.view.interaction(call.path("interaction"))
    if row is None or not call.who.sees(row):
        raise not_found("interaction")
    return row


def entered(call: Call[Any, Any], interaction_id: str) -> InteractionShape:
    """An interaction that has come in; by a repetition, whose answer is made anew, only what is in sight by now.

    Raises a Problem with 404.
    """
    row = call.context.view.interaction(interaction_id)
    if call.is_repetition() and row is not None and not call.who.sees(row):
        raise not_found("interaction")
    return shown(call.context, interaction_id)


def shown(context: Api, interaction_id: str) -> InteractionShape:
    """An interaction as it stands after a command. Raises a Problem with 404 when it was forgotten meanwhile."""
    row = context.view.interaction(interaction_id)
    if row is None:
        raise not_found("interaction")
    return interaction_shape(row, context.now_us())


async def reference_of(remember: Callable[[Personal], Awaitable[str]], customer: str | Person) -> str:
    """The customer's reference: as given, or made by storing the person. Nothing that looks like a number passes."""
    if isinstance(customer, Person):
        if not customer.number and not customer.name:
            return ""
        return await remember(Personal(number=customer.number, name=customer.name))
    if _LIKE_A_NUMBER.fullmatch(customer):
        raise CommandInvalid(
            "customer: looks like a number in clear, not like a reference;"
            ' write {"number": "…"} to have it stored encrypted'
        )
    return customer


def _rows(view: View, asked: InteractionFilter, after: int | None) -> Iterator[InteractionRecord]:
    """In order of arrival: the live ones, or all that are known in a state. Of the ended, few that do not fit."""
    live = iter(view.interactions.values())
    if asked.state is UNSET:
        return live
    if asked.state in INTERACTION_ENDS:
        texts = filter(None, (asked.state, asked.queue, asked.channel, asked.agent, asked.customer))
        live = merge(live, view.ended.by_arrival(after, texts), key=lambda row: row.order)
    return (row for row in live if row.state == asked.state)


def _is_wanted(row: InteractionRecord, asked: InteractionFilter) -> bool:
    return (
        asked.queue in ("", row.queue)
        and asked.channel in ("", row.channel)
        and asked.customer in ("", row.customer)
        and asked.kind in {UNSET, row.kind}
        and (asked.agent in ("", row.agent_id) or any(asked.agent == agent_id for _, agent_id in row.pending))
    )


ROUTES: Final = (
    Route(
        "list_interactions",
        "interactions",
        "GET",
        "/v1/interactions",
        "token",
        list_interactions,
        "Live interactions in order of arrival, in pages; with `state` also the last ended ones.",
        InteractionPage,
        query=InteractionFilter,
        example=Example(query={"queue": "sales", "state": "queued"}, after=("enqueue",)),
        notes="A token with the role agent is shown what its agent is asked to take, has, or had last.",
        live=True,
        scoped=True,
    ),
    Route(
        "enqueue",
        "interactions",
        "POST",
        "/v1/interactions",
        "supervisor",
        enqueue,
        "A customer asks for an agent: now, or from `not_before` on.",
        InteractionShape,
        status=201,
        body=Enqueue,
        problems=ENTRY_PROBLEMS,
        example=Example(
            body={
                "id": "mail-1",
                "queue": "sales",
                "channel": "email",
                "attributes": {"language": "en"},
                "customer": {"number": "+86 138 1234 5678"},
            },
            shows={"id": "mail-1", "state": "queued", "queue": "sales"},
        ),
        notes="Number and name go into the encrypted store; the journal knows the reference only.",
        scoped=True,
    ),
    Route(
        "show_interaction",
        "interactions",
        "GET",
        "/v1/interactions/{interaction}",
        "token",
        show_interaction,
        "One interaction, live or among the last ended, with its position in line.",
        InteractionShape,
        query=Reveal,
        problems=("personal-store-unavailable",),
        example=Example(_MAIL, after=("enqueue",), shows={"id": "mail-1", "position": 1}),
        live=True,
        scoped=True,
    ),
    Route(
        "cancel",
        "interactions",
        "DELETE",
        "/v1/interactions/{interaction}",
        "supervisor",
        cancel,
        "Take a waiting, scheduled or ringing interaction out of the queue.",
        InteractionShape,
        query=Reason,
        problems=("unknown-interaction", "interaction-ended", "interaction-active"),
        example=Example(_MAIL, after=("enqueue",), shows={"state": "cancelled"}),
        scoped=True,
    ),
    Route(
        "end",
        "interactions",
        "POST",
        "/v1/interactions/{interaction}/end",
        "token",
        end,
        "End the conversation, or let a waiting customer go.",
        InteractionShape,
        body=End,
        problems=("unknown-interaction", "interaction-ended", "interaction-not-active"),
        example=Example(
            _MAIL, body={"by": "agent"}, after=("enqueue", "sign_in", "accept"), shows={"state": "completed"}
        ),
        notes="A token with the role agent always ends as `agent`.",
        scoped=True,
    ),
    Route(
        "requeue",
        "interactions",
        "POST",
        "/v1/interactions/{interaction}/requeue",
        "supervisor",
        requeue,
        "An active interaction lost its agent through no fault of the customer's: back to its original place.",
        InteractionShape,
        body=Why,
        problems=("unknown-interaction", "interaction-ended", "interaction-not-active"),
        example=Example(
            _MAIL,
            body={"reason": "the agent's browser crashed"},
            after=("enqueue", "sign_in", "accept"),
            shows={"state": "queued"},
        ),
        scoped=True,
    ),
)
