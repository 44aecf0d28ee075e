"""What the engine is to reach, line by line, and whether it does.

Owns the targets and aims, and the table of verdicts at the end of a run. Must not know how anything was measured: a
benchmark hands in figures by the key of their line, and of several for one line the worst counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table


class Line(Struct, frozen=True):
    """One line: `target` must be reached, `aim` is hoped for. `faster`: figures are to be at least that."""

    key: str
    words: str
    target: float | None
    aim: float | None = None
    faster: bool = False
    unit: str = "×"

    def holds(self, value: float, bound: float) -> bool:
        """Whether the value is on the right side."""
        return value >= bound if self.faster else value <= bound


class Figure(Struct, frozen=True):
    """What was measured for a line, and under which circumstances. `smaller`: at other sizes than the line's."""

    key: str
    value: float
    words: str
    smaller: bool = False


LINES: Final = (
    Line("c-plain", "life cycle ÷ C extension (scan), 1k agents, 200 classes, plain policy", 8, 4),
    Line("c-policies", "the same with all policies on ÷ C with plain policy", 12, 6),
    Line("c-p99", "p99 of an arrival's decision ÷ the C extension's p99", 20, 8),
    Line("agents-low", "growth 1k → 100k agents, 200 classes, low load", 2.0, 1.5),
    Line("agents-overload", "growth 1k → 100k agents, 200 classes, overload", 1.7, 1.5),
    Line("line", "growth 10k → 1M waiting", 2.5, 1.3),
    Line("classes", "growth 200 → 20,000 waiting classes", 2.5, 1.3),
    Line("naive-1k-low", "naive ÷ engine, 1k agents, low load", 30, faster=True),
    Line("naive-1k-overload", "naive ÷ engine, 1k agents, overload", 500, faster=True),
    Line("naive-100k-low", "naive ÷ engine, 100k agents, low load", 2_000, faster=True),
    Line("compressed-100k", "compressed numpy ÷ engine, 100k agents, 10 classes", 5, faster=True),
    Line("compressed-10k", "compressed numpy ÷ engine, 10k agents, 10 classes", None, 1, faster=True),
    Line("redis", "Redis (networked) ÷ engine, 1k to 10k agents", 25, faster=True),
    Line("postgresql", "PostgreSQL (networked) ÷ engine, 1k to 10k agents", 100, faster=True),
    Line("durable", "durable ÷ in-memory life cycle, batches of 256", 4, 2),
    Line("replay", "replay ÷ in-memory apply, per command", 1.5, 1.2),
    Line("events-desks", "events to 1,000 desks ÷ to 10, p99, one in ten stalled", 1.5),
    Line("events-centre", "the same, one in twenty hears everything", 1.5),
    Line("events-walls", "the same, all hear everything", None, 1.5),
    Line("http-enqueue", "rate of durable enqueues over HTTP ÷ of a bare aiohttp handler", 0.4, faster=True),
    Line("http-batch", "the same, a hundred in a request ÷ requests of a bare aiohttp handler", 0.4, faster=True),
    Line("http-read", "rate of reads over HTTP ÷ of a bare aiohttp handler, the worst of them", 0.6, faster=True),
    Line("chat-voice", "a telephone rings, p99, beside 2,000 chats and 200 messages/s ÷ beside nothing", 1.5),
    Line("chat-rate", "messages a second meanwhile ÷ those asked for", 0.95, faster=True),
    Line("chat-lost", "callers for whom nobody was rung, messages lost, pages cut off, faults, meanwhile", 0, unit=""),
    Line("memory", "memory for 100k agents, 200 classes", 100, 60, unit=" MB"),
)


class Verdict(Struct, frozen=True):
    """The worst figure of a line, and what it reaches: None where there is no such bound, or the sizes differ."""

    line: Line
    figure: Figure
    target_met: bool | None
    aim_met: bool | None


def verdicts(figures: Sequence[Figure]) -> list[Verdict]:
    """One for each line that was measured, in the order of the lines."""
    found = []
    for line in LINES:
        own = [figure for figure in figures if figure.key == line.key]
        if not own:
            continue
        worst = min(own, key=lambda figure: figure.value if line.faster else -figure.value)
        met = (
            None if bound is None or worst.smaller else line.holds(worst.value, bound)
            for bound in (line.target, line.aim)
        )
        found.append(Verdict(line, worst, *met))
    return found


def show_verdicts(figures: Sequence[Figure], console: Console) -> None:
    """Print the table; nothing if no line was measured."""
    judged = verdicts(figures)
    if not judged:
        return
    table = Table(
        title="targets; of several figures the worst", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("figure", ratio=1)
    for name in ("measured", "target", "aim"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("at", style="dim")
    for verdict in judged:
        line, figure = verdict.line, verdict.figure
        table.add_row(
            line.words,
            f"[bold]{figure.value:,.2f}{line.unit}[/]",
            _bound(line, line.target, verdict.target_met),
            _bound(line, line.aim, verdict.aim_met),
            figure.words,
        )
    console.print(table)


def verdicts_json(figures: Sequence[Figure]) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "figure": verdict.line.key,
            "words": verdict.line.words,
            "at": verdict.figure.words,
            "value": verdict.figure.value,
            "smaller": verdict.figure.smaller,
            "target": verdict.line.target,
            "target_met": verdict.target_met,
            "aim": verdict.line.aim,
            "aim_met": verdict.aim_met,
        }
        for verdict in verdicts(figures)
    ]


def _bound(line: Line, bound: float | None, met: bool | None) -> str:  # noqa: FBT001 - a verdict's own value
    if bound is None:
        return "–"
    mark = {None: "[dim]other size[/]", True: "[green]met[/]", False: "[yellow]missed[/]"}[met]
    return f"{'≥' if line.faster else '≤'} {bound:g} {mark}"
