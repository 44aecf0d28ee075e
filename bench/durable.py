"""What durability costs: the same commands in memory, through the journal, and replayed from it.

Owns that comparison. All three carry out the same life cycles with the same outcomes: `in memory` is `Engine.apply`
alone; `durable` also encodes each command, digests its outcome and commits it through the writer's ledger (SQLite,
synced to a real disk, in its own thread) in batches; `replayed` reads, verifies, decodes and compares what was
written, as a start does. Rounds are timed as a whole, by the clock for what waits for a disk.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter_ns, process_time_ns
from typing import Final, NamedTuple

import click
from msgspec import Struct
from rich import box
from rich.table import Table

from acd.core.engine import Engine
from acd.core.messages import Command
from acd.core.messages.codec import encode
from acd.ports.journal import Committed, Entry
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.journal.sqlite import SqliteJournal
from acd.runtime.ledger import Ledger
from acd.runtime.replay import outcome_digest, replay
from bench.entry_to_invite import fsync_us
from bench.live import frozen
from bench.recorder import record
from bench.report import console_for_reports, machine_line
from bench.targets import Figure, show_verdicts, verdicts_json
from bench.workload import Load, Script, draw_centre

BATCH: Final = 256
AGENTS: Final = 1_000
CLASSES: Final = 200
LINE: Final = 10_000

Sent = Sequence[tuple[Command, int]]


class Cost(NamedTuple):
    """Of a round: ns by the clock, and of the process's processor time."""

    clock: int
    processor: int


class DurableResult(Struct, frozen=True):
    """One load. Each list has a round's cost per entry; all rounds have `commands` and `cycles` together."""

    load: Load
    commands: list[int]
    cycles: int
    batch: int
    fsync_us: int
    memory: list[Cost]
    durable: list[Cost]
    replayed: list[Cost]

    def ratio(self, costs: Sequence[Cost], *, processor: bool = False) -> float:
        """Of a way to carry them out ÷ in memory: the median of the rounds."""
        pairs = zip(costs, self.memory, strict=True)
        return median(other.processor / own.processor if processor else other.clock / own.clock for other, own in pairs)


