"""Routes about interactions and offers: /v1/interactions/…, /v1/offers/….

Owns entering, ending, accepting and declining over HTTP. Must not know how customers' data are stored: it
hands them to the router and passes on the reference.
"""

import re
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Final
from urllib.parse import quote

from aiohttp import web

from acd.api.answers import answer
from acd.api.bodies import Accept, Decline, End, Enqueue, Person, decode, flag, parameters, read
from acd.api.context import Api, api, principal
from acd.api.pages import PARAMETERS, cursor_of, limit_of, order_of
from acd.api.problems import Problem, not_found
from acd.api.shapes import customer_shape, interaction_shape
from acd.core.messages import AcceptOffer, CancelInteraction, DeclineOffer, EndInteraction, EnqueueInteraction
from acd.core.states import interaction as interaction_states
from acd.errors import CommandInvalid
from acd.ports.channel import Personal
from acd.runtime.records import InteractionRecord

_LIKE_A_NUMBER = re.compile(r"\+?[\d\s().-]{7,}")
_FILTERS: Final = frozenset({"state", "queue", "channel"}) | PARAMETERS


def add_routes(app: web.Application) -> None:
    """Add them under /v1/interactions and /v1/offers."""
    add = app.router
    add.add_get("/v1/interactions", list_interactions, allow_head=False)
    add.add_post("/v1/interactions", enqueue)
    add.add_get("/v1/interactions/{interaction}", get_interaction, allow_head=False)
    add.add_delete("/v1/interactions/{interaction}", cancel)
    add.add_post("/v1/interactions/{interaction}/end", end)
    add.add_post("/v1/offers/{offer}/accept", accept)
    add.add_post("/v1/offers/{offer}/decline", decline)


async def list_interactions(request: web.Request) -> web.Response:
    """Live interactions in order of arrival; with `state` also the last ended ones. In pages, by `cursor`."""
    found = parameters(request, _FILTERS)
    limit = limit_of(found)
    state = found.get("state")
    if state is not None and state not in interaction_states.TABLE:
        raise Problem(400, "invalid-parameter", f"state: has to be one of {', '.join(interaction_states.TABLE)}.")
    after = order_of(found)
    context, who = api(request), principal()
    rows = (
        row
        for row in _rows(context, state)
        if (after is None or row.order > after)
        and row.queue == found.get("queue", row.queue)
        and row.channel == found.get("channel", row.channel)
        and who.sees(row)
    )
    page = list(islice(rows, limit + 1))
    more = len(page) > limit
    now_us = context.now_us()
    shapes = [interaction_shape(row, now_us) for row in page[:limit]]
    return answer({"interactions": shapes, "next_cursor": cursor_of(str(page[limit - 1].order)) if more else None})


async def get_interaction(request: web.Request) -> web.Response:
    """One interaction, live or among the last ended. `reveal=true` shows number and name in full."""
    reveal = flag(parameters(request, frozenset({"reveal"})), "reveal")
    if reveal:
        principal().require_all()
    row = _visible(request)
    context = api(request)
    shape = interaction_shape(row, context.now_us())
    if not row.partial:
        shape.position = context.view.queues[row.queue].position(row) if not row.ended_at_us else None
    if row.customer:
        reference = row.customer
        shape.customer = customer_shape(reference, await context.router.recall(reference), reveal=reveal)
    return answer(shape)


async def enqueue(request: web.Request) -> web.Response:
    """A new interaction. 201 with its address."""
    principal().require_all()
    raw = await read(request)
    body = decode(raw, Enqueue)
    context = api(request)
    command_id = context.command_id(request, raw)
    command = EnqueueInteraction(
        command_id,
        interaction_id=body.id or command_id,
        channel=body.channel,
        queue=body.queue,
        requirement=body.requirement,
        preferences=tuple(wish.preference() for wish in body.preferences),
        priority=body.priority,
        attributes=tuple(sorted(body.attributes.items())),
        customer=await _reference(context, body.customer),
        preferred_agent=body.preferred_agent,
    )
    await context.submit(command)
    row = context.view.interaction(command.interaction_id)
    if row is None:
        raise not_found("interaction")
    location = f"/v1/interactions/{quote(command.interaction_id, safe='')}"
    return answer(interaction_shape(row, context.now_us()), 201, {"Location": location})


