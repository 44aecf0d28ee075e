"""Calls at load on one real Asterisk: this engine, a trivial ARI handler, app_queue, with the same agents and callers.

Owns three questions. How long after a caller's INVITE an agent's telephone gets one, by agents and rate, when nobody
has to wait; up to which rate that stays below 20 ms for 99 of 100; and how long an agent is idle, from hanging up to
the next INVITE, while ten callers wait, and while a thousand do. All moments are SIPp's, on one clock. The contestants
take turns.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final

import click
from msgspec import Struct
from msgspec.structs import asdict
from rich import box
from rich.table import Table

from acd_asterisk.lab import AgentDialog, CallerDialog, LabUnavailable
from bench.entry_to_invite import ALLOWANCE_US, Waits, fsync_us, pair
from bench.report import console_for_reports, machine_line, percentile
from bench.rig import APP_QUEUE, ENGINE, RING_MS, TRIVIAL, Rig

CONTESTANTS: Final = (ENGINE, TRIVIAL, APP_QUEUE)
PERCENTS: Final = (50, 95, 99)

MOST_BUSY: Final = 0.6
"""The share of the agents that may be busy at a time, if nobody is to wait."""

LONGEST_TALK_S: Final = 1.0
SHORTEST_TALK_S: Final = 0.1
SETTING_UP_S: Final = 0.1
"""What a call needs of an agent besides ringing and talking."""

CLEAN_US: Final = 20_000
"""What the 99th percentile may be at a rate that is sustained."""

CLIMB: Final = (20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 230, 260, 300)
"""Calls a second, tried one after another."""

GAP_TALK_S: Final = 0.3
GAP_AGENTS: Final = 10
ARRIVALS: Final = 50.0
"""Calls a second until as many wait as are to."""

_US: Final = 1_000_000


class Run(Struct):
    """One contestant at one rate. `delays_us` sorted; processor time (s) of Asterisk and the contestant, per call."""

    contestant: str
    agents: int
    rate: float
    delays_us: list[int]
    lost: int
    processor_s: float

    @property
    def percentiles(self) -> tuple[int, ...]:
        """By `PERCENTS`."""
        return tuple(percentile(self.delays_us, each) for each in PERCENTS)

    @property
    def is_clean(self) -> bool:
        """Nobody was lost, and 99 of 100 agents were rung within `CLEAN_US`."""
        return not self.lost and self.percentiles[-1] <= CLEAN_US


class Gaps(Struct):
    """How long agents were idle (µs) while so many callers waited when the first was taken."""

    contestant: str
    waiting: int
    gaps_us: list[int]

    @property
    def percentiles(self) -> tuple[int, ...]:
        """By `PERCENTS`."""
        return tuple(percentile(self.gaps_us, each) for each in PERCENTS)


class Result(Struct):
    """A whole run."""

    versions: str
    seconds: float
    fsync_us: int
    runs: list[Run]
    highest: dict[str, float]
    gaps: list[Gaps]


@click.command(help="Calls at load on a real Asterisk: delays by agents and rate, the highest rate, and idle gaps.")
@click.option("--agents", default="10,100,500", show_default=True, help="How many; several after one another.")
@click.option("--rates", default="1,20,100", show_default=True, help="Calls a second.")
@click.option("--seconds", type=click.FloatRange(2, 600), default=60, show_default=True, help="At each rate.")
@click.option("--waiting", default="10,1000", show_default=True, help="Callers who wait while idle gaps are measured.")
@click.option("--climb/--no-climb", default=True, show_default=True, help="Look for the highest rate with 100 agents.")
@click.option("--quick", is_flag=True, help="10 agents, 1 and 20 a second, 5 s each, 10 waiting, no climbing.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *, agents: str, rates: str, seconds: float, waiting: str, climb: bool, quick: bool, json_path: Path | None
) -> None:
    """Measure, print, write."""
    try:
        if quick:
            result = asyncio.run(measure((10,), (1.0, 20.0), 5, waiting=(10,), climb=False))
        else:
            sizes, steps = [int(each) for each in agents.split(",")], [float(each) for each in rates.split(",")]
            lines = [int(each) for each in waiting.split(",") if each]
            result = asyncio.run(measure(sizes, steps, seconds, waiting=lines, climb=climb))
    except ValueError as error:
        raise click.UsageError(f"numbers with commas between them: {error}") from error
    except LabUnavailable as error:
        raise click.ClickException(f"this needs a real Asterisk: {error}") from error
    show(result)
    if json_path is not None:
        json_path.write_text(json.dumps(as_dict(result), indent=1), encoding="utf-8")


async def measure(
    agents: Sequence[int], rates: Sequence[float], seconds: float, *, waiting: Sequence[int], climb: bool
) -> Result:
    """All three questions. Raises `LabUnavailable`, and what the lab raises when a call fails."""
    result = Result("", seconds, 0, [], {}, [])
    numbers = (f"+8620{serial:08d}" for serial in count())
    for size in agents:
        for rate in rates:
            talk_s = talk_seconds(size, rate)
            if talk_s is None:
                _say(f"{size} agents are too few for {rate:g} calls a second: left out")
                continue
            async with Rig(size, round(talk_s * 1_000)) as rig:
                result.versions = rig.versions
                await _warm_up(rig, numbers)
                for contestant in CONTESTANTS:
                    result.runs.append(await _run(rig, contestant, size, rate, seconds, numbers))
                result.fsync_us = await asyncio.to_thread(fsync_us, rig.folder, 0.05)
    if climb:
        async with Rig(100, round(SHORTEST_TALK_S * 1_000)) as rig:
            await _warm_up(rig, numbers)
            for contestant in CONTESTANTS:
                result.highest[contestant] = await _climb(rig, contestant, seconds, numbers)
    for size in waiting:
        async with Rig(GAP_AGENTS, round(GAP_TALK_S * 1_000)) as rig:
            await _warm_up(rig, numbers)
            for contestant in CONTESTANTS:
                result.gaps.append(await _gaps(rig, contestant, size, numbers))
    return result


def talk_seconds(agents: int, rate: float) -> float | None:
    """How long talks may last so that nobody has to wait; None when there is no such time."""
    free_s = agents * MOST_BUSY / rate - RING_MS / 1_000 - SETTING_UP_S
    return None if free_s < SHORTEST_TALK_S else min(free_s, LONGEST_TALK_S)


def idle_gaps(callers: Sequence[CallerDialog], rung: Sequence[AgentDialog]) -> list[int]:
    """From each agent's last hanging-up to the next INVITE (µs), of those during which somebody was waiting.

    Somebody waits as long as fewer have been rung for than have called: then an agent who comes free is needed.
    """
    called = sorted(dialog.invited_us for dialog in callers)
    gaps: list[int] = []
    ended: dict[str, int] = {}
    for taken, dialog in enumerate(sorted(rung, key=lambda each: each.invited_us)):
        free_us = ended.get(dialog.agent)
        # Whoever is taken now had called before the agent came free.
        if free_us is not None and taken < len(called) and called[taken] < free_us:
            gaps.append(dialog.invited_us - free_us)
        if dialog.ended_us is not None:
            ended[dialog.agent] = dialog.ended_us
    return gaps


async def _warm_up(rig: Rig, numbers: Iterator[str]) -> None:
    """Connections, caches, everybody's first channel."""
    for contestant in CONTESTANTS:
        await rig.call(contestant, [next(numbers) for _ in range(20)], 10)


