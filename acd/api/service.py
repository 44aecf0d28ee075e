"""Routes for whoever runs the engine: /livez, /readyz, /metrics. Without a token, and without a word about anybody."""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.context import API, TOGETHER
from acd.api.monitoring import Served, figures, readiness
from acd.api.routes import Call, Route


class Liveness(Struct):
    """Always `live`."""

    status: str


class Readiness(Struct):
    """`ready`: calls may be sent here; else `reason` says why not. `channels`, `outbox`: how each of them is.

    `domains`: where several are asked together, how many are `ready` of `all`, instead of the rest.
    """

    ready: bool
    reason: str = ""
    status: str = ""
    channels: dict[str, dict[str, Any]] = {}
    outbox: dict[str, Any] | None = None
    domains: dict[str, int] | None = None


async def livez(_call: Call[Nothing, NoQuery]) -> Liveness:
    """200 as long as the event loop turns."""
    return Liveness("live")


async def readyz(call: Call[Nothing, NoQuery]) -> web.Response:
    """200 when calls may be sent here, else 503 and why; either way with the channels' health."""
    return readiness([app[API].router for app in _asked(call)])


async def metrics(call: Call[Nothing, NoQuery]) -> web.Response:
    """Prometheus' text format."""
    apps = _asked(call)
    served = {app[API].router.events.domain: Served.of(app) for app in apps}
    return figures([app[API].router for app in apps], served)


def _asked(call: Call[Nothing, NoQuery]) -> tuple[web.Application, ...]:
    """Of whom is asked: of the token's domain, or of all at this address."""
    return TOGETHER.get() or (call.request.app,)


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
        notes="Where several domains share this address: of all together, or with a token, of that token's domain.",
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
        notes="Not here when the configuration gives it an address of its own (`[metrics]`). Each series has the label"
        " `domain`. Where several domains share this address: all of them, or with a token, that token's domain.",
    ),
)
