"""`acd webhooks`: how the webhooks of a running engine stand, and what can be done about it.

Owns what is printed. Must not know how messages are delivered: it asks the engine's API.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.cli.far_end import far_end, options
from acd.client.answers import DeadLetter, Webhook

PIPED_WIDTH: Final = 200
"""Columns of a table that no terminal shows."""

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs: JSON instead of a table.")


@click.group("webhooks", short_help="How webhooks of a running engine stand.")
def command() -> None:
    """Webhooks of a running engine: how they stand, dead letters, trying one out.

    The engine is asked over its API; its address and a token are taken from acd.toml where they are not named.
    """


@command.command("list")
@options
@_AS_JSON
def listed(url: str, token_file: Path | None, file: Path, *, as_json: bool) -> None:
    """Every webhook: how far it is, what waits, when it last went well or wrong."""
    found = far_end(url, token_file, file).run(lambda client: client.webhooks())
    if as_json:
        return _print_json(found)
    return _print(
        ("webhook", "state", "waiting", "dead", "behind", "last success", "last failure", "posted to"),
        [(_state_of(hook), *_row(hook)) for hook in found],
        "There are no webhooks in the configuration; EVENTS.md says how to add one.",
    )


@command.command("dead")
@options
@_AS_JSON
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="How many, newest first.")
def dead(url: str, token_file: Path | None, file: Path, *, as_json: bool, limit: int) -> None:
    """Messages that were given up, newest first, with what the last attempt met."""
    found = far_end(url, token_file, file).run(lambda client: client.dead_letters(limit))
    if as_json:
        return _print_json(found)
    rows = [("red", each.key, each.destination, str(each.attempts), each.error) for each in found]
    return _print(("key", "to", "attempts", "error"), rows, "There are no dead letters.")


@command.command("retry")
@click.argument("keys", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Instead of KEYS: the newest 500.")
@options
def retry(keys: tuple[str, ...], url: str, token_file: Path | None, file: Path, *, everything: bool) -> None:
    """Try dead letters again: those with these KEYS, as `acd webhooks dead` shows them.

    Exit status: 0 when all of them wait again, 1 when some are no dead letters.
    """
    if bool(keys) == everything:
        raise click.UsageError("name the keys of dead letters, or use --all")
    found = far_end(url, token_file, file).run(lambda client: client.retry_dead_letters(keys))
    if found.retried or not found.unknown:
        click.echo(f"{found.retried} will be tried again")
    for key in found.unknown:
        click.echo(f"error: {key} is no dead letter; acd webhooks dead shows them", err=True)
    if found.unknown:
        raise SystemExit(1)


@command.command("test")
@click.argument("name")
@options
def test(name: str, url: str, token_file: Path | None, file: Path) -> None:
    """Have the engine post a signed message to the webhook NAME, and show what came of it.

    Exit status: 0 when the receiver took it, 1 when not.
    """
    found = far_end(url, token_file, file).run(lambda client: client.ping_webhook(name))
    took = f"after {found.seconds:.3f} s"
    if not found.delivered:
        what = f"the receiver answers {found.status}" if found.status else f"no answer ({found.error})"
        raise click.ClickException(f"{name}: {what} {took}; look at the receiver, and at webhooks.{name}.url")
    click.echo(f"{name}: delivered, the receiver answers {found.status} {took}")


def _row(hook: Webhook) -> tuple[str, ...]:
    behind = "?" if hook.behind is None else str(hook.behind)
    failure = f"{_moment(hook.last_failure_at)} {hook.last_error}".strip()
    return (
        hook.name,
        f"{hook.state} ({hook.failed_attempts} failed)" if hook.failed_attempts else hook.state,
        str(hook.waiting),
        str(hook.dead),
        behind,
        _moment(hook.last_success_at),
        failure,
        hook.url,
    )


def _state_of(hook: Webhook) -> str:
    """A row's colour."""
    return {"retrying": "red", "delivering": "yellow"}.get(hook.state, "")


def _moment(at: datetime | None) -> str:
    """In the local time of whoever reads it."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _print(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], none: str) -> None:
    """A table; of each row the first is its colour."""
    if not rows:
        click.echo(none)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for colour, *cells in rows:
        table.add_row(*(Text(cell) for cell in cells), style=colour)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def _print_json(found: Sequence[Webhook] | Sequence[DeadLetter]) -> None:
    plain: Any = msgspec.to_builtins(found)
    click.echo(msgspec.json.format(msgspec.json.encode(plain)).decode())
