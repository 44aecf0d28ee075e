"""How long events take to their subscribers: a thousand of them beside ten, one in ten stalled.

Owns the engine that is watched, its traffic and the comparison. The engine is the real thing: journal on a disk,
dispatch, API. The subscribers are another process (`bench.event_clients`), on the same machine and the same clock: what
is measured is from the moment that a decision is stamped with, over its commit, to the arrival in that process.
Three audiences: desks hear their own agents, walls hear everything, a centre has both.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Final, Literal

import click
from msgspec import Struct
from rich import box
from rich.table import Table

from acd.api import serve
from acd.core.messages import AcceptOffer, EndInteraction, EnqueueInteraction, SignInAgent
from acd.runtime.config import loads
from acd.runtime.config.model import ApiConfig
from acd.runtime.router import Router
from bench.entry_to_invite import fsync_us
from bench.live import frozen
from bench.report import console_for_reports, machine_line
from bench.targets import Figure, show_verdicts, verdicts_json
from bench.workload import agent_id

Audience = Literal["desks", "centre", "walls"]

WALLS: Final[dict[Audience, float]] = {"desks": 0.0, "centre": 0.05, "walls": 1.0}
"""Which share of the subscribers hears everything."""

CYCLES_PER_SECOND: Final[dict[Audience, float]] = {"desks": 20.0, "centre": 20.0, "walls": 5.0}
"""Life cycles of interactions: enqueued, offered, accepted, ended. Five events each."""

AGENTS: Final = 1_000
FEW: Final = 10
STALLED_EVERY: Final = 10
RETURNS: Final = 100
READY_SECONDS: Final = 120.0

COLUMNS: Final = (
    "subscribers",
    "events",
    "p50 ms",
    "p99 ms",
    "÷ ten",
    "MB more",
    "cut off",
    "returned",
    "exactly once",
)
"""Of the report, after the audience."""


class Heard(Struct, frozen=True):
    """One audience of one size. Latencies in µs, sorted; bytes by which the engine's process grew meanwhile."""

    audience: Audience
    subscribers: int
    late_us: list[int]
    grown: int
    cut_off: int
    connections: int
    exactly_once: bool
    events: int

    def percentile(self, share: float) -> int:
        """In µs."""
        return self.late_us[min(len(self.late_us) - 1, int(len(self.late_us) * share))]


