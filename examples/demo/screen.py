"""The screen: queues, agents, the last decisions with their reasons, and the story line by line.

Owns what is drawn, from a picture of the engine and an account of the telephones. On a terminal it is redrawn in
place; elsewhere it is one line every few seconds. Must not know where the data come from.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from examples.demo.audience import SEATS
from examples.demo.cast import AGENTS, QUEUES, SERVICE_LEVEL_SECONDS
from examples.demo.desk import AgentNow, DecisionNow, Picture
from examples.demo.stage import Seen
from examples.demo.verdict import Check, Figures, figures

PLAIN_SECONDS: Final = 3.0
"""Between two lines where there is no terminal."""

STORY_LINES: Final = 2
DECISION_LINES: Final = 6
AGENT_COLUMNS: Final = 2
WIDEST: Final = 110
ROOMY: Final = 33
"""Lines of a terminal from which sections are set apart."""

HEAD_LINES: Final = 2
SECTIONS: Final = 3

_TITLES: Final = {line.id: line.title for line in QUEUES}
_NAMES: Final = {person.id: person.name for person in (*AGENTS, *SEATS)}
_SKILLS: Final = {person.id: " ".join(f"{skill} {held}" for skill, held in person.skills.items()) for person in AGENTS}
_STATES: Final = {
    "offered": ("ringing", "yellow"),
    "active": ("talking", "green"),
    "held": ("holding", "green"),
    "wrap-up": ("wrap-up", "cyan"),
}


class Screen:
    """Draws. `say` tells a line of the story, `show` the present state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._story: deque[str] = deque(maxlen=STORY_LINES)
        self._reminder: list[str] = []
        self._picture: Picture | None = None
        self._plain_at = 0.0
        self._drawing = False

    def __enter__(self) -> Self:
        """Until `show` is called the story is printed as it comes."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last picture where it is."""
        self.still()

    def say(self, line: str) -> None:
        """A line of the story, at once."""
        stamped = f"[dim]{datetime.now().astimezone():%H:%M:%S}[/] {escape(line)}"
        self._story.append(stamped)
        if not self._drawing:
            self._console.print(stamped, highlight=False, soft_wrap=True)

    def show(self, title: str, left_seconds: float, picture: Picture | None, seen: Seen) -> None:
        """The state now; `picture` is None while the engine is away: then the last one is shown, dimmed."""
        is_away = picture is None
        self._picture = picture or self._picture
        counted = figures(seen)
        if self._live is None:
            self._show_plainly(counted, seen, is_away=is_away)
            return
        if not self._drawing:
            self._drawing = True
            self._story.clear()  # what was said so far stands above
            self._live.start()
        self._live.update(self._draw(title, left_seconds, counted, seen, is_away=is_away), refresh=True)

    def invite(self, invitation: list[str], reminder: list[str]) -> None:
        """Tell the audience where it may join in; the reminder stays in the picture."""
        self._reminder = reminder
        self._console.print()
        for line in invitation:
            # As a text: a print without markup draws the picture below it without, too, and its tags are seen.
            self._console.print(Text(line), highlight=False, soft_wrap=True)
        self._console.print()

    def still(self) -> None:
        """Stop redrawing."""
        if self._live is not None and self._drawing:
            self._live.stop()
        self._drawing = False

    def conclude(self, counted: Figures, found: list[Check]) -> None:
        """The summary."""
        self.still()
        print_summary(self._console, counted, found)

    def _show_plainly(self, counted: Figures, seen: Seen, *, is_away: bool) -> None:
        now = time.monotonic()
        if now < self._plain_at:
            return
        self._plain_at = now + PLAIN_SECONDS
        picture = self._picture
        waiting = "?" if picture is None or is_away else sum(queue.waiting for queue in picture.queues)
        line = (
            f"{counted.offered} calls, {counted.answered} answered, {len(seen.talking(_now_us()))} talking now, "
            f"{waiting} waiting, {counted.gave_up} gave up"
        )
        if is_away:
            line += "; the engine is away"
        elif picture is not None and picture.decisions:
            line += f"; last: {_decision_words(picture.decisions[0])}"
        self._console.print(
            f"{datetime.now().astimezone():%H:%M:%S} {line}", markup=False, highlight=False, soft_wrap=True
        )

    def _draw(self, title: str, left: float, counted: Figures, seen: Seen, *, is_away: bool) -> RenderableType:
        picture = self._picture
        parts: list[RenderableType] = [_head(title, left, counted, seen, is_away=is_away)]
        roomy = self._console.height >= ROOMY
        room = self._console.height - 1 - HEAD_LINES - STORY_LINES - len(self._reminder) - (SECTIONS if roomy else 0)
        if picture is not None:
            queues, agents = _queues(picture, is_away=is_away), _agents(picture, is_away=is_away)
            room -= queues.row_count + agents.row_count + SECTIONS
            parts += [queues, agents, _decisions(picture, max(1, min(DECISION_LINES, room)))]
        story = Text.from_markup("\n".join(self._story))
        story.no_wrap, story.overflow = True, "ellipsis"
        parts.append(story)
        if self._reminder:
            parts.append(_plain(self._reminder))
        return Group(*(line for part in parts for line in ((part, "") if roomy else (part,))))


