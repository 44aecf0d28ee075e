"""Listening: TCP, TLS and UNIX sockets, and clear errors when that is not possible.

Owns the addresses of one server and its certificate. Must not know what is served there.
"""

import asyncio
import errno
import socket
import ssl
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from acd.api.unix_socket import UnixSocket, probe_socket
from acd.errors import ConfigError
from acd.runtime.config.addresses import url_of
from acd.runtime.config.model import ApiConfig, MetricsConfig

OLDEST_TLS: Final = ssl.TLSVersion.TLSv1_2


class Listener:
    """Everything that one server listens on. `addresses`: base URLs, after `begin`."""

    def __init__(self, config: ApiConfig | MetricsConfig) -> None:
        """Reads the certificate. Raises ConfigError naming the key and the fix."""
        self._config = config
        self._tls = _context(config) if isinstance(config, ApiConfig) else None
        self._unix: UnixSocket | None = None
        self.addresses: tuple[str, ...] = ()

    async def begin(self, runner: web.BaseRunner) -> None:
        """Listen. Raises ConfigError; then what listens already is the caller's to close."""
        config = self._config
        if config.host:
            try:
                await web.TCPSite(runner, config.host, config.port, ssl_context=self._tls).start()
            except OSError as error:
                raise ConfigError((_reason(config, error),)) from error
        scheme = "http" if self._tls is None else "https"
        found = [url_of(scheme, address[0], address[1]) for address in runner.addresses]
        if isinstance(config, ApiConfig) and config.socket is not None:
            self._unix = UnixSocket(config.socket)
            await _UnixSite(runner, self._unix.socket).start()
            found.append(f"unix:{config.socket.path}")
        self.addresses = tuple(found)

    def read_certificate_anew(self) -> None:
        """For connections from now on. Blocks for a moment. Raises ConfigError, and then the old one stays."""
        if self._tls is not None and isinstance(self._config, ApiConfig):
            # First into another context: half of a new pair would leave this one with nothing.
            _context(self._config)
            _load(self._tls, self._config)

    def close(self) -> None:
        """Remove the socket's file. Idempotent. The TCP addresses end with their runner."""
        if self._unix is not None:
            self._unix.close()


def probe(config: ApiConfig | MetricsConfig) -> None:
    """Find out whether one could listen there, without listening. Blocks. Raises ConfigError as `Listener` does.

    For whoever starts an engine before its API: an engine that has begun to recover, only to stop again because of a
    port, has already told its channels.
    """
    if isinstance(config, ApiConfig):
        _context(config)
        if config.socket is not None:
            probe_socket(config.socket)
    if not config.host:
        return
    try:
        where = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in where:
            _bind(family, kind, protocol, address)
    except OSError as error:
        raise ConfigError((_reason(config, error),)) from error


class _UnixSite(web.BaseSite):
    """On a socket that listens already: aiohttp's own would replace whatever file is there."""

    def __init__(self, runner: web.BaseRunner, listening: socket.socket) -> None:
        super().__init__(runner)
        self._listening = listening

    @property
    def name(self) -> str:
        """For aiohttp's messages."""
        return "unix"

    async def start(self) -> None:
        """Accept connections."""
        await super().start()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner has not been set up")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(server, sock=self._listening)


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


def _context(config: ApiConfig) -> ssl.SSLContext | None:
    if config.certificate is None or config.private_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = OLDEST_TLS
    _load(context, config)
    return context


def _load(context: ssl.SSLContext, config: ApiConfig) -> None:
    certificate, private_key = config.certificate or Path(), config.private_key or Path()
    for key, file in (("certificate", certificate), ("private_key", private_key)):
        if not file.is_file():
            # A pipe would be waited for, and nothing else go on meanwhile.
            raise ConfigError((f"api.{key}: {file} is no file; name a PEM file",))
    try:
        context.load_cert_chain(certificate, private_key, password=partial(_no_passphrase, private_key))
    except (OSError, ssl.SSLError) as error:
        reason = f"api.certificate: {certificate} and {private_key} are not a readable pair of PEM files"
        raise ConfigError((f"{reason} ({error.strerror or type(error).__name__})",)) from error


def _no_passphrase(private_key: Path) -> str:
    """Instead of OpenSSL's question on the terminal, which stops the event loop until somebody answers."""
    fix = "take the passphrase off it (openssl pkey) and keep the file to acd's user"
    raise ConfigError((f"api.private_key: {private_key} is encrypted; {fix}",))


def _reason(config: ApiConfig | MetricsConfig, error: OSError) -> str:
    """Which key is to blame, and what to do."""
    section = "api" if isinstance(config, ApiConfig) else "metrics"
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{section}.port: {where} is in use by another program; stop that program or choose another port"
    if error.errno == errno.EACCES:
        return f"{section}.port: this user may not listen on {where}; choose a port of 1024 or above"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{section}.host: {config.host} is not an address of this machine; use 127.0.0.1 or 0.0.0.0"
    return f"{section}.host, {section}.port: cannot listen on {where} ({error.strerror}); choose another address"
