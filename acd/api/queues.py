"""Routes about queues and decisions: /v1/queues/…, /v1/decisions. For the roles system and supervisor."""

from itertools import islice
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from acd.api.bodies import Close, NoQuery, Nothing
from acd.api.pages import PageQuery, page_by_id
from acd.api.problems import not_found
from acd.api.queue_shapes import DecisionList, QueuePage, QueueShape, decision_shape, queue_shape
from acd.api.routes import Call, Example, Route
from acd.core.messages import CloseQueue, OpenQueue
from acd.runtime.view import DECISIONS_KEPT

DECISIONS_SHOWN: Final = 50
"""Decisions of one answer, unless `limit` says otherwise."""

_SALES: Final = {"queue": "sales"}


class DecisionQuery(Struct, frozen=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=DECISIONS_KEPT, description="Decisions of one answer.")] = DECISIONS_SHOWN


async def list_queues(call: Call[Nothing, PageQuery]) -> QueuePage:
    """Queues by id, in pages."""
    context = call.context
    view, now_us = context.view, context.now_us()
    scope = call.who.scope
    seen = view.queues if scope is None else filter(scope.has_queue, view.queues)
    ids, next_cursor = page_by_id(seen, call.query)
    return QueuePage([queue_shape(view, context.router.waits, view.queues[each], now_us) for each in ids], next_cursor)


async def show_queue(call: Call[Nothing, NoQuery]) -> QueueShape:
    """One queue."""
    return _queue(call)


async def open_queue(call: Call[Nothing, NoQuery]) -> QueueShape:
    """It takes interactions from now on."""
    _queue(call)
    await call.submit(OpenQueue(call.command_id(), call.path("queue")))
    return _queue(call)


async def close_queue(call: Call[Close, NoQuery]) -> QueueShape:
    """Whoever comes in from now on meets its `when_closed`."""
    _queue(call)
    await call.submit(CloseQueue(call.command_id(), call.path("queue"), call.body.reason))
    return _queue(call)


async def list_decisions(call: Call[Nothing, DecisionQuery]) -> DecisionList:
    """The last decisions with their reasons, newest first."""
    scope, sight = call.who.scope, call.context.sight
    newest = reversed(call.context.view.decisions)
    seen = (each for each in newest if scope is None or sight.decision(scope, each))
    return DecisionList([decision_shape(decision) for decision in islice(seen, call.query.limit)])


def _queue(call: Call[Any, Any]) -> QueueShape:
    context = call.context
    row = context.view.queues.get(call.path("queue"))
    if row is None:
        raise not_found("queue")
    return queue_shape(context.view, context.router.waits, row, context.now_us())


ROUTES: Final = (
    Route(
        "list_queues",
        "queues",
        "GET",
        "/v1/queues",
        "supervisor",
        list_queues,
        "Queues by id, in pages: who waits, since when, how long a newcomer will.",
        QueuePage,
        query=PageQuery,
        example=Example(query={"limit": "10"}, after=("enqueue",)),
        live=True,
        scoped=True,
    ),
    Route(
        "show_queue",
        "queues",
        "GET",
        "/v1/queues/{queue}",
        "supervisor",
        show_queue,
        "One queue.",
        QueueShape,
        example=Example(_SALES, after=("enqueue",), shows={"id": "sales", "waiting": 1}),
        live=True,
        scoped=True,
    ),
    Route(
        "open_queue",
        "queues",
        "POST",
        "/v1/queues/{queue}/open",
        "supervisor",
        open_queue,
        "The queue takes interactions from now on.",
        QueueShape,
        problems=("unknown-queue",),
        example=Example(_SALES, after=("close_queue",), shows={"closed": None}),
        notes="A queue with business hours is opened and closed by them again at their next change.",
        scoped=True,
    ),
    Route(
        "close_queue",
        "queues",
        "POST",
        "/v1/queues/{queue}/close",
        "supervisor",
        close_queue,
        "Whoever comes in from now on meets the queue's `when_closed`; those who wait already stay.",
        QueueShape,
        body=Close,
        problems=("unknown-queue",),
        example=Example(_SALES, body={"reason": "fire drill"}, shows={"closed": "fire drill"}),
        scoped=True,
    ),
    Route(
        "list_decisions",
        "queues",
        "GET",
        "/v1/decisions",
        "supervisor",
        list_decisions,
        "The last decisions with their reasons, newest first.",
        DecisionList,
        query=DecisionQuery,
        example=Example(query={"limit": "1"}, after=("enqueue", "sign_in")),
        live=True,
        scoped=True,
    ),
)
