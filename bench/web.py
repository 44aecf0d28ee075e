"""The HTTP API beside a bare aiohttp handler: requests a second, and how long each takes.

Owns the cases, the course of the run and the comparison. The engine is `acd serve` with everything on: tokens, journal
synced to a real disk, snapshots. Its rivals are one process that runs aiohttp with nothing behind it
(`bench.rivals.bare_http`) and answers with as many bytes: the very ones that the engine has answered with. All are
asked by wrk (`bench.wrk`) with the same requests over as many connections, in turns, round by round. The bytes are
given as they are (*bare*, which is what the targets speak of), or encoded anew for every request, as a handler with a
state of its own would do it (*encoding*).

Reads find 200 agents and 500 interactions, of which something changes 20 times a second, several times what so many
agents do. Every round of enqueues has an engine of its own, fresh and in the same state, and puts some ten thousand
more into its line: everybody is busy. Other programs on the machine disturb the rates; so there is also the processor
time of each server for one request, which they disturb less.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final, Literal

import click
from aiohttp import ClientSession
from msgspec import Struct
from rich import box
from rich.table import Table

from acd_asterisk.lab import LabUnavailable
from bench.entry_to_invite import fsync_us
from bench.provision import Program, wrk_program
from bench.report import console_for_reports, machine_line
from bench.targets import Figure, show_verdicts, verdicts_json
from bench.web_centre import AGENTS, INTERACTIONS, KNOWN, WAITING, Centre, bare, centre, processor_us
from bench.wrk import FRESH_ID, Answered, Ask, load

Contestant = Literal["engine", "bare", "encoding"]
CONTESTANTS: Final[dict[Contestant, str]] = {"bare": "fixed", "encoding": "encoded", "engine": ""}
"""In this order, with the rivals' paths."""

WARM_UP_SECONDS: Final = 1.0
CHANGES_PER_SECOND: Final = 20
"""Commands while reads are timed."""


class Case(Struct, frozen=True):
    """What is asked for: a path under /v1 and, if it is a POST, a body. `enqueues`: how many, then."""

    name: str
    path: str
    body: str = ""
    enqueues: int = 0


def _customer(suffix: str = "") -> dict[str, object]:
    """Somebody who asks for an agent."""
    return {
        "id": FRESH_ID + suffix,
        "queue": "sales",
        "channel": "voice",
        "attributes": {"language": "en", "topic": "invoice"},
        "customer": "ref-000017",
    }


AT_ONCE: Final = 100
ENQUEUE: Final = Case("enqueue", "/interactions", json.dumps(_customer()), 1)
BATCH: Final = Case(
    f"{AT_ONCE} enqueues",
    "/interactions/batch",
    json.dumps({"interactions": [_customer(f"-{number}") for number in range(AT_ONCE)]}),
    AT_ONCE,
)
READS: Final = (
    Case("agents", "/agents"),
    Case("interactions", "/interactions"),
    Case("one interaction", f"/interactions/{WAITING}"),
    Case("its customer", f"/interactions/{KNOWN}"),
    Case("queues", "/queues"),
)
UNJUDGED: Final = frozenset({"its customer", BATCH.name})
"""Shown only: one interaction, and whoever it is of is looked up in the encrypted store; and a batch beside a bare
request of its size, which is no enqueue: enqueues are judged beside a bare request for each."""

_LINES: Final = {ENQUEUE.name: "http-enqueue"}


class Taken(Struct, frozen=True):
    """One contestant in one round of a case. `processor_us`: of the server, for one request."""

    case: str
    contestant: Contestant
    answered: Answered
    processor_us: float


class WebResult(Struct, frozen=True):
    """A whole run. `sizes`: bytes of an answer, by case."""

    taken: list[Taken]
    sizes: dict[str, int]
    connections: int
    fsync_us: int

    def of(self, case: str, contestant: Contestant) -> list[Taken]:
        """By round."""
        return [each for each in self.taken if each.case == case and each.contestant == contestant]

    def rate(self, case: str, contestant: Contestant) -> float:
        """Requests a second: the median of the rounds."""
        return median(each.answered.per_second for each in self.of(case, contestant))

    def ratio(self, case: str, rival: Contestant) -> float:
        """The engine's rate ÷ the rival's: the median of the rounds."""
        pairs = zip(self.of(case, "engine"), self.of(case, rival), strict=True)
        return median(own.answered.per_second / other.answered.per_second for own, other in pairs)


