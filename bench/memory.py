"""How much memory a centre needs: the growth of a fresh process from before its configuration to everybody ready.

Owns that measurement, and the process that is measured: `python -m bench.memory --probe` reads a configuration's
MessagePack on its standard input, as a journal holds it, and answers with bytes. What the interpreter and the
libraries take is there before, and does not count; the configuration itself does, since the engine keeps it.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Final

import click
import msgspec
from msgspec import Struct
from rich import box
from rich.table import Table

from acd.core.engine import Engine
from acd.core.messages import (
    ApplyConfig,
    CancelInteraction,
    CoreSettings,
    EnqueueInteraction,
    SignInAgent,
    SignOutAgent,
)
from acd.core.messages.codec import decode_command, encode
from bench.report import console_for_reports, machine_line
from bench.targets import Figure, show_verdicts, verdicts_json
from bench.workload import agent_id, draw_centre, interaction_id, settings_of

AGENTS: Final = 100_000
CLASSES: Final = 200
SECONDS: Final = 600
MB: Final = 1_000_000


class Taken(Struct, frozen=True):
    """Bytes that the process grew by: the configuration, everybody ready, and one waiting interaction on top."""

    configured: int
    ready: int
    per_waiting: float


@click.command(help="Measure the memory of a centre in a fresh process.")
@click.option("--agents", type=click.IntRange(100, 200_000), default=AGENTS, show_default=True)
@click.option("--classes", type=click.IntRange(1, 20_000), default=CLASSES, show_default=True)
@click.option("--waiting", type=click.IntRange(1, 1_000_000), default=20_000, show_default=True)
@click.option("--runs", type=click.IntRange(1, 9), default=3, show_default=True)
@click.option("--seed", type=int, default=20_260_101, show_default=True)
@click.option("--quick", is_flag=True, help="10,000 agents.")
@click.option("--probe", is_flag=True, hidden=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *,
    agents: int,
    classes: int,
    waiting: int,
    runs: int,
    seed: int,
    quick: bool,
    probe: bool,
    json_path: Path | None,
) -> None:
    """Measure, print, write."""
    if probe:
        sys.stdout.buffer.write(msgspec.json.encode(grow(sys.stdin.buffer.read(), waiting)))
        return
    if quick:
        agents = min(agents, 10_000)
    print(f"memory: {agents:,} agents, {runs} processes …", file=sys.stderr, flush=True)
    taken = measure(agents, classes, waiting=waiting, runs=runs, seed=seed)
    document = report(taken, agents, classes)
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def measure(agents: int, classes: int, *, waiting: int, runs: int, seed: int) -> list[Taken]:
    """One fresh process after the other."""
    raw = encode(ApplyConfig("config", settings_of(draw_centre(agents, classes, "best-fit", seed))))
    command = [sys.executable, "-m", "bench.memory", "--probe", "--waiting", str(waiting)]
    found = []
    for _ in range(runs):
        done = subprocess.run(command, input=raw, capture_output=True, check=False, timeout=SECONDS)  # noqa: S603 - ours
        if done.returncode:
            raise click.ClickException(f"the measured process failed:\n{done.stderr.decode()}")
        found.append(msgspec.json.decode(done.stdout, type=Taken))
    return found


def grow(raw: bytes, waiting: int) -> Taken:
    """In the measured process: configure, ask once for every class, sign everybody in; then out, and let some wait."""
    engine = Engine("bench")
    _rehearse()
    before = resident()
    settings = _settings(raw)
    engine.apply(ApplyConfig("config", settings), 0)
    configured = resident()
    people = len(settings.agents)
    for number, queue in enumerate(settings.queues):
        # A class is made when it is first asked for; idle agents then stand in all of theirs.
        request = EnqueueInteraction(f"f{number}", f"first-{number}", "voice", queue.id)
        engine.apply(request, 0)
        engine.apply(CancelInteraction(f"c{number}", request.interaction_id), 0)
    for number in range(people):
        engine.apply(SignInAgent(f"s{number}", agent_id(number), ready=True), number)
    ready = resident()
    queues = len(settings.queues)
    del settings
    for number in range(people):
        engine.apply(SignOutAgent(f"o{number}", agent_id(number)), people + number)
    calm = resident()
    for number in range(waiting):
        request = EnqueueInteraction(f"e{number}", interaction_id(number), "voice", f"q{number % queues}")
        engine.apply(request, 2 * people + number)
    return Taken(configured - before, ready - before, (resident() - calm) / waiting)


def resident() -> int:
    """Bytes of this process that are in memory now, after a collection. Linux only."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def report(taken: list[Taken], agents: int, classes: int) -> dict[str, object]:
    """Print everything; gives the same for programs."""
    console, machine = console_for_reports(), machine_line()
    console.print(machine, style="dim", highlight=False)
    ready = median(each.ready for each in taken)
    table = Table(
        title=f"memory of {agents:,} agents, {classes} classes, median of {len(taken)} processes",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("")
    table.add_column("MB", justify="right")
    table.add_column("bytes each", justify="right")
    configured = median(each.configured for each in taken)
    table.add_row("configured", f"{configured / MB:.1f}", f"{configured / agents:,.0f}")
    table.add_row("everybody ready", f"{ready / MB:.1f}", f"{ready / agents:,.0f}")
    table.add_row("a waiting interaction", "", f"{median(each.per_waiting for each in taken):,.0f}")
    console.print(table)
    figures = [
        Figure("memory", ready / MB, f"{agents:,} agents, {classes} classes", (agents, classes) != (AGENTS, CLASSES))
    ]
    show_verdicts(figures, console)
    return {
        "benchmark": "memory",
        "machine": machine,
        "agents": agents,
        "classes": classes,
        "runs": [msgspec.structs.asdict(each) for each in taken],
        "targets": verdicts_json(figures),
    }


def _settings(raw: bytes) -> CoreSettings:
    command = decode_command(raw)
    assert isinstance(command, ApplyConfig)
    return command.settings


def _rehearse() -> None:
    """Load what is only loaded at the first use (the grammar, numpy's parts), so that it counts as the program's."""
    small = draw_centre(100, 10, "best-fit", 1)
    other = Engine("rehearsal")
    other.apply(ApplyConfig("config", settings_of(small)), 0)
    for number in range(len(small.agents)):
        other.apply(SignInAgent(f"s{number}", agent_id(number), ready=True), number)


if __name__ == "__main__":
    main()
