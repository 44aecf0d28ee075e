"""Serving: applications behind addresses, until they are closed. Must not know any route, nor how one listens."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Self

from aiohttp import web
from aiohttp.typedefs import Middleware
from msgspec import Struct

from acd.api.app import build_app
from acd.api.context import API, ApiRouter
from acd.api.domains import Front
from acd.api.listening import Listener
from acd.api.monitoring import Served, monitoring_app
from acd.api.protocol import Runner
from acd.api.rotation import ROTATION, Read
from acd.api.sessions import SESSIONS
from acd.errors import ConfigError
from acd.runtime.board import Board
from acd.runtime.config.model import ApiConfig, MetricsConfig
from acd.runtime.config.problems import dotted
from acd.runtime.config.together import address_of, clashes_of_apis
from acd.runtime.configurations import Configurations
from acd.runtime.earlier import Earlier
from acd.runtime.history import History
from acd.runtime.repeats import Repeats

SHUTDOWN_SECONDS: Final = 5.0
"""How long `close` waits for requests under way."""

KEEPALIVE_SECONDS: Final = 75.0
MAX_HEADER: Final = 8_190
"""Bytes of one header, and of the request line."""

_HTTP_LOG = logging.getLogger("acd.api.http")


class Server:
    """A listening API. `addresses` are its base URLs, with the real port where 0 was asked for.

    `served`: what the API has beside each router, by domain.
    """

    def __init__(self, runner: Runner, listener: Listener, served: Mapping[str, Served]) -> None:
        """Made by `serve`. The listener listens already."""
        self._runner = runner
        self._listener = listener
        self.addresses: tuple[str, ...] = listener.addresses
        self.served = served

    async def read_certificate_anew(self) -> None:
        """New connections get what the files hold now. Raises ConfigError, and then nothing has changed."""
        self._listener.read_certificate_anew()

    async def reload_tokens(self, actor: str) -> None:
        """Read the tokens again and put them into force, in this name, each domain by itself.

        Raises ConfigError with all that is wrong; where something is, the old ones stay.
        """
        problems: list[str] = []
        for rotation in (each.rotation for each in self.served.values()):
            try:
                await rotation.reload(actor)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(tuple(problems))

    async def close(self) -> None:
        """Stop listening, let requests under way finish (bounded), release everything. Idempotent."""
        await self._runner.cleanup()
        self._listener.close()

    async def __aenter__(self) -> Self:
        """The server itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()


async def serve(
    router: ApiRouter,
    config: ApiConfig,
    history: History | None = None,
    configurations: Configurations | None = None,
    repeats: Repeats | None = None,
    *,
    reread: Read | None = None,
    earlier: Earlier | None = None,
) -> Server:
    """Listen where the configuration says. Raises ConfigError naming the key and the fix when that cannot be.

    `history` tells of the router's past (`/v1/audit`, explanations), `configurations` keeps versions of what is in
    force (`/v1/configuration`), `repeats` remembers requests with an `Idempotency-Key` over restarts; all stay the
    caller's. `reread` reads the tokens again (`/v1/tokens/reload`).
    `earlier`: what agents are told of earlier conversations, and their notes.
    """
    return await serve_domains((Domain(router, config, history, configurations, repeats, reread, earlier=earlier),))


class Domain(Struct, frozen=True):
    """One of several domains behind one address; as for `serve`. `around`: a middleware around every request."""

    router: ApiRouter
    config: ApiConfig
    history: History | None = None
    configurations: Configurations | None = None
    repeats: Repeats | None = None
    reread: Read | None = None
    around: Middleware | None = None
    board: Board | None = None
    earlier: Earlier | None = None


async def serve_domains(domains: Sequence[Domain]) -> Server:
    """Listen for several domains that are configured for one address; the token of each request says for which it is.

    Raises ConfigError as `serve`, and when they do not agree about the address, or share a name or a token. There has
    to be one at least.
    """
    problems = _disagreements(domains)
    if problems:
        raise ConfigError(problems)
    apps = [
        build_app(
            each.router,
            each.config,
            each.history,
            each.configurations,
            each.repeats,
            reread=each.reread,
            around=each.around,
            board=each.board,
            earlier=each.earlier,
        )
        for each in domains
    ]
    for app in apps:
        others = [other for other in apps if other is not app]
        app[ROTATION].others = [other[API].guard for other in others]
        app[SESSIONS].others = [other[SESSIONS] for other in others]
    served = {app[API].router.events.domain: Served.of(app) for app in apps}
    return await _listening(apps, domains[0].config, served)


async def serve_metrics(routers: Sequence[ApiRouter], config: MetricsConfig, served: Mapping[str, Served]) -> Server:
    """/metrics, /livez and /readyz of these routers at an address of their own. Raises ConfigError as `serve`.

    `served`: what the API has beside each of them, by domain, where it is served, too.
    """
    return await _listening([monitoring_app(routers, served)], config, {})


async def _listening(
    apps: Sequence[web.Application], config: ApiConfig | MetricsConfig, served: Mapping[str, Served]
) -> Server:
    listener = Listener(config)
    runner = Runner(
        apps,
        Front(apps),
        access_log=None,  # paths hold ids; what matters is in the journal and the metrics
        logger=_HTTP_LOG,
        shutdown_timeout=SHUTDOWN_SECONDS,
        keepalive_timeout=KEEPALIVE_SECONDS,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        auto_decompress=False,  # no route takes what is compressed, and nobody is to make us unpack it
    )
    await runner.setup()
    try:
        await listener.begin(runner)
    except BaseException:
        await runner.cleanup()
        listener.close()
        raise
    return Server(runner, listener, served)


def _disagreements(domains: Sequence[Domain]) -> tuple[str, ...]:
    """Why these cannot be served together."""
    names = [each.router.events.domain for each in domains]
    twice = [f"domain.name: {name} is there twice; give each its own name" for name in names if names.count(name) > 1]
    clashes = clashes_of_apis([(name, each.config) for name, each in zip(names, domains, strict=True)])
    apart = [
        f"{names[0]} and {name} are configured for different addresses; serve them one by one"
        for name, each in zip(names, domains, strict=True)
        if address_of(each.config) != address_of(domains[0].config)
    ]
    said = [f"{names[clash.at]}: {dotted(clash.key)}: {clash.reason}; {clash.fix}" for clash in clashes]
    return tuple(dict.fromkeys((*twice, *apart, *said)))
