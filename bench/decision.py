"""How long decisions take: the engine, the router that people write, and a matrix, on the same commands.

Owns the course of the run. Every contestant answers every command, and one answer that differs ends it with an
error. `engine` is `Engine.apply` with all it does besides deciding: checks, effects, events, deadlines, the record of
outcomes. The rivals only decide; so does `engine, deciding only`, which is the same matching without the rest.
Contestants take turns in every round, on one thread; the figure for a life cycle is the median of the
rounds' medians. The rivals made of lists get fewer life cycles, and nothing is extrapolated.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Final

import click
from msgspec import Struct

from acd.core.messages.settings import Strategy
from bench.contest import Contestant, take_turn
from bench.entrants import DecidingOnly, WholeEngine
from bench.report import DecisionResult, Timing, decision_json, decision_tables, machine_line
from bench.rivals.careful_list import CarefulListRouter
from bench.rivals.compressed_numpy import CompressedNumpyRouter
from bench.rivals.dense_numpy import DenseNumpyRouter
from bench.rivals.naive import NaiveRouter
from bench.rivals.native import IndexInC, NoCompiler, ScanInC, compiled
from bench.workload import LOADS, Load, Script, Step, draw_centre, record

STRATEGIES: Final[tuple[Strategy, ...]] = ("longest-idle", "best-fit", "weighted")
"""Strategies that every rival knows, too."""

NAIVE_BUDGET: Final = 2_000_000
"""Agents, or waiting interactions, that a rival made of lists may look at in a round."""

SLOW: Final = (NaiveRouter, CarefulListRouter)
"""They get fewer life cycles."""


@click.command(help="Time decisions: this engine against a list-and-sort router and a dense matrix.")
@click.option("--agents", type=click.IntRange(10, 100_000), default=10_000, show_default=True)
@click.option("--classes", type=click.IntRange(1, 5_000), default=200, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 99), default=3, show_default=True)
@click.option(
    "--cycles", type=click.IntRange(10, 100_000), default=3_000, show_default=True, help="Life cycles a round."
)
@click.option("--line", type=click.IntRange(0, 200_000), default=10_000, show_default=True, help="Waiting at overload.")
@click.option("--strategy", "strategies", type=click.Choice(STRATEGIES), multiple=True, help="All, unless named.")
@click.option("--load", "loads", type=click.Choice(LOADS), multiple=True, help="Both, unless named.")
@click.option("--seed", type=int, default=20_260_101, show_default=True)
@click.option("--gc/--no-gc", "collect", default=True, show_default=True, help="Garbage collector while timing.")
@click.option("--quick", is_flag=True, help="1,000 agents, 50 classes, 300 life cycles a round, 1,000 waiting.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *,
    agents: int,
    classes: int,
    rounds: int,
    cycles: int,
    line: int,
    strategies: tuple[Strategy, ...],
    loads: tuple[Load, ...],
    seed: int,
    collect: bool,
    quick: bool,
    json_path: Path | None,
) -> None:
    """Time, print, write."""
    if quick:
        agents, classes, cycles, line = 1_000, 50, 300, 1_000
    size = Size(agents, classes, rounds, cycles, line, seed, collect)
    results = []
    for strategy in strategies or STRATEGIES:
        for load in loads or LOADS:
            print(f"timing {strategy}, {load} …", file=sys.stderr, flush=True)
            results.append(measure(strategy, load, size))
    machine = machine_line()
    decision_tables(results, machine, collect=collect)
    if json_path is not None:
        document = decision_json(results, machine, collect=collect, seed=seed)
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def has_compiler() -> bool:
    """Whether the rivals in C take part; says why if they do not."""
    try:
        compiled()
    except NoCompiler as missing:
        print(f"the rivals in C sit out: {missing}", file=sys.stderr)
        return False
    return True


class Size(Struct, frozen=True):
    """How much is measured. `cycles` in each of the `rounds`; `line`: waiting at overload; `collect`: gc stays on."""

    agents: int
    classes: int
    rounds: int
    cycles: int
    line: int
    seed: int
    collect: bool = True


def measure(strategy: Strategy, load: Load, size: Size) -> DecisionResult:
    """Time all contestants on one script. Raises `Disagreement` unless every decision is the same."""
    centre = draw_centre(size.agents, size.classes, strategy, size.seed)
    script = record(centre, load, line=size.line, rounds=size.rounds, cycles=size.cycles, seed=size.seed)
    few = max(10, min(size.cycles, NAIVE_BUDGET // max(size.agents, size.line if load == "overload" else 0)))
    contestants: list[Contestant] = [
        WholeEngine(script),
        DecidingOnly(centre),
        NaiveRouter(centre),
        CarefulListRouter(centre),
        DenseNumpyRouter(centre),
        CompressedNumpyRouter(centre),
    ]
    if has_compiler():
        contestants += [ScanInC(centre), IndexInC(centre)]
    timings, digests = _play(script, contestants, few, collect=size.collect)
    return DecisionResult(
        size.agents,
        size.classes,
        centre.skills,
        strategy,
        load,
        script.waiting,
        script.idle,
        fmean(map(len, centre.eligible)),
        sum(not classes for classes in centre.eligible),
        size.cycles,
        few,
        timings,
        digests,
    )


def _play(
    script: Script, contestants: Sequence[Contestant], few: int, *, collect: bool
) -> tuple[tuple[Timing, ...], dict[str, str]]:
    """Every round, every contestant in turn; the slow ones play `few` life cycles of each."""
    timings = tuple(Timing(contestant.name, []) for contestant in contestants)
    digests: dict[str, str] = {}
    gc.collect()
    gc.freeze()
    try:
        for number, stretch in enumerate(script.rounds, 1):
            for contestant, timing in zip(contestants, timings, strict=True):
                contestant.restore(stretch.start)
                steps = _first_cycles(stretch.steps, few) if isinstance(contestant, SLOW) else stretch.steps
                costs, digest = take_turn(contestant, steps, collect=collect)
                timing.rounds.append(costs)
                # Whoever answered the same commands has the same digest: `take_turn` has compared every answer.
                digests[f"round {number} ({len(steps):,} commands)"] = digest
    finally:
        gc.unfreeze()
    return timings, digests


def _first_cycles(steps: tuple[Step, ...], cycles: int) -> tuple[Step, ...]:
    """So many whole life cycles."""
    begins = (index for index, step in enumerate(steps) if step.kind == "enqueue")
    end = next(islice(begins, cycles, None), len(steps))
    return steps[:end]


if __name__ == "__main__":
    main()
