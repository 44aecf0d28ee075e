"""How long decisions take: the engine, the routers that people write, and C, on the same commands.

Owns the sizes that the targets name, and the course of a run. Every contestant answers every command, and one answer
that differs ends it with an error. `engine` is `Engine.apply` with all it does besides deciding: checks, effects,
events, deadlines, the record of outcomes. The rivals only decide; so does `engine, deciding only`, which is the same
matching without the rest. Contestants take turns in every round, on one thread; the figure for a life cycle is the
median of the rounds' medians, and a ratio the median of the rounds' ratios. The rivals made of lists get fewer life
cycles, and nothing is extrapolated. With all policies on, the engine plays a script of its own, since no rival can
follow; there it is set against what C needs for the plain one.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean, median
from typing import Final, NamedTuple

import click
from msgspec import Struct
from msgspec.structs import replace

from acd.core.messages.settings import Strategy
from bench.contest import Contestant, Disagreement, take_turn
from bench.entrants import DecidingOnly, WholeEngine
from bench.recorder import record
from bench.report import (
    POLICIES,
    DecisionResult,
    Timing,
    console_for_reports,
    decision_figures,
    decision_json,
    decision_tables,
    machine_line,
)
from bench.rivals.careful_list import CarefulListRouter
from bench.rivals.compressed_numpy import CompressedNumpyRouter
from bench.rivals.dense_numpy import DenseNumpyRouter
from bench.rivals.naive import NaiveRouter
from bench.rivals.native import IndexInC, NativeRouter, NoCompiler, ScanInC, compiled
from bench.targets import show_verdicts
from bench.workload import LOADS, Centre, Load, Script, Step, draw_centre

STRATEGIES: Final[tuple[Strategy, ...]] = ("longest-idle", "best-fit", "weighted")
"""Strategies that every rival knows, too."""

NAIVE_BUDGET: Final = 2_000_000
"""Agents, or waiting interactions, that a rival made of lists may look at in a round."""

SLOW: Final = (NaiveRouter, CarefulListRouter)
"""They get fewer life cycles."""

MANY_AGENTS: Final = 20_000
"""From here on a dense matrix and a careful list sit out: it is known what becomes of them."""

MANY_CYCLES: Final = 1_000
"""Life cycles a round where there are many agents."""

SHARED_PROFILES: Final = 20


class Size(Struct, frozen=True):
    """How much is measured. `cycles` in each of the `rounds`; `line`: waiting at overload; `collect`: gc stays on.

    `profiles`: how many the agents share, 0 for one each. `policies`: the engine with all of them plays, too.
    """

    agents: int
    classes: int
    rounds: int
    cycles: int
    line: int
    seed: int
    collect: bool = True
    profiles: int = 0
    policies: bool = False


Case = tuple[Strategy, Load, Size]


@click.command(help="Time decisions: this engine against lists, numpy and C. All sizes of the targets, unless named.")
@click.option("--agents", type=click.IntRange(10, 100_000), help="Just this size. [default: 1000]")
@click.option("--classes", type=click.IntRange(1, 20_000), help="Just this size. [default: 200]")
@click.option("--profiles", type=click.IntRange(0, 100_000), help="Just so many, shared. [default: one per agent]")
@click.option("--rounds", type=click.IntRange(1, 99), default=3, show_default=True)
@click.option(
    "--cycles", type=click.IntRange(10, 100_000), default=3_000, show_default=True, help="Life cycles a round."
)
@click.option("--line", type=click.IntRange(0, 200_000), default=10_000, show_default=True, help="Waiting at overload.")
@click.option("--strategy", "strategies", type=click.Choice(STRATEGIES), multiple=True)
@click.option("--load", "loads", type=click.Choice(LOADS), multiple=True, help="Both, unless named.")
@click.option("--seed", type=int, default=20_260_101, show_default=True)
@click.option("--gc/--no-gc", "collect", default=True, show_default=True, help="Garbage collector while timing.")
@click.option("--quick", is_flag=True, help="Best-fit at 1,000 agents only, 300 life cycles a round.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *,
    agents: int | None,
    classes: int | None,
    profiles: int | None,
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
    base = Size(1_000, 200, rounds, 300 if quick else cycles, line, seed, collect, policies=True)
    if (agents, classes, profiles) != (None, None, None):
        base = replace(base, agents=agents or 1_000, classes=classes or 200, profiles=profiles or 0)
        sizes = [(base, strategies or STRATEGIES, loads or LOADS)]
    else:
        sizes = list(quick_sizes(base) if quick else target_sizes(base))
    results = [measure(*case) for case in _cases(sizes, strategies, loads)]
    document = report(results, collect=collect, seed=seed)
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def target_sizes(base: Size) -> Iterator[tuple[Size, tuple[Strategy, ...], tuple[Load, ...]]]:
    """What the targets name, and the neighbourhood."""
    yield base, ("longest-idle", "best-fit"), LOADS
    plain = replace(base, policies=False)
    yield replace(base, profiles=SHARED_PROFILES), ("best-fit",), LOADS
    yield replace(plain, classes=10), ("best-fit",), LOADS
    yield replace(plain, classes=2_000), ("best-fit",), LOADS
    yield replace(plain, agents=10_000, classes=10), ("best-fit",), LOADS
    many = replace(plain, agents=100_000, cycles=min(base.cycles, MANY_CYCLES))
    yield replace(many, classes=10), ("best-fit",), ("low",)
    yield many, ("best-fit",), ("low",)


def quick_sizes(base: Size) -> Iterator[tuple[Size, tuple[Strategy, ...], tuple[Load, ...]]]:
    """What can be had in half a minute."""
    yield base, ("best-fit",), LOADS
    yield replace(base, agents=10_000, classes=10, policies=False), ("best-fit",), ("low",)


def report(results: Sequence[DecisionResult], *, collect: bool, seed: int) -> dict[str, object]:
    """Print everything; gives the same for programs."""
    machine = machine_line()
    console = console_for_reports()
    decision_tables(results, machine, collect=collect, console=console)
    show_verdicts([figure for result in results for figure in decision_figures(result)], console)
    return decision_json(results, machine, collect=collect, seed=seed)


def _cases(
    sizes: Sequence[tuple[Size, tuple[Strategy, ...], tuple[Load, ...]]],
    strategies: tuple[Strategy, ...],
    loads: tuple[Load, ...],
) -> Iterator[Case]:
    """Strategies and loads that were named go before those that belong to a size."""
    for size, usual, usual_loads in sizes:
        for strategy in strategies or usual:
            for load in loads or usual_loads:
                words = f"{size.agents:,} agents, {size.classes:,} classes, {strategy}, {load}"
                print(f"timing {words} …", file=sys.stderr, flush=True)
                yield strategy, load, size


def has_compiler() -> bool:
    """Whether the rivals in C take part; says why if they do not."""
    try:
        compiled()
    except NoCompiler as missing:
        print(f"the rivals in C sit out: {missing}", file=sys.stderr)
        return False
    return True


def measure(
    strategy: Strategy, load: Load, size: Size, rivals: Sequence[Callable[[Centre], Contestant]] = ()
) -> DecisionResult:
    """Time the engine and all rivals, or those named, on one script.

    Raises `Disagreement` unless every decision is the same.
    """
    centre = draw_centre(size.agents, size.classes, strategy, size.seed, profiles=size.profiles)
    write = partial(record, centre, load, line=size.line, rounds=size.rounds, cycles=size.cycles, seed=size.seed)
    script = write()
    few = max(10, min(size.cycles, NAIVE_BUDGET // max(size.agents, size.line if load == "overload" else 0)))
    seats = [Seat(contestant, script) for contestant in _contestants(script, rivals)]
    if size.policies:
        script_with_policies = write(policies=True)
        seats.append(Seat(WholeEngine(script_with_policies, POLICIES), script_with_policies))
    timings, digests, interrupted = _play(seats, size.rounds, few, collect=size.collect)
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
        size.profiles,
        _loops([seat.contestant for seat in seats], script),
        interrupted,
    )


class Seat(NamedTuple):
    """A contestant, and the script that it plays."""

    contestant: Contestant
    script: Script


def _contestants(script: Script, rivals: Sequence[Callable[[Centre], Contestant]]) -> Iterator[Contestant]:
    centre = script.centre
    yield WholeEngine(script)
    if rivals:
        yield from (opened(centre) for opened in rivals)
        return
    yield DecidingOnly(centre)
    yield NaiveRouter(centre)
    if len(centre.agents) < MANY_AGENTS:
        yield CarefulListRouter(centre)
        yield DenseNumpyRouter(centre)
    yield CompressedNumpyRouter(centre)
    if has_compiler():
        yield ScanInC(centre)
        yield IndexInC(centre)


def _play(
    seats: Sequence[Seat], rounds: int, few: int, *, collect: bool
) -> tuple[tuple[Timing, ...], dict[str, str], int]:
    """Every round, every contestant in turn; the slow ones play `few` life cycles of each."""
    timings = tuple(Timing(seat.contestant.name, []) for seat in seats)
    digests: dict[str, str] = {}
    interrupted = 0
    gc.collect()
    gc.freeze()
    try:
        for number in range(rounds):
            for (contestant, script), timing in zip(seats, timings, strict=True):
                stretch = script.rounds[number]
                contestant.restore(stretch.start)
                steps = _first_cycles(stretch.steps, few) if isinstance(contestant, SLOW) else stretch.steps
                turn = take_turn(contestant, steps, collect=collect)
                timing.rounds.append(turn.costs)
                interrupted += turn.interrupted
                # Whoever answered the same commands has the same digest: `take_turn` has compared every answer.
                policies = ", all policies" if script.policies else ""
                digests[f"round {number + 1}{policies} ({len(steps):,} commands)"] = turn.digest
    finally:
        gc.unfreeze()
    return timings, digests, interrupted


def _loops(contestants: Sequence[Contestant], script: Script) -> dict[str, float]:
    """Those in C once more, each round in one call. Raises `Disagreement`."""
    found = {}
    for contestant in contestants:
        if not isinstance(contestant, NativeRouter):
            continue
        taken = []
        for stretch in script.rounds:
            contestant.restore(stretch.start)
            ns, decisions = contestant.run(stretch.steps)
            if decisions != [step.decided for step in stretch.steps]:
                raise Disagreement(f"{contestant.name} decided otherwise in one call")
            taken.append(ns / sum(step.kind == "enqueue" for step in stretch.steps))
        found[contestant.name] = median(taken)
    return found


def _first_cycles(steps: tuple[Step, ...], cycles: int) -> tuple[Step, ...]:
    """So many whole life cycles."""
    begins = (index for index, step in enumerate(steps) if step.kind == "enqueue")
    end = next(islice(begins, cycles, None), len(steps))
    return steps[:end]


if __name__ == "__main__":
    main()