async def cancel(request: web.Request) -> web.Response:
    """Take a waiting or ringing interaction out of the queue."""
    principal().require_all()
    reason = parameters(request, frozenset({"reason"})).get("reason", "")
    context = api(request)
    interaction_id = request.match_info["interaction"]
    await context.submit(CancelInteraction(context.command_id(request, b""), interaction_id, reason))
    return _interaction(context, interaction_id)


async def end(request: web.Request) -> web.Response:
    """End the conversation, or let a waiting customer go."""
    who, context = principal(), api(request)
    interaction_id = request.match_info["interaction"]
    if not who.sees_all:
        _visible(request)
    raw = await read(request)
    body = decode(raw, End)
    by = body.by or ("system" if who.sees_all else "agent")
    if by != "agent":
        who.require_all()
    await context.submit(EndInteraction(context.command_id(request, raw), interaction_id, by, body.reason))
    return _interaction(context, interaction_id)


async def accept(request: web.Request) -> web.Response:
    """The agent takes the offer."""
    raw = await read(request)
    agent_id = _acting(decode(raw, Accept).agent_id)
    context, offer_id = api(request), request.match_info["offer"]
    await context.submit(AcceptOffer(context.command_id(request, raw), offer_id, agent_id))
    return _interaction(context, offer_id.rpartition(".")[0])


async def decline(request: web.Request) -> web.Response:
    """The agent refuses the offer."""
    raw = await read(request)
    body = decode(raw, Decline)
    agent_id = _acting(body.agent_id)
    context, offer_id = api(request), request.match_info["offer"]
    await context.submit(DeclineOffer(context.command_id(request, raw), offer_id, agent_id, body.reason))
    return answer({"offer_id": offer_id, "outcome": "declined"})


def _acting(agent_id: str | None) -> str:
    """The agent for whom an offer is answered: the one named, or the token's own."""
    who = principal()
    if agent_id is None:
        if not who.agent:
            raise Problem(422, "missing-field", "agent_id: is required.")
        return who.agent
    if not who.sees_all and agent_id != who.agent:
        raise Problem(403, "forbidden", "agent_id: this token may answer its own agent's offers only.")
    return agent_id


def _visible(request: web.Request) -> InteractionRecord:
    """The interaction in the path, if whoever asks may see it."""
    row = api(request).view.interaction(request.match_info["interaction"])
    if row is None or not principal().sees(row):
        raise not_found("interaction")
    return row


def _interaction(context: Api, interaction_id: str) -> web.Response:
    row = context.view.interaction(interaction_id)
    if row is None:
        raise not_found("interaction")
    return answer(interaction_shape(row, context.now_us()))


async def _reference(context: Api, customer: str | Person) -> str:
    """The customer's reference: as given, or made by storing the person. Nothing that looks like a number passes."""
    if isinstance(customer, Person):
        if not customer.number and not customer.name:
            return ""
        return await context.router.remember(Personal(number=customer.number, name=customer.name))
    if _LIKE_A_NUMBER.fullmatch(customer):
        raise CommandInvalid(
            "customer: looks like a number in clear, not like a reference;"
            ' write {"number": "…"} to have it stored encrypted'
        )
    return customer


def _rows(context: Api, state: str | None) -> Iterator[InteractionRecord]:
    """In order of arrival: the live ones, or all that are known in a state."""
    live = iter(context.view.interactions.values())
    if state is None:
        return live
    ended = sorted(context.view.ended.values(), key=lambda row: row.order)
    return (row for row in merge(live, ended, key=lambda row: row.order) if row.state == state)
