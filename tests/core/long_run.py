"""The side-by-side run without an end: as many random commands as asked for, on every core, with every policy on.

    python -m tests.core.long_run --commands 10000000

Each episode has a seed of its own, printed if it fails, with the command that repeats it. Invariants are checked every
now and then instead of after each command (`--check-every`); outcomes, deadlines and tie-breakers after each.
"""

import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from os import cpu_count
from random import SystemRandom
from time import monotonic

import click

from acd.core import invariants
from acd.core.engine import Engine
from tests.core.own_strategies import OWN
from tests.core.side_by_side import Mismatch, Pair, Tally, replay_is_identical, run, seeded, tell

LENGTH = 2_000
AGENTS = (None, None, 12, 30)
"""How many agents an episode has, by turns; None: a few."""


@click.command()
@click.option("--commands", type=click.IntRange(1_000), default=10_000_000, show_default=True)
@click.option("--seed", type=int, help="The first episode's; drawn unless given.")
@click.option("--check-every", type=click.IntRange(1), default=50, show_default=True)
@click.option("--seconds", type=click.IntRange(1), help="Stop after so long, and say how far it came.")
def main(*, commands: int, seed: int | None, check_every: int, seconds: int | None) -> None:
    """Run, report every minute, end with 1 at the first mismatch."""
    first = SystemRandom().randrange(10**9) if seed is None else seed
    click.echo(f"seed {first}")
    episodes = iter(range(first, first + -(-commands // LENGTH)))
    begun, told, done, accepted = monotonic(), 0.0, 0, 0
    with ProcessPoolExecutor(cpu_count() or 1) as pool:
        running = {pool.submit(episode, number, check_every) for number in islice(episodes, 2 * (cpu_count() or 1))}
        while running:
            finished = next(as_completed(running))
            running.remove(finished)
            count, good, problem = finished.result()
            if problem:
                pool.shutdown(cancel_futures=True)
                click.echo(problem, err=True)
                sys.exit(1)
            done, accepted = done + count, accepted + good
            spent = monotonic() - begun
            if seconds is None or spent < seconds:
                running |= {pool.submit(episode, number, check_every) for number in islice(episodes, 1)}
            if spent - told >= 60 or not running:
                told = spent
                click.echo(f"{done:,} commands, {100 * accepted / done:.0f} % accepted, {done / spent:,.0f} a second")


def episode(seed: int, check_every: int) -> tuple[int, int, str]:
    """One episode: commands, accepted ones, and what went wrong."""
    agents = AGENTS[seed % len(AGENTS)]
    traffic = seeded(seed, agents=agents, disorder=0.05, scores=Engine(strategies=OWN).scores)
    tally = Tally()
    commands = 0

    def check(engine: Engine) -> None:
        nonlocal commands
        commands += 1
        if commands % check_every == 0:
            invariants.check(engine)

    try:
        steps = run(traffic, Pair(Engine(strategies=OWN), traffic.trees, check), LENGTH, tally)
        replay_is_identical(
            steps, lambda: Engine(strategies=OWN), lambda state: Engine.from_state(state, strategies=OWN)
        )
    except Mismatch as mismatch:
        again = f"python -m tests.core.long_run --commands 1000 --seed {seed} --check-every 1"
        return commands, tally.accepted, f"{mismatch}\nseed {seed}; again: {again}\n{tell(mismatch.steps[-30:])}"
    return commands, tally.accepted, ""


if __name__ == "__main__":
    main()
