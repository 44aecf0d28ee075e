"""Routes of people who are signed in with a browser: /v1/session.

Owns what a page is told of its session, and that sockets end with it. Must not know how cookies are made or checked
(`acd.api.sessions`).
"""

from collections.abc import Collection
from typing import Final

from aiohttp import web
from msgspec import Struct

from acd.api.answers import answer
from acd.api.auth import Principal, Replaced
from acd.api.bodies import NoQuery, Nothing
from acd.api.desk import release
from acd.api.events import SOCKETS
from acd.api.rotation import ROTATION
from acd.api.routes import Call, Example, Route
from acd.api.sessions import SESSIONS, Session, check_own_page, is_https
from acd.api.shapes import Moment
from acd.api.sockets import REVOKED
from acd.runtime.clock import moment

SESSION_PATH: Final = "/v1/session"


class SessionShape(Struct):
    """Who asks: the token's name, and its agent if its role is that one's.

    `telephone`: of a supervisor, the agent by whose telephone they hear conversations; null where the token names none.
    `expires_at`, `left_seconds`: until when the session's cookie is good; null for a token. `release`: a mark of the
    pages that are served; one that knows another is of an older release, and loads itself anew.
    """

    name: str
    agent: str | None
    expires_at: Moment | None
    left_seconds: float | None
    release: str
    telephone: str | None


class EndedShape(Struct):
    """Whether there was a session to end."""

    ended: bool


async def begin_session(call: Call[Nothing, NoQuery]) -> web.Response:
    """A session for whoever shows a token; for whoever asks in one, a new cookie in time."""
    sessions, now_us = call.request.app[SESSIONS], call.context.now_us()
    check_own_page(call.request)
    session = sessions.of(call.who)
    if session is None:
        sessions.end_by_cookie(call.request)
        origin = call.request.headers.get("Origin", "")
        cookie, session = sessions.begin(call.who, call.request.host, now_us, origin)
    else:
        cookie = sessions.renewed(session, now_us)
    headers = {"Location": SESSION_PATH}
    if cookie:
        headers["Set-Cookie"] = sessions.set_cookie(cookie, secure=session.secure)
    return answer(_shape(session.who, session, now_us), 201, headers)


async def show_session(call: Call[Nothing, NoQuery]) -> SessionShape:
    """Who asks."""
    return _shape(call.who, call.request.app[SESSIONS].of(call.who), call.context.now_us())


async def end_session(call: Call[Nothing, NoQuery]) -> web.Response:
    """The session is over, at once and in every tab."""
    sessions = call.request.app[SESSIONS]
    session = sessions.of(call.who)
    secure = is_https(call.request.headers.get("Origin")) if session is None else session.secure
    sessions.end((call.who,))
    return answer(EndedShape(session is not None), 200, {"Set-Cookie": sessions.set_cookie("", secure=secure)})


def install(app: web.Application) -> None:
    """A token's end is that of its sessions, and a session's that of its sockets."""
    sessions = app[SESSIONS]

    def end_replaced(replaced: Replaced) -> None:
        sessions.end_of_tokens(replaced.ended | replaced.moved)

    def end_sockets(ended: Collection[Principal]) -> None:
        app[SOCKETS].end_of(ended, REVOKED)

    app[ROTATION].on_replaced(end_replaced)
    sessions.on_end(end_sockets)


def _shape(who: Principal, session: Session | None, now_us: int) -> SessionShape:
    until_us = None if session is None else session.who.expires_us
    return SessionShape(
        name=who.name,
        agent=who.agent or None,
        expires_at=None if until_us is None else moment(until_us),
        left_seconds=None if until_us is None else max(0, until_us - now_us) / 1_000_000,
        release=release(),
        telephone=who.telephone or None,
    )


ROUTES: Final = (
    Route(
        "begin_session",
        "sessions",
        "POST",
        SESSION_PATH,
        "token",
        begin_session,
        "Sign in with a browser: a cookie that no script can read, in place of the token.",
        SessionShape,
        status=201,
        example=Example(shows={"name": "open"}),
        changes=False,
        notes="For pages of the API's own address (`/desk`). Asked for in a session whose time is half over, it"
        " replaces the cookie. The session has the rights of the token, and ends with it.",
        scoped=True,
    ),
    Route(
        "show_session",
        "sessions",
        "GET",
        SESSION_PATH,
        "token",
        show_session,
        "Who asks, and for how long the session is good.",
        SessionShape,
        example=Example(shows={"name": "open", "agent": None}),
        scoped=True,
    ),
    Route(
        "end_session",
        "sessions",
        "DELETE",
        SESSION_PATH,
        "token",
        end_session,
        "Sign out: the session ends in every tab, and its sockets close.",
        EndedShape,
        example=Example(shows={"ended": False}),
        changes=False,
        notes="The agent stays as they are: presence has routes of its own.",
        scoped=True,
    ),
)
