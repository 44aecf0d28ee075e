"""The route for many interactions at once: POST /v1/interactions/batch. Owns how one request becomes many commands.

Must not know what becomes of a request with a key (`acd.api.once`), but that each command needs a key of its own then.
All are handed in together, so that they are committed together as far as there is room; the journal's order is that of
the request, and each has an outcome of its own. What is malformed, or not for this token, refuses the whole before any
of them is handed in.
"""

import asyncio
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from acd.api.bodies import Enqueue, NoQuery, enqueue_command
from acd.api.interactions import ENTRY_PROBLEMS, entered, reference_of
from acd.api.once import CLIENTS_FAULTS, done_before, reused
from acd.api.problems import Problem, forbidden, of_error
from acd.api.quota import QUOTA
from acd.api.routes import Call, Example, Route
from acd.api.shapes import InteractionShape
from acd.core.messages import EnqueueInteraction
from acd.errors import AcdError, CommandInvalid
from acd.runtime.request_key import numbered

MOST: Final = 100
"""Interactions of one request."""

MOST_BODY: Final = 512 * 1024
"""Bytes of its body."""

_ENTRY_PROBLEMS: Final = ", ".join(code for code in ENTRY_PROBLEMS if code != "personal-store-unavailable")

SERVERS_FAULT: Final = 500
"""From this status on it is not the request's fault, and it may succeed when it is repeated."""


class EnqueueBatch(Struct, forbid_unknown_fields=True):
    """Customers who ask for an agent, in the order in which they came. Each as for POST /v1/interactions."""

    interactions: Annotated[list[Enqueue], Meta(min_length=1, max_length=MOST)]


class NotEntered(Struct):
    """Why one of them is not there: what would have been the answer's status, and its problem document's words."""

    status: int
    code: str
    detail: str


class Entered(Struct):
    """What became of one: the interaction as it stands, or why there is none."""

    interaction: InteractionShape | None
    problem: NotEntered | None


class EnteredBatch(Struct):
    """What became of each, in the order of the request."""

    results: list[Entered]


async def enqueue_batch(call: Call[EnqueueBatch, NoQuery]) -> EnteredBatch:
    """New interactions. Each has an outcome of its own."""
    _check_scope(call)
    _count(call)
    parts = await _parts(call)
    # At once, so that all of their people are stored by one commit.
    commands = await asyncio.gather(*(_command(number, part) for number, part in enumerate(parts)))
    # Tasks begin in this order, and each hands in before it waits for anything.
    results = await asyncio.gather(*map(_enter, parts, commands))
    call.carried_out = all(each.problem is None or each.problem.status < SERVERS_FAULT for each in results)
    return EnteredBatch(results)


def _check_scope(call: Call[EnqueueBatch, NoQuery]) -> None:
    scope = call.who.scope
    if scope is None:
        return
    for number, body in enumerate(call.body.interactions):
        try:
            call.context.sight.check_body(scope, body)
        except Problem as problem:
            raise forbidden(f"interactions[{number}].{problem.detail}") from None


def _count(call: Call[EnqueueBatch, NoQuery]) -> None:
    """Each interaction counts as a request of the token; the first one has been counted."""
    call.request.app[QUOTA].spend_more(call.who, call.context.now_us(), len(call.body.interactions) - 1)


async def _parts(call: Call[EnqueueBatch, NoQuery]) -> list[Call[Any, NoQuery]]:
    """A call for each, with a key of its own if the request has one, and what became of that before."""
    key, repeats = call.key, call.context.repeats
    keys = [None if key is None else numbered(key, number) for number in range(len(call.body.interactions))]
    parts = [
        Call(call.request, call.who, call.query, body, b"", own)
        for body, own in zip(call.body.interactions, keys, strict=True)
    ]
    if key is not None and repeats is not None:
        # The first one may be unknown though others are there: where the engine had no room for it.
        found = await asyncio.gather(*(repeats.find(own.name) for own in keys if own is not None))
        for part, known in zip(parts, found, strict=True):
            if known is not None and not key.fits(known.fingerprint):
                raise reused()
            part.known = known
    return parts


async def _command(number: int, part: Call[Enqueue, NoQuery]) -> EnqueueInteraction:
    """As for a single one. The person of a repetition is in the store already."""
    try:
        customer = part.body.customer
        reference = "" if part.is_repetition() else await reference_of(part.context.router.remember, customer)
        return enqueue_command(part.body, part.command_id(), reference)
    except CommandInvalid as error:
        raise CommandInvalid(f"interactions[{number}].{error}") from None


async def _enter(part: Call[Enqueue, NoQuery], command: EnqueueInteraction) -> Entered:
    """One of them."""
    try:
        await part.submit(command)
        return Entered(entered(part, command.interaction_id), None)
    except Problem as error:
        problem = error
        if part.known is not None and part.refusal is None and error.status in CLIENTS_FAULTS:
            problem = done_before(part.known)
    except AcdError as error:
        known = of_error(error)
        if known is None:
            raise
        problem = known
    return Entered(None, NotEntered(problem.status, problem.code, problem.detail))


ROUTES: Final = (
    Route(
        "enqueue_batch",
        "interactions",
        "POST",
        "/v1/interactions/batch",
        "supervisor",
        enqueue_batch,
        f"Up to {MOST} customers ask for an agent, in the order of the list; each has an outcome of its own.",
        EnteredBatch,
        body=EnqueueBatch,
        problems=("personal-store-unavailable", "too-many-requests"),
        example=Example(
            body={"interactions": [{"id": "mail-1", "queue": "sales", "channel": "email"}]},
        ),
        notes=(
            "For a dialler's list, a mailbox or another system's backlog: many at once cost far less than one by one."
            f" Where one is not taken, `problem` has what would answer a single one: {_ENTRY_PROBLEMS}."
            " What is malformed or not for this token refuses the whole. With an Idempotency-Key, a repetition hands in"
            " only what was not carried out. Each counts as a request of the token; more than its burst, as its burst."
        ),
        most_body=MOST_BODY,
        scoped=True,
    ),
)
