"""The supervisors' page: /wallboard, and what it shows: /v1/wallboard, /v1/wallboard/day.

Owns these routes, their shapes, and how many rows one answer has. Must not know how the day is counted
(`acd.runtime.board`), nor what the page looks like (`acd/pages/wallboard/`). What supervisors do has routes of its own.
Where nobody counts (an application without a `Board`), the figures of windows and of the day are empty.
"""

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from acd.api.board_shapes import AlarmShape, BoardAgentShape, BoardQueueShape, BoardWaitingShape, BoardWorkShape
from acd.api.bodies import Nothing
from acd.api.desk import page_routes
from acd.api.pages import MAX_PAGE
from acd.api.problems import not_found
from acd.api.queue_shapes import estimate_shape
from acd.api.routes import Call, Example, Route
from acd.api.scope import Scope
from acd.api.shapes import Moment, seconds
from acd.runtime.board import Board
from acd.runtime.board.series import NAMES, STEP_US, STEPS_KEPT, Spell
from acd.runtime.board.staffing import STATES, Staffing, state_of
from acd.runtime.clock import moment
from acd.runtime.config.model import DeskConfig, WallboardConfig
from acd.runtime.figures import SERVICE_LEVEL_US
from acd.runtime.records import AgentRecord, InteractionRecord, QueueRecord

FILES: Final[Mapping[str, str]] = {
    "wallboard/index.html": "/wallboard",
    "wallboard/wallboard.js": "/wallboard/wallboard.js",
    "wallboard/actions.js": "/wallboard/actions.js",
    "wallboard/alarms.js": "/wallboard/alarms.js",
    "wallboard/customers.js": "/wallboard/customers.js",
    "wallboard/ear.js": "/wallboard/ear.js",
    "wallboard/plot.js": "/wallboard/plot.js",
    "wallboard/rows.js": "/wallboard/rows.js",
    "wallboard/tables.js": "/wallboard/tables.js",
    "wallboard/telephone.js": "/wallboard/telephone.js",
    "wallboard/wallboard.css": "/wallboard/wallboard.css",
    "wallboard/words.en.json": "/wallboard/words.en.json",
    "wallboard/words.zh.json": "/wallboard/words.zh.json",
}
"""File in `acd/pages/` → where it is served."""

ROWS: Final = 100
"""Rows of each list, unless the request says otherwise."""

DAY_US: Final = (STEPS_KEPT - 1) * STEP_US

_ORDER: Final = {"busy": 0, "ready": 1, "not-ready": 2, "signed-out": 3}


class Watching:
    """What the page is made of: whoever counts, if anybody, and the configuration, if the page is served."""

    def __init__(self, board: Board | None, config: WallboardConfig | None, desk: DeskConfig | None) -> None:
        """`desk`: whose reasons agents can be made not-ready for."""
        self.board = board
        self.config = config or WallboardConfig()
        self.reasons = (desk or DeskConfig()).reasons


WALLBOARD: Final = web.AppKey("acd_wallboard", Watching)


class BoardShape(Struct):
    """All that is on the wallboard. Lists hold so many rows at most; `…_total` says how many there are.

    `agents_by_state`: of all in sight. `reasons`: for which an agent can be made not-ready.
    """

    at: Moment
    window_seconds: float
    queues: list[BoardQueueShape]
    queues_total: int
    agents: list[BoardAgentShape]
    agents_total: int
    agents_by_state: dict[str, int]
    waiting: list[BoardWaitingShape]
    waiting_total: int
    reasons: tuple[str, ...]


class PointShape(Struct):
    """One interval of the day. `most_waiting`: at one moment; of several queues, the sum of each one's."""

    at: Moment
    entered: int
    answered: int
    in_time: int
    abandoned: int
    most_waiting: int


class DayShape(Struct):
    """The last 24 hours of one queue, or of all in sight; intervals in which nothing was counted are left out.

    `complete`: false for a moment after a restart, until what came last has been told again from the journal.
    """

    queue: str
    step_seconds: float
    begins_at: Moment
    ends_at: Moment
    complete: bool
    points: list[PointShape]


Rows = Annotated[int, Meta(ge=0, le=MAX_PAGE, description="Rows of this list at most.")]


