"""Figures on the terminal and as JSON: what was measured, on what, and the ratios.

Owns medians, percentiles and layout. Must not know how anything was timed.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from typing import Final

from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

from bench.compiled import is_compiled
from bench.contest import Cost
from bench.targets import Figure, verdicts_json
from bench.workload import KINDS, Load

WIDTH: Final = 120
"""Columns of a report that does not go to a terminal."""

WHOLE: Final = "engine"
DECIDING: Final = "engine, deciding only"
NAIVE: Final = "list and sort"
DENSE: Final = "dense numpy"

POLICIES: Final = "engine, all policies"
COMPRESSED: Final = "compressed numpy"
SCAN: Final = "C, scan"
REDIS: Final = "Redis (network)"
POSTGRESQL: Final = "PostgreSQL (network)"
POSTGRESQL_ASYNC: Final = "PostgreSQL, no sync"

_DECIMALS_BELOW_US: Final = 100
_SHOWN: Final = (
    "agents",
    "classes",
    "profiles",
    "skills",
    "strategy",
    "load",
    "waiting",
    "idle",
    "reach",
    "unasked",
    "loops",
    "interrupted",
)


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

    def tick_ns(self) -> float:
        """What all ticks took, on average for a life cycle."""
        ticks = sum(ns for costs in self.rounds for kind, ns in costs if kind == "tick")
        return ticks / max(1, sum(map(len, self.cycles())))

    def percentile_ns(self, kind: str, percent: float) -> int:
        """Over all rounds; 0 when the contestant had no such command."""
        return percentile([ns for costs in self.rounds for ns in _of_kind(costs, kind)], percent)


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
    profiles: int = 0
    """Skill profiles that the agents share; 0: one each."""
    loops: dict[str, float] = {}
    """Contestants that can answer a whole script in one call: the mean life cycle then, ns, median of the rounds."""
    interrupted: int = 0
    """Commands that were timed by the processor's clock, because other programs had the processor meanwhile."""

    def timing(self, name: str) -> Timing:
        """The contestant's."""
        return next(timing for timing in self.timings if timing.name == name)

    def has(self, name: str) -> bool:
        """Whether the contestant took part."""
        return any(timing.name == name for timing in self.timings)

    def ratio(self, rival: str, own: str = WHOLE) -> float:
        """How many of our life cycles fit into one of the rival's: the median of the rounds."""
        pairs = zip(self.timing(rival).cycles(), self.timing(own).cycles(), strict=True)
        return median(median(theirs) / median(ours) for theirs, ours in pairs)

    def tail_ratio(self, rival: str, kind: str, percent: float) -> float:
        """The engine's percentile of one command ÷ the rival's: the median of the rounds."""
        pairs = zip(self.timing(WHOLE).rounds, self.timing(rival).rounds, strict=True)
        return median(
            percentile(_of_kind(ours, kind), percent) / percentile(_of_kind(theirs, kind), percent)
            for ours, theirs in pairs
        )


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
        f"load {load:.1f}; core {'compiled' if is_compiled() else 'interpreted'}; "
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
        if result.has(POLICIES):
            ticks = _us(result.timing(POLICIES).tick_ns())
            console.print(f"{POLICIES}: ticks take {ticks} µs more for each life cycle, on average", style="dim")
        for name, ns in result.loops.items():
            console.print(f"{name}, a whole round in one call: {_us(ns)} µs a life cycle (mean)", style="dim")


def decision_json(results: Sequence[DecisionResult], machine: str, *, collect: bool, seed: int) -> dict[str, object]:
    """The same for programs; nanoseconds."""
    return {
        "benchmark": "decision",
        "machine": machine,
        "gc": "on" if collect else "off",
        "seed": seed,
        "results": [_as_dict(result) for result in results],
        "targets": verdicts_json([figure for result in results for figure in decision_figures(result)]),
    }


def decision_figures(result: DecisionResult) -> Iterator[Figure]:
    """What a result says about the lines of the targets."""
    shared = f", {result.profiles} profiles" if result.profiles else ""
    at = f"{result.agents:,} agents, {result.classes} classes{shared}, {result.strategy}, {result.load}"
    size = (result.agents, result.classes)
    if size == (1_000, 200) and result.has(SCAN):
        yield Figure("c-plain", 1 / result.ratio(SCAN), at)
        yield Figure("c-p99", result.tail_ratio(SCAN, "enqueue", 99), at)
        if result.has(POLICIES):
            ticks = f", and {_us(result.timing(POLICIES).tick_ns())} µs of ticks"
            yield Figure("c-policies", 1 / result.ratio(SCAN, POLICIES), at + ticks)
    if result.has(NAIVE) and size in ((1_000, 200), (100_000, 200)) and not result.profiles:
        yield Figure(f"naive-{result.agents // 1_000}k-{result.load}", result.ratio(NAIVE), at)
    for name, key in ((REDIS, "redis"), (POSTGRESQL, "postgresql")):
        if result.has(name) and size in ((1_000, 200), (10_000, 200)):
            yield Figure(key, result.ratio(name), at)
    if result.has(COMPRESSED) and size in ((10_000, 10), (100_000, 10)):
        yield Figure(f"compressed-{result.agents // 1_000}k", result.ratio(COMPRESSED), at)


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


def _as_dict(result: DecisionResult) -> dict[str, object]:
    return {
        **{name: getattr(result, name) for name in _SHOWN},
        "decisions_identical": True,
        "digests": result.digests,
        "contestants": {timing.name: _timing_dict(timing) for timing in result.timings},
        "ratios": {
            timing.name: {
                "life_cycle": result.ratio(timing.name),
                **({"deciding": result.ratio(timing.name, DECIDING)} if result.has(DECIDING) else {}),
                "arrival_p99": 1 / result.tail_ratio(timing.name, "enqueue", 99),
            }
            for timing in result.timings
            if timing.name not in (WHOLE, DECIDING, POLICIES)
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
        "ticks_ns_per_life_cycle": timing.tick_ns(),
        "rounds_p50_ns": [median(part) for part in by_round],
        "commands": {
            kind: {"p50_ns": timing.percentile_ns(kind, 50), "p99_ns": timing.percentile_ns(kind, 99)} for kind in KINDS
        },
    }


def _load_words(result: DecisionResult) -> str:
    return (
        f"{result.load}: {result.idle:,} of {result.agents:,} agents idle, {result.waiting:,} waiting; "
        f"{result.classes:,} classes over {result.skills} skills, {result.reach:.1f} classes an agent, "
        f"{result.unasked:,} agents with none; "
        + (f"{result.profiles} skill profiles" if result.profiles else "a skill profile each")
    )


def _of_kind(costs: Sequence[Cost], kind: str) -> list[int]:
    return [ns for each, ns in costs if each == kind]


def _cycles(costs: Sequence[Cost]) -> list[int]:
    sums: list[int] = []
    for kind, ns in costs:
        if kind == "enqueue":
            sums.append(0)
        # Ticks are no part of a life cycle: they come by themselves, and are shown apart.
        if sums and kind != "tick":
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
