"""Web chat beside calls: what thousands of open chats and hundreds of messages a second do to voice on one machine.

Owns the question: how much later an agent's telephone rings after a caller's INVITE when the same engine serves so many
chats. On one real Asterisk callers come at a steady rate, in turns without and with the chats, so that whatever the
machine does besides falls on both. The engine is `acd serve` with its files on the real disk; pages and desks are a
process of their own (`bench.chat_clients`), nice to the rest. The target: p99 within 1.5 times.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

import click
from msgspec import Struct
from rich import box
from rich.table import Table

from acd_asterisk.lab import LabUnavailable
from bench.chat_clients import ORIGIN
from bench.entry_to_invite import Waits, pair
from bench.report import console_for_reports, machine_line, percentile
from bench.rig import ENGINE, Rig
from bench.targets import Figure, show_verdicts, verdicts_json

PERCENTS: Final = (50, 95, 99)
AGENTS: Final = 100
TALK_S: Final = 1.0
WARM_UP_CALLS: Final = 40

DESKS: Final = 20
CONVERSATIONS: Final = 100
"""Customers who write and are answered, five of them to a desk."""

SOCKETS: Final = 2_000
MESSAGES: Final = 200.0
"""Of the target; a run with less says nothing of it."""

CONNECT_SECONDS: Final = 120.0
SETTLE_SECONDS: Final = 3.0
"""Between blocks, for what one leaves behind."""

PAGE_BYTES: Final = 4_096


class Block(Struct):
    """Calls of one block. `processor`: share of one processor that the engine took."""

    with_chat: bool
    waits: Waits
    processor: float


class Chatter(Struct):
    """What the clients of one block found; µs, sorted. `grown`: bytes of the engine's process for idle sockets."""

    messages: int
    seconds: float
    late_us: list[int]
    answered_us: list[int]
    lost: int
    cut_off: int
    faults: list[str]
    grown: int = 0


class Result(Struct):
    """A whole run."""

    versions: str
    sockets: int
    messages: float
    rate: float
    seconds: float
    blocks: list[Block]
    chatter: list[Chatter]

    def delays(self, *, with_chat: bool) -> list[int]:
        """From INVITE to INVITE (µs), sorted, of all blocks of one kind."""
        return sorted(each for block in self.blocks if block.with_chat == with_chat for each in block.waits.delays_us)

    def lost(self, *, with_chat: bool) -> int:
        """Calls for which nobody was rung."""
        return sum(block.waits.lost for block in self.blocks if block.with_chat == with_chat)

    def processor(self, *, with_chat: bool) -> float:
        """Share of one processor that the engine took, on average."""
        found = [block.processor for block in self.blocks if block.with_chat == with_chat]
        return sum(found) / len(found)

    @property
    def ratio(self) -> float:
        """p99 with chats ÷ without."""
        return percentile(self.delays(with_chat=True), 99) / percentile(self.delays(with_chat=False), 99)

    @property
    def said_per_second(self) -> float:
        """Messages, on average, of all blocks with chats."""
        return sum(each.messages for each in self.chatter) / sum(each.seconds for each in self.chatter)

    @property
    def harm(self) -> int:
        """All that nobody wants, however good the times are: without chats nobody waits for anything either."""
        found = (each.lost + each.cut_off + len(each.faults) for each in self.chatter)
        return sum(found) + self.lost(with_chat=True)

    @property
    def bytes_per_socket(self) -> float:
        """Of the first block: later ones find the memory of those before."""
        return self.chatter[0].grown / self.sockets if self.sockets else 0.0