class BoardQuery(Struct, frozen=True):
    """How much, and of which queue."""

    queues: Rows = ROWS
    agents: Rows = ROWS
    waiting: Rows = ROWS
    queue: Annotated[str, Meta(description="Agents and waiting interactions of this queue alone.")] = ""


class DayQuery(Struct, frozen=True):
    """Of what."""

    queue: Annotated[str, Meta(description="Of this queue; of all in sight together if it is left out.")] = ""


async def show_wallboard(call: Call[Nothing, BoardQuery]) -> BoardShape:
    """Queues with alarms first, then by id; agents at work first; whoever has waited longest first."""
    view, now_us, asked, scope = call.context.view, call.context.now_us(), call.query, call.who.scope
    watching = call.request.app[WALLBOARD]
    staffing = Staffing(view) if watching.board is None else watching.board.staffing
    _check_queue(call, asked.queue)
    rows = [row for row in view.queues.values() if not row.retired and (scope is None or scope.has_queue(row.id))]
    shown = nsmallest(asked.queues, rows, key=lambda row: (not row.alarms, row.id))
    agents = _agents(call, staffing)
    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    for each in agents:
        counts[state_of(each)] += 1
    there = [each for each in agents if state_of(each) != "signed-out"]
    lines = [row for row in rows if asked.queue in ("", row.id)]
    waiting = [each for row in lines for each in row.line.values() if scope is None or scope.has(each)]
    return BoardShape(
        moment(now_us),
        seconds(watching.config.window_us),
        [_queue_shape(call, watching, staffing, row, now_us) for row in shown],
        len(rows),
        [_agent_shape(call, each) for each in nsmallest(asked.agents, there, key=_first)],
        len(there),
        counts,
        _waiting_shapes(view.queues, nsmallest(asked.waiting, waiting, key=_longest), now_us),
        len(waiting),
        watching.reasons,
    )


async def show_day(call: Call[Nothing, DayQuery]) -> DayShape:
    """The last 24 hours in intervals of five minutes."""
    board, scope, queue = call.request.app[WALLBOARD].board, call.who.scope, call.query.queue
    now_us = call.context.now_us()
    _check_queue(call, queue)
    begin_us = (now_us - DAY_US) // STEP_US * STEP_US
    wanted = [queue] if queue else [each for each in call.context.view.queues if scope is None or scope.has_queue(each)]
    together: dict[int, list[int]] = {}
    for each in wanted:
        series = None if board is None else board.series(each)
        for at_us, counts in () if series is None else series.points(begin_us, now_us):
            row = together.setdefault(at_us, [0] * len(NAMES))
            for place, amount in enumerate(counts):
                row[place] += amount
    points = [PointShape(moment(at_us), *row) for at_us, row in sorted(together.items())]
    return DayShape(
        queue, seconds(STEP_US), moment(begin_us), moment(now_us), board is None or board.is_current, points
    )


def _check_queue(call: Call[Nothing, BoardQuery] | Call[Nothing, DayQuery], queue: str) -> None:
    """Raises a Problem with 404 for a queue that is not there, or out of sight."""
    scope = call.who.scope
    if queue and (queue not in call.context.view.queues or (scope is not None and not scope.has_queue(queue))):
        raise not_found("queue")


def _agents(call: Call[Nothing, BoardQuery], staffing: Staffing) -> list[AgentRecord]:
    """In sight, and of the queue that is asked for: who serves it, or has work of it in hand."""
    view, scope, sight = call.context.view, call.who.scope, call.context.sight
    queue = Scope(frozenset((call.query.queue,))) if call.query.queue else None
    return [
        row
        for row in view.agents.values()
        if (not row.retired or row.work)
        and (scope is None or sight.agent(scope, row.id))
        and (
            queue is None
            or call.query.queue in staffing.served_by(row.settings)
            or any(sight.interaction(queue, each) for each in row.work)
        )
    ]


def _first(row: AgentRecord) -> tuple[int, int, str]:
    return _ORDER[state_of(row)], _since_us(row), row.id


def _since_us(row: AgentRecord) -> int:
    """Since when an agent stands as they do: at work since the first of it began, waiting since the last ended."""
    if row.work:
        return min(item.since_us for item in row.work.values())
    return max(row.since_us, row.idle_since_us) if row.presence == "ready" else row.since_us