@click.command(help="Time life cycles in memory, through the journal in batches, and replayed from it.")
@click.option("--rounds", type=click.IntRange(1, 99), default=5, show_default=True)
@click.option("--cycles", type=click.IntRange(10, 100_000), default=3_000, show_default=True, help="A round.")
@click.option("--batch", type=click.IntRange(1, 512), default=BATCH, show_default=True, help="Commands of one commit.")
@click.option("--seed", type=int, default=20_260_101, show_default=True)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="On the disk that is meant. [default: here]",
)
@click.option("--quick", is_flag=True, help="500 life cycles, 3 rounds.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(*, rounds: int, cycles: int, batch: int, seed: int, folder: Path, quick: bool, json_path: Path | None) -> None:
    """Time, print, write."""
    if quick:
        rounds, cycles = 3, 500
    loads: tuple[Load, ...] = ("low", "overload")
    results = [measure(load, rounds=rounds, cycles=cycles, batch=batch, seed=seed, folder=folder) for load in loads]
    document = report(results)
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def measure(load: Load, *, rounds: int, cycles: int, batch: int, seed: int, folder: Path) -> DurableResult:
    """One load. The journal is put into a folder of its own within `folder`, and removed."""
    print(f"durable: {load}, {rounds} rounds of {cycles:,} life cycles …", file=sys.stderr, flush=True)
    centre = draw_centre(AGENTS, CLASSES, "best-fit", seed)
    script = record(centre, load, line=LINE, rounds=rounds, cycles=cycles, seed=seed)
    place = Path(tempfile.mkdtemp(prefix="acd-bench-", dir=folder))
    try:
        path = place / "journal.db"
        with frozen():
            memory, durable = asyncio.run(_written(script, path, batch))
            replayed = list(_replayed(script, path))
        return DurableResult(
            load,
            [len(stretch.steps) for stretch in script.rounds],
            cycles,
            batch,
            fsync_us(place),
            memory,
            durable,
            replayed,
        )
    finally:
        shutil.rmtree(place)


async def _written(script: Script, path: Path, batch: int) -> tuple[list[Cost], list[Cost]]:
    """Every round in memory, then through the ledger."""
    ledger = Ledger(lambda: SqliteJournal(path, "bench"), None, Engine, {})
    await ledger.open()
    try:
        engine = Engine("bench")
        for command, at_us in script.warm_up:
            engine.apply(command, at_us)
        await _commit(ledger, script.warm_up, batch)
        memory, durable = [], []
        for stretch in script.rounds:
            sent = [(step.command, step.at_us) for step in stretch.steps]
            memory.append(_timed(partial(_apply, engine, sent)))
            begun, worked = perf_counter_ns(), process_time_ns()
            await _commit(ledger, sent, batch)
            durable.append(Cost(perf_counter_ns() - begun, process_time_ns() - worked))
        assert engine.seq == ledger.engine.state().seq, "the two have decided differently"
        return memory, durable
    finally:
        await ledger.close()


def _apply(engine: Engine, sent: Sent) -> None:
    apply = engine.apply
    for command, at_us in sent:
        apply(command, at_us)


async def _commit(ledger: Ledger, sent: Sent, batch: int) -> None:
    """What the writer does with a batch: applied, digested, appended; the next one only after the commit."""
    engine = ledger.engine
    for begin in range(0, len(sent), batch):
        entries = [
            Entry(command.id, command.ORIGIN, at_us, encode(command), outcome_digest(engine.apply(command, at_us)))
            for command, at_us in sent[begin : begin + batch]
        ]
        result = await ledger.append(entries)
        assert isinstance(result, Committed), result


def _replayed(script: Script, path: Path) -> Iterator[Cost]:
    """Every round, from the journal; what went before it is replayed untimed."""
    journal = SqliteJournalReader(path)
    try:
        steps = replay(Engine("bench"), journal.rows())
        _take(steps, len(script.warm_up))
        for stretch in script.rounds:
            yield _timed(partial(_take, steps, len(stretch.steps)))
    finally:
        journal.close()


def _take(steps: Iterator[object], count: int) -> None:
    taken = sum(1 for _ in islice(steps, count))
    assert taken == count, f"the journal ends {count - taken} rows early"


def report(results: Sequence[DurableResult]) -> dict[str, object]:
    """Print everything; gives the same for programs."""
    console, machine = console_for_reports(), machine_line()
    console.print(machine, style="dim", highlight=False)
    title = f"{AGENTS:,} agents, {CLASSES} classes, best-fit; batches of {results[0].batch}, one fsync "
    title += f"{results[0].fsync_us / 1_000:.2f} ms"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("load")
    table.add_column("")
    for name in ("µs a life cycle", "µs a command", "÷ in memory", "by processor time"):
        table.add_column(name, justify="right")
    figures = []
    for result in results:
        for name, costs in (("in memory", result.memory), ("durable", result.durable), ("replayed", result.replayed)):
            per_command = median(cost.clock / many for cost, many in zip(costs, result.commands, strict=True))
            table.add_row(
                result.load,
                name,
                f"{median(cost.clock for cost in costs) / result.cycles / 1_000:.1f}",
                f"{per_command / 1_000:.2f}",
                f"{result.ratio(costs):.2f}",
                f"{result.ratio(costs, processor=True):.2f}",
            )
        figures.append(Figure("durable", result.ratio(result.durable), f"{result.load}, by the clock"))
        # Nothing waits while replaying: the processor's time leaves out what other programs do on this machine.
        words = f"{result.load}, by processor time"
        figures.append(Figure("replay", result.ratio(result.replayed, processor=True), words))
    console.print(table)
    show_verdicts(figures, console)
    return {
        "benchmark": "durable",
        "machine": machine,
        "results": [_as_dict(result) for result in results],
        "targets": verdicts_json(figures),
    }


def _timed(work: Callable[[], None]) -> Cost:
    begun, worked = perf_counter_ns(), process_time_ns()
    work()
    return Cost(perf_counter_ns() - begun, process_time_ns() - worked)


def _as_dict(result: DurableResult) -> dict[str, object]:
    return {
        "load": result.load,
        "batch": result.batch,
        "fsync_us": result.fsync_us,
        "cycles_per_round": result.cycles,
        "commands_per_round": result.commands,
        "in_memory_ns": [cost._asdict() for cost in result.memory],
        "durable_ns": [cost._asdict() for cost in result.durable],
        "replayed_ns": [cost._asdict() for cost in result.replayed],
        "durable_ratio": result.ratio(result.durable),
        "replay_ratio": result.ratio(result.replayed),
        "replay_ratio_processor": result.ratio(result.replayed, processor=True),
    }


if __name__ == "__main__":
    main()
