"""Routes for whoever runs the engine: /livez, /readyz, /metrics. Without a token, and without a word about anybody."""

from typing import Final

from aiohttp import web

from acd.api.answers import answer
from acd.api.context import api
from acd.api.metrics import CONTENT_TYPE, exposition

SHOWN: Final = ("ready", "reason", "status", "channels", "outbox")
"""What of the router's health is for everybody."""


def add_routes(app: web.Application) -> None:
    """Add them at the root."""
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def livez(_request: web.Request) -> web.Response:
    """200 as long as the event loop turns."""
    return answer({"status": "live"})


async def readyz(request: web.Request) -> web.Response:
    """200 when calls may be sent here, else 503 and why; either way with the channels' health."""
    health = api(request).router.health()
    shown = {name: health[name] for name in SHOWN if name in health}
    return answer(shown, 200 if health.get("ready") is True else 503)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus' text format."""
    context = api(request)
    body = exposition(context.view, context.router.waits, context.router.meter, context.now_us)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
