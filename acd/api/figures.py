"""Routes of figures by interval: /v1/figures/…. For the roles system and supervisor."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from acd.api.bodies import Nothing, parameter_us
from acd.api.pages import DEFAULT_PAGE, Limit, PageQuery, page_by_id
from acd.api.pages import Cursor as PageCursor
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


class FigureListQuery(FiguresQuery, frozen=True):
    """Over which time, and which page."""

    limit: Limit = DEFAULT_PAGE
    cursor: PageCursor = ""


class FiguresPage(Struct):
    """Figures by id, and the cursor of the next page, if there is one."""

    figures: list[FiguresShape]
    next_cursor: str | None


async def show_figures(call: Call[Nothing, FiguresQuery]) -> FiguresShape:
    """Of a sliding window (`last`), of calendar intervals (`from`, `to`), or since the figures began."""
    context, scope, name = call.context, call.path("scope"), call.path("id")
    known, tallies = _kept(call, scope)
    if call.who.scope is not None:
        _check_scope(call.who.scope, context.sight, scope, name)
    if name not in tallies and name not in known:
        raise not_found(scope)
    now_us = context.now_us()
    context.router.figures.settle(now_us)
    return _shape(scope, name, *_chosen(call.query, tallies.get(name) or Tally(), now_us))


async def list_figures(call: Call[Nothing, FigureListQuery]) -> FiguresPage:
    """Of everything of one kind that is there now, by id."""
    context, scope, limits = call.context, call.path("scope"), call.who.scope
    known, tallies = _kept(call, scope)
    seen = (name for name in known if limits is None or _sees(limits, context.sight, scope, name))
    names, next_cursor = page_by_id(seen, PageQuery(call.query.limit, call.query.cursor))
    now_us = context.now_us()
    context.router.figures.settle(now_us)
    found = [_shape(scope, name, *_chosen(call.query, tallies.get(name) or Tally(), now_us)) for name in names]
    return FiguresPage(found, next_cursor)


def _kept(call: Call[Nothing, Any], scope: str) -> tuple[Collection[str], Mapping[str, Tally]]:
    """Which names there are, and what has been counted, of those who are gone, too. Raises a Problem with 404."""
    view, figures = call.context.view, call.context.router.figures
    match scope:
        case "queue":
            return view.queues, figures.queues
        case "agent":
            return view.agents, figures.agents
        case "channel":
            return figures.channels, figures.channels
    raise Problem(404, "not-found", f"scope: figures are kept of one of {', '.join(SCOPES)}.")


def _check_scope(limits: Scope, sight: Sight, scope: str, name: str) -> None:
    """Raises a Problem with 404 for figures out of sight."""
    if not _sees(limits, sight, scope, name):
        raise not_found(scope)


def _sees(limits: Scope, sight: Sight, scope: str, name: str) -> bool:
    """Whether these figures are in sight; a channel's are of all queues, so that none may be set."""
    if scope == "queue":
        return limits.has_queue(name)
    if scope == "agent":
        return sight.agent(limits, name)
    return not limits.queues and limits.has_channel(name)


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
    Route(
        "list_figures",
        "figures",
        "GET",
        "/v1/figures/{scope}",
        "supervisor",
        list_figures,
        "The same of every queue, agent or channel, by id, in pages.",
        FiguresPage,
        query=FigureListQuery,
        example=Example({"scope": "queue"}, {"last": "15m", "limit": "10"}, after=("enqueue",)),
        notes="Of those that the configuration has now.",
        live=True,
        scoped=True,
    ),
)
