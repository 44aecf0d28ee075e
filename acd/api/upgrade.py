"""A request that becomes a WebSocket.

Owns what all sockets have in common: that one is asked for, in which form, and that it ends with its token. Must not
know what is said over it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web

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
    request: web.Request, protocols: Mapping[str, Form], *, ping_seconds: float, max_bytes: int
) -> web.WebSocketResponse:
    """The socket, after its handshake: pinged so often, with messages of at most so many bytes from the client."""
    ws = web.WebSocketResponse(
        protocols=tuple(protocols),
        heartbeat=ping_seconds,
        max_msg_size=max_bytes,
        compress=False,
        timeout=CLOSE_SECONDS,
    )
    await ws.prepare(request)
    return ws


@contextmanager
def ended_with_token(call: Call[Any, Any], end: Callable[[Ending], None]) -> Iterator[None]:
    """The token's end is its sockets': at once if it went while the handshake was under way, else when it expires.

    A session expires later and later while it is used, so it is asked again when its time seems to be over.
    """
    who, timer = call.who, None
    if not call.context.guard.is_current(who):
        end(REVOKED)

    def wait(until_us: int) -> None:
        nonlocal timer
        left = (until_us - call.context.now_us()) / 1_000_000
        timer = asyncio.get_running_loop().call_later(max(0.0, left), look, until_us)

    def look(until_us: int) -> None:
        if who.expires_us > until_us:
            wait(who.expires_us)
        else:
            end(EXPIRED)

    if who.expires_us:
        wait(who.expires_us)
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