def _longest(row: InteractionRecord) -> tuple[int, int]:
    return row.enqueued_at_us, row.order


def _queue_shape(
    call: Call[Nothing, BoardQuery], watching: Watching, staffing: Staffing, row: QueueRecord, now_us: int
) -> BoardQueueShape:
    view = call.context.view
    oldest_us = row.oldest_us()
    series = None if watching.board is None else watching.board.series(row.id)
    spell = Spell() if series is None else series.window(now_us, watching.config.window_us)
    staff = staffing.of(row.id)
    return BoardQueueShape(
        row.id,
        view.titles.get(row.id, ""),
        row.closed,
        row.waiting,
        row.offered,
        row.active,
        None if oldest_us is None else moment(oldest_us),
        0.0 if oldest_us is None else seconds(max(0, now_us - oldest_us)),
        estimate_shape(call.context.router.waits.estimate(row.id)),
        spell.entered,
        spell.answered,
        spell.abandoned,
        spell.level,
        seconds(view.service_level_us.get(row.id, SERVICE_LEVEL_US)),
        staff.ready,
        staff.busy,
        staff.not_ready,
        [
            AlarmShape(kind, moment(alarm.since_us), alarm.value, alarm.threshold)
            for kind, alarm in sorted(row.alarms.items())
        ],
    )


def _agent_shape(call: Call[Nothing, BoardQuery], row: AgentRecord) -> BoardAgentShape:
    """Work out of sight is left out, and that there is some is not."""
    view, scope = call.context.view, call.who.scope
    work = [
        BoardWorkShape(
            item.interaction_id, about.queue, item.channel, item.state, moment(item.since_us), bool(about.customer)
        )
        for item in row.work.values()
        if scope is None or scope.has(view.interactions[item.interaction_id])
        for about in (view.interactions[item.interaction_id],)
    ]
    return BoardAgentShape(
        row.id,
        view.names.get(row.id, ""),
        state_of(row),
        row.presence,
        row.reason,
        row.next_presence or None,
        moment(_since_us(row)),
        work,
    )


def _waiting_shapes(
    queues: Mapping[str, QueueRecord], rows: Iterable[InteractionRecord], now_us: int
) -> list[BoardWaitingShape]:
    """Each queue's line is put in order once. O(n log n) of the lines that are shown."""
    shown = list(rows)
    places = {queue: _places(queues[queue]) for queue in {row.queue for row in shown}}
    return [
        BoardWaitingShape(
            row.id,
            row.queue,
            row.channel,
            row.state,
            row.priority,
            places[row.queue][row.id],
            moment(row.enqueued_at_us),
            seconds(max(0, now_us - row.enqueued_at_us)),
        )
        for row in shown
    ]


def _places(queue: QueueRecord) -> dict[str, int]:
    line = sorted(queue.line.values(), key=lambda row: (queue.key_us(row), row.order))
    return {row.id: place for place, row in enumerate(line, 1)}


ROUTES: Final = (
    Route(
        "show_wallboard",
        "wallboard",
        "GET",
        "/v1/wallboard",
        "supervisor",
        show_wallboard,
        "All that is on the supervisors' page: queues, agents, who waits, and alarms.",
        BoardShape,
        query=BoardQuery,
        problems=("not-found",),
        example=Example(after=("enqueue", "sign_in"), shows={"queues_total": 2}),
        notes="Counts of the window (`[api.wallboard]`, `window`) slide by half minutes.",
        live=True,
        scoped=True,
    ),
    Route(
        "show_wallboard_day",
        "wallboard",
        "GET",
        "/v1/wallboard/day",
        "supervisor",
        show_day,
        "The last 24 hours of a queue, or of all together, in intervals of five minutes.",
        DayShape,
        query=DayQuery,
        problems=("not-found",),
        example=Example(query={"queue": "sales"}, after=("enqueue",), shows={"queue": "sales", "step_seconds": 300.0}),
        notes="It is kept over restarts. Intervals begin at full five minutes of UTC.",
        scoped=True,
    ),
    *page_routes(FILES, "wallboard"),
)
