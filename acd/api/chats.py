"""Route of web chats: /v1/chat, over which a customer's page talks.

Owns who may connect (pages of listed origins, so many at a time, and so many from one address). Must not know what
messages mean (`acd.api.chat`), nor how they are carried (`acd.api.carrying`). Nobody is asked for a token of the API's:
who a visitor is, is said in the first message.
"""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from acd.api.addresses import Addresses, place_of
from acd.api.bodies import Nothing
from acd.api.carrying import PING_SECONDS, Carried, carry
from acd.api.chat.calling import calling_of
from acd.api.chat.session import MAX_MESSAGE, MESSAGES_AT_ONCE, MESSAGES_PER_SECOND, Session
from acd.api.letting_in import channel_of_page, check_address, check_origin, check_room, moment_of
from acd.api.rates import Rates
from acd.api.routes import Call, Example, Route
from acd.api.upgrade import form_of, upgraded, wants_socket
from acd.core.limits import MAX_ID
from acd.ports.channel import Channel
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import MAX_TEXT
from acd.runtime.events.cloud import Form

CHAT_PATH: Final = "/v1/chat"

PROTOCOLS: Final[dict[str, Form]] = {"acd.chat.v1+json": "json"}
"""WebSocket subprotocols; without one it is the same."""


class Chats(Carried):
    """All pages of one application."""

    def __init__(self) -> None:
        """None yet."""
        super().__init__()
        self.messages = Rates(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE)
        self.addresses = Addresses()


CHATS: Final = web.AppKey("acd_chats", Chats)


class ChatQuery(Struct, frozen=True):
    """Which chat."""

    channel: Annotated[str, Meta(max_length=MAX_ID, description="Name of the channel of type `webchat`.")] = ""


class ChatShape(Struct):
    """A web chat. `ready`: conversations can begin. `queues`: those that a page may ask for, the first by default.

    `listed`: whether the page that asks may connect; null when the request does not say from where it comes.
    """

    channel: str
    ready: bool
    listed: bool | None
    queues: tuple[str, ...]
    max_text: int
    protocols: tuple[str, ...]


async def chat(call: Call[Nothing, ChatQuery]) -> object:
    """A connection for a page that asks for one, otherwise what there is."""
    found = channel_of_page(call.request, call.query.channel, web_chat, "web chat")
    if not wants_socket(call.request):
        ready = found.health()["connected"] is True
        listed = _is_listed(call.request, found) if "Origin" in call.request.headers else None
        return ChatShape(found.name, ready, listed, found.options.queues, MAX_TEXT, tuple(PROTOCOLS))
    check_origin(call.request, found.options.origins, found.name)
    form_of(call.request, PROTOCOLS)
    chats = call.request.app[CHATS]
    place, moment_us = place_of(call.request), moment_of(found)
    check_address(chats.addresses, found, place, found.options.per_address, moment_us)
    check_room(chats, found, found.options.connections, moment_us)
    return await _serve(call.request, chats, found, place)


def install(app: web.Application) -> None:
    """Let pages connect, and hang up before the server waits for requests under way."""
    chats = app[CHATS] = Chats()

    async def stop(_app: web.Application) -> None:
        chats.end_all()

    app.on_shutdown.append(stop)


def web_chat(channel: Channel | None) -> WebChatChannel | None:
    """The channel, if it is one of these."""
    return channel if isinstance(channel, WebChatChannel) else None


def _is_listed(request: web.Request, found: WebChatChannel) -> bool:
    return request.headers.get("Origin", "").lower() in found.options.origins


async def _serve(request: web.Request, chats: Chats, found: WebChatChannel, place: str) -> web.WebSocketResponse:
    """The whole life of a connection."""
    session = Session(found, chats.messages, place, calling_of(request, found))
    chats.begin(session, found.name)
    chats.addresses.enter(found.name, place)
    try:
        ws = await upgraded(request, PROTOCOLS, ping_seconds=PING_SECONDS, max_bytes=MAX_MESSAGE)
        await carry(ws, session, request.transport, f"chat {found.name}")
    finally:
        chats.finish(session, found.name)
        chats.addresses.leave(found.name, place)
    return ws


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