@click.command(help="Time the HTTP API beside a bare aiohttp handler, by wrk.")
@click.option("--seconds", type=click.IntRange(1, 60), default=3, show_default=True, help="Of each measurement.")
@click.option("--rounds", type=click.IntRange(1, 9), default=3, show_default=True)
@click.option("--connections", type=click.IntRange(1, 1_000), default=64, show_default=True)
@click.option("--agents", type=click.IntRange(10, 10_000), default=AGENTS, show_default=True)
@click.option("--interactions", type=click.IntRange(310, 10_000), default=INTERACTIONS, show_default=True)
@click.option("--case", "names", type=click.Choice([each.name for each in (ENQUEUE, BATCH, *READS)]), multiple=True)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="On the disk that is meant. [default: here]",
)
@click.option("--quick", is_flag=True, help="1 second, 1 round.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *,
    seconds: int,
    rounds: int,
    connections: int,
    agents: int,
    interactions: int,
    names: tuple[str, ...],
    folder: Path,
    quick: bool,
    json_path: Path | None,
) -> None:
    """Time, print, write."""
    if quick:
        seconds, rounds = 1, 1
    try:
        wrk = wrk_program()
    except LabUnavailable as missing:
        raise click.ClickException(f"this needs wrk: {missing}") from missing
    cases = [each for each in (ENQUEUE, BATCH, *READS) if not names or each.name in names]
    run = Run(wrk, folder, (agents, interactions), connections, seconds)
    result = asyncio.run(run.measure(cases, rounds))
    judged = not quick and (agents, interactions) == (AGENTS, INTERACTIONS)
    document = report(result, smaller=not judged)
    if json_path is not None:
        json_path.write_text(json.dumps(document, indent=1), encoding="utf-8")


class Run:
    """One run: with what, where, how large, how much."""

    def __init__(self, wrk: Program, folder: Path, size: tuple[int, int], connections: int, seconds: float) -> None:
        """`size`: agents and interactions."""
        self._wrk = wrk
        self._folder = folder
        self._size = size
        self._connections = connections
        self._seconds = seconds
        self._asked = 0

    async def measure(self, cases: Sequence[Case], rounds: int) -> WebResult:
        """Every case in every round, each contestant in its turn. Raises `AssertionError` when somebody is refused."""
        taken: list[Taken] = []
        async with centre(self._folder, *self._size) as reading:
            bodies = {case.name: await _body(reading, case) for case in cases}
            async with bare({name: text.decode() for name, text in bodies.items()}) as (url, pid):
                for number in range(rounds):
                    for case in cases:
                        print(f"http: round {number + 1} of {rounds}: {case.name} …", file=sys.stderr, flush=True)
                        for contestant, way in CONTESTANTS.items():
                            if contestant == "engine":
                                taken.append(await self._engine(reading, case))
                            else:
                                ask = Ask(f"{url}/{case.name.replace(' ', '%20')}/{way}", reading.headers, case.body)
                                taken.append(await self._timed(case, contestant, ask, pid))
        sizes = {name: len(body) for name, body in bodies.items()}
        return WebResult(taken, sizes, self._connections, fsync_us(self._folder))

    async def _engine(self, reading: Centre, case: Case) -> Taken:
        if not case.body:
            async with reading.changing(CHANGES_PER_SECOND):
                return await self._timed(case, "engine", Ask(f"{reading.url}{case.path}", reading.headers), reading.pid)
        async with centre(self._folder, *self._size) as fresh:
            ask = Ask(f"{fresh.url}{case.path}", fresh.headers, case.body)
            taken = await self._timed(case, "engine", ask, fresh.pid)
            waiting, wanted = await _waiting(fresh), taken.answered.requests * case.enqueues
            assert waiting >= wanted, f"of {wanted} that were let in {waiting} wait"
            return taken

    async def _timed(self, case: Case, contestant: Contestant, ask: Ask, pid: int) -> Taken:
        await self._load(ask, WARM_UP_SECONDS)
        before = processor_us(pid)
        answered = await self._load(ask, self._seconds)
        return Taken(case.name, contestant, answered, (processor_us(pid) - before) / answered.requests)

    async def _load(self, ask: Ask, seconds: float) -> Answered:
        self._asked += 1
        found = await load(self._wrk, ask, connections=self._connections, seconds=seconds, run=f"run-{self._asked}")
        assert not found.refused, f"{found.refused} requests were refused"
        assert not found.broken, f"{found.broken} connections failed"
        return found


