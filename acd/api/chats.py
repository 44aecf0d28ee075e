"""Route of web chats: /v1/chat, over which a customer's page talks.

Owns who may connect (pages of listed origins, so many at a time, and so many from one address), and carrying texts
between a socket and its session. Must not know what messages mean (`acd.api.chat`). Nobody is asked for a token of the
API's: who a visitor is, is said in the first message.
"""

import asyncio
from collections import Counter
from contextlib import aclosing, suppress
from typing import Annotated, Final

import structlog
from aiohttp import WSMsgType, web
from msgspec import Meta, Struct

from acd.api.bodies import Nothing
from acd.api.chat.addresses import Addresses, place_of
from acd.api.chat.session import MAX_MESSAGE, MESSAGES_AT_ONCE, MESSAGES_PER_SECOND, Session
from acd.api.context import API, TOGETHER
from acd.api.problems import Problem, not_found, too_many
from acd.api.rates import Rates
from acd.api.routes import Call, Example, Route
from acd.api.sockets import CLOSE_SECONDS, STOPPING, Ending
from acd.api.upgrade import form_of, upgraded, wants_socket
from acd.core.limits import MAX_ID
from acd.errors import ChannelError
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import MAX_TEXT
from acd.runtime.events.cloud import Form

CHAT_PATH: Final = "/v1/chat"

PROTOCOLS: Final[dict[str, Form]] = {"acd.chat.v1+json": "json"}
"""WebSocket subprotocols; without one it is the same."""

SEND_SECONDS: Final = 10.0
"""Within this time a page has to take what it is sent, once its buffers are full."""

PING_SECONDS: Final = 20.0
"""How often a page is pinged; one that does not answer within half of it is cut off."""

CONNECTS_PER_SECOND: Final = 100.0
CONNECTS_AT_ONCE: Final = 2_500
"""How often one channel may be connected to: steadily, and in a burst, as after a restart."""

_GONE: Final = Ending(1000, "gone", "The page has closed the connection.")
_SLOW: Final = Ending(1013, "too-slow", "What was sent has not been taken; connect again.")
_FRAME: Final = Ending(4400, "malformed", "Messages are JSON in text frames; send no binary ones.")
_FAULT: Final = Ending(1011, "internal", "A fault in the server; it has been logged. Connect again.")
_MAX_REASON: Final = 120

_log = structlog.get_logger(__name__)


class Chats:
    """All pages of one application."""

    def __init__(self) -> None:
        """None yet."""
        self.connects = Rates(CONNECTS_PER_SECOND, CONNECTS_AT_ONCE)
        self.messages = Rates(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE)
        self.open: dict[Session, None] = {}
        self.of_channel: Counter[str] = Counter()
        self.addresses = Addresses()

    def end_all(self) -> None:
        """The server stops."""
        for session in tuple(self.open):
            session.end(STOPPING)


CHATS: Final = web.AppKey("acd_chats", Chats)


class ChatQuery(Struct, frozen=True):
    """Which chat."""

    channel: Annotated[str, Meta(max_length=MAX_ID, description="Name of the channel of type `webchat`.")] = ""


class ChatShape(Struct):
    """A web chat. `ready`: conversations can begin. `queues`: those that a page may ask for, the first by default."""

    channel: str
    ready: bool
    queues: tuple[str, ...]
    max_text: int
    protocols: tuple[str, ...]


async def chat(call: Call[Nothing, ChatQuery]) -> object:
    """A connection for a page that asks for one, otherwise what there is."""
    found = _channel(call)
    if not wants_socket(call.request):
        ready = found.health()["connected"] is True
        return ChatShape(found.name, ready, found.options.queues, MAX_TEXT, tuple(PROTOCOLS))
    _check_origin(call.request, found)
    form_of(call.request, PROTOCOLS)
    try:
        now_us = found.host.now_us()
    except ChannelError:
        raise Problem(503, "closed", "The engine is starting or stopping; try again later.") from None
    if found.health()["connected"] is not True:
        raise Problem(503, "channel-unavailable", "Conversations cannot be kept just now; try again later.")
    chats = call.request.app[CHATS]
    place = place_of(call.request)
    wait_seconds = chats.addresses.connects(place, now_us)
    if wait_seconds:
        # Before the channel's own count, which is everybody's.
        raise too_many(429, "This address connects too often.", wait_seconds)
    if not chats.addresses.has_room(found.name, place, found.options.per_address):
        raise too_many(429, "This address has too many pages open; close some.", 5)
    wait_seconds = chats.connects.take(found.name, now_us)
    if wait_seconds:
        raise too_many(429, "This chat is connected to too often.", wait_seconds)
    if chats.of_channel[found.name] >= found.options.connections:
        raise too_many(503, "There are too many pages open; try again later.", 5)
    return await _serve(call.request, chats, found, place)


