"""Several domains behind one address: whose request it is, is said by its token or session, and by nothing else.

Owns the choice. Must not know what a token may do: the chosen domain's own application asks for it again, as if it
were alone, so that a wrong choice could let nobody in. Neither path nor body nor header names a domain. A request
whose token or ticket nobody knows is refused by the domain that lists its origin, else by the first, in the same words;
what needs no token is told of all together (`acd.api.service`), or of the token's own domain if there is one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from aiohttp import web

from acd.api.auth import presented
from acd.api.context import API, TOGETHER
from acd.api.events import ticket_of
from acd.api.sessions import SESSIONS
from acd.api.tickets import TICKETS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Front:
    """Stands before the applications of all domains of one address; at least one."""

    def __init__(self, apps: Sequence[web.Application]) -> None:
        """Each is a whole application, as `build_app` makes them."""
        self._apps: Final = tuple(apps)

    async def handle(self, request: web.Request, handlers: Sequence[Handler]) -> web.StreamResponse:
        """Have the domain's own handler answer; `handlers` are in the order of the applications."""
        known_to = self._known_to(request)
        if len(known_to) == 1:
            chosen = known_to[0]
            TOGETHER.set(())
            with structlog.contextvars.bound_contextvars(domain=self._apps[chosen][API].router.events.domain):
                return await handlers[chosen](request)
        if known_to:
            # No configuration may say so; if one does all the same, such a token is nobody's.
            request = request.clone(
                headers=[each for each in request.headers.items() if each[0].lower() != "authorization"]
            )
        TOGETHER.set(self._apps)
        return await handlers[self._stranger(request)](request)

    def _known_to(self, request: web.Request) -> list[int]:
        """The domain that knows the token, cookie or ticket. All are asked: the time tells nothing of which it is."""
        ticket = ticket_of(request)
        if ticket is not None:
            return [number for number, app in enumerate(self._apps) if app[TICKETS].holds(ticket)]
        cookie = self._apps[0][SESSIONS].shown(request)
        if cookie:
            return [number for number, app in enumerate(self._apps) if app[SESSIONS].holds(cookie)]
        digest = presented(request)
        return [number for number, app in enumerate(self._apps) if app[API].guard.knows(digest)]

    def _stranger(self, request: web.Request) -> int:
        """Who refuses, or answers what is asked before a token is sent: a page's question whether it may (CORS)."""
        origin = request.headers.get("Origin", "")
        listing = (number for number, app in enumerate(self._apps) if app[API].guard.lists(origin))
        return next(listing, 0)
