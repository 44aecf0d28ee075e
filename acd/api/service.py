"""Routes for whoever runs the engine: /livez, /readyz, /metrics. Without a token, and without a word about anybody."""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from acd.api.answers import answer
from acd.api.bodies import NoQuery, Nothing
from acd.api.events import SOCKETS
from acd.api.metrics import CONTENT_TYPE, deliveries, exposition
from acd.api.routes import Call, Route

SHOWN: Final = ("ready", "reason", "status", "channels", "outbox")
"""What of the router's health is for everybody."""


class Liveness(Struct):
    """Always `live`."""

    status: str


class Readiness(Struct):
    """`ready`: calls may be sent here; else `reason` says why not. `channels`, `outbox`: how each of them is."""

    ready: bool
    reason: str = ""
    status: str = ""
    channels: dict[str, dict[str, Any]] = {}
    outbox: dict[str, Any] | None = None


async def livez(_call: Call[Nothing, NoQuery]) -> Liveness:
    """200 as long as the event loop turns."""
    return Liveness("live")


async def readyz(call: Call[Nothing, NoQuery]) -> web.Response:
    """200 when calls may be sent here, else 503 and why; either way with the channels' health."""
    health = call.context.router.health()
    shown = {name: health[name] for name in SHOWN if name in health}
    return answer(shown, 200 if health.get("ready") is True else 503)


async def metrics(call: Call[Nothing, NoQuery]) -> web.Response:
    """Prometheus' text format."""
    context = call.context
    sockets = call.request.app[SOCKETS]
    outbox = context.router.health().get("outbox")
    body = exposition(context.view, context.router.waits, context.router.meter, context.now_us)
    body += deliveries(sockets.open, sockets.evicted, outbox if isinstance(outbox, dict) else None)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


ROUTES: Final = (
    Route("livez", "operation", "GET", "/livez", "public", livez, "200 as long as the event loop turns.", Liveness),
    Route(
        "readyz",
        "operation",
        "GET",
        "/readyz",
        "public",
        readyz,
        "200 when calls may be sent here, else 503 and why.",
        Readiness,
        also={503: Readiness},
    ),
    Route(
        "metrics",
        "operation",
        "GET",
        "/metrics",
        "public",
        metrics,
        "Prometheus' text format.",
        media="text/plain",
    ),
)
