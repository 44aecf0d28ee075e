"""What garbage collection does to the slowest commands, and what to do about it.

Owns that comparison: the same centre is played under several settings of the collector, in turns. `acd serve`
freezes what is there when it is ready, and collects the rest rarely; the question is what comes after that.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import click
from msgspec import Struct
from rich import box
from rich.table import Table

from acd.cli.collecting import THRESHOLDS
from bench.live import LiveCentre
from bench.report import Timing, console_for_reports, machine_line, percentile
from bench.workload import Load, draw_centre


class Mode(Struct, frozen=True):
    """How the collector is set. `threshold`: of the youngest generation; 0: never. `freeze`: what is there stays."""

    name: str
    freeze: bool
    threshold: tuple[int, int, int]


_USUAL: Final = gc.get_threshold()

MODES: Final = (
    Mode("as Python comes", freeze=False, threshold=_USUAL),
    Mode("frozen", freeze=True, threshold=_USUAL),
    Mode("frozen, rarer (acd serve)", freeze=True, threshold=THRESHOLDS),
    Mode("frozen, threshold 10,000", freeze=True, threshold=(10_000, 20, 50)),
    Mode("frozen, threshold 50,000", freeze=True, threshold=(50_000, 20, 100)),
    Mode("off", freeze=True, threshold=(0, 0, 0)),
)


class GarbageResult(Struct, frozen=True):
    """One load. `collections` per mode: of the three generations, in all rounds."""

    load: Load
    agents: int
    cycles: int
    timings: tuple[Timing, ...]
    collections: tuple[tuple[int, int, int], ...]


@click.command(help="Time the slowest commands under several settings of the garbage collector.")
@click.option("--agents", type=click.IntRange(10, 100_000), default=10_000, show_default=True)
@click.option("--rounds", type=click.IntRange(3, 99), default=3, show_default=True)
@click.option("--cycles", type=click.IntRange(100, 1_000_000), default=10_000, show_default=True, help="A round.")
@click.option("--seed", type=int, default=20_260_101, show_default=True)
@click.option("--quick", is_flag=True, help="1,000 agents, 2,000 life cycles a round.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(*, agents: int, rounds: int, cycles: int, seed: int, quick: bool, json_path: Path | None) -> None:
    """Time, print, write."""
    if quick:
        agents, cycles = 1_000, 2_000
    loads: tuple[Load, ...] = ("low", "overload")
    document = report([measure(load, agents, rounds=rounds, cycles=cycles, seed=seed) for load in loads])
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def measure(load: Load, agents: int, *, rounds: int, cycles: int, seed: int) -> GarbageResult:
    """Every mode in every round, on one centre that goes on and on."""
    print(f"garbage: {load}, {agents:,} agents, {rounds} rounds …", file=sys.stderr, flush=True)
    centre = LiveCentre(draw_centre(agents, 200, "best-fit", seed), seed)
    centre.reach(load, 10_000)
    timings = tuple(Timing(mode.name, []) for mode in MODES)
    counts = [[0, 0, 0] for _ in MODES]
    try:
        for _ in range(rounds):
            for mode, timing, count in zip(MODES, timings, counts, strict=True):
                gc.collect()
                if mode.freeze:
                    gc.freeze()
                gc.set_threshold(*mode.threshold)
                before = [each["collections"] for each in gc.get_stats()]
                timing.rounds.append(centre.play_timed(cycles))
                for generation, each in enumerate(gc.get_stats()):
                    count[generation] += each["collections"] - before[generation]
                gc.unfreeze()
    finally:
        gc.unfreeze()
        gc.set_threshold(*_USUAL)
    return GarbageResult(load, agents, cycles, timings, tuple((one, two, three) for one, two, three in counts))


def report(results: Sequence[GarbageResult]) -> dict[str, object]:
    """Print everything; gives the same for programs."""
    console, machine = console_for_reports(), machine_line()
    console.print(machine, style="dim", highlight=False)
    for result in results:
        title = f"garbage collection: {result.load}, {result.agents:,} agents, 200 classes; µs a command"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("collector")
        for name in ("life cycle p50", "p50", "p99", "p99.9", "worst", "collections"):
            table.add_column(name, justify="right")
        for timing, counts in zip(result.timings, result.collections, strict=True):
            figures = _figures(timing)
            cells = (f"{figures[name] / 1_000:,.1f}" for name in ("life_cycle", "p50", "p99", "p99.9", "worst"))
            table.add_row(timing.name, *cells, "/".join(map(str, counts)))
        console.print(table)
    return {
        "benchmark": "garbage",
        "machine": machine,
        "results": [
            {
                "load": result.load,
                "agents": result.agents,
                "cycles_per_round": result.cycles,
                "modes": {
                    timing.name: {**_figures(timing), "collections": counts}
                    for timing, counts in zip(result.timings, result.collections, strict=True)
                },
            }
            for result in results
        ],
        "targets": [],
    }


def _figures(timing: Timing) -> dict[str, float]:
    """Medians of the rounds, ns."""
    rounds = [[cost.ns for cost in costs] for costs in timing.rounds]
    percents = {f"p{percent:g}": median(percentile(each, percent) for each in rounds) for percent in (50, 99, 99.9)}
    return {"life_cycle": timing.cycle_ns(), **percents, "worst": median(map(max, rounds))}


if __name__ == "__main__":
    main()
