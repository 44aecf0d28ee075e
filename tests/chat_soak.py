"""`python -m tests.chat_soak`: a soak of web chat in a folder of its own, which stays if something does not hold."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from secrets import randbelow

import click

from tests.api.chat.soak import Plan, say, soak
from tests.api.chat.soak_account import judge, kept


@click.command(help="A hundred customers and ten desks, and networks that are cut. --seed repeats a run's plan.")
@click.option("--minutes", type=click.FloatRange(0.1, 24 * 60), default=10, show_default=True, help="Watched.")
@click.option("--customers", type=click.IntRange(1, 1_000), default=100, show_default=True)
@click.option("--desks", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--kills", type=click.IntRange(0, 1_000), default=3, show_default=True, help="Of the engine, before.")
@click.option("--warm-up", type=click.IntRange(0), default=9_000, show_default=True, help="Conversations, in between.")
@click.option("--ordinary", type=click.IntRange(0), default=4_500, show_default=True, help="Conversations, after that.")
@click.option("--seed", type=click.IntRange(0), default=None, help="[default: drawn]")
@click.option("--again", type=click.Path(exists=True, path_type=Path), help="The folder of a soak: only judge it.")
def main(
    *,
    minutes: float,
    customers: int,
    desks: int,
    kills: int,
    warm_up: int,
    ordinary: int,
    seed: int | None,
    again: Path | None,
) -> None:
    """Run it."""
    if again is not None:
        judge(kept(again))
        return
    seed = randbelow(1_000_000) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="chat-soak-", dir=Path.cwd()))
    say(f"--seed {seed}, in {folder}")
    plan = Plan(
        minutes, customers, desks, disturbed_seconds=60.0 * kills, kills=kills, warm_up=warm_up, ordinary=ordinary
    )
    asyncio.run(soak(folder, plan, seed))
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
