"""Routes for whoever runs the engine: /livez, /readyz, /metrics. Without a token, and without a word about anybody."""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from acd.api.answers import answer
from acd.api.bodies import NoQuery, Nothing
from acd.api.context import API, TOGETHER
from acd.api.events import SOCKETS
from acd.api.metrics import CONTENT_TYPE, Measured, exposition
from acd.api.quota import QUOTA
from acd.api.rotation import ROTATION
from acd.api.routes import Call, Route

SHOWN: Final = ("ready", "reason", "status", "channels", "outbox")
"""What of the router's health is for everybody."""


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
    apps = _asked(call)
    if len(apps) > 1:
        return _ready_together([app[API].router.health().get("ready") is True for app in apps])
    health = apps[0][API].router.health()
    shown = {name: health[name] for name in SHOWN if name in health}
    return answer(shown, 200 if health.get("ready") is True else 503)


async def metrics(call: Call[Nothing, NoQuery]) -> web.Response:
    """Prometheus' text format."""
    return web.Response(body=exposition(map(_measured, _asked(call))), headers={"Content-Type": CONTENT_TYPE})


def _asked(call: Call[Nothing, NoQuery]) -> tuple[web.Application, ...]:
    """Of whom is asked: of the token's domain, or of all at this address."""
    return TOGETHER.get() or (call.request.app,)


def _ready_together(ready: list[bool]) -> web.Response:
    """Nobody is named: who asks without a token need not know who else is served here."""
    found: dict[str, object] = {"ready": all(ready), "domains": {"ready": sum(ready), "all": len(ready)}}
    if not all(ready):
        found["reason"] = f"{sum(ready)} of {len(ready)} domains are ready; each one's own token shows why it is not"
    return answer(found, 200 if all(ready) else 503)


def _measured(app: web.Application) -> Measured:
    context, sockets, rotation, quota = app[API], app[SOCKETS], app[ROTATION], app[QUOTA]
    router = context.router
    health = router.health()
    outbox = health.get("outbox")
    return Measured(
        domain=router.events.domain,
        ready=health.get("ready") is True,
        view=context.view,
        waits=router.waits,
        meter=router.meter,
        now_us=context.now_us,
        sockets=sockets.open,
        evicted=sockets.evicted,
        outbox=outbox if isinstance(outbox, dict) else {},
        tokens=rotation.tokens,
        reloads={"done": rotation.done, "failed": rotation.failed},
        turned_away={"unknown-token": quota.unknown, "too-often": quota.too_often},
    )


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
        notes="Each series has the label `domain`. Where several domains share this address: all of them, or with a"
        " token, that token's domain.",
    ),
)