@click.command(help="Calls on a real Asterisk beside open chats and messages: does voice suffer?")
@click.option("--sockets", type=click.IntRange(0, 10_000), default=SOCKETS, show_default=True, help="Idle chats.")
@click.option("--messages", type=click.FloatRange(1, 2_000), default=MESSAGES, show_default=True, help="A second.")
@click.option("--rate", type=click.FloatRange(0.5, 100), default=5, show_default=True, help="Calls a second.")
@click.option("--seconds", type=click.FloatRange(2, 3_600), default=60, show_default=True, help="Of calls, each way.")
@click.option("--blocks", type=click.IntRange(1, 50), default=3, show_default=True, help="Turns, each way.")
@click.option("--quick", is_flag=True, help="200 sockets, 50 messages a second, 10 seconds, 1 block.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there.")
def main(
    *, sockets: int, messages: float, rate: float, seconds: float, blocks: int, quick: bool, json_path: Path | None
) -> None:
    """Measure, print, write."""
    if quick:
        sockets, messages, seconds, blocks = 200, 50, 10, 1
    try:
        result = asyncio.run(measure(sockets=sockets, messages=messages, rate=rate, seconds=seconds, blocks=blocks))
    except LabUnavailable as error:
        raise click.ClickException(f"this needs a real Asterisk: {error}") from error
    show(result, smaller=quick)
    if json_path is not None:
        json_path.write_text(json.dumps(as_dict(result, smaller=quick), indent=1), encoding="utf-8")


async def measure(
    *, sockets: int, messages: float, rate: float, seconds: float, blocks: int, conversations: int = CONVERSATIONS
) -> Result:
    """One run. Raises `LabUnavailable`, and what the lab raises when a call fails."""
    result = Result("", sockets, messages, rate, seconds, [], [])
    numbers = (f"+8620{serial:08d}" for serial in count())
    names = [f"desk{number:02}" for number in range(DESKS)]
    token = "bench-token-of-"  # noqa: S105 - of nothing that lasts
    async with Rig(
        AGENTS, round(TALK_S * 1_000), more=_configuration(names), tokens={n: token + n for n in names}
    ) as rig:
        result.versions = rig.versions
        await rig.call(ENGINE, [next(numbers) for _ in range(WARM_UP_CALLS)], 10)
        calls = max(5, round(seconds / blocks * rate))

        async def block(*, with_chat: bool) -> Block:
            _say(f"{calls} calls {'with' if with_chat else 'without'} chats …")
            before, begun = rig.engine_seconds(), monotonic()
            callers, rung = await rig.call(ENGINE, [next(numbers) for _ in range(calls)], rate)
            waits = Waits(ENGINE, [])
            pair(waits, callers, rung)
            return Block(with_chat, waits, (rig.engine_seconds() - before) / (monotonic() - begun))

        for _ in range(blocks):
            result.blocks.append(await block(with_chat=False))
            async with _chats(rig, names, token, sockets, messages, conversations) as chatter:
                result.blocks.append(await block(with_chat=True))
            result.chatter.append(chatter)
            await asyncio.sleep(SETTLE_SECONDS)
    return result


@asynccontextmanager
async def _chats(
    rig: Rig, names: list[str], token: str, sockets: int, messages: float, conversations: int
) -> AsyncIterator[Chatter]:
    """Chats go on meanwhile; afterwards it says what became of them."""
    _say(f"{sockets} pages connect …")
    before = rig.engine_memory()
    clients = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.chat_clients", "--port", str(urlsplit(rig.engine_url).port)),
        *("--sockets", str(sockets), "--messages", str(messages), "--conversations", str(conversations)),
        *("--desks", ",".join(names), "--token", token),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    chatter = Chatter(0, 0.0, [], [], 0, 0, [])
    try:
        await _word(clients, "connected")
        chatter.grown = rig.engine_memory() - before
        _next(clients)
        await _word(clients, "ready")
        yield chatter
        _next(clients)
        assert clients.stdout is not None
        found = json.loads(await clients.stdout.readline())
        for name, value in found.items():
            setattr(chatter, name, value)
        await clients.wait()
    finally:
        if clients.returncode is None:
            clients.kill()
            await clients.wait()


async def _word(clients: Process, expected: str) -> None:
    assert clients.stdout is not None
    async with asyncio.timeout(CONNECT_SECONDS):
        found = (await clients.stdout.readline()).decode().strip()
    if found != expected:
        raise RuntimeError(f"the clients were to be {expected}, and said {found!r}")


def _next(clients: Process) -> None:
    assert clients.stdin is not None
    clients.stdin.write(b"\n")


def _configuration(names: list[str]) -> str:
    """The channel, its queue, and the desks, who take no calls."""
    desks = "".join(f'[agents.{name}]\ncapacity = "desk"\nqueues = ["chats"]\n' for name in names)
    return f"""
[capacities.desk]
channels = {{ chat = {{ cost = 5, most = 20 }} }}
[queues.chats]
requirement = '"chats" in queues'
offer_timeout = "60s"
[channels.bench]
type = "webchat"
origins = ["{ORIGIN}"]
queues = ["chats"]
{desks}"""