async def _run(rig: Rig, contestant: str, agents: int, rate: float, seconds: float, numbers: Iterator[str]) -> Run:
    calls = [next(numbers) for _ in range(max(5, round(rate * seconds)))]
    _say(f"{agents} agents, {rate:g} a second: {contestant}, {len(calls)} calls …")
    before = rig.processor_seconds(contestant)
    callers, rung = await rig.call(contestant, calls, rate)
    spent = rig.processor_seconds(contestant) - before
    waits = Waits(contestant, [])
    pair(waits, callers, rung)
    run = Run(contestant, agents, rate, sorted(waits.delays_us), waits.lost, spent / len(calls))
    _say(f"  {' · '.join(f'{us / 1_000:.1f}' for us in run.percentiles)} ms, {run.lost} lost")
    return run


async def _climb(rig: Rig, contestant: str, seconds: float, numbers: Iterator[str]) -> float:
    """The last rate of `CLIMB` that was sustained; 0 when none was."""
    reached = 0.0
    for rate in CLIMB:
        run = await _run(rig, contestant, 100, rate, seconds, numbers)
        if not run.is_clean:
            break
        reached = rate
    return reached


async def _gaps(rig: Rig, contestant: str, waiting: int, numbers: Iterator[str]) -> Gaps:
    calls = [next(numbers) for _ in range(waiting + 20 * GAP_AGENTS)]
    _say(f"{GAP_AGENTS} agents, {waiting} waiting: {contestant}, {len(calls)} calls …")
    busy_s = len(calls) / GAP_AGENTS * (GAP_TALK_S + SETTING_UP_S + RING_MS / 1_000 + 1.0)
    callers, rung = await rig.call(contestant, calls, ARRIVALS, patience_seconds=2 * busy_s + 30)
    return Gaps(contestant, waiting, sorted(idle_gaps(callers, rung)))


