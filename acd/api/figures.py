"""Routes of figures by interval: /v1/figures/{scope}/{id}. For the roles system and supervisor."""

import re
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from acd.api.bodies import Nothing, parameter_us
from acd.api.problems import Problem, not_found
from acd.api.routes import Call, Example, Route
from acd.api.scope import Scope, Sight
from acd.api.shapes import Moment, seconds
from acd.runtime.clock import moment
from acd.runtime.config.durations import parse_duration
from acd.runtime.tallies import CALENDAR_US, DENOMINATORS, FINE_KEPT, FINE_US, Counts, Tally

SCOPES: Final = ("queue", "agent", "channel")
LONGEST_SECONDS: Final = (FINE_KEPT - 1) * FINE_US // 1_000_000
"""Longest sliding window."""

SECOND_US: Final = 1_000_000


class FiguresShape(Struct):
    """Figures of one queue, agent or channel.

    `counts`: plain counts, and sums in µs. `service_level` by what it is a share of. `speed_of_answer_seconds` (ASA)
    and `handling_seconds` (AHT) are means; ratios run from 0 to 1. What has no denominator yet is null.
    """

    scope: str
    id: str
    begins_at: Moment | None
    ends_at: Moment
    counts: dict[str, int]
    service_level: dict[str, float | None]
    speed_of_answer_seconds: float | None
    handling_seconds: float | None
    abandonment: float | None
    abandonment_without_short: float | None
    longest_wait_seconds: float
    occupancy: float | None


class FiguresQuery(Struct, frozen=True):
    """Over which time: the last so long, calendar intervals, or since the figures began."""

    last: Annotated[str, Meta(description='The last so long: "15m", or a number of seconds.')] = ""
    begin: Annotated[Moment, Meta(description="From this quarter of an hour on.")] | UnsetType = field(
        name="from", default=UNSET
    )
    end: Annotated[Moment, Meta(description="Up to this one.")] | UnsetType = field(name="to", default=UNSET)


async def show_figures(call: Call[Nothing, FiguresQuery]) -> FiguresShape:
    """Of a sliding window (`last`), of calendar intervals (`from`, `to`), or since the figures began."""
    context = call.context
    scope, name = call.path("scope"), call.path("id")
    figures = context.router.figures
    names = {"queue": set(context.view.queues), "agent": set(context.view.agents), "channel": set(figures.channels)}
    known = names.get(scope)
    if known is None:
        raise Problem(404, "not-found", f"figures are kept of a {', an '.join(SCOPES)}, not of this.")
    if call.who.scope is not None:
        _check_scope(call.who.scope, call.context.sight, scope, name)
    tally = {"queue": figures.queues, "agent": figures.agents, "channel": figures.channels}[scope].get(name)
    if tally is None and name not in known:
        raise not_found(scope)
    now_us = context.now_us()
    figures.settle(now_us)
    begin_us, end_us, counts = _chosen(call.query, tally or Tally(), now_us)
    return _shape(scope, name, begin_us, end_us, counts)


def _check_scope(limits: Scope, sight: Sight, scope: str, name: str) -> None:
    """Raises a Problem with 404 for figures out of sight; a channel's are of all queues, so that none may be set."""
    seen = {
        "queue": limits.has_queue(name),
        "agent": sight.agent(limits, name),
        "channel": not limits.queues and limits.has_channel(name),
    }
    if not seen[scope]:
        raise not_found(scope)


def _chosen(asked: FiguresQuery, tally: Tally, now_us: int) -> tuple[int | None, int, Counts]:
    if asked.last:
        if (asked.begin, asked.end) != (UNSET, UNSET):
            raise Problem(400, "invalid-parameter", "last: cannot be combined with from and to; give one or the other.")
        length_us = _length_us(asked.last)
        return (now_us - length_us) // FINE_US * FINE_US, now_us, tally.sliding(now_us, length_us)
    if (asked.begin, asked.end) != (UNSET, UNSET):
        begin_us = _moment("from", asked.begin, 0)
        end_us = _moment("to", asked.end, -(-now_us // CALENDAR_US) * CALENDAR_US)
        return begin_us, end_us, tally.between(begin_us, end_us)
    return None, now_us, tally.total


def _length_us(text: str) -> int:
    """A duration or whole seconds, from a second to the longest window."""
    found = parse_duration(int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text)
    if found is None or not SECOND_US <= found <= LONGEST_SECONDS * SECOND_US:
        raise Problem(400, "invalid-parameter", f"last: has to be a duration from 1s to {LONGEST_SECONDS}s, like 15m.")
    return found


def _moment(name: str, text: str | UnsetType, default: int) -> int:
    """A moment that begins a calendar interval, in µs."""
    if text is UNSET:
        return default
    micros = parameter_us(name, text) // SECOND_US * SECOND_US
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


ROUTES: Final = (
    Route(
        "show_figures",
        "figures",
        "GET",
        "/v1/figures/{scope}/{id}",
        "supervisor",
        show_figures,
        "Live figures of a queue, an agent or a channel: service level, ASA, AHT, abandonment, occupancy.",
        FiguresShape,
        query=FiguresQuery,
        example=Example(
            {"scope": "queue", "id": "sales"}, {"last": "15m"}, after=("enqueue",), shows={"scope": "queue"}
        ),
        notes="`last` for a sliding window, `from` and `to` for calendar intervals; neither: since the figures began.",
        live=True,
        scoped=True,
    ),
)
