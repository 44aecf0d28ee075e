"""Figures on the terminal and as JSON: what was measured, on what, and the ratios.

Owns medians, percentiles and layout. Must not know how anything was timed.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from typing import Final

from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

from bench.contest import Cost
from bench.workload import KINDS, Load

WIDTH: Final = 120
"""Columns of a report that does not go to a terminal."""

WHOLE: Final = "engine"
DECIDING: Final = "engine, deciding only"
NAIVE: Final = "list and sort"
DENSE: Final = "dense numpy"

_DECIMALS_BELOW_US: Final = 100
_SHOWN: Final = ("agents", "classes", "skills", "strategy", "load", "waiting", "idle", "reach", "unasked")

TARGETS: Final = ((NAIVE, 30.0), (DENSE, 4.0))
"""How many times the rival's life cycle should take the engine's, at 10,000 agents and 200 classes."""


class Timing(Struct):
    """One contestant's rounds, each the costs of its commands in order. A life cycle begins with an enqueue."""

    name: str
    rounds: list[list[Cost]]

    def cycles(self) -> list[list[int]]:
        """By round: ns of each life cycle."""
        return [_cycles(costs) for costs in self.rounds]

    def cycle_ns(self) -> float:
        """The headline: the median of the rounds' median life cycles."""
        return median(median(cycles) for cycles in self.cycles())

    def percentile_ns(self, kind: str, percent: float) -> int:
        """Over all rounds; 0 when the contestant had no such command."""
        return percentile([ns for costs in self.rounds for each, ns in costs if each == kind], percent)


class DecisionResult(Struct, frozen=True):
    """One strategy at one load. `cycles` per round, `naive_cycles` for the naive rival."""

    agents: int
    classes: int
    skills: int
    strategy: str
    load: Load
    waiting: int
    idle: int
    reach: float
    """Classes that an agent may serve, on average."""
    unasked: int
    """Agents who may serve none of the classes; they are always idle."""
    cycles: int
    naive_cycles: int
    timings: tuple[Timing, ...]
    digests: dict[str, str]
    """By number of commands: of the decisions of everybody who answered so many."""

    def timing(self, name: str) -> Timing:
        """The contestant's."""
        return next(timing for timing in self.timings if timing.name == name)

    def ratio(self, rival: str, own: str = WHOLE) -> float:
        """How many of our life cycles fit into one of the rival's."""
        return self.timing(rival).cycle_ns() / self.timing(own).cycle_ns()


def percentile(values: Sequence[int], percent: float) -> int:
    """The least value that at least so many percent do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)] if ordered else 0


def machine_line() -> str:
    """Processor, cores, memory, Python and the libraries that matter."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, {gib:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"load {load:.1f}; "
        f"{platform.python_implementation()} {platform.python_version()}, numpy {version('numpy')}, "
        f"msgspec {version('msgspec')}, SQLite {sqlite3.sqlite_version}"
    )


def decision_tables(
    results: Sequence[DecisionResult], machine: str, *, collect: bool, console: Console | None = None
) -> None:
    """Print everything."""
    console = console or console_for_reports()
    console.print(machine, style="dim", highlight=False)
    console.print(
        f"garbage collector {'on' if collect else 'off'} while timing (set-up frozen); one life cycle: "
        "enqueue, accept, end, end of wrap-up; times in µs, each with one clock reading (40 to 80 ns)",
        style="dim",
        highlight=False,
    )
    for result in results:
        console.print()
        console.print(_decision_table(result))
        agreed = sha256("".join(result.digests.values()).encode()).hexdigest()[:16]
        console.print(f"×: times the engine's life cycle. Every decision identical, digest {agreed}.", style="dim")
    console.print()
    for result in results:
        console.print(_verdict(result), highlight=False)


def decision_json(results: Sequence[DecisionResult], machine: str, *, collect: bool, seed: int) -> dict[str, object]:
    """The same for programs; nanoseconds."""
    return {
        "benchmark": "decision",
        "machine": machine,
        "gc": "on" if collect else "off",
        "seed": seed,
        "results": [_as_dict(result) for result in results],
    }


def _decision_table(result: DecisionResult) -> Table:
    table = Table(
        title=f"[bold]{result.strategy}[/], {_load_words(result)}",
        title_justify="left",
        title_style="",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("contestant", no_wrap=True)
    for name in (
        "cycles",
        "life cycle\np50",
        "\np99",
        "\nmean",
        *(f"{kind}\np50/p99" for kind in KINDS),
        "\n×",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for timing in result.timings:
        cycles = [ns for part in timing.cycles() for ns in part]
        kinds = (f"{_us(timing.percentile_ns(kind, 50))}/{_us(timing.percentile_ns(kind, 99))}" for kind in KINDS)
        table.add_row(
            timing.name,
            f"{len(cycles):,}",
            f"[bold]{_us(timing.cycle_ns())}[/]",
            _us(percentile(cycles, 99)),
            _us(fmean(cycles)),
            *kinds,
            f"[bold]{result.ratio(timing.name):.2f}[/]",
        )
    return table


def _verdict(result: DecisionResult) -> str:
    """Both readings: all that the engine does against a rival's decisions, and decisions against decisions."""
    lines = []
    for rival, target in TARGETS:
        readings = []
        for words, ratio in (("whole engine", result.ratio(rival)), ("deciding only", result.ratio(rival, DECIDING))):
            mark = "[green]met[/]" if ratio >= target else "[yellow]missed[/]"
            readings.append(f"{words} {ratio:6.1f}x {mark}")
        lines.append(f"{result.strategy:<13}{result.load:<9} {rival:<14} target {target:>3g}x: {', '.join(readings)}")
    return "\n".join(lines)


def _as_dict(result: DecisionResult) -> dict[str, object]:
    return {
        **{name: getattr(result, name) for name in _SHOWN},
        "decisions_identical": True,
        "digests": result.digests,
        "contestants": {timing.name: _timing_dict(timing) for timing in result.timings},
        "ratios": {
            rival: {"life_cycle": result.ratio(rival), "deciding": result.ratio(rival, DECIDING)}
            for rival, _ in TARGETS
        },
    }


def _timing_dict(timing: Timing) -> dict[str, object]:
    by_round = timing.cycles()
    everything = [ns for part in by_round for ns in part]
    return {
        "life_cycles": len(everything),
        "life_cycle_ns": timing.cycle_ns(),
        "life_cycle_p99_ns": percentile(everything, 99),
        "life_cycle_mean_ns": fmean(everything),
        "rounds_p50_ns": [median(part) for part in by_round],
        "commands": {
            kind: {"p50_ns": timing.percentile_ns(kind, 50), "p99_ns": timing.percentile_ns(kind, 99)} for kind in KINDS
        },
    }


def _load_words(result: DecisionResult) -> str:
    return (
        f"{result.load}: {result.idle:,} of {result.agents:,} agents idle, {result.waiting:,} waiting; "
        f"{result.classes:,} classes over {result.skills} skills, {result.reach:.1f} classes an agent, "
        f"{result.unasked:,} agents with none"
    )


def _cycles(costs: Sequence[Cost]) -> list[int]:
    sums: list[int] = []
    for kind, ns in costs:
        if kind == "enqueue":
            sums.append(0)
        sums[-1] += ns
    return sums


def _us(ns: float) -> str:
    us = ns / 1_000
    return f"{us:.1f}" if us < _DECIMALS_BELOW_US else f"{us:,.0f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown processor")


def console_for_reports() -> Console:
    """As wide as the terminal, or `WIDTH` where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
