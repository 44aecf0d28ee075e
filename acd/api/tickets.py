"""Tickets: how a page in a browser opens a socket, where no header can carry a token.

Owns issuing and redeeming. Must not know what a socket tells. A ticket has the rights of the token that asked for it,
works once, for a few seconds, and for pages of one origin only if it was asked for from a page; it is kept in memory
alone, as a hash. In a URL it says nothing once it has been used.
"""

import hashlib
import secrets
from collections import OrderedDict
from typing import Final

from aiohttp import web
from msgspec import Struct

from acd.api.auth import Principal
from acd.api.bodies import NoQuery, Nothing
from acd.api.problems import Problem, too_many
from acd.api.rates import Rates
from acd.api.routes import Call, Route
from acd.api.shapes import Moment
from acd.runtime.clock import moment

LIFE_US: Final = 20_000_000
"""How long a ticket may be used."""

MAX_TICKETS: Final = 10_000
"""Tickets that wait to be used; the oldest gives way."""

PER_SECOND: Final = 10.0
AT_ONCE: Final = 100
"""How many tickets one token gets: steadily, and in a burst."""

_BYTES: Final = 24
_MAX_LENGTH: Final = 100


class TicketShape(Struct):
    """To be used once, as `/v1/events?ticket=…` or for an agent's call, before it expires."""

    ticket: str
    expires_at: Moment


class _Ticket(Struct, frozen=True):
    who: Principal
    origin: str
    until_us: int


class Tickets:
    """All tickets that have not been used."""

    def __init__(self) -> None:
        """None yet."""
        self._waiting: OrderedDict[bytes, _Ticket] = OrderedDict()
        self._rates = Rates(PER_SECOND, AT_ONCE)

    def issue(self, who: Principal, origin: str, now_us: int) -> tuple[str, int]:
        """(ticket, µs when it expires). `origin`: the page's that asks, empty if it is none. Raises 429."""
        wait_seconds = self._rates.take(who.name, now_us)
        if wait_seconds:
            raise too_many(429, "This token asks for tickets too often.", wait_seconds)
        while self._waiting and (len(self._waiting) >= MAX_TICKETS or self._oldest_until_us() <= now_us):
            self._waiting.popitem(last=False)
        ticket = secrets.token_urlsafe(_BYTES)
        self._waiting[_digest(ticket)] = _Ticket(who, origin.lower(), now_us + LIFE_US)
        return ticket, now_us + LIFE_US

    def redeem(self, ticket: str, origin: str, now_us: int) -> Principal:
        """Whose it is; it is used up by this. `origin`: the page's that presents it. Raises 401."""
        found = self._waiting.pop(_digest(ticket[:_MAX_LENGTH]), None)
        if found is None or found.until_us <= now_us or (found.origin and found.origin != origin.lower()):
            raise Problem(401, "unauthorized", "ticket: is not known, has been used or has expired; ask for another.")
        return found.who

    def holds(self, ticket: str) -> bool:
        """Whether it was issued here and waits to be used; that is not used up by this."""
        return _digest(ticket[:_MAX_LENGTH]) in self._waiting

    def _oldest_until_us(self) -> int:
        return next(iter(self._waiting.values())).until_us


TICKETS: Final = web.AppKey("acd_tickets", Tickets)


async def issue_ticket(call: Call[Nothing, NoQuery]) -> TicketShape:
    """A ticket for whoever asks."""
    origin = call.request.headers.get("Origin", "")
    ticket, until_us = call.request.app[TICKETS].issue(call.who, origin, call.context.now_us())
    return TicketShape(ticket, moment(until_us))


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()


ROUTES: Final = (
    Route(
        "issue_ticket",
        "events",
        "POST",
        "/v1/tickets",
        "token",
        issue_ticket,
        "A ticket that opens one event socket, for pages in browsers.",
        TicketShape,
        status=201,
        problems=("too-many-connections",),
        notes="It has the rights of the token that asks, and works once and for 20 seconds."
        " Asked for from a page, it works for pages of the same origin only.",
        scoped=True,
    ),
)
