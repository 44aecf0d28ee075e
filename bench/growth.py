"""How a life cycle grows with the centre: more agents, a longer line, more classes that wait.

Owns which sizes are compared. The small and the large centre of a pair are both there at once and take turns, and the
figure is the median of the rounds' ratios. Only the engine plays: whether it decides rightly at such sizes is the
decision bench's matter, and the tests'.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import click
from msgspec import Struct
from msgspec.structs import replace
from rich import box
from rich.table import Table

from bench.live import LiveCentre, frozen
from bench.report import Timing, console_for_reports, machine_line, percentile
from bench.targets import Figure, show_verdicts, verdicts_json
from bench.workload import Load, draw_centre

WARM_UP: Final = 20_000
"""Life cycles before the first round at most. By then every class has been asked for many times."""


class Extent(Struct, frozen=True):
    """One centre. `line`: how many wait at overload."""

    agents: int
    classes: int
    load: Load
    line: int = 10_000


class Pair(Struct, frozen=True):
    """What is compared for which line of the targets. `evenly`: every class is asked for equally often."""

    key: str
    small: Extent
    large: Extent
    evenly: bool = False
    smaller: bool = False
    """Whether these are not the sizes of the targets."""


class Grown(Struct, frozen=True):
    """What came out: both centres' timings, classes that waited, and the rounds' ratios."""

    pair: Pair
    small: Timing
    large: Timing
    waiting_classes: tuple[int, int]

    def ratios(self) -> list[float]:
        """By round, large ÷ small, each the median life cycle."""
        return [
            median(ours) / median(less) for ours, less in zip(self.large.cycles(), self.small.cycles(), strict=True)
        ]

    def figure(self) -> Figure:
        """For the targets."""
        small, large = self.small.cycle_ns() / 1_000, self.large.cycle_ns() / 1_000
        words = f"{_extent(self.pair.small)} {small:.1f} µs → {_extent(self.pair.large)} {large:.1f} µs"
        return Figure(self.pair.key, median(self.ratios()), words, self.pair.smaller)


_SMALL: Final = Extent(1_000, 200, "low")

PAIRS: Final = (
    Pair("agents-low", _SMALL, replace(_SMALL, agents=100_000)),
    Pair("agents-overload", replace(_SMALL, load="overload"), replace(_SMALL, agents=100_000, load="overload")),
    Pair("line", replace(_SMALL, load="overload"), replace(_SMALL, load="overload", line=1_000_000)),
    Pair(
        "classes",
        replace(_SMALL, load="overload", line=40_000),
        replace(_SMALL, load="overload", line=40_000, classes=20_000),
        evenly=True,
    ),
)

_QUICK: Final = {"agents": 10_000, "line": 50_000, "classes": 2_000}


@click.command(help="Time a life cycle in a small and in a large centre: agents, length of the line, waiting classes.")
@click.option("--rounds", type=click.IntRange(3, 99), default=5, show_default=True)
@click.option("--cycles", type=click.IntRange(10, 100_000), default=2_000, show_default=True, help="A round.")
@click.option(
    "--only", "keys", type=click.Choice([pair.key for pair in PAIRS]), multiple=True, help="All, unless named."
)
@click.option("--seed", type=int, default=20_260_101, show_default=True)
@click.option("--quick", is_flag=True, help="Large is smaller: 10,000 agents, 50,000 waiting, 2,000 classes.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(*, rounds: int, cycles: int, keys: tuple[str, ...], seed: int, quick: bool, json_path: Path | None) -> None:
    """Time, print, write."""
    pairs = [pair for pair in PAIRS if not keys or pair.key in keys]
    if quick:
        pairs, cycles = [quickened(pair) for pair in pairs], min(cycles, 500)
    document = report([measure(pair, rounds=rounds, cycles=cycles, seed=seed) for pair in pairs], seed=seed)
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def quickened(pair: Pair) -> Pair:
    """The same with a large centre that is not quite so large."""
    large = {name: min(getattr(pair.large, name), most) for name, most in _QUICK.items()}
    return replace(pair, large=replace(pair.large, **large), smaller=True)


def measure(pair: Pair, *, rounds: int, cycles: int, seed: int) -> Grown:
    """Both centres, in turns."""
    centres = [_opened(extent, pair, seed) for extent in (pair.small, pair.large)]
    timings = (Timing("small", []), Timing("large", []))
    with frozen():
        for _ in range(rounds):
            for centre, timing in zip(centres, timings, strict=True):
                timing.rounds.append(centre.play_timed(cycles))
    small, large = (centre.waiting_classes() for centre in centres)
    return Grown(pair, *timings, (small, large))


def report(results: Sequence[Grown], *, seed: int) -> dict[str, object]:
    """Print everything; gives the same for programs."""
    console, machine = console_for_reports(), machine_line()
    console.print(machine, style="dim", highlight=False)
    table = Table(title="growth of a life cycle, µs", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("centre")
    for name in ("waiting classes", "p50", "p99", "enqueue p50/p99", "end-wrap-up p50/p99", "growth, by round"):
        table.add_column(name, justify="right")
    for result in results:
        for cells in _rows(result):
            table.add_row(*cells)
    console.print(table)
    figures = [result.figure() for result in results]
    show_verdicts(figures, console)
    return {
        "benchmark": "growth",
        "machine": machine,
        "seed": seed,
        "results": [_as_dict(result) for result in results],
        "targets": verdicts_json(figures),
    }


def _opened(extent: Extent, pair: Pair, seed: int) -> LiveCentre:
    print(f"growth: filling {_extent(extent)} …", file=sys.stderr, flush=True)
    centre = LiveCentre(draw_centre(extent.agents, extent.classes, "best-fit", seed), seed, evenly=pair.evenly)
    centre.reach(extent.load, extent.line, warm_up=min(2 * extent.agents, WARM_UP))
    return centre


def _rows(result: Grown) -> Iterator[tuple[str, ...]]:
    ratios = ", ".join(f"{ratio:.2f}" for ratio in result.ratios())
    sides = ((result.pair.small, result.small, ""), (result.pair.large, result.large, ratios))
    for (extent, timing, words), classes in zip(sides, result.waiting_classes, strict=True):
        kinds = (
            f"{timing.percentile_ns(kind, 50) / 1_000:.1f}/{timing.percentile_ns(kind, 99) / 1_000:.1f}"
            for kind in ("enqueue", "end-wrap-up")
        )
        p99 = percentile([ns for part in timing.cycles() for ns in part], 99)
        yield _extent(extent), f"{classes:,}", f"{timing.cycle_ns() / 1_000:.1f}", f"{p99 / 1_000:.1f}", *kinds, words


def _as_dict(result: Grown) -> dict[str, object]:
    return {
        "key": result.pair.key,
        "small": _extent(result.pair.small),
        "large": _extent(result.pair.large),
        "waiting_classes": result.waiting_classes,
        "life_cycle_ns": [result.small.cycle_ns(), result.large.cycle_ns()],
        "ratios": result.ratios(),
        "growth": median(result.ratios()),
    }


def _extent(extent: Extent) -> str:
    line = f", {extent.line:,} waiting" if extent.load == "overload" else ", low load"
    return f"{extent.agents:,} agents, {extent.classes:,} classes{line}"


if __name__ == "__main__":
    main()
