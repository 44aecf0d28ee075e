"""Listening: TLS, address, and clear errors when that is not possible. Owns the sockets; must not know any route."""

import errno
import logging
import socket
import ssl
from collections.abc import Sequence
from typing import Final, Self

from aiohttp import web
from aiohttp.typedefs import Middleware
from msgspec import Struct

from acd.api.app import build_app
from acd.api.context import API, ApiRouter
from acd.api.domains import Front
from acd.api.protocol import Runner
from acd.api.rotation import ROTATION, Read, Rotation
from acd.errors import ConfigError
from acd.runtime.config.model import ApiConfig
from acd.runtime.config.problems import dotted
from acd.runtime.config.together import address_of, clashes_of_apis
from acd.runtime.configurations import Configurations
from acd.runtime.history import History
from acd.runtime.repeats import Repeats

SHUTDOWN_SECONDS: Final = 5.0
"""How long `close` waits for requests under way."""

KEEPALIVE_SECONDS: Final = 75.0
MAX_HEADER: Final = 8_190
"""Bytes of one header, and of the request line."""

_HTTP_LOG = logging.getLogger("acd.api.http")


class Server:
    """A listening API. `addresses` are its base URLs, with the real port where 0 was asked for."""

    def __init__(self, runner: Runner, scheme: str, rotations: Sequence[Rotation]) -> None:
        """Made by `serve`."""
        self._runner = runner
        self._rotations = rotations
        self.addresses: tuple[str, ...] = tuple(_url(scheme, address) for address in runner.addresses)

    async def reload_tokens(self, actor: str) -> None:
        """Read the tokens again and put them into force, in this name, each domain by itself.

        Raises ConfigError with all that is wrong; where something is, the old ones stay.
        """
        problems: list[str] = []
        for rotation in self._rotations:
            try:
                await rotation.reload(actor)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(tuple(problems))

    async def close(self) -> None:
        """Stop listening, let requests under way finish (bounded), release everything. Idempotent."""
        await self._runner.cleanup()

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
) -> Server:
    """Listen where the configuration says. Raises ConfigError naming the key and the fix when that cannot be.

    `history` tells of the router's past (`/v1/audit`, explanations), `configurations` keeps versions of what is in
    force (`/v1/configuration`), `repeats` remembers requests with an `Idempotency-Key` over restarts; all stay the
    caller's. `reread` reads the tokens again (`/v1/tokens/reload`).
    """
    return await serve_domains((Domain(router, config, history, configurations, repeats, reread),))


class Domain(Struct, frozen=True):
    """One of several domains behind one address; as for `serve`. `around`: a middleware around every request."""

    router: ApiRouter
    config: ApiConfig
    history: History | None = None
    configurations: Configurations | None = None
    repeats: Repeats | None = None
    reread: Read | None = None
    around: Middleware | None = None


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
        )
        for each in domains
    ]
    for app in apps:
        app[ROTATION].others = [other[API].guard for other in apps if other is not app]
    config = domains[0].config
    tls = _tls(config)
    runner = Runner(
        apps,
        Front(apps),
        access_log=None,  # paths hold ids; what matters is in the journal and the metrics
        logger=_HTTP_LOG,
        shutdown_timeout=SHUTDOWN_SECONDS,
        keepalive_timeout=KEEPALIVE_SECONDS,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, ssl_context=tls).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError((_reason(config, error),)) from error
    return Server(runner, "http" if tls is None else "https", [app[ROTATION] for app in apps])


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


def probe(config: ApiConfig) -> None:
    """Find out whether `serve` could listen, without listening. Blocks. Raises ConfigError as `serve` does.

    For whoever starts an engine before its API: an engine that has begun to recover, only to stop again because of a
    port, has already told its channels.
    """
    try:
        where = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in where:
            _bind(family, kind, protocol, address)
    except OSError as error:
        raise ConfigError((_reason(config, error),)) from error


def _bind(family: int, kind: int, protocol: int, address: tuple[str | int | bytes, ...]) -> None:
    """Bind as the event loop would, and let go again. Raises OSError."""
    try:
        trial = socket.socket(family, kind, protocol)
    except OSError:
        return  # a family that this machine does not have is left out, as the event loop does
    with trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        trial.bind(address)


def _tls(config: ApiConfig) -> ssl.SSLContext | None:
    if config.certificate is None or config.private_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.certificate, config.private_key)
    except (OSError, ssl.SSLError) as error:
        reason = f"api.certificate: {config.certificate} and {config.private_key} are not a readable pair of PEM files"
        raise ConfigError((f"{reason} ({error.strerror or type(error).__name__})",)) from error
    return context


def _reason(config: ApiConfig, error: OSError) -> str:
    """Which key is to blame, and what to do."""
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return f"api.port: {where} is in use by another program; stop that program or choose another port"
    if error.errno == errno.EACCES:
        return f"api.port: this user may not listen on {where}; choose a port of 1024 or above"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"api.host: {config.host} is not an address of this machine; use 127.0.0.1 or 0.0.0.0"
    return f"api.host, api.port: cannot listen on {where} ({error.strerror}); choose another address"


def _url(scheme: str, address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    host, port = address[0], address[1]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
