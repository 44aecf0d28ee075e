"""How long after a caller's INVITE the agent's telephone gets one: this engine, a trivial ARI handler, app_queue.

Owns the course of the run and the pairing of INVITEs. All three are connected to one Asterisk; their callers
come in turns, round by round, at a steady rate, and there is always a free agent. Both moments are SIPp's, on one
clock. The engine is `acd serve` with everything on: journal and personal store in SQLite on the real disk. In the
same run one `fsync` on the same disk is measured, as often a second as there are calls. The target: trivial + fsync +
0.5 ms, at the median.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from time import perf_counter_ns, sleep
from typing import Final

import click
from msgspec import Struct
from rich import box
from rich.table import Table

from acd_asterisk.lab import AgentDialog, CallerDialog, LabUnavailable
from bench.report import console_for_reports, machine_line, percentile
from bench.rig import APP_QUEUE, ENGINE, TRIVIAL, Rig

CONTESTANTS: Final = (ENGINE, TRIVIAL, APP_QUEUE)
ALLOWANCE_US: Final = 500
"""What the engine may take on top of a trivial handler and one fsync."""

FSYNCS: Final = 100
FSYNC_BYTES: Final = 4_096
WARM_UP_CALLS: Final = 20
PERCENTS: Final = (50, 95, 99)


class Waits(Struct):
    """One contestant's delays (µs), and the calls that no agent was rung for."""

    name: str
    delays_us: list[int]
    lost: int = 0

    def percentiles(self) -> tuple[int, ...]:
        """By `PERCENTS`."""
        return tuple(percentile(self.delays_us, percent) for percent in PERCENTS)


class EntryResult(Struct):
    """A whole run."""

    versions: str
    rate: float
    rounds: int
    calls: int
    agents: int
    waits: list[Waits]
    fsync_us: int

    def p50(self, name: str) -> int:
        """A contestant's median (µs)."""
        return next(waits.percentiles()[0] for waits in self.waits if waits.name == name)

    @property
    def target_us(self) -> int:
        """What the engine's median should not exceed."""
        return self.p50(TRIVIAL) + self.fsync_us + ALLOWANCE_US


@click.command(help="Time from a caller's INVITE to the agent's INVITE, on a real Asterisk.")
@click.option("--rate", type=click.FloatRange(0.5, 100), default=20, show_default=True, help="Calls a second.")
@click.option(
    "--calls", type=click.IntRange(5, 5_000), default=200, show_default=True, help="Per contestant and round."
)
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option("--agents", type=click.IntRange(2, 500), default=100, show_default=True)
@click.option("--talk", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, help="Seconds.")
@click.option("--quick", is_flag=True, help="40 calls, 1 round.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *, rate: float, calls: int, rounds: int, agents: int, talk: float, quick: bool, json_path: Path | None
) -> None:
    """Measure, print, write."""
    if quick:
        calls, rounds = 40, 1
    try:
        result = asyncio.run(measure(rate=rate, calls=calls, rounds=rounds, agents=agents, talk_seconds=talk))
    except LabUnavailable as error:
        raise click.ClickException(f"this needs a real Asterisk: {error}") from error
    show(result)
    if json_path is not None:
        json_path.write_text(json.dumps(as_dict(result), indent=1), encoding="utf-8")


async def measure(
    *, rate: float, calls: int, rounds: int, agents: int, talk_seconds: float, warm_up: int = WARM_UP_CALLS
) -> EntryResult:
    """One run. Raises `LabUnavailable` where there is no Asterisk, and what the lab raises when a call fails."""
    waits = [Waits(name, []) for name in CONTESTANTS]
    fsyncs: list[int] = []
    async with Rig(agents, round(talk_seconds * 1_000)) as rig:
        serial = 0
        for number in range(rounds + 1):
            for each in waits:
                # The first round only warms up: connections, caches, the caller's and agents' channels in Asterisk.
                count = calls if number else warm_up
                print(f"round {number} of {rounds}: {each.name}, {count} calls …", file=sys.stderr, flush=True)
                numbers = [f"+8620{serial + index:08d}" for index in range(count)]
                serial += count
                callers, rung = await rig.call(each.name, numbers, rate)
                if number:
                    pair(each, callers, rung)
            print(f"round {number} of {rounds}: {FSYNCS} fsyncs …", file=sys.stderr, flush=True)
            fsyncs.append(await asyncio.to_thread(fsync_us, rig.folder, 1 / rate))
        return EntryResult(rig.versions, rate, rounds, calls, agents, waits, percentile(fsyncs, 50))