@click.command(help="Time events on their way to subscribers: ten, and a thousand with one in ten stalled.")
@click.option("--subscribers", type=click.IntRange(20, 2_000), default=1_000, show_default=True)
@click.option("--seconds", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="Of traffic, each.")
@click.option("--rounds", type=click.IntRange(1, 9), default=3, show_default=True)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="On the disk that is meant. [default: here]",
)
@click.option("--quick", is_flag=True, help="100 subscribers, 3 seconds, 1 round.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(*, subscribers: int, seconds: float, rounds: int, folder: Path, quick: bool, json_path: Path | None) -> None:
    """Time, print, write."""
    if quick:
        subscribers, seconds, rounds = 100, 3.0, 1
    found: list[Heard] = []
    for _ in range(rounds):
        for audience in WALLS:
            for count in (FEW, subscribers):
                print(f"events: {audience}, {count:,} subscribers …", file=sys.stderr, flush=True)
                found.append(asyncio.run(measure(audience, count, seconds, folder)))
    document = report(found, smaller=quick)
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


async def measure(audience: Audience, count: int, seconds: float, folder: Path) -> Heard:
    """One audience. One in `STALLED_EVERY` stalls, unless there are few."""
    async with _engine(folder) as (router, port):
        async with _subscribers(audience, count, port) as clients:
            before = _resident()
            with frozen():
                events = await _traffic(router, CYCLES_PER_SECOND[audience], seconds)
            assert clients.stdin is not None
            assert clients.stdout is not None
            clients.stdin.write(b"\n")
            heard = json.loads(await clients.stdout.readline())
            grown = _resident() - before
        return Heard(
            audience,
            count,
            heard["late_us"],
            grown,
            heard["cut_off"],
            heard["connections"],
            heard["exactly_once"],
            events,
        )


@contextlib.asynccontextmanager
async def _engine(folder: Path) -> AsyncIterator[tuple[Router, int]]:
    place = Path(tempfile.mkdtemp(prefix="acd-bench-", dir=folder))
    agents = "\n".join(f"[agents.{agent_id(number)}]" for number in range(AGENTS))
    config = loads(f"{agents}\n[queues.sales]\n", base=place)
    try:
        async with (
            Router(config, channels=()) as router,
            await serve(router, ApiConfig(port=0, open=True)) as server,
        ):
            await asyncio.gather(
                *(router.submit(SignInAgent(f"in-{number}", agent_id(number), ready=True)) for number in range(AGENTS))
            )
            yield router, int(server.addresses[0].rpartition(":")[2])
    finally:
        shutil.rmtree(place)


@contextlib.asynccontextmanager
async def _subscribers(audience: Audience, count: int, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    given = {
        "port": port,
        "count": count,
        "agents": AGENTS,
        "walls": WALLS[audience],
        "stalled-every": STALLED_EVERY if count > FEW else 0,
        "returns": RETURNS,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.event_clients",
        *(f"--{name}={value}" for name, value in given.items()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 30,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            line = await process.stdout.readline()
        assert line == b"ready\n", "the subscribers did not get ready"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _traffic(router: Router, per_second: float, seconds: float) -> int:
    """Life cycles at a steady pace; returns how many events there were."""
    loop = asyncio.get_running_loop()
    begun, before = loop.time(), router.events.stream.distributed
    for number in range(max(1, int(per_second * seconds))):
        await asyncio.sleep(max(0.0, begun + number / per_second - loop.time()))
        call = f"c{number}"
        await router.submit(EnqueueInteraction(f"q{number}", call, "voice", "sales"))
        offer = router.view.interactions[call]
        await router.submit(AcceptOffer(f"a{number}", offer.offer_id, offer.agent_id))
        await router.submit(EndInteraction(f"e{number}", call))
    return router.events.stream.distributed - before


def report(found: list[Heard], *, smaller: bool) -> dict[str, object]:
    """Print everything; gives the same for programs."""
    console, machine = console_for_reports(), machine_line()
    console.print(machine, style="dim", highlight=False)
    title = f"From decision to subscriber, one in {STALLED_EVERY} stalled; one fsync {fsync_us(Path()) / 1_000:.2f} ms"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("audience")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    figures = []
    for audience in WALLS:
        few = [each for each in found if each.audience == audience and each.subscribers == FEW]
        many = [each for each in found if each.audience == audience and each.subscribers != FEW]
        base = median(each.percentile(0.99) for each in few)
        for each in (*few, *many):
            table.add_row(audience, *_cells(each, base))
            assert each.exactly_once, "a subscriber that came back did not get every event once and in order"
            assert not each.cut_off, "a subscriber that read was cut off"
        worst = median(each.percentile(0.99) for each in many) / base
        figures.append(Figure(f"events-{audience}", worst, "p99, median of the rounds", smaller))
    console.print(table)
    show_verdicts(figures, console)
    return {
        "benchmark": "events",
        "machine": machine,
        "results": [
            {name: getattr(each, name) for name in each.__struct_fields__ if name != "late_us"}
            | {"p50_us": each.percentile(0.5), "p99_us": each.percentile(0.99)}
            for each in found
        ],
        "targets": verdicts_json(figures),
    }


def _cells(heard: Heard, base: float) -> list[str]:
    return [
        f"{heard.subscribers:,}",
        str(heard.events),
        f"{heard.percentile(0.5) / 1_000:.1f}",
        f"{heard.percentile(0.99) / 1_000:.1f}",
        f"{heard.percentile(0.99) / base:.2f}",
        f"{heard.grown / 1_000_000:.1f}",
        str(heard.cut_off),
        str(heard.connections),
        "yes" if heard.exactly_once else "NO",
    ]


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4_096


if __name__ == "__main__":
    main()
