"""`acd top`: a live wallboard in the terminal.

Owns the options, and which of the ways to look there is: a screen, one picture, or JSON. Must not know what is shown.
"""

import asyncio
import os
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console

from acd.cli.far_end import FarEnd, far_end, options
from acd.cli.wallboard.drawing import Looks, draw, duration
from acd.cli.wallboard.picture import SORTS, Choice, Picture, picture
from acd.cli.wallboard.screen import Screen
from acd.cli.wallboard.watch import Watch
from acd.client import ApiProblem, Client
from acd.errors import ConfigError

PIPED_WIDTH: Final = 160
"""Columns where no terminal says how many there are."""

_UNAUTHORIZED: Final = 401


@click.command(short_help="Show queues and agents of a running engine, live.")
@options
@click.option(
    "--queue", "queues", multiple=True, help="Only this queue, and who could serve it; several times for more."
)
@click.option("--sort", type=click.Choice(SORTS), default="name", show_default=True, help="Order of the tables.")
@click.option("--once", is_flag=True, help="Print one picture and end.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one picture as JSON.")
def command(
    url: str, token_file: Path | None, file: Path, *, queues: tuple[str, ...], sort: str, once: bool, as_json: bool
) -> None:
    """Show queues and agents of a running engine, live: who waits, who works, what was decided and why.

    The lists are read once, then the stream of events says what is new. When the engine is away, the wallboard says for
    how long, and goes on as soon as it is back. A token with the role agent sees its own agent only. Where there is no
    terminal, one picture is printed. Level, offered, answered and abandoned: of the current quarter of an hour.

    Keys: q ends, ↑ and ↓ scroll, tab chooses the other table, s another order.
    """
    where, choice, console = far_end(url, token_file, file), Choice(frozenset(queues), sort), Console(highlight=False)
    try:
        if as_json or once or not console.is_terminal:
            seen = where.run(lambda client: _once(client, where, choice))
            if as_json:
                click.echo(msgspec.json.format(msgspec.json.encode(seen)).decode())
            else:
                width = console.width if console.is_terminal or "COLUMNS" in os.environ else PIPED_WIDTH
                Console(highlight=False, width=width).print(draw(seen, Looks(width, url=where.url, sort=sort)))
        else:
            where.run(lambda client: _live(client, where, choice, console))
    except ApiProblem as problem:
        if problem.status == _UNAUTHORIZED:
            fix = "name a file with a token of this engine: --token-file"
            raise ConfigError((f"{where.url} does not know the token: {problem.detail} {fix}",)) from problem
        raise


async def _once(client: Client, where: FarEnd, choice: Choice) -> Picture:
    watch = Watch(client, where.url)
    await watch.read()
    _check(watch, choice)
    return _look(watch, choice)


async def _live(client: Client, where: FarEnd, choice: Choice, console: Console) -> None:
    watch = Watch(client, where.url)
    begin = await watch.read()
    _check(watch, choice)
    screen = Screen(choice, where.url)
    following = asyncio.create_task(watch.follow(begin))
    following.add_done_callback(lambda _task: screen.press("q"))
    try:
        await screen.show(console, lambda chosen: (_look(watch, chosen), _note(watch)), watch.changed)
    finally:
        following.cancel()
        await asyncio.wait((following,))
    if not following.cancelled():
        _raise(following)


def _raise(following: "asyncio.Task[None]") -> None:
    """What ended it by itself: the first of the errors, as there is only one at a time."""
    error = following.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        raise error


def _look(watch: Watch, choice: Choice) -> Picture:
    return picture(watch.floor, watch.health, watch.now_us(), choice, sees_all=watch.sees_all)


def _note(watch: Watch) -> str:
    """On the connection, when there is none."""
    if not watch.lost_us:
        return ""
    return f"reconnecting… no connection for {duration((watch.local_us() - watch.lost_us) / 1_000_000)}"


def _check(watch: Watch, choice: Choice) -> None:
    """A queue that is not there is a mistake, and better said than shown as nothing."""
    unknown = sorted(choice.queues - watch.floor.queues.keys())
    if unknown and watch.sees_all:
        known = ", ".join(sorted(watch.floor.queues)) or "none"
        raise click.ClickException(f"--queue: there is no {unknown[0]}; there is {known}")
    if choice.queues and not watch.sees_all:
        raise click.ClickException("--queue: this token may not see queues; leave it out")
