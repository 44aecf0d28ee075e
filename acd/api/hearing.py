"""The route by which a supervisor's page hears a call between browsers.

Owns GET /v1/interactions/{interaction}/supervision/{agent}. Must not know what is said over it (the channel does), nor
how it is begun and changed: that is `acd.api.supervisors`'s, and in the journal before anybody connects.
"""

from typing import Final, Literal

from aiohttp import web
from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.calls import CALLS, PROTOCOLS
from acd.api.carrying import PING_SECONDS, carry
from acd.api.events import SOCKETS
from acd.api.interactions import visible
from acd.api.problems import forbidden, not_found
from acd.api.routes import Call, Example, Route
from acd.api.upgrade import ended_with_token, form_of, upgraded, wants_socket
from acd.errors import ChannelError
from acd.ports.pages import BrowserCalls
from acd.ports.supervision import Supervisable, SupervisedByPage


class EarShape(Struct):
    """By what a supervisor hears this conversation; null: nobody can."""

    by: Literal["page", "telephone"] | None


async def hear(call: Call[Nothing, NoQuery]) -> object:
    """A connection for the page of a supervisor who asks for one, otherwise by what they would hear."""
    row, agent_id = visible(call), call.path("agent")
    found = call.context.router.channel(row.instance)
    if not wants_socket(call.request):
        if isinstance(found, SupervisedByPage):
            return EarShape("page")
        return EarShape("telephone" if isinstance(found, Supervisable) else None)
    if not isinstance(found, SupervisedByPage) or not isinstance(found, BrowserCalls):
        raise not_found("call")
    if agent_id not in (call.who.telephone, call.who.agent) and not call.who.is_system:
        raise forbidden("A supervisor hears as the agent whom their token names as its telephone.")
    form_of(call.request, PROTOCOLS)
    sockets = call.request.app[SOCKETS]
    sockets.admit(call.who.name, agent=False)
    try:
        return await _serve(call, found, found, row.id)
    finally:
        sockets.leave(call.who.name)


async def _serve(
    call: Call[Nothing, NoQuery], calls: BrowserCalls, found: SupervisedByPage, interaction_id: str
) -> web.WebSocketResponse:
    """The whole life of the connection."""
    pages, name = call.request.app[CALLS], f"{calls.name} supervisors"
    ws = await upgraded(call.request, PROTOCOLS, ping_seconds=PING_SECONDS, max_bytes=calls.most_bytes)
    try:
        page = found.supervisor_page(interaction_id, call.path("agent"))
    except ChannelError:
        await ws.close(code=1012, message=b"closed")
        return ws
    pages.begin(page, name, call.who)
    try:
        with ended_with_token(call, page.end):
            await carry(ws, page, call.request.transport, f"calls {calls.name}")
    finally:
        pages.finish(page, name)
    return ws


ROUTES: Final = (
    Route(
        "hear",
        "interactions",
        "GET",
        "/v1/interactions/{interaction}/supervision/{agent}",
        "supervisor",
        hear,
        "Whether a supervisor hears a conversation by a page or by a telephone; or hear it, over WebSocket.",
        EarShape,
        problems=("not-found", "too-many-connections", "invalid-header", "closed"),
        example=Example(
            {"interaction": "mail-1", "agent": "boris"}, after=("enqueue", "sign_in", "accept"), shows={"by": None}
        ),
        notes="With `Upgrade: websocket` the answer is 101, and messages follow: WEBRTC.md. Only as the agent whom the"
        " token names as its `telephone`, and once it has been asked for by PUT.",
        scoped=True,
        by_telephone=True,
    ),
)
