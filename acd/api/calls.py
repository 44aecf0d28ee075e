"""Routes of calls between browsers: /v1/call for customers' pages, /v1/agents/{agent}/calls for agents'.

Owns who may connect: customers from pages of listed origins, agents to the interactions in which they are asked or
talk. Must not know what is said (the channel does, `acd.ports.pages`), nor how it is carried (`acd.api.carrying`).
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from acd.api.addresses import Addresses, place_of
from acd.api.auth import Principal, Replaced
from acd.api.bodies import Nothing
from acd.api.carrying import PING_SECONDS, Carried, carry
from acd.api.events import SOCKETS
from acd.api.letting_in import channel_of_page, check_address, check_origin, check_room, moment_of
from acd.api.problems import forbidden, not_found
from acd.api.rotation import ROTATION
from acd.api.routes import Call, Example, Route
from acd.api.sessions import SESSIONS
from acd.api.sockets import CHANGED, REVOKED
from acd.api.upgrade import ended_with_token, form_of, upgraded, wants_socket
from acd.core.limits import MAX_ID
from acd.errors import ChannelError
from acd.ports.channel import Channel
from acd.ports.pages import BrowserCalls, Heard, Page
from acd.runtime.events.cloud import Form
from acd.runtime.records import InteractionRecord

CALL_PATH: Final = "/v1/call"

PROTOCOLS: Final[dict[str, Form]] = {"acd.call.v1+json": "json"}
"""WebSocket subprotocols; without one it is the same."""


class CallQuery(Struct, frozen=True):
    """Which channel."""

    channel: Annotated[str, Meta(max_length=MAX_ID, description="Name of the channel of type `webrtc`.")] = ""


class AgentCallQuery(Struct, frozen=True):
    """Which call; without one all of the agent's are listed."""

    interaction: Annotated[str, Meta(max_length=MAX_ID, description="To take part in: with `Upgrade` only.")] = ""
    ticket: Annotated[str, Meta(max_length=100, description="Instead of a token, for sockets of browsers.")] = ""


class CallShape(Struct):
    """Calls from web pages. `ready`: they can begin. `queues`: those a page may ask for, the first by default."""

    channel: str
    ready: bool
    queues: tuple[str, ...]
    protocols: tuple[str, ...]


class AgentCallShape(Struct):
    """A call that the agent is asked to take, or talks in. `heard`: how well both sides hear each other so far.

    `name`, `number`: what the customer's page says; they may be anybody's, and are forgotten with a restart.
    """

    interaction_id: str
    channel: str
    state: Literal["offered", "active"]
    name: str
    number: str
    heard: tuple[Heard, ...]


class AgentCallList(Struct):
    """Calls between browsers that the agent is asked to take, or has in hand."""

    calls: list[AgentCallShape]


class Calls(Carried):
    """All pages of one application."""

    def __init__(self) -> None:
        """None yet."""
        super().__init__()
        self.addresses = Addresses()


CALLS: Final = web.AppKey("acd_calls", Calls)


async def call_page(call: Call[Nothing, CallQuery]) -> object:
    """A connection for a customer's page that asks for one, otherwise what there is."""
    found = channel_of_page(call.request, call.query.channel, _calls_of, "channel for calls")
    if not wants_socket(call.request):
        return CallShape(found.name, found.health()["connected"] is True, found.queues, tuple(PROTOCOLS))
    check_origin(call.request, found.origins, found.name)
    form_of(call.request, PROTOCOLS)
    pages = call.request.app[CALLS]
    place, moment_us = place_of(call.request), moment_of(found)
    check_address(pages.addresses, found, place, found.per_address, moment_us)
    check_room(pages, found, found.connections, moment_us)
    page = found.customer_page(place)
    pages.begin(page, found.name)
    pages.addresses.enter(found.name, place)
    try:
        ws = await upgraded(call.request, PROTOCOLS, ping_seconds=PING_SECONDS, max_bytes=found.most_bytes)
        await carry(ws, page, call.request.transport, f"calls {found.name}")
    finally:
        pages.finish(page, found.name)
        pages.addresses.leave(found.name, place)
    return ws


