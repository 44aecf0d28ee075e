"""Routes of events: /v1/events, as a WebSocket or as pages, and /v1/event-kinds.

Owns the filters and who may ask for what. Must not know how sockets are written to (`acd.api.sockets`).
"""

import asyncio
import re
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import WSMsgType, web
from msgspec import Meta, Raw, Struct

from acd.api.auth import Replaced
from acd.api.bodies import NoQuery, Nothing
from acd.api.chat.notices import Followers
from acd.api.context import API
from acd.api.inbound import said
from acd.api.problems import Problem, not_found
from acd.api.rotation import ROTATION
from acd.api.routes import Call, Example, Route
from acd.api.sockets import (
    CHANGED,
    CLOSE_SECONDS,
    FLOOD,
    FOREIGN,
    REVOKED,
    STOPPING,
    TALKATIVE,
    Ending,
    Socket,
    Sockets,
)
from acd.api.upgrade import ended_with_token, form_of, upgraded, wants_socket
from acd.api.wording import nearest, shown
from acd.runtime.events import Cursor, Told, Wanted
from acd.runtime.events.cloud import NOTICES, TYPE_PREFIX, Form
from acd.runtime.events.kinds import KINDS

PROTOCOLS: Final[dict[str, Form]] = {"cloudevents.json": "json", "cloudevents.msgpack": "msgpack"}
"""WebSocket subprotocols; without one it is JSON."""

EVENTS_PATH: Final = "/v1/events"
TICKETED: Final = re.compile(rf"{EVENTS_PATH}|/v1/agents/[^/]+/calls")
"""Where a ticket says who asks: what becomes a socket of a page."""

MAX_NAMES: Final = 100
"""Names in one filter."""

MAX_INBOUND: Final = 1_024
"""Bytes of a message that a client sends; none is expected."""

PING_SECONDS: Final = 20.0
"""How often a client is pinged; one that does not answer within half of it is cut off."""

MAX_PAGE: Final = 500
DEFAULT_PAGE: Final = 100

SOCKETS: Final = web.AppKey("acd_sockets", Sockets)
FOLLOWERS: Final = web.AppKey("acd_followers", Followers)

_MAX_FILTER: Final = 8_000
_Names = Annotated[str, Meta(max_length=_MAX_FILTER)]


class EventQuery(Struct, frozen=True):
    """What is wanted. Within a filter any of its names fits, between filters all have to."""

    queue: Annotated[_Names, Meta(description="Ids of queues, separated by spaces: events about these.")] = ""
    agent: Annotated[_Names, Meta(description="Ids of agents, separated by spaces: events that concern these.")] = ""
    kind: Annotated[_Names, Meta(description="Kinds, separated by spaces: `offer-made offer-accepted`.")] = ""
    after: Annotated[str, Meta(max_length=40, description="A cursor: everything after it, then what comes.")] = ""
    coalesce: Annotated[
        bool,
        Meta(description="Under pressure leave out what a later event replaces: earlier presences."),
    ] = False
    conversations: Annotated[
        bool, Meta(description="For an agent's own token: be told, too, when something is new in conversations.")
    ] = False
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Events of one page; not for sockets.")] = DEFAULT_PAGE
    ticket: Annotated[str, Meta(max_length=100, description="Instead of a token, for sockets of browsers.")] = ""


class EventPage(Struct):
    """Events as CloudEvents in JSON. `cursor`: ask for what comes `after` it."""

    events: list[Raw]
    cursor: str


class KindShape(Struct):
    """A kind of events: its CloudEvents type, what it means, its data's JSON Schema, and an example of its data."""

    kind: str
    type: str
    meaning: str
    data_schema: dict[str, Any]
    example: dict[str, Any]


class KindList(Struct):
    """All kinds by name. `notices`: what is told about the stream itself, by type."""

    kinds: list[KindShape]
    notices: dict[str, str]


async def events(call: Call[Nothing, EventQuery]) -> object:
    """A socket for whoever asks for one, otherwise a page."""
    wanted, after = _wanted(call), _cursor(call.query.after)
    ours = after is None or await _is_ours(call, after)
    if not wants_socket(call.request):
        if not ours:
            raise Problem(410, FOREIGN.code, f"after: {FOREIGN.detail}")
        return _page(call, wanted, after)
    form = form_of(call.request, PROTOCOLS)
    sockets, who = call.request.app[SOCKETS], call.who
    sockets.admit(who.name, agent=bool(wanted.only_agent))
    try:
        return await _serve(call, sockets, wanted, form, after, ours=ours)
    finally:
        sockets.leave(who.name)


async def list_kinds(_call: Call[Nothing, NoQuery]) -> KindList:
    """The documentation of events, for programs."""
    kinds = [
        KindShape(each.name, TYPE_PREFIX + each.name, each.meaning, each.schema, each.example)
        for each in KINDS.values()
    ]
    return KindList(kinds, {TYPE_PREFIX + name: meaning for name, meaning in NOTICES.items()})


def ticket_of(request: web.Request) -> str | None:
    """The ticket by which a page opens a socket; None where a token has to say who asks."""
    return request.query.get("ticket") if TICKETED.fullmatch(request.path) else None


def install(app: web.Application, sockets: Sockets) -> None:
    """Let sockets begin, and end before the server waits for requests under way."""
    app[SOCKETS] = sockets
    app[FOLLOWERS] = Followers(sockets, app[API].router)

    def end_replaced(replaced: Replaced) -> None:
        sockets.end_of(replaced.ended, REVOKED)
        sockets.end_of(replaced.moved, CHANGED)

    app[ROTATION].on_replaced(end_replaced)

    async def stop(_app: web.Application) -> None:
        sockets.end_all(STOPPING)

    app.on_shutdown.append(stop)


