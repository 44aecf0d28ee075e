"""The engine beside Redis and PostgreSQL as people deploy them: networked services, in their own processes.

Owns which of them take part, and at which sizes. They are asked over the loopback, which is nearer than any
network: the figure says what a round trip per command costs, and not only what a decision costs. Every decision is
compared. PostgreSQL takes part twice: as it comes, waiting for the disk at every commit, and without waiting.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import click

from acd.core.messages.settings import Strategy
from acd_asterisk.lab import LabUnavailable
from bench.contest import Contestant
from bench.decision import STRATEGIES, Size, measure, report
from bench.rivals import postgresql, redis_lua
from bench.servers import postgresql_server, redis_server
from bench.workload import LOADS, Centre

SIZES: Final = (1_000, 10_000)

Open = Callable[[Centre], Contestant]


@click.command(help="Time decisions: this engine against Redis and PostgreSQL on this machine.")
@click.option(
    "--agents", "sizes", type=click.IntRange(10, 100_000), multiple=True, help="1000 and 10000, unless named."
)
@click.option("--classes", type=click.IntRange(1, 5_000), default=200, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 99), default=3, show_default=True)
@click.option("--cycles", type=click.IntRange(10, 100_000), default=500, show_default=True, help="A round.")
@click.option("--strategy", type=click.Choice(STRATEGIES), default="best-fit", show_default=True)
@click.option("--seed", type=int, default=20_260_101, show_default=True)
@click.option("--quick", is_flag=True, help="1,000 agents, 100 life cycles a round.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *,
    sizes: tuple[int, ...],
    classes: int,
    rounds: int,
    cycles: int,
    strategy: Strategy,
    seed: int,
    quick: bool,
    json_path: Path | None,
) -> None:
    """Time, print, write."""
    if quick:
        sizes, cycles = (1_000,), 100
    results = []
    with services() as opened:
        if not opened:
            raise click.ClickException("neither Redis nor PostgreSQL can be had here")
        for agents in sizes or SIZES:
            for load in LOADS:
                print(f"services: {agents:,} agents, {load} …", file=sys.stderr, flush=True)
                size = Size(agents, classes, rounds, cycles, 10_000, seed)
                results.append(measure(strategy, load, size, tuple(opened)))
    document = {**report(results, collect=True, seed=seed), "benchmark": "services"}
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


@contextmanager
def services() -> Iterator[list[Open]]:
    """Those that can be had here, running; the others say on standard error why they sit out."""
    with ExitStack() as stack:
        opened: list[Open] = []
        for begin in (_redis, _postgresql):
            try:
                opened += begin(stack)
            except (LabUnavailable, ImportError) as missing:
                words = f"{missing}; install the extra `bench`" if isinstance(missing, ImportError) else str(missing)
                print(f"{begin.__name__.strip('_')} sits out: {words}", file=sys.stderr)
        yield opened


def _redis(stack: ExitStack) -> list[Open]:
    import redis  # noqa: F401, PLC0415 - before a server is fetched for nothing

    address = stack.enter_context(redis_server(redis_lua.answers))

    def opened(centre: Centre) -> Contestant:
        return _closed_with(stack, redis_lua.RedisRouter(centre, address))

    return [opened]


def _postgresql(stack: ExitStack) -> list[Open]:
    import psycopg  # noqa: F401, PLC0415 - before a server is fetched for nothing

    address = stack.enter_context(postgresql_server(postgresql.answers))

    def opened(centre: Centre, *, waits: bool) -> Contestant:
        return _closed_with(stack, postgresql.PostgresqlRouter(centre, address, waits=waits))

    return [partial(opened, waits=True), partial(opened, waits=False)]


def _closed_with(
    stack: ExitStack, router: redis_lua.RedisRouter | postgresql.PostgresqlRouter
) -> redis_lua.RedisRouter | postgresql.PostgresqlRouter:
    stack.callback(router.close)
    return router


if __name__ == "__main__":
    main()