async def _waiting(centre: Centre) -> int:
    """How many wait there."""
    session = ClientSession(headers=centre.headers, raise_for_status=True)
    async with session, session.get(f"{centre.url}/queues") as response:
        return sum(queue["waiting"] for queue in (await response.json())["queues"])


async def _body(reading: Centre, case: Case) -> bytes:
    """What the engine answers."""
    async with ClientSession(headers=reading.headers, raise_for_status=True) as session:
        url, text = f"{reading.url}{case.path}", case.body.replace(FRESH_ID, "the-first")
        kind = {"Content-Type": "application/json"}
        async with session.post(url, data=text, headers=kind) if case.body else session.get(url) as response:
            return await response.read()


def report(result: WebResult, *, smaller: bool) -> dict[str, object]:
    """Print everything; gives the same for programs."""
    console, machine = console_for_reports(), machine_line()
    console.print(machine, style="dim", highlight=False)
    title = f"HTTP, {result.connections} connections that never pause; one fsync {result.fsync_us / 1_000:.2f} ms"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("case")
    table.add_column("")
    for name in ("answer, bytes", "requests/s", "p50 ms", "p99 ms", "µs processor", "engine's share", "by processor"):
        table.add_column(name, justify="right")
    for case in result.sizes:
        for contestant in CONTESTANTS:
            table.add_row(case, contestant, *_cells(result, case, contestant))
    figures = list(_figures(result, smaller=smaller))
    console.print(table)
    show_verdicts(figures, console)
    return {
        "benchmark": "http",
        "machine": machine,
        "connections": result.connections,
        "fsync_us": result.fsync_us,
        "answer_bytes": result.sizes,
        "results": [
            {
                "case": each.case,
                "contestant": each.contestant,
                "requests": each.answered.requests,
                "requests_per_second": each.answered.per_second,
                "p50_us": each.answered.p50_us,
                "p99_us": each.answered.p99_us,
                "processor_us": each.processor_us,
            }
            for each in result.taken
        ],
        "targets": verdicts_json(figures),
    }


def _figures(result: WebResult, *, smaller: bool) -> Iterator[Figure]:
    for case in result.sizes:
        tail = median(each.answered.p99_us for each in result.of(case, "engine")) / 1_000
        words = f"{case}, {result.sizes[case]:,} bytes, p99 {tail:.0f} ms"
        if case not in UNJUDGED:
            yield Figure(_LINES.get(case, "http-read"), result.ratio(case, "bare"), words, smaller)
    if {ENQUEUE.name, BATCH.name} <= result.sizes.keys():
        rate = AT_ONCE * result.rate(BATCH.name, "engine")
        words = f"{rate:,.0f} a second, {AT_ONCE} in a request, beside single requests"
        yield Figure("http-batch", rate / result.rate(ENQUEUE.name, "bare"), words, smaller)


def _cells(result: WebResult, case: str, contestant: Contestant) -> list[str]:
    rounds = result.of(case, contestant)
    processor = median(each.processor_us for each in rounds)
    own = median(each.processor_us for each in result.of(case, "engine"))
    return [
        f"{result.sizes[case]:,}",
        f"{result.rate(case, contestant):,.0f}",
        f"{median(each.answered.p50_us for each in rounds) / 1_000:.1f}",
        f"{median(each.answered.p99_us for each in rounds) / 1_000:.1f}",
        f"{processor:.0f}",
        "" if contestant == "engine" else f"{result.ratio(case, contestant):.2f}",
        "" if contestant == "engine" else f"{processor / own:.2f}",
    ]


if __name__ == "__main__":
    main()
