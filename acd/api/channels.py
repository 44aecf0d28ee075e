"""Routes of external channels: /v1/channels/{channel}, over which a process becomes one, and /v1/channel-messages.

Owns carrying bytes between a socket and its session. Must not know what messages mean
(`acd.api.external`).
"""

import asyncio
from collections.abc import Collection
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import WSMsgType, web
from msgspec import Struct

from acd.api.auth import Principal, Replaced
from acd.api.bodies import NoQuery, Nothing
from acd.api.external.catalogue import MESSAGES
from acd.api.external.desk import Memory
from acd.api.external.session import HEARTBEAT_SECONDS, MAX_MESSAGE, Session
from acd.api.inbound import said
from acd.api.problems import Problem, not_found, too_many
from acd.api.rates import Rates
from acd.api.rotation import ROTATION
from acd.api.routes import Call, Example, Route
from acd.api.sessions import SESSIONS as SIGNED_IN
from acd.api.sockets import CHANGED, CLOSE_SECONDS, FLOOD, REVOKED, STOPPING, Ending
from acd.api.upgrade import ended_with_token, form_of, upgraded, wants_socket
from acd.errors import ChannelError
from acd.runtime.events.cloud import Form
from acd.runtime.external import ExternalChannel

PROTOCOLS: Final[dict[str, Form]] = {"acd.channel.v1+json": "json", "acd.channel.v1+msgpack": "msgpack"}
"""WebSocket subprotocols; without one it is JSON."""

_log = structlog.get_logger(__name__)

SEND_SECONDS: Final = 10.0
"""Within this time a process has to take what it is sent, once its buffers are full."""

CONNECTS_PER_SECOND: Final = 5.0
CONNECTS_AT_ONCE: Final = 100
"""How often one channel may be connected to: steadily, and in a burst."""

_GONE: Final = Ending(1000, "gone", "The process has closed the connection.")
_SLOW: Final = Ending(1013, "too-slow", "What was sent has not been taken; connect again.")
_FRAME: Final = Ending(4400, "malformed", "JSON travels in text messages, MessagePack in binary ones.")
_FAULT: Final = Ending(1011, "internal", "A fault in the server; it has been logged. Connect again.")
_MAX_REASON: Final = 120


class Sessions:
    """All connections of one application."""

    def __init__(self) -> None:
        """None yet."""
        self.rates = Rates(CONNECTS_PER_SECOND, CONNECTS_AT_ONCE)
        self.open: dict[Session, Principal] = {}
        self.memories: dict[str, Memory] = {}
        """By channel that is configured and has been connected to."""

    def end_replaced(self, replaced: Replaced) -> None:
        """Hang up on whoever's token is gone, or has other rights."""
        for session, who in tuple(self.open.items()):
            if who in replaced.ended or who in replaced.moved:
                session.end(REVOKED if who in replaced.ended else CHANGED)

    def end_of(self, ended: Collection[Principal]) -> None:
        """Hang up on whoever was signed in with a browser, and is not any more."""
        for session, who in tuple(self.open.items()):
            if who in ended:
                session.end(REVOKED)

    def end_all(self) -> None:
        """The server stops."""
        for session in tuple(self.open):
            session.end(STOPPING)


SESSIONS: Final = web.AppKey("acd_channel_sessions", Sessions)


class ChannelShape(Struct):
    """An external channel. `connected`: a process is there now. `connects`: how often one has come."""

    id: str
    media: str
    connected: bool
    connects: int


class ChannelMessageShape(Struct):
    """A message: from `process` or `server`, what it means, its JSON Schema, and an example."""

    type: str
    said_by: str
    meaning: str
    data_schema: dict[str, Any]
    example: dict[str, Any]


class ChannelMessageList(Struct):
    """Every message of the protocol, and the subprotocols that may be asked for."""

    messages: list[ChannelMessageShape]
    protocols: list[str]


async def channel(call: Call[Nothing, NoQuery]) -> object:
    """A connection for whoever asks for one, otherwise how the channel is."""
    found = call.context.router.channel(call.path("channel"))
    if not isinstance(found, ExternalChannel):
        raise not_found("external channel")
    if not wants_socket(call.request):
        health = found.health()
        return ChannelShape(found.name, found.media, health["connected"] is True, int(health["connects"]))
    form = form_of(call.request, PROTOCOLS)
    try:
        _ = found.host
    except ChannelError:
        raise Problem(503, "closed", "The engine is starting or stopping; try again later.") from None
    sessions = call.request.app[SESSIONS]
    wait_seconds = sessions.rates.take(found.name, call.context.now_us())
    if wait_seconds:
        raise too_many(429, "This channel is connected to too often.", wait_seconds)
    return await _serve(call, sessions, found, form)


