"""Routes by which a customer's page sends and gets files of its own conversations: /v1/chat/files.

Owns who may: the visitor whose token it is, from a page of a listed origin. Must not know how bytes travel
(`acd.api.chat.files`). The token is the one of the page's connection, in the header `Authorization`: never in an
address, where it would be written down, and never in a cookie, which a page of anybody's would send along.
"""

from collections.abc import MutableMapping
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from acd.api.addresses import place_of
from acd.api.bodies import Nothing
from acd.api.chat.files import PROBLEMS, TRANSFERS, Key, Name, Sent, Transfers, entry_of, sent
from acd.api.chats import web_chat
from acd.api.letting_in import channel_of_page, check_origin, moment_of
from acd.api.problems import Problem, too_many
from acd.api.routes import Call, Example, Route
from acd.core.limits import MAX_ID
from acd.errors import ChatDamaged
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import MAX_ENTRIES
from acd.runtime.chat.rooms import Room
from acd.runtime.chat.visitors import redeem

FILES_PATH: Final = "/v1/chat/files"

_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
_BEARER: Final = "Bearer "

_Channel = Annotated[str, Meta(max_length=MAX_ID, description="Name of the channel of type `webchat`.")]
_Conversation = Annotated[str, Meta(max_length=MAX_ID, description="One of this visitor's.")]
_Problems: Final = ("not-found", "unknown-conversation", "token-expired", "token-invalid", "closed")


class SendQuery(Struct, frozen=True):
    """Where to, and what it is called."""

    channel: _Channel = ""
    conversation: _Conversation = ""
    id: Key = ""
    name: Name = ""


class GetQuery(Struct, frozen=True):
    """Which."""

    channel: _Channel = ""
    conversation: _Conversation = ""
    seq: Annotated[int, Meta(ge=0, le=MAX_ENTRIES, description="The entry's number.")] = 0


async def send(call: Call[Nothing, SendQuery]) -> Sent:
    """A file of the customer's."""
    query, request = call.query, call.request
    channel = channel_of_page(request, query.channel, web_chat, "web chat")
    if not query.conversation:
        return sent(channel, None)
    check_origin(request, channel.options.origins, channel.name)
    room = await _conversation(request, channel, query.conversation)
    transfers = request.app[TRANSFERS]
    return await transfers.take_in(request, channel, room, agent_id="", key=query.id, name=query.name)


async def get(call: Call[Nothing, GetQuery]) -> Sent | web.Response:
    """A file of either side's."""
    query, request = call.query, call.request
    channel = channel_of_page(request, query.channel, web_chat, "web chat")
    if not query.conversation:
        return sent(channel, None)
    if "Origin" in request.headers:  # a browser leaves it out where page and acd have the same
        check_origin(request, channel.options.origins, channel.name)
    room = await _conversation(request, channel, query.conversation)
    reader = f"{channel.name} {room.visitor}"
    return request.app[TRANSFERS].give_out(channel, room, entry_of(room, query.seq), reader, request)


def install(app: web.Application) -> None:
    """Let files pass, of pages and of desks."""
    app[TRANSFERS] = Transfers()


def is_asked_before(request: web.Request) -> bool:
    """Whether a browser asks if a page may send such a request (CORS)."""
    return request.path == FILES_PATH and request.method == "OPTIONS" and _is_listed(request)


def preflight() -> web.Response:
    """It may."""
    return web.Response(status=204, headers=_PREFLIGHT)


def show_to_page(request: web.Request, headers: MutableMapping[str, str]) -> None:
    """Let a browser show the answer to a page of a listed origin, which learns so what was wrong."""
    if _is_listed(request):
        headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"
    headers["Vary"] = "Origin"


def _is_listed(request: web.Request) -> bool:
    try:
        channel = channel_of_page(request, request.query.get("channel", ""), web_chat, "web chat")
    except Problem:
        return False
    return request.headers.get("Origin", "").lower() in channel.options.origins


async def _conversation(request: web.Request, channel: WebChatChannel, conversation_id: str) -> Room:
    """One of the visitor's whose token it is. Raises a Problem."""
    now_us = moment_of(channel)
    place = place_of(request)
    wait_seconds = request.app[TRANSFERS].of_place.take(place, now_us) if place else 0.0
    if wait_seconds:
        raise too_many(429, "This address asks too often.", wait_seconds)
    said = request.headers.get("Authorization", "")
    token = said[len(_BEARER) :] if said.startswith(_BEARER) else ""
    visitor, fault = redeem(channel.reception.keeper.sign, channel.name, token, now_us)
    if fault:
        detail = "connect again without one" if token else "send the visitor's in Authorization"
        raise Problem(401, f"token-{fault}", f"This is no token that is good here; {detail}.", {"Connection": "close"})
    try:
        room = await channel.reception.find(conversation_id)
    except ChatDamaged:
        room = None
    if room is None or room.visitor != visitor:
        detail = "conversation: there is none of this id."
        raise Problem(404, "unknown-conversation", detail, {"Connection": "close"})
    return room


ROUTES: Final = (
    Route(
        "send_chat_file",
        "conversations",
        "POST",
        FILES_PATH,
        "public",
        send,
        "Send a file into a conversation, from the customer's page.",
        Sent,
        query=SendQuery,
        problems=(*_Problems, *PROBLEMS, "too-many-connections"),
        example=Example(query={"channel": "shop"}, shows={"seq": 0}),
        changes=False,
        streams=True,
        notes="The body is the file, `Authorization: Bearer` the visitor's token. Without `conversation` nothing is"
        " sent, and the answer says what may be. CHAT.md has the rules.",
    ),
    Route(
        "get_chat_file",
        "conversations",
        "GET",
        FILES_PATH,
        "public",
        get,
        "Get a file of a conversation, for the customer's page.",
        Sent,
        query=GetQuery,
        problems=(*_Problems, "too-many-connections", "too-many-requests", "channel-unavailable"),
        example=Example(query={"channel": "shop"}, shows={"seq": 0}),
        notes="With the visitor's token as when sending; the answer is the file. Without `conversation` it says what"
        " may be sent.",
    ),
)