def show(result: Result, *, smaller: bool) -> None:
    """Print it."""
    console = console_for_reports()
    console.print(f"{machine_line()}\n{result.versions}", style="dim", highlight=False)
    title = f"caller's INVITE → agent's INVITE, {result.rate:g} calls/s, {AGENTS} agents, ms"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("beside")
    for name in ("calls", *(f"p{percent}" for percent in PERCENTS), "max", "lost", "engine's processor"):
        table.add_column(name, justify="right")
    for with_chat in (False, True):
        delays = result.delays(with_chat=with_chat)
        words = f"{result.sockets:,} idle chats, {result.messages:g} messages/s" if with_chat else "nothing"
        figures = (*(percentile(delays, percent) for percent in PERCENTS), max(delays))
        table.add_row(
            *(words, f"{len(delays):,}", *(f"{us / 1_000:.2f}" for us in figures)),
            *(str(result.lost(with_chat=with_chat)), f"{100 * result.processor(with_chat=with_chat):.0f} %"),
        )
    console.print(table)
    late, answered = _late(result), _answered(result)
    both = (f"p50 {percentile(us, 50) / 1_000:.1f}, p99 {percentile(us, 99) / 1_000:.1f} ms" for us in (late, answered))
    console.print(
        f"p99 with ÷ without: {result.ratio:.2f}\n"
        f"messages: {result.said_per_second:.0f} a second; from one side to the other {next(both)};"
        f" kept after {next(both)}; lost {sum(each.lost for each in result.chatter)}\n"
        f"a socket: {result.bytes_per_socket / 1_000:.1f} kB of the engine's memory; cut off"
        f" {sum(each.cut_off for each in result.chatter)}",
        highlight=False,
    )
    for each in result.chatter:
        for fault in each.faults:
            console.print(fault, style="red", markup=False)
    show_verdicts(_figures(result, smaller=smaller), console)


def as_dict(result: Result, *, smaller: bool) -> dict[str, object]:
    """For programs; µs."""
    late, answered = _late(result), _answered(result)
    return {
        "benchmark": "chat",
        "machine": machine_line(),
        "versions": result.versions,
        "sockets": result.sockets,
        "messages_per_second": result.messages,
        "rate": result.rate,
        "seconds": result.seconds,
        "voice": {
            name: {
                "calls": len(delays := result.delays(with_chat=with_chat)),
                "lost": result.lost(with_chat=with_chat),
                **{f"p{percent}_us": percentile(delays, percent) for percent in PERCENTS},
                "max_us": max(delays),
                "processor": result.processor(with_chat=with_chat),
            }
            for name, with_chat in (("without", False), ("with", True))
        },
        "ratio_p99": result.ratio,
        "blocks": [
            {"with_chat": each.with_chat, "delays_us": sorted(each.waits.delays_us), "processor": each.processor}
            for each in result.blocks
        ],
        "delivery": {f"p{percent}_us": percentile(late, percent) for percent in PERCENTS},
        "kept": {f"p{percent}_us": percentile(answered, percent) for percent in PERCENTS},
        "lost": sum(each.lost for each in result.chatter),
        "cut_off": sum(each.cut_off for each in result.chatter),
        "bytes_per_socket": result.bytes_per_socket,
        "targets": verdicts_json(_figures(result, smaller=smaller)),
    }


def _late(result: Result) -> list[int]:
    return sorted(us for each in result.chatter for us in each.late_us)


def _answered(result: Result) -> list[int]:
    return sorted(us for each in result.chatter for us in each.answered_us)


def _figures(result: Result, *, smaller: bool) -> list[Figure]:
    words = f"{result.sockets:,} sockets, {result.messages:g} messages/s, {result.rate:g} calls/s"
    smaller = smaller or result.sockets < SOCKETS or result.messages < MESSAGES
    return [
        Figure("chat-voice", result.ratio, words, smaller),
        Figure("chat-rate", result.said_per_second / result.messages, words, smaller),
        Figure("chat-lost", result.harm, words, smaller),
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