async def list_messages(_call: Call[Nothing, NoQuery]) -> ChannelMessageList:
    """The documentation of the protocol, for programs."""
    messages = [
        ChannelMessageShape(each.name, each.said_by, each.meaning, each.schema, each.example) for each in MESSAGES
    ]
    return ChannelMessageList(messages, list(PROTOCOLS))


def install(app: web.Application) -> None:
    """Let processes connect, and hang up before the server waits for requests under way."""
    sessions = app[SESSIONS] = Sessions()
    app[ROTATION].on_replaced(sessions.end_replaced)
    app[SIGNED_IN].on_end(sessions.end_of)

    async def stop(_app: web.Application) -> None:
        sessions.end_all()

    app.on_shutdown.append(stop)


async def _serve(
    call: Call[Nothing, NoQuery], sessions: Sessions, found: ExternalChannel, form: Form
) -> web.WebSocketResponse:
    """The whole life of a connection."""
    ws = await upgraded(call.request, PROTOCOLS, ping_seconds=HEARTBEAT_SECONDS, max_bytes=MAX_MESSAGE, bounded=False)
    transport = call.request.transport
    memory = sessions.memories.setdefault(found.name, Memory(call.context.repeats))
    session = Session(found, form, call.who.name, memory)
    sessions.open[session] = call.who
    try:
        with ended_with_token(call, session.end):
            await _carry(ws, session, form, transport, found.name)
    finally:
        del sessions.open[session]
    return ws


async def _carry(
    ws: web.WebSocketResponse, session: Session, form: Form, transport: asyncio.Transport | None, name: str
) -> None:
    """Both directions, until one of them or the session ends."""
    telling = asyncio.create_task(_tell(ws, session, form), name=f"channel {name}, to its process")
    listening = asyncio.create_task(_listen(ws, session, form), name=f"channel {name}, from its process")
    try:
        await asyncio.wait((telling, listening, session.ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, listening):
            error = task.exception() if task.done() else None
            if error is not None and not isinstance(error, ConnectionError):  # which is a process that has gone
                _log.error("a channel's connection failed", instance=name, error=type(error).__name__)
                session.end(_FAULT)
        session.end(_GONE)
        if not ws.closed:
            telling.cancel()
            await asyncio.wait((telling,))
            await _close(ws, session, form, transport)
    finally:
        session.end(_GONE)
        for task in (telling, listening):
            task.cancel()
        await asyncio.gather(telling, listening, return_exceptions=True)


async def _tell(ws: web.WebSocketResponse, session: Session, form: Form) -> None:
    """Send what is to be sent; end the session of a process that does not take it."""
    with suppress(ConnectionError):
        async with aclosing(session.outgoing()) as messages:
            async for message in messages:
                try:
                    async with asyncio.timeout(SEND_SECONDS):
                        await _send(ws, message, form)
                except TimeoutError:
                    session.end(_SLOW)
                    return


async def _send(ws: web.WebSocketResponse, message: bytes, form: Form) -> None:
    await (ws.send_str(message.decode()) if form == "json" else ws.send_bytes(message))


async def _listen(ws: web.WebSocketResponse, session: Session, form: Form) -> None:
    """Until the process is gone, or has broken the protocol. What is too large closes the socket by itself."""
    wanted = WSMsgType.TEXT if form == "json" else WSMsgType.BINARY
    async for message in said(ws, partial(session.end, FLOOD)):
        if message.type == wanted:
            await session.receive(message.data.encode() if form == "json" else message.data)
        elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            session.end(_FRAME)
        if session.ended.done():
            return


async def _close(ws: web.WebSocketResponse, session: Session, form: Form, transport: asyncio.Transport | None) -> None:
    """Say goodbye; cut off whoever does not answer."""
    ending = session.ended.result()
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await _send(ws, session.farewell(ending), form)
            await ws.close(code=ending.close_code, message=ending.code.encode()[:_MAX_REASON])
            return
    if transport is not None:
        transport.abort()


ROUTES: Final = (
    Route(
        "channel",
        "channels",
        "GET",
        "/v1/channels/{channel}",
        "channel",
        channel,
        "Become an external channel, over WebSocket; or see whether somebody is it.",
        ChannelShape,
        problems=("too-many-connections", "invalid-header", "closed"),
        example=Example({"channel": "web"}, shows={"id": "web", "media": "chat", "connected": False}),
        notes="With `Upgrade: websocket` the answer is 101, and messages follow; CHANNELS.md says all about them.",
    ),
    Route(
        "list_channel_messages",
        "channels",
        "GET",
        "/v1/channel-messages",
        "public",
        list_messages,
        "Every message of an external channel, with JSON Schema and example.",
        ChannelMessageList,
    ),
)
