"""What whoever runs the engine asks of it: figures for Prometheus, and whether calls may be sent here.

Owns the answers, and the application that gives them at an address of their own (`[metrics]`), to whoever can connect:
nobody is in them. Must not know tokens, nor any route of the API, which gives the same answers where it has these.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, Self

from aiohttp import web
from msgspec import structs

from acd.api.answers import answer
from acd.api.context import ApiRouter
from acd.api.engine_metrics import TRUNK
from acd.api.events import SOCKETS
from acd.api.metrics import CONTENT_TYPE, Measured, exposition
from acd.api.problems import of_http
from acd.api.quota import QUOTA, Quota
from acd.api.request_ids import new_request_id
from acd.api.rotation import ROTATION, Rotation
from acd.api.sockets import Sockets
from acd.ports.pages import BrowserCalls, Rated

SHOWN: Final = ("ready", "reason", "status", "channels", "outbox")
"""What of the router's health is for everybody."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Served(NamedTuple):
    """What the API has beside a router: sockets for events, its tokens, and whom it turned away."""

    sockets: Sockets
    rotation: Rotation
    quota: Quota

    @classmethod
    def of(cls, app: web.Application) -> Self:
        """Those of one of its applications."""
        return cls(app[SOCKETS], app[ROTATION], app[QUOTA])


def figures(routers: Sequence[ApiRouter], served: Mapping[str, Served]) -> web.Response:
    """Prometheus' text format. `served`: what the API has beside the routers, by domain, as far as it is served."""
    body = exposition(_measured(router, served.get(router.events.domain)) for router in routers)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def readiness(routers: Sequence[ApiRouter]) -> web.Response:
    """200 when calls may be sent here, else 503 and why; of one router with its channels' health."""
    if len(routers) > 1:
        return _together([router.health().get("ready") is True for router in routers])
    health = routers[0].health()
    shown = {name: health[name] for name in SHOWN if name in health}
    if isinstance(channels := shown.get("channels"), Mapping):
        shown["channels"] = {name: _without_trunks(each) for name, each in channels.items()}
    return answer(shown, 200 if health.get("ready") is True else 503)


def _without_trunks(health: Mapping[str, object]) -> dict[str, object]:
    """Trunks are often called by the account or the number at the provider; figures have them."""
    return {name: value for name, value in health.items() if not name.startswith(TRUNK)}


def monitoring_app(routers: Sequence[ApiRouter], served: Mapping[str, Served]) -> web.Application:
    """The application; at least one router."""

    async def metrics(_request: web.Request) -> web.Response:
        return figures(routers, served)

    async def readyz(_request: web.Request) -> web.Response:
        return readiness(routers)

    async def livez(_request: web.Request) -> web.Response:
        return answer({"status": "live"})

    app = web.Application(middlewares=[_problems])
    for path, handler in (("/metrics", metrics), ("/readyz", readyz), ("/livez", livez)):
        app.router.add_get(path, handler, allow_head=False)
    return app


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is not there is said as the API says it."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return of_http(error, "here are /metrics, /readyz and /livez").response(new_request_id())


def _together(ready: list[bool]) -> web.Response:
    """Nobody is named: who asks without a token need not know who else is served here."""
    found: dict[str, object] = {"ready": all(ready), "domains": {"ready": sum(ready), "all": len(ready)}}
    if not all(ready):
        found["reason"] = f"{sum(ready)} of {len(ready)} domains are ready; each one's own token shows why it is not"
    return answer(found, 200 if all(ready) else 503)


def _rated(router: ApiRouter, health: Mapping[str, object]) -> dict[str, tuple[Rated, ...]]:
    """By channel instance, of those that have calls between browsers."""
    names = health.get("channels")
    found: dict[str, tuple[Rated, ...]] = {}
    for name in names if isinstance(names, Mapping) else ():
        channel = router.channel(name)
        if isinstance(channel, BrowserCalls):
            found[name] = channel.rated()
    return found


def _measured(router: ApiRouter, served: Served | None) -> Measured:
    health = router.health()
    outbox = health.get("outbox")
    found = Measured(
        domain=router.events.domain,
        ready=health.get("ready") is True,
        view=router.view,
        waits=router.waits,
        meter=router.meter,
        now_us=lambda: max(router.now_us(), router.view.at_us),
        outbox=outbox if isinstance(outbox, dict) else {},
        health=health,
        rated=_rated(router, health),
    )
    if served is None:
        return found
    sockets, rotation, quota = served
    return structs.replace(
        found,
        sockets=sockets.open,
        evicted=sockets.evicted,
        tokens=rotation.tokens,
        reloads={"done": rotation.done, "failed": rotation.failed},
        turned_away={"unknown-token": quota.unknown, "too-often": quota.too_often},
    )
