"""`acd init`. Owns the files that a new installation begins with; never overwrites one."""

import os
import re
import secrets
from importlib import resources
from pathlib import Path
from typing import Final

import click

from acd.runtime.keyfile import create_key

CONFIG_FILE: Final = "acd.toml"
TOKEN_FILE: Final = "acd-admin.token"  # noqa: S105 - a file's name
KEY_FILE: Final = "acd-personal.key"
TOKEN_BYTES: Final = 32
DOMAIN: Final = "default"

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@click.command(short_help="Write a configuration to begin with.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--domain",
    default=DOMAIN,
    show_default=True,
    help="The domain's name: letters, digits, - and _. Several domains in one process need names of their own.",
)
def command(directory: Path, domain: str) -> None:
    """Write a configuration to begin with: acd.toml, a token for the API, and a key for personal data.

    DIRECTORY is the current one unless named; it is made if need be. Token and key are random and readable by you only.
    Nothing is ever overwritten.
    """
    try:
        if not _NAME.fullmatch(domain):
            raise click.ClickException(f"--domain: {domain!r} has something else than letters, digits, - and _ in it")
        directory.mkdir(parents=True, exist_ok=True)
        there = [name for name in (CONFIG_FILE, TOKEN_FILE, KEY_FILE) if os.path.lexists(directory / name)]
        if there:
            fix = "name another directory, or move it away" if len(there) == 1 else "name another directory"
            raise click.ClickException(f"{directory / there[0]} is there already; {fix}")
        _write(directory / TOKEN_FILE, f"{secrets.token_urlsafe(TOKEN_BYTES)}\n", 0o600)
        create_key(directory / KEY_FILE)
        _write(directory / CONFIG_FILE, template(domain), 0o644)
    except OSError as error:
        reason = f"cannot write into {directory} ({error.strerror}); name a directory that you may write into"
        raise click.ClickException(reason) from error
    for name, what in _FILES:
        click.echo(f"{directory / name}: {what}")
    click.echo(f"Next: edit {directory / CONFIG_FILE}, then run: acd check {directory / CONFIG_FILE}")


_FILES: Final = (
    (TOKEN_FILE, "the token of [[api.tokens]] admin"),
    (KEY_FILE, "the master key of personal data: keep a copy in a safe place"),
    (CONFIG_FILE, "the configuration"),
)


def template(domain: str = DOMAIN) -> str:
    """The commented configuration that `acd init` writes."""
    text = resources.files("acd.cli").joinpath("template.toml").read_text(encoding="utf-8")
    return text.replace(f'name = "{DOMAIN}"', f'name = "{domain}"', 1)


def _write(path: Path, text: str, mode: int) -> None:
    """A new file with these permissions from its first moment."""
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "w", encoding="utf-8"
    ) as file:
        file.write(text)
