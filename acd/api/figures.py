"""Routes of figures by interval: /v1/figures/{scope}/{id}. For the roles system and supervisor."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from acd.api.answers import answer
from acd.api.bodies import parameters, whole_number
from acd.api.context import api, principal
from acd.api.problems import Problem, not_found
from acd.api.shapes import moment, seconds
from acd.runtime.tallies import CALENDAR_US, DENOMINATORS, FINE_KEPT, FINE_US, Counts, Tally

SCOPES: Final = ("queue", "agent", "channel")
LONGEST_SECONDS: Final = (FINE_KEPT - 1) * FINE_US // 1_000_000
"""Longest sliding window."""


class FiguresShape(Struct):
    """Figures of one queue, agent or channel.

    `counts`: plain counts, and sums in µs. `service_level` by what it is a share of. `speed_of_answer_seconds` (ASA)
    and `handling_seconds` (AHT) are means; ratios run from 0 to 1. What has no denominator yet is null.
    """

    scope: str
    id: str
    begins_at: str | None
    ends_at: str
    counts: dict[str, int]
    service_level: dict[str, float | None]
    speed_of_answer_seconds: float | None
    handling_seconds: float | None
    abandonment: float | None
    abandonment_without_short: float | None
    longest_wait_seconds: float
    occupancy: float | None


def add_routes(app: web.Application) -> None:
    """Add them under /v1."""
    app.router.add_get("/v1/figures/{scope}/{id}", get_figures, allow_head=False)


async def get_figures(request: web.Request) -> web.Response:
    """Of the last so many seconds (`last`), of calendar intervals (`from`, `to`), or since the figures began."""
    found = parameters(request, frozenset({"last", "from", "to"}))
    principal().require_all()
    context = api(request)
    scope, name = request.match_info["scope"], request.match_info["id"]
    figures = context.router.figures
    names = {"queue": set(context.view.queues), "agent": set(context.view.agents), "channel": set(figures.channels)}
    known = names.get(scope)
    if known is None:
        raise Problem(404, "not-found", f"figures are kept of a {', an '.join(SCOPES)}, not of this.")
    tally = {"queue": figures.queues, "agent": figures.agents, "channel": figures.channels}[scope].get(name)
    if tally is None and name not in known:
        raise not_found(scope)
    now_us = context.now_us()
    figures.settle(now_us)
    begin_us, end_us, counts = _chosen(found, tally or Tally(), now_us)
    return answer(_shape(scope, name, begin_us, end_us, counts))


def _chosen(found: dict[str, str], tally: Tally, now_us: int) -> tuple[int | None, int, Counts]:
    if "last" in found:
        if "from" in found or "to" in found:
            raise Problem(400, "invalid-parameter", "last: cannot be combined with from and to; give one or the other.")
        length_us = whole_number(found, "last", 0, 1, LONGEST_SECONDS) * 1_000_000
        return (now_us - length_us) // FINE_US * FINE_US, now_us, tally.sliding(now_us, length_us)
    if "from" in found or "to" in found:
        begin_us = _moment(found, "from", 0)
        end_us = _moment(found, "to", -(-now_us // CALENDAR_US) * CALENDAR_US)
        return begin_us, end_us, tally.between(begin_us, end_us)
    return None, now_us, tally.total


def _moment(found: dict[str, str], name: str, default: int) -> int:
    """A moment that begins a calendar interval, in µs."""
    text = found.get(name)
    if text is None:
        return default
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise Problem(400, "invalid-parameter", f"{name}: must be a time with its zone, like 2026-01-31T08:30:00Z.")
    micros = round(given.astimezone(UTC).timestamp()) * 1_000_000
    if micros % CALENDAR_US:
        raise Problem(400, "invalid-parameter", f"{name}: must be on a quarter of an hour; intervals begin there.")
    return micros


def _shape(scope: str, name: str, begin_us: int | None, end_us: int, counts: Counts) -> FiguresShape:
    speed_us, handling_us = counts.speed_of_answer_us(), counts.handling_us()
    return FiguresShape(
        scope,
        name,
        None if begin_us is None else moment(begin_us),
        moment(end_us),
        msgspec.structs.asdict(counts),
        {each: counts.service_level(each) for each in DENOMINATORS},
        None if speed_us is None else speed_us / 1_000_000,
        None if handling_us is None else handling_us / 1_000_000,
        counts.abandonment(),
        counts.abandonment(short=False),
        seconds(counts.longest_us),
        counts.occupancy(),
    )
