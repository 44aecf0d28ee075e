"""The side-by-side run without an end: as many random commands as asked for, on every core, with every policy on.

    python -m tests.core.long_run --commands 10000000

Every world has a seed of its own, printed if it fails, with the one command that repeats it alone and shortens it.
Outcome, deadline and tie-breaker are compared after every command, everything that is remembered and the invariants
now and then; at the end of its world everybody who can be served has been, and a replay gives the same bytes. With
`--resume FILE` a run that was interrupted goes on where it was last written down.
"""

import sys
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import chain, count
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import Final

import click
import msgspec

from tests.core.side_by_side import Mismatch
from tests.core.tally import MIN_ACCEPTED, Tally
from tests.core.worlds import Shape, play, shortest

CHECK_EVERY: Final = 50
"""Commands from one check of the invariants to the next, unless told otherwise."""

REPORT_SECONDS: Final = 60

WAITING: Final = 2
"""Worlds for every process: one that is played, one that comes next."""

ENOUGH: Final = 1_000_000
"""Commands in which everything has to happen."""

_SMALL: Final = Shape(2_000, disorder=0.05)
_TINY: Final = Shape(2_000, tiny=True)
SHAPES: Final = (
    *(_SMALL, _TINY, _SMALL, _TINY, _SMALL, Shape(2_000, disorder=0.02)) * 3,
    Shape(2_000, agents=12, disorder=0.03),
    *(_SMALL, _TINY, _SMALL, Shape(2_000, disorder=0.2)) * 3,
    Shape(2_000, agents=12, disorder=0.03),
    Shape(10_000, agents=6),
    Shape(2_000, agents=30, disorder=0.02),
)
"""A world's, by its seed: most small, so that everything happens often, some crowded, some longer than any memory."""


class Progress(msgspec.Struct):
    """What is written down: the next seed, those that were under way, and what has been covered."""

    upcoming: int
    again: list[int]
    tally: Tally


@click.command()
@click.option("--commands", type=click.IntRange(1), default=10_000_000, show_default=True)
@click.option("--seed", type=int, help="The first world's; drawn unless given.")
@click.option("--alone", is_flag=True, help="Only the world of --seed; a failure is shortened.")
@click.option("--check-every", type=click.IntRange(1), default=CHECK_EVERY, show_default=True)
@click.option("--seconds", type=click.IntRange(1), help="Stop after so long, and say how far it came.")
@click.option("--jobs", type=click.IntRange(1), default=cpu_count() or 1, show_default="one for every core")
@click.option("--resume", type=click.Path(dir_okay=False, path_type=Path), help="Go on with the run in this file.")
def main(
    *,
    commands: int,
    seed: int | None,
    alone: bool,
    check_every: int,
    seconds: int | None,
    jobs: int,
    resume: Path | None,
) -> None:
    """Run, report every minute, end with 1 at the first mismatch, or if something never happened."""
    first = SystemRandom().randrange(10**9) if seed is None else seed
    if alone:
        click.echo(f"seed {first}")
        sys.exit(_alone(first, check_every))
    progress = Progress(first, [], Tally())
    if resume is not None and resume.exists():
        progress = msgspec.json.decode(resume.read_bytes(), type=Progress, dec_hook=lambda _, counts: Counter(counts))
    click.echo(f"seed {progress.upcoming}")
    run = LongRun(progress, resume, check_every, jobs)
    problem = run.until(commands, seconds)
    click.echo("\n".join(run.tally.lines()))
    if problem:
        click.echo(problem, err=True)
    sys.exit(1 if problem or not _is_rich(run.tally) else 0)


class LongRun:
    """Worlds one after the other, `jobs` at a time, until there are enough commands."""

    def __init__(self, progress: Progress, path: Path | None, check_every: int, jobs: int) -> None:
        """`path`: where to write down how far it has come, if anywhere."""
        self.tally = progress.tally
        self._before = self.tally.commands
        self._seeds = chain(progress.again, count(progress.upcoming))
        self._upcoming = progress.upcoming
        self._path = path
        self._check_every = check_every
        self._jobs = jobs
        self._running: dict[Future[tuple[Tally, str]], int] = {}
        self._begun = self._told = monotonic()

    def until(self, commands: int, seconds: int | None) -> str:
        """Run until there are so many commands, or for so long. What went wrong, if anything."""
        problem = ""
        with ProcessPoolExecutor(self._jobs, get_context("spawn")) as pool:
            while not problem and not self._is_enough(commands, seconds):
                while len(self._running) < WAITING * self._jobs:
                    self._begin(pool, next(self._seeds))
                problem = self._collect()
                if monotonic() - self._told >= REPORT_SECONDS:
                    self._report()
            self._report()
            pool.shutdown(cancel_futures=True)
        return problem

    def _is_enough(self, commands: int, seconds: int | None) -> bool:
        return self.tally.commands >= commands or (seconds is not None and monotonic() - self._begun >= seconds)

    def _begin(self, pool: ProcessPoolExecutor, seed: int) -> None:
        self._upcoming = max(self._upcoming, seed + 1)
        self._running[pool.submit(world, seed, self._check_every)] = seed

    def _collect(self) -> str:
        finished, _ = wait(self._running, timeout=REPORT_SECONDS, return_when=FIRST_COMPLETED)
        for future in finished:
            tally, problem = future.result()
            if problem:
                return problem
            self.tally.add(tally)
            del self._running[future]
        return ""

    def _report(self) -> None:
        self._told = monotonic()
        rate = (self.tally.commands - self._before) / (self._told - self._begun)
        click.echo(
            f"{self.tally.commands:,} commands, {self.tally.share:.1%} accepted,"
            f" {rate:,.0f} a second, {self.tally.speed:,.0f} a second of one core"
        )
        if self._path is not None:
            progress = Progress(self._upcoming, sorted(self._running.values()), self.tally)
            part = self._path.with_name(f"{self._path.name}.part")
            part.write_bytes(msgspec.json.encode(progress))
            part.replace(self._path)


def world(seed: int, check_every: int) -> tuple[Tally, str]:
    """One world, in a process of its own: what was covered, and what went wrong, if anything."""
    try:
        return play(seed, _shape(seed), check_every), ""
    except Mismatch as mismatch:
        again = f"python -m tests.core.long_run --alone --seed {seed} --check-every 1"
        return Tally(), f"{mismatch}\nseed {seed}, after {len(mismatch.steps)} commands; alone: {again}"


def _alone(seed: int, check_every: int) -> int:
    shape = _shape(seed)
    try:
        tally = play(seed, shape, check_every)
    except Mismatch as mismatch:
        click.echo(f"{mismatch}\nafter {len(mismatch.steps)} commands; fewer will do:\n{shortest(mismatch, shape)}")
        return 1
    click.echo("\n".join(tally.lines()))
    return 0


def _shape(seed: int) -> Shape:
    return SHAPES[seed % len(SHAPES)]


def _is_rich(tally: Tally) -> bool:
    """Whether enough was accepted, and everything has happened, in a run that is long enough for it."""
    return tally.commands < ENOUGH or (tally.share >= MIN_ACCEPTED and not tally.unreached())


if __name__ == "__main__":
    main()