def fsync_us(folder: Path, pause_seconds: float = 0.0) -> int:
    """The median time (µs) of appending a page to a file and syncing it, with a pause before each.

    A disk that is asked without a pause answers up to ten times as fast as one that has to wake for it.
    """
    taken: list[int] = []
    path = folder / "fsync.probe"
    with path.open("ab", buffering=0) as file:
        for _ in range(FSYNCS):
            sleep(pause_seconds)
            begun = perf_counter_ns()
            file.write(bytes(FSYNC_BYTES))
            os.fsync(file.fileno())
            taken.append(perf_counter_ns() - begun)
    path.unlink()
    return percentile(taken, 50) // 1_000


def show(result: EntryResult) -> None:
    """Print it."""
    console = console_for_reports()
    console.print(f"{machine_line()}\n{result.versions}", style="dim", highlight=False)
    title = f"caller's INVITE → agent's INVITE, {result.rate:g} calls/s, {result.agents} agents, ms"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("contestant")
    for name in ("calls", *(f"p{percent}" for percent in PERCENTS), "max", "lost"):
        table.add_column(name, justify="right")
    for waits in result.waits:
        numbers = (*waits.percentiles(), max(waits.delays_us, default=0))
        table.add_row(
            waits.name, f"{len(waits.delays_us):,}", *(f"{us / 1_000:.2f}" for us in numbers), str(waits.lost)
        )
    console.print(table)
    own, target = result.p50(ENGINE), result.target_us
    mark = "[green]met[/]" if own <= target else "[yellow]missed[/]"
    console.print(
        f"target at the median: trivial {result.p50(TRIVIAL) / 1_000:.2f} + fsync {result.fsync_us / 1_000:.2f} + "
        f"{ALLOWANCE_US / 1_000:.1f} = {target / 1_000:.2f} ms; engine {own / 1_000:.2f} ms: {mark}",
        highlight=False,
    )


def as_dict(result: EntryResult) -> dict[str, object]:
    """For programs; µs."""
    return {
        "benchmark": "entry-to-invite",
        "machine": machine_line(),
        "versions": result.versions,
        "rate": result.rate,
        "rounds": result.rounds,
        "calls_per_round": result.calls,
        "agents": result.agents,
        "fsync_p50_us": result.fsync_us,
        "target_p50_us": result.target_us,
        "target_met": result.p50(ENGINE) <= result.target_us,
        "contestants": {
            waits.name: {
                "calls": len(waits.delays_us),
                "lost": waits.lost,
                **{f"p{percent}_us": us for percent, us in zip(PERCENTS, waits.percentiles(), strict=True)},
                "max_us": max(waits.delays_us, default=0),
            }
            for waits in result.waits
        },
    }


def pair(waits: Waits, callers: list[CallerDialog], rung: list[AgentDialog]) -> None:
    """Add the delay from each caller's INVITE to the first one that an agent got for that number."""
    first: dict[str, int] = {}
    for dialog in rung:
        first[dialog.caller] = min(dialog.invited_us, first.get(dialog.caller, dialog.invited_us))
    for caller in callers:
        invited_us = first.get(caller.caller)
        if invited_us is None:
            waits.lost += 1
        else:
            waits.delays_us.append(invited_us - caller.invited_us)


if __name__ == "__main__":
    main()
