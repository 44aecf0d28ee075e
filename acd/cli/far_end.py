"""Where a running engine is, for commands that ask it: its address and a token, as options or out of its configuration.

Owns these options, and that what can go wrong on the way is said in a sentence. Must not know what is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import aiohttp
import click

from acd.cli.reaching import api_url
from acd.client import Client
from acd.errors import ConfigError
from acd.runtime.config import ApiConfig
from acd.runtime.configurations import load_in_force

_WIDEST_FIRST: Final = ("system", "supervisor", "agent")

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., object])


class FarEnd(NamedTuple):
    """An address such as `http://127.0.0.1:8420`, and a token; empty for an open API."""

    url: str
    token: str

    def run(self, asking: Callable[[Client], Awaitable[_T]]) -> _T:
        """What comes of it. No connection is a sentence; a refusal is raised as `ApiProblem`."""

        async def ask() -> _T:
            async with Client(self.url, self.token) as client:
                return await asking(client)

        try:
            return asyncio.run(ask())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            fix = "start it with: acd serve, or name another address with --url"
            raise click.ClickException(f"no engine answers at {self.url} ({reason}); {fix}") from error


def options(command: _F) -> _F:
    """`--url`, `--token-file` and `--config`, for a command that hands them to `far_end`."""
    for option in (
        click.option(
            "--config",
            "file",
            type=click.Path(path_type=Path),
            default="acd.toml",
            show_default=True,
            help="The engine's configuration, for the address and a token where they are not named.",
        ),
        click.option("--token-file", type=click.Path(path_type=Path), help="A file with a token of the API."),
        click.option(
            "--url", default="", help="Address of the API, like http://127.0.0.1:8420 or unix:/run/acd/api.sock."
        ),
    ):
        command = option(command)
    return command


def far_end(url: str, token_file: Path | None, file: Path) -> FarEnd:
    """The engine that is meant. Raises `ConfigError`, `click.ClickException`."""
    token = None if token_file is None else _read(token_file)
    if url and (token is not None or not file.exists()):
        return FarEnd(url, token or "")
    api = load_in_force(file).api
    if api is None:
        raise ConfigError((f"{file}: has no [api], so nobody can be asked; name an address with --url",))
    return FarEnd(url or api_url(api, file), _token(api) if token is None else token)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"--token-file: {file} cannot be read; name a file with a token") from error


def _token(api: ApiConfig) -> str:
    """The one that may do most."""
    for role in _WIDEST_FIRST:
        for token in api.tokens:
            if role in token.roles:
                return token.secret.reveal()
    return ""