def install(app: web.Application) -> None:
    """Let pages connect, and hang up before the server waits for requests under way."""
    chats = app[CHATS] = Chats()

    async def stop(_app: web.Application) -> None:
        chats.end_all()

    app.on_shutdown.append(stop)


def _channel(call: Call[Nothing, ChatQuery]) -> WebChatChannel:
    """The chat of this name, of whichever domain at this address. Raises a Problem with 404, also for two of a name."""
    apps = TOGETHER.get() or (call.request.app,)
    named = (app[API].router.channel(call.query.channel) for app in apps)
    found = [channel for channel in named if isinstance(channel, WebChatChannel)]
    if len(found) != 1:
        raise not_found("web chat")
    return found[0]


def _check_origin(request: web.Request, found: WebChatChannel) -> None:
    """Raises a Problem with 403 for what is no page of a listed origin."""
    origin = request.headers.get("Origin", "")
    if origin.lower() not in found.options.origins:
        detail = f"Pages of this origin may not chat here; list it in channels.{found.name}.origins."
        raise Problem(403, "foreign-origin", detail)


async def _serve(request: web.Request, chats: Chats, found: WebChatChannel, place: str) -> web.WebSocketResponse:
    """The whole life of a connection."""
    session = Session(found, chats.messages, place)
    chats.open[session] = None
    chats.of_channel[found.name] += 1
    chats.addresses.enter(found.name, place)
    try:
        ws = await upgraded(request, PROTOCOLS, ping_seconds=PING_SECONDS, max_bytes=MAX_MESSAGE)
        await _carry(ws, session, request.transport, found.name)
    finally:
        session.end(_GONE)
        del chats.open[session]
        chats.of_channel[found.name] -= 1
        chats.addresses.leave(found.name, place)
    return ws


async def _carry(ws: web.WebSocketResponse, session: Session, transport: asyncio.Transport | None, name: str) -> None:
    """Both directions, until one of them or the session ends."""
    telling = asyncio.create_task(_tell(ws, session), name=f"chat {name}, to a page")
    listening = asyncio.create_task(_listen(ws, session), name=f"chat {name}, from a page")
    try:
        await asyncio.wait((telling, listening, session.ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, listening):
            if task.done() and (error := task.exception()) is not None:
                _log.error("a page's connection failed", instance=name, error=type(error).__name__)
                session.end(_FAULT)
        session.end(_GONE)
        if not ws.closed:
            telling.cancel()
            await asyncio.wait((telling,))
            await _close(ws, session, transport)
    finally:
        session.end(_GONE)
        for task in (telling, listening):
            task.cancel()
        await asyncio.gather(telling, listening, return_exceptions=True)


async def _tell(ws: web.WebSocketResponse, session: Session) -> None:
    """Send what is to be sent; end the session of a page that does not take it."""
    with suppress(ConnectionError):
        async with aclosing(session.outgoing()) as messages:
            async for message in messages:
                try:
                    async with asyncio.timeout(SEND_SECONDS):
                        await ws.send_str(message)
                except TimeoutError:
                    session.end(_SLOW)
                    return


async def _listen(ws: web.WebSocketResponse, session: Session) -> None:
    """Until the page is gone, or has broken the protocol. What is too large closes the socket by itself."""
    async for message in ws:
        if message.type == WSMsgType.TEXT:
            await session.receive(message.data)
        elif message.type == WSMsgType.BINARY:
            session.end(_FRAME)
        if session.ended.done():
            return


async def _close(ws: web.WebSocketResponse, session: Session, transport: asyncio.Transport | None) -> None:
    """Say goodbye; cut off whoever does not answer."""
    ending = session.ended.result()
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await ws.send_str(session.farewell(ending))
            await ws.close(code=ending.close_code, message=ending.code.encode()[:_MAX_REASON])
            return
    if transport is not None:
        transport.abort()


ROUTES: Final = (
    Route(
        "chat",
        "conversations",
        "GET",
        CHAT_PATH,
        "public",
        chat,
        "Chat with a customer's page, over WebSocket; or see what a page may ask for.",
        ChatShape,
        query=ChatQuery,
        problems=("not-found", "foreign-origin", "too-many-connections", "invalid-header", "closed"),
        example=Example(query={"channel": "shop"}, shows={"channel": "shop", "ready": True}),
        notes="With `Upgrade: websocket`, from a page of a listed origin, the answer is 101, and messages follow:"
        " CHAT.md.",
    ),
)