def show(result: Result) -> None:
    """Print it."""
    console = console_for_reports()
    console.print(f"{machine_line()}\n{result.versions}", style="dim", highlight=False)
    title = f"caller's INVITE → agent's INVITE, nobody waits, {result.seconds:g} s each, ms"
    table = _table(title, "agents", "calls/s", "contestant", "p50", "p95", "p99", "lost", "cpu ms a call")
    for run in result.runs:
        figures = [f"{us / 1_000:.2f}" for us in run.percentiles]
        table.add_row(
            *(str(run.agents), f"{run.rate:g}", run.contestant, *figures, str(run.lost)),
            f"{run.processor_s * 1_000:.1f}",
        )
    console.print(table)
    console.print(f"one fsync: {result.fsync_us / 1_000:.2f} ms; may be added: {ALLOWANCE_US / 1_000:.1f} ms")
    for contestant, rate in result.highest.items():
        console.print(f"highest rate with p99 ≤ {CLEAN_US / 1_000:g} ms: {contestant} {rate:g} calls a second")
    table = _table("idle gap: hanging up → next INVITE, ms", "waiting", "contestant", "p50", "p95", "p99", "gaps")
    for gaps in result.gaps:
        figures = [f"{us / 1_000:.2f}" for us in gaps.percentiles]
        table.add_row(str(gaps.waiting), gaps.contestant, *figures, str(len(gaps.gaps_us)))
    console.print(table)


def as_dict(result: Result) -> dict[str, object]:
    """For programs; µs."""
    return {
        "benchmark": "calls",
        "machine": machine_line(),
        "versions": result.versions,
        "seconds": result.seconds,
        "fsync_p50_us": result.fsync_us,
        "runs": [
            {**asdict(run), "delays_us": None, **_named(run.percentiles), "calls": len(run.delays_us)}
            for run in result.runs
        ],
        "highest": result.highest,
        "gaps": [
            {
                "contestant": each.contestant,
                "waiting": each.waiting,
                "gaps": len(each.gaps_us),
                **_named(each.percentiles),
            }
            for each in result.gaps
        ],
    }


def _named(percentiles: Sequence[int]) -> dict[str, int]:
    return {f"p{percent}_us": us for percent, us in zip(PERCENTS, percentiles, strict=True)}


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column == "contestant" else "right")
    return table


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
