"""Routes about queues and decisions: /v1/queues/…, /v1/decisions. For the roles system and supervisor."""

from itertools import islice
from typing import Final

from aiohttp import web

from acd.api.answers import answer
from acd.api.bodies import parameters, whole_number
from acd.api.context import api, principal
from acd.api.pages import PARAMETERS, page_by_id
from acd.api.problems import not_found
from acd.api.shapes import decision_shape, queue_shape
from acd.runtime.view import DECISIONS_KEPT

DECISIONS_SHOWN: Final = 50
"""Decisions of one answer, unless `limit` says otherwise."""


def add_routes(app: web.Application) -> None:
    """Add them under /v1."""
    app.router.add_get("/v1/queues", list_queues, allow_head=False)
    app.router.add_get("/v1/queues/{queue}", get_queue, allow_head=False)
    app.router.add_get("/v1/decisions", list_decisions, allow_head=False)


async def list_queues(request: web.Request) -> web.Response:
    """Queues by id, in pages."""
    found = parameters(request, PARAMETERS)
    principal().require_all()
    context = api(request)
    view, now_us = context.view, context.now_us()
    ids, next_cursor = page_by_id(view.queues, found)
    shapes = [queue_shape(view, context.router.waits, view.queues[each], now_us) for each in ids]
    return answer({"queues": shapes, "next_cursor": next_cursor})


async def get_queue(request: web.Request) -> web.Response:
    """One queue."""
    parameters(request, frozenset())
    principal().require_all()
    context = api(request)
    row = context.view.queues.get(request.match_info["queue"])
    if row is None:
        raise not_found("queue")
    return answer(queue_shape(context.view, context.router.waits, row, context.now_us()))


async def list_decisions(request: web.Request) -> web.Response:
    """The last decisions with their reasons, newest first."""
    found = parameters(request, frozenset({"limit"}))
    principal().require_all()
    limit = whole_number(found, "limit", DECISIONS_SHOWN, 1, DECISIONS_KEPT)
    decisions = islice(reversed(api(request).view.decisions), limit)
    return answer({"decisions": [decision_shape(decision) for decision in decisions]})
