"""A request that becomes a WebSocket.

Owns what all sockets have in common: that one is asked for, in which form, and that it ends with its token. Must not
know what is said over it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web

from acd.api.inbound import Bounded, Counted, Inflow
from acd.api.problems import Problem
from acd.api.routes import Call
from acd.api.sockets import CLOSE_SECONDS, EXPIRED, REVOKED, Ending
from acd.runtime.events.cloud import Form

_PROTOCOLS: Final = "Sec-WebSocket-Protocol"


def wants_socket(request: web.Request) -> bool:
    """Whether it asks for a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def form_of(request: web.Request, protocols: Mapping[str, Form]) -> Form:
    """By the subprotocol that the client prefers among these; JSON without one. Raises a Problem with 400."""
    asked = [each.strip() for each in request.headers.get(_PROTOCOLS, "").split(",") if each.strip()]
    for protocol in asked:
        if protocol in protocols:
            return protocols[protocol]
    if asked:
        raise Problem(400, "invalid-header", f"{_PROTOCOLS}: use one of {', '.join(protocols)}.")
    return "json"


async def upgraded(
    request: web.Request, protocols: Mapping[str, Form], *, ping_seconds: float, max_bytes: int, bounded: bool = True
) -> web.WebSocketResponse:
    """The socket, after its handshake: pinged so often, with messages of at most so many bytes from the client.

    Whoever reads it answers pings, by `acd.api.inbound.said`. `bounded`: so is all that comes over it, together.
    """
    ws = Counted(
        protocols=tuple(protocols),
        heartbeat=ping_seconds,
        max_msg_size=max_bytes,
        compress=False,
        autoping=False,
        timeout=CLOSE_SECONDS,
    )
    await ws.prepare(request)
    ws.inflow = inflow = Inflow(bounded=bounded)
    if isinstance(request.protocol, Bounded):
        request.protocol.inflow = inflow
    return ws


@contextmanager
def ended_with_token(call: Call[Any, Any], end: Callable[[Ending], None]) -> Iterator[None]:
    """The token's end is its sockets': at once if it went while the handshake was under way, else when it expires.

    A session expires later and later while it is used, so it is asked again when its time seems to be over.
    """
    expiry = _Expiry(call, end)
    if not call.context.guard.is_current(call.who):
        end(REVOKED)
    if call.who.expires_us:
        expiry.wait(call.who.expires_us)
    try:
        yield
    finally:
        expiry.cancel()


class _Expiry:
    """One socket's, whose token's time is waited for."""

    def __init__(self, call: Call[Any, Any], end: Callable[[Ending], None]) -> None:
        self._call = call
        self._end = end
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, until_us: int) -> None:
        left = (until_us - self._call.context.now_us()) / 1_000_000
        self._timer = asyncio.get_running_loop().call_later(max(0.0, left), self._look, until_us)

    def cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _look(self, until_us: int) -> None:
        if self._call.who.expires_us > until_us:
            self.wait(self._call.who.expires_us)
        else:
            self._end(EXPIRED)