async def _serve(
    call: Call[Nothing, EventQuery],
    sockets: Sockets,
    wanted: Wanted,
    form: Form,
    after: Cursor | None,
    *,
    ours: bool,
) -> web.WebSocketResponse:
    """The whole life of a socket; a short one when the cursor is not `ours`."""
    ws = await upgraded(call.request, PROTOCOLS, ping_seconds=PING_SECONDS, max_bytes=MAX_INBOUND)
    transport = call.request.transport
    if transport is None:
        return ws
    socket = Socket(sockets, transport, wanted, form, coalesce=call.query.coalesce, owner=call.who)
    told = call.request.app[FOLLOWERS].told(socket, call.who.agent if call.query.conversations else "")
    with ended_with_token(call, socket.end), told:
        if not ours:
            socket.end(FOREIGN)
        telling = asyncio.create_task(socket.tell(after if ours else None), name="event socket")
        listening = asyncio.create_task(_listen(ws, socket), name="event socket, other direction")
        try:
            await asyncio.wait((telling, listening), return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                await _close(ws, socket, telling.result(), transport)
        finally:
            for task in (telling, listening):
                task.cancel()
            await asyncio.gather(telling, listening, return_exceptions=True)
    return ws


async def _listen(ws: web.WebSocketResponse, socket: Socket) -> None:
    """Until the client is gone. It has nothing to say; what is too large or malformed closes the socket by itself."""
    async for message in said(ws, partial(socket.end, FLOOD)):
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            socket.end(TALKATIVE)
            break
    if not ws.closed:
        await asyncio.Event().wait()  # it is being closed, with its reason


async def _close(ws: web.WebSocketResponse, socket: Socket, ending: Ending, transport: asyncio.Transport) -> None:
    """Say goodbye; cut off whoever does not answer, and so would keep what was not taken in memory."""
    reason = socket.farewell(ending)
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await ws.close(code=ending.close_code, message=reason)
            return
    transport.abort()


def _page(call: Call[Nothing, EventQuery], wanted: Wanted, after: Cursor | None) -> EventPage:
    """What is in memory after the cursor; without a cursor nothing, and the cursor to begin with."""
    source = call.request.app[SOCKETS].source
    reader = source.stream.follow(wanted, lambda: None, after)
    if reader is None:
        if after is not None and after.seq > source.stream.seq:
            raise Problem(410, "cursor-unknown", "after: the journal does not go as far; begin anew without it.")
        raise Problem(410, "cursor-too-old", "after: this is not in memory any more; open a socket, or begin anew.")
    try:
        found: list[Told] = []
        while len(found) < call.query.limit and not reader.idle:
            found += reader.take(call.query.limit - len(found))
        return EventPage(
            [Raw(source.envelopes.encoded(told, "json")) for told in found], source.envelopes.place(reader.cursor)
        )
    finally:
        reader.close()


def _wanted(call: Call[Nothing, EventQuery]) -> Wanted:
    """The filter, as far as the token may see. Raises a Problem with 400 or 404."""
    asked, who = call.query, call.who
    agents, kinds = _names("agent", asked.agent), _names("kind", asked.kind)
    if not who.sees_all:
        if not who.agent or agents - {who.agent}:
            raise not_found("agent")
        agents = frozenset()
    for kind in sorted(kinds - KINDS.keys()):
        hint = nearest(kind, tuple(KINDS))
        raise Problem(400, "invalid-parameter", f"kind: {shown(kind, 'one of them')} is not known; {hint}")
    queues, is_seen = _names("queue", asked.queue), None
    if who.scope is not None:
        if not all(map(who.scope.has_queue, queues)):
            raise not_found("queue")
        if not all(call.context.sight.agent(who.scope, each) for each in agents):
            raise not_found("agent")
        is_seen = call.context.sight.told(who.scope)
    return Wanted(queues, agents, kinds, "" if who.sees_all else who.agent, is_seen)


def _names(name: str, text: str) -> frozenset[str]:
    names = frozenset(text.split())
    if len(names) > MAX_NAMES:
        raise Problem(400, "invalid-parameter", f"{name}: has more than {MAX_NAMES} names; leave it out to get all.")
    return names


def _cursor(text: str) -> Cursor | None:
    if not text:
        return None
    found = Cursor.parsed(text)
    if found is None:
        raise Problem(400, "invalid-parameter", "after: is no cursor; take one unchanged from an event.")
    return found


async def _is_ours(call: Call[Nothing, EventQuery], after: Cursor) -> bool:
    """Whether the cursor was handed out by this journal, as it is now; one without a mark passes, as it always did."""
    lives = call.request.app[SOCKETS].source.lives
    return await lives.has(Cursor.mark_in(call.query.after), after.seq)


ROUTES: Final = (
    Route(
        "events",
        "events",
        "GET",
        EVENTS_PATH,
        "token",
        events,
        "What happens: a stream over WebSocket, or a page of what is in memory.",
        EventPage,
        query=EventQuery,
        problems=("not-found", "cursor-unknown", "cursor-too-old", "too-many-connections", "invalid-header"),
        example=Example(query={"after": "0", "kind": "interaction-queued"}, after=("enqueue",)),
        notes="With `Upgrade: websocket` the answer is 101 and a stream of CloudEvents; EVENTS.md says all about it.",
        scoped=True,
    ),
    Route(
        "list_event_kinds",
        "events",
        "GET",
        "/v1/event-kinds",
        "token",
        list_kinds,
        "Every kind of events, with JSON Schema and example.",
        KindList,
        example=Example(shows={}),
        scoped=True,
    ),
)