async def agent_calls(call: Call[Nothing, AgentCallQuery]) -> object:
    """A connection to one call for whoever asks for one, otherwise the agent's calls."""
    agent_id = call.path("agent")
    if not wants_socket(call.request):
        return _listed(call, agent_id)
    row = call.context.view.interaction(call.query.interaction)
    if row is None or not call.who.sees(row) or not _concerns(row, agent_id):
        raise not_found("call")
    found = call.context.router.channel(row.instance)
    if not isinstance(found, BrowserCalls):
        raise not_found("call")
    if agent_id != call.who.agent and not call.who.is_system:
        raise forbidden("A call is heard with the agent's own token; supervisors have /v1/interactions/…/supervision.")
    form_of(call.request, PROTOCOLS)
    sockets = call.request.app[SOCKETS]
    sockets.admit(call.who.name, agent=not call.who.sees_all)
    try:
        return await serve_staff(call, found, "agents", partial(found.agent_page, row.id, agent_id))
    finally:
        sockets.leave(call.who.name)


async def serve_staff(
    call: Call[Any, Any], found: BrowserCalls, whose: str, connected: Callable[[], Page]
) -> web.WebSocketResponse:
    """The whole life of a connection of an agent's or a supervisor's page; it ends with its token."""
    pages, name = call.request.app[CALLS], f"{found.name} {whose}"
    ws = await upgraded(call.request, PROTOCOLS, ping_seconds=PING_SECONDS, max_bytes=found.most_bytes)
    try:
        page = connected()
    except ChannelError:
        await ws.close(code=1012, message=b"closed")
        return ws
    pages.begin(page, name, call.who)
    try:
        with ended_with_token(call, page.end):
            await carry(ws, page, call.request.transport, f"calls {found.name}")
    finally:
        pages.finish(page, name)
    return ws


def install(app: web.Application) -> None:
    """Let pages connect, hang up with tokens and sessions, and before the server waits for requests under way."""
    pages = app[CALLS] = Calls()

    def end_replaced(replaced: Replaced) -> None:
        pages.end_of(replaced.ended, REVOKED)
        pages.end_of(replaced.moved, CHANGED)

    def end_signed_out(ended: Collection[Principal]) -> None:
        pages.end_of(frozenset(ended), REVOKED)

    async def stop(_app: web.Application) -> None:
        pages.end_all()

    app[ROTATION].on_replaced(end_replaced)
    app[SESSIONS].on_end(end_signed_out)
    app.on_shutdown.append(stop)


def _calls_of(channel: Channel | None) -> BrowserCalls | None:
    return channel if isinstance(channel, BrowserCalls) else None


def _listed(call: Call[Nothing, AgentCallQuery], agent_id: str) -> AgentCallList:
    """Raises a Problem with 404 for nobody."""
    view, router = call.context.view, call.context.router
    agent = view.agents.get(agent_id)
    if agent is None:
        raise not_found("agent")
    found: list[AgentCallShape] = []
    for interaction_id in tuple(agent.work):
        row = view.interaction(interaction_id)
        # Wrap-up may go on while another agent talks with the customer: that is no more theirs.
        if row is None or not _concerns(row, agent_id) or row.state not in {"offered", "active"}:
            continue
        channel = router.channel(row.instance)
        if isinstance(channel, BrowserCalls):
            state: Literal["offered", "active"] = "active" if row.state == "active" else "offered"
            claimed = channel.claimed(row.id)
            heard = channel.heard(row.id)
            found.append(AgentCallShape(row.id, channel.name, state, claimed.name, claimed.number, heard))
    return AgentCallList(found)


def _concerns(row: InteractionRecord, agent_id: str) -> bool:
    others = (agent for _, agent in (*row.pending, *row.participants))
    return agent_id in (row.agent_id, *others)


_UPGRADE: Final = "With `Upgrade: websocket`{} the answer is 101, and messages follow: WEBRTC.md."

ROUTES: Final = (
    Route(
        "call_page",
        "conversations",
        "GET",
        CALL_PATH,
        "public",
        call_page,
        "Call an agent from a customer's page, over WebSocket; or see what a page may ask for.",
        CallShape,
        query=CallQuery,
        problems=("not-found", "foreign-origin", "too-many-connections", "invalid-header", "closed"),
        example=Example(query={"channel": "talk"}, shows={"channel": "talk", "ready": True}),
        notes=_UPGRADE.format(", from a page of a listed origin,"),
    ),
    Route(
        "agent_calls",
        "conversations",
        "GET",
        "/v1/agents/{agent}/calls",
        "agent",
        agent_calls,
        "Calls between browsers that the agent is asked to take, or has; or take part in one, over WebSocket.",
        AgentCallList,
        query=AgentCallQuery,
        problems=("not-found", "too-many-connections", "invalid-header", "closed"),
        example=Example({"agent": "anna"}, shows={"calls": []}),
        notes=_UPGRADE.format(" and `interaction`"),
    ),
)