def print_summary(console: Console, counted: Figures, found: list[Check]) -> None:
    """Figures, then every check."""
    console.print()
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    rows = (
        ("offered", counted.offered),
        ("answered", counted.answered),
        ("gave up waiting", counted.gave_up),
        ("service level", f"{100 * counted.service_level:.0f} % answered within {SERVICE_LEVEL_SECONDS} s"),
        ("wait until answered", f"{counted.wait_p50:.1f} s median, {counted.wait_max:.1f} s longest"),
    )
    for name, value in rows:
        table.add_row(name, str(value))
    for check in found:
        mark = "[green]yes[/]" if check.held else "[bold red]NO[/]"
        table.add_row(mark, f"{escape(check.claim)} [dim]({escape(check.counted)})[/]")
    console.print(table, highlight=False)


def _head(title: str, left: float, counted: Figures, seen: Seen, *, is_away: bool) -> RenderableType:
    state = (
        "[bold white on red] engine killed: conversations go on without it [/]" if is_away else "[green]engine up[/]"
    )
    left_text = f"{left:.0f} s left" if left > 0 else "last calls"
    talking = len(seen.talking(_now_us()))
    line = Text.from_markup(
        f"[bold]acd-engine[/] with {escape(title)}   {state}   {left_text if left < float('inf') else 'until Ctrl-C'}\n"
        f"{counted.offered} calls   {counted.answered} answered   {talking} talking now   {counted.gave_up} gave up   "
        f"{100 * counted.service_level:.0f} % within {SERVICE_LEVEL_SECONDS} s   median wait {counted.wait_p50:.1f} s"
    )
    line.no_wrap = True
    return line


def _queues(picture: Picture, *, is_away: bool) -> Table:
    table = _table(is_away=is_away)
    table.add_column("queue", ratio=3)
    table.add_column("strategy", ratio=2)
    for name in ("waiting", "ringing", "talking", "longest"):
        table.add_column(name, justify="right", ratio=1, no_wrap=True)
    for queue in (each for each in picture.queues if each.id in _TITLES):
        waiting = f"[bold red]{queue.waiting}[/]" if queue.waiting else "0"
        wait = f"{queue.longest_wait_seconds:.0f} s" if queue.waiting or queue.offered else ""
        table.add_row(escape(queue.title), queue.strategy, waiting, str(queue.offered), str(queue.active), wait)
    return table


def _agents(picture: Picture, *, is_away: bool) -> Table:
    table = _table(is_away=is_away)
    for _ in range(AGENT_COLUMNS):
        table.add_column("agent", ratio=3, no_wrap=True)
        table.add_column("", ratio=1, no_wrap=True)
    cast = [agent for agent in picture.agents if agent.id in _SKILLS]
    rows = -(-len(cast) // AGENT_COLUMNS)
    for index in range(rows):
        cells: list[str] = []
        for agent in cast[index::rows]:
            cells += [f"{escape(agent.name)} [dim]{escape(_SKILLS.get(agent.id, ''))}[/]", _state(agent)]
        table.add_row(*cells)
    return table


def _state(agent: AgentNow) -> str:
    for item in agent.work:
        word, colour = _STATES.get(item.state, (item.state, "white"))
        return f"[{colour}]{word}[/]"
    return "[dim]ready[/]" if agent.presence == "ready" else f"[red]{escape(agent.reason or agent.presence)}[/]"


def _decisions(picture: Picture, lines: int) -> Table:
    table = _table(is_away=False)
    table.add_column("the last decisions, and why", no_wrap=True)
    for decision in picture.decisions[:lines]:
        at = datetime.fromisoformat(decision.at).astimezone()
        vip = "[bold magenta]VIP[/] " if decision.interaction_id in picture.important else ""
        table.add_row(f"[dim]{at:%H:%M:%S}[/] {vip}{escape(_decision_words(decision))}")
    return table


def _decision_words(decision: DecisionNow) -> str:
    """Who, for what, and why, in one line."""
    name, queue = _NAMES.get(decision.agent_id, decision.agent_id), _TITLES.get(decision.queue, decision.queue)
    if decision.sought == "interaction":
        why = f"came free, took the first in line: waited {decision.waited_seconds:.1f} s, fit {decision.fit}"
        return f"{name} ← {queue}: {why}"
    chosen = {
        "best-fit": f"best fit of those free ({decision.fit}), idle {decision.idle_seconds:.0f} s",
        "weighted": f"best of fit ({decision.fit}) and idle time ({decision.idle_seconds:.0f} s)",
        "least-skilled": f"fewest skills of those who can, idle {decision.idle_seconds:.0f} s",
        "least-loaded": f"least work in hand of those who can, idle {decision.idle_seconds:.0f} s",
        "linear": "first of those who can in the fixed order",
        "round-robin": "next in turn of those who can",
    }.get(decision.strategy, f"longest idle of those who can ({decision.idle_seconds:.0f} s), fit {decision.fit}")
    return f"{name} ← {queue}: {chosen}"


def _plain(lines: list[str]) -> Text:
    text = Text("\n".join(lines))
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _table(*, is_away: bool) -> Table:
    return Table(
        box=None,
        expand=True,
        pad_edge=False,
        header_style="bold underline",
        row_styles=["dim"] if is_away else None,
    )


def _now_us() -> int:
    return time.time_ns() // 1_000
