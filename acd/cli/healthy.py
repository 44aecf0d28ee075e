"""`acd healthy`: asks a running engine whether calls may be sent to it. Owns the question, and the exit status.

Must not know what makes an engine ready. Needs neither a token nor a running event loop: it is for those who ask every
few seconds.
"""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import click

from acd.cli.reaching import api_url, metrics_url
from acd.errors import ConfigError
from acd.runtime.config import Config
from acd.runtime.configurations import load_in_force

TIMEOUT_SECONDS: Final = 4.0
"""How long one answer may take."""


@click.command(short_help="Ask a running engine whether calls may be sent to it.")
@click.option(
    "--config",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    default=("acd.toml",),
    show_default=True,
    help="The engine's configuration, for its address. More than once, as for acd serve.",
)
@click.option("--url", default="", help="Address to ask instead, like http://127.0.0.1:9420 or unix:/run/acd/api.sock.")
@click.option("--live", is_flag=True, help="Ask only whether the process turns, whatever its channels do.")
def command(files: tuple[Path, ...], url: str, *, live: bool) -> None:
    """Ask a running engine whether calls may be sent to it, for containers and scripts.

    It asks /readyz where [metrics] says, else where [api] says. Exit status: 0 when it is ready, 1 when not, or when
    nobody answers.
    """
    places = (Place(url),) if url else tuple(dict.fromkeys(_place(file, load_in_force(file)) for file in files))
    why = [problem for place in places for problem in _unwell(place, "/livez" if live else "/readyz")]
    if why:
        raise click.ClickException("; ".join(why))
    click.echo("live" if live else "ready")


class Place(NamedTuple):
    """Where an engine listens; `certificate`: what it shows there, if it is known."""

    url: str
    certificate: Path | None = None


def _place(file: Path, config: Config) -> Place:
    """The address without a token before the one that may ask for TLS. Raises ConfigError when there is none."""
    metrics, api = config.metrics, config.api
    if metrics is not None:
        return Place(metrics_url(metrics, file))
    if api is None:
        raise ConfigError((f"{file}: has neither [api] nor [metrics], so nobody can be asked; add one of them",))
    return Place(api_url(api, file), api.certificate)


def _unwell(place: Place, path: str) -> Iterator[str]:
    """What speaks against it, in a sentence."""
    try:
        connection = _connection(place)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            status, body = response.status, response.read()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        yield f"{place.url}: no engine answers ({getattr(error, 'strerror', None) or type(error).__name__})"
        return
    if status != http.client.OK:
        yield f"{place.url}: not ready: {_reason(body) or f'status {status}'}"


def _reason(body: bytes) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("reason", "")) if isinstance(said, dict) else ""


def _connection(place: Place) -> http.client.HTTPConnection:
    if place.url.startswith("unix:"):
        return _UnixConnection(place.url.removeprefix("unix:"))
    parts = urlsplit(place.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        fix = "write it like http://127.0.0.1:9420"
        raise click.BadParameter(f"{place.url} is not an address; {fix}", param_hint="--url")
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if place.certificate is not None:
        # It is asked by an address that the certificate need not name; that it is this certificate says enough.
        context.load_verify_locations(place.certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS, context=context)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Called by http.client."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
