"""The aiohttp application: routes, and around each of them identity and errors.

Owns the order of things around a handler: request id, problem documents, the guard. Must not know what a
route does.
"""

import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Final

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from structlog.contextvars import bound_contextvars

from acd.api import calls, channels, chat_files, chats, session_routes
from acd.api.auth import Guard, Principal
from acd.api.context import API, DOCUMENT, PRINCIPAL, Api, ApiRouter, api
from acd.api.desk import DESK
from acd.api.earlier import EARLIER
from acd.api.events import install, ticket_of
from acd.api.openapi import document
from acd.api.problems import MAX_BODY, Problem, internal, of_error, of_http, unauthorized
from acd.api.quota import QUOTA, Quota
from acd.api.request_ids import new_request_id
from acd.api.rotation import ROTATION, Read, Rotation
from acd.api.routes import CURSOR_HEADER, Route, register
from acd.api.sessions import SESSIONS, Sessions
from acd.api.sockets import Sockets
from acd.api.table import PUBLIC_PATHS, ROUTES
from acd.api.tickets import TICKETS, Tickets
from acd.api.wallboard import WALLBOARD, Watching
from acd.api.widget import ANY_PAGE
from acd.core.limits import MAX_ID
from acd.errors import AcdError, RouterClosed
from acd.runtime.board import Board
from acd.runtime.config.model import ApiConfig
from acd.runtime.configurations import Configurations
from acd.runtime.earlier import Earlier
from acd.runtime.history import History
from acd.runtime.repeats import Repeats

_log = structlog.get_logger(__name__)

PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, traceparent",
    "Access-Control-Max-Age": "600",
}
"""What a browser is told before it sends a page's request."""

EXPOSED: Final = f"Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, {CURSOR_HEADER}"
"""Headers that a page may read."""

UNAUTHORIZED: Final = 401

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    router: ApiRouter,
    config: ApiConfig,
    history: History | None = None,
    configurations: Configurations | None = None,
    repeats: Repeats | None = None,
    *,
    reread: Read | None = None,
    around: Middleware | None = None,
    board: Board | None = None,
    earlier: Earlier | None = None,
) -> web.Application:
    """The application for one router. `history`, `configurations`, `repeats` and `reread` as for `serve`.

    `around`: a middleware around everything else. `board`: what supervisors watch. `earlier`: as for
    `serve`.

    Raises ConfigError when there are no tokens and the API is not explicitly open on a loopback host.
    """
    app = web.Application(middlewares=[_around] if around is None else [around, _around], client_max_size=MAX_BODY)
    app[API] = Api(router, Guard(config), history, configurations, repeats)
    routes, app[DOCUMENT] = _routes(_left_out(config))
    app[TICKETS] = Tickets()
    app[SESSIONS] = Sessions(config.sessions)
    app[DESK] = config.desk
    app[EARLIER] = earlier
    app[WALLBOARD] = Watching(board, config.wallboard, config.desk)
    app[QUOTA] = Quota(config.rates.failures)
    app[ROTATION] = Rotation(app[API].guard, reread)
    if configurations is not None:
        configurations.heed(app[API].guard.in_force)
    install(app, Sockets(router.events, app[API].now_us))
    channels.install(app)
    chats.install(app)
    chat_files.install(app)
    calls.install(app)
    session_routes.install(app)
    register(app, routes)
    return app


@cache
def _routes(left_out: frozenset[str]) -> tuple[tuple[Route, ...], bytes]:
    """With their document, which is most of the work of making an application, and alike for all in a process."""
    routes = tuple(route for route in ROUTES if route.tag not in left_out and route.name not in left_out)
    return routes, msgspec.json.encode(document(routes))


def _left_out(config: ApiConfig) -> frozenset[str]:
    """Names and tags of routes that are not served."""
    served = (
        ("metrics", config.metrics),
        ("sessions", config.sessions),
        ("desk", config.desk),
        ("wallboard", config.wallboard),
    )
    return frozenset(name for name, wanted in served if not wanted)


@web.middleware
async def _around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, find out who asks, and make every error a problem document."""
    request_id = new_request_id()
    origin = request.headers.get("Origin")
    listed = origin is not None and api(request).guard.lists(origin)
    response: web.StreamResponse
    try:
        if len(request.headers.getall("Origin", ())) > 1:
            raise Problem(403, "foreign-origin", "Origin: say once which page asks.")
        if listed and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response = web.Response(status=204, headers=PREFLIGHT)
        elif chat_files.is_asked_before(request):
            response = chat_files.preflight()
        else:
            if request.path not in PUBLIC_PATHS:
                PRINCIPAL.set(_who(request))
                if api(request).router.events.stream.closed:
                    # What is remembered of an engine that has stopped grows old: nobody is to take it for the present.
                    raise RouterClosed
            with bound_contextvars(**_about(request)):
                response = await handler(request)
    except Problem as problem:
        response = problem.response(request_id)
    except web.HTTPException as error:
        response = of_http(error).response(request_id)
    except AcdError as error:
        response = (of_error(error) or _fault(error, request_id, request)).response(request_id)
    except Exception as error:  # noqa: BLE001 - the last line: nobody is to see the inside
        response = _fault(error, request_id, request).response(request_id)
    headers = response.headers
    headers["X-Request-Id"] = request_id
    headers["Server"] = "acd"
    if listed:
        _show_to_page(headers, str(origin))
    elif request.path == chat_files.FILES_PATH:
        chat_files.show_to_page(request, headers)
    elif request.path in ANY_PAGE:
        headers["Access-Control-Allow-Origin"] = "*"
    return response


def _show_to_page(headers: MutableMapping[str, str], origin: str) -> None:
    """Let a browser show the answer to a page of a listed origin (CORS), without cookies: tokens travel in a header."""
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Expose-Headers"] = EXPOSED
    headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Origin")))


def _who(request: web.Request) -> Principal:
    """By the token or a session's cookie; on the way to a socket by a ticket. Raises a Problem with 401, 403 or 429."""
    context = api(request)
    ticket = ticket_of(request)
    now_us, quota = context.now_us(), request.app[QUOTA]
    try:
        if ticket is None:
            sessions = request.app[SESSIONS]
            cookie = sessions.shown(request)
            if context.guard.is_open and not sessions.holds(cookie):
                cookie = ""  # of a session that is over; here nobody needs one
            who = sessions.admit(cookie, request, now_us) if cookie else context.guard.admit(request)
        else:
            context.guard.check_origin(request, required=True)
            who = request.app[TICKETS].redeem(ticket, request.headers["Origin"], now_us)
            if not context.guard.is_current(who):
                raise unauthorized("The token of this ticket is not known any more.")
        if who.expires_us and now_us >= who.expires_us:
            raise unauthorized("This token has expired.")
    except Problem as problem:
        if problem.status != UNAUTHORIZED:
            raise
        raise quota.failed(problem, request, now_us) from None
    quota.spend(who, now_us)
    return who


def _about(request: web.Request) -> dict[str, str]:
    """What log lines of a request about an interaction bear: its id, by the name that channels' lines have it, too."""
    about = request.match_info.get("interaction", "")
    return {"interaction": about[:MAX_ID]} if about else {}


def _fault(error: Exception, request_id: str, request: web.Request) -> Problem:
    """Log what is wrong in the code: places and the error's type, never its text, which may hold personal data.

    Whoever has hung up before the answer could begin is nobody's fault.
    """
    if isinstance(error, ConnectionResetError) and (request.transport is None or request.transport.is_closing()):
        return internal()
    places = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    _log.error("a request failed", request_id=request_id, error=type(error).__name__, at=places, **_about(request))
    return internal()
