"""The route by which a supervisor's page hears a call between browsers.

Owns GET /v1/interactions/{interaction}/supervision/{agent}. Must not know what is said over it (the channel does), nor
how it is begun and changed: that is `acd.api.supervisors`'s, and in the journal before anybody connects.
"""

from functools import partial
from typing import Final, Literal

from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.calls import PROTOCOLS, serve_staff
from acd.api.events import SOCKETS
from acd.api.interactions import visible
from acd.api.problems import forbidden, not_found
from acd.api.routes import Call, Example, Route
from acd.api.upgrade import form_of, wants_socket
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
        return await serve_staff(call, found, "supervisors", partial(found.supervisor_page, row.id, agent_id))
    finally:
        sockets.leave(call.who.name)


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
