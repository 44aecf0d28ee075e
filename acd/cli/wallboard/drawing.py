"""The picture on a terminal: tables that fit its width and height, whatever script the names are in.

Owns columns, colours and lengths. Must not know the floor, nor keys. Colours only repeat what the text says, so that
nothing is lost where there are none (NO_COLOR).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from msgspec import Struct
from rich.console import Group
from rich.table import Table
from rich.text import Text

from acd.cli.wallboard.picture import AgentLine, ChannelLine, DecisionLine, Picture, QueueLine

Part = Literal["queues", "agents"]

KEYS: Final = "q quit · ↑↓ scroll · tab other table · s sort"
LATE: Final = 0.8
"""A service level below this is red."""

MINUTE: Final = 60
HOUR: Final = 3_600

_PRESENCES: Final = {"ready": "green", "not-ready": "yellow", "draining": "yellow", "signed-out": "dim"}
_LineT = TypeVar("_LineT")


class Looks(Struct, frozen=True):
    """How it is to be drawn. `height` 0: as long as it is; `scrolled`: rows of each table that are above its first.

    `note`: instead of the usual state of the connection, and then it is bad news.
    """

    width: int
    height: int = 0
    url: str = ""
    note: str = ""
    sort: str = "name"
    focus: Part = "queues"
    scrolled: tuple[int, int] = (0, 0)
    keys: bool = False


class _Column(NamedTuple, Generic[_LineT]):
    """A column: heading, what stands in it, and from which width of the terminal on it is shown."""

    heading: str
    cell: Callable[[_LineT], Text | str]
    from_width: int = 0
    right: bool = False


def draw(seen: Picture, looks: Looks) -> Group:
    """The whole screen. A line that is too long ends in an ellipsis."""
    queues, agents = seen.queues or [], seen.agents
    rows = _shares(looks.height, len(queues) if seen.queues is not None else 0, len(agents), len(seen.decisions))
    parts: list[Table | Text] = [_head(seen, looks), _channels(seen.channels)]
    if seen.queues is None:
        parts.append(Text("this token is shown its own agent only", style="dim"))
    else:
        parts.append(_table("queues", _QUEUES, queues, looks, rows[0]))
    parts.append(_table("agents", _AGENTS, agents, looks, rows[1]))
    parts += _decisions(seen.decisions[: rows[2]])
    if looks.keys:
        parts.append(_plain(Text(f"{KEYS} ({looks.sort})", style="dim")))
    return Group(*parts)


def _shares(height: int, queues: int, agents: int, decisions: int) -> tuple[int, int, int]:
    """How many rows of each there is room for: decisions get a fifth, the tables what they need, or half the rest."""
    if not height:
        return queues, agents, decisions
    room = max(2, height - 9)
    told = min(decisions, max(1, room // 5))
    rest = room - told
    first = min(queues, max(rest // 2, rest - agents))
    second = min(agents, rest - first)
    return max(1, first), max(1, second), min(decisions, room - first - second)


def _head(seen: Picture, looks: Looks) -> Text:
    moment = datetime.fromtimestamp(seen.at_us / 1_000_000, UTC).astimezone().strftime("%H:%M:%S")
    head = Text(f"acd top  {looks.url}  {moment}  ", style="bold")
    if looks.note:
        head.append(looks.note, style="bold red")
    elif seen.ready:
        head.append("ready", style="green")
    else:
        head.append(f"not ready: {seen.reason}", style="bold red")
    return _plain(head)


def _channels(channels: Sequence[ChannelLine]) -> Text:
    line = Text("channels: ")
    for number, channel in enumerate(channels):
        line.append(" · " if number else "")
        said = f"{channel.name} {channel.state}" + ("" if channel.connected else ", not connected")
        good = channel.connected and channel.state == "ready"
        line.append(said, style="green" if good else "red")
        if channel.error:
            line.append(f" ({channel.error})", style="red")
    return _plain(line if channels else Text("channels: none", style="dim"))


def _table(name: Part, columns: Sequence[_Column[_LineT]], lines: Sequence[_LineT], looks: Looks, room: int) -> Table:
    """As many rows as there is room for, from the one that has been scrolled to."""
    style = "bold reverse" if looks.keys and looks.focus == name else "bold"
    table = Table(box=None, pad_edge=False, header_style=style)
    shown = [column for column in columns if looks.width >= column.from_width]
    first = max(0, min(looks.scrolled[0 if name == "queues" else 1], len(lines) - room))
    more = len(lines) - first - room
    for number, column in enumerate(shown):
        heading = f"{column.heading} ({len(lines)})" if not number else column.heading
        table.add_column(heading, no_wrap=True, overflow="ellipsis", justify="right" if column.right else "left")
    for line in lines[first : first + room]:
        table.add_row(*(column.cell(line) for column in shown))
    if more > 0 or first:
        table.add_row(Text(f"… {first} above, {max(0, more)} below", style="dim"))
    return table


def _decisions(decisions: Sequence[DecisionLine]) -> list[Text]:
    found = [Text("decisions", style="bold")] if decisions else []
    for each in decisions:
        moment = datetime.fromtimestamp(each.at_us / 1_000_000, UTC).astimezone().strftime("%H:%M:%S")
        found.append(_plain(Text(f"{moment}  {each.queue}: {each.reason}")))
    return found


def _plain(text: Text) -> Text:
    """On one line."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def duration(seconds: float) -> str:
    """`7s`, `3:20`, `2:05:00`."""
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}:{whole % MINUTE:02}"
    return f"{whole // HOUR}:{whole % HOUR // MINUTE:02}:{whole % MINUTE:02}"


def _named(line: QueueLine | AgentLine) -> str:
    title = line.title if isinstance(line, QueueLine) else line.name
    return f"{line.id} {title}" if title and title != line.id else line.id


def _state(line: QueueLine) -> Text:
    return Text("open", style="green") if line.closed is None else Text(f"closed: {line.closed}", style="red")


def _level(line: QueueLine) -> Text:
    if line.level is None:
        return Text("–", style="dim")
    return Text(f"{line.level:.0%}", style="red" if line.level < LATE else "")


def _estimate(line: QueueLine) -> str:
    if line.estimate_seconds is None:
        return "–"
    low, _, high = line.estimate_seconds
    return f"{duration(low)}–{duration(high)}"


def _waiting(line: QueueLine) -> Text:
    return Text(str(line.waiting + line.ringing), style="bold" if line.waiting else "")


def _longest(line: QueueLine) -> str:
    return duration(line.longest_wait_seconds) if line.waiting or line.ringing else "–"


def _presence(line: AgentLine) -> Text:
    said = line.presence
    if line.next_presence:
        said += f" → {line.next_presence}"
    if line.reason:
        said += f" ({line.reason})"
    if line.devices:
        said += " · " + ", ".join(f"{channel} {state}" for channel, state in line.devices)
    return Text(said, style=_PRESENCES.get(line.presence, ""))


def _work(line: AgentLine) -> str:
    return ", ".join(
        f"{item.state} {item.interaction_id} ({item.queue} {duration(item.seconds)})" for item in line.work
    )


_QUEUES: Final[Sequence[_Column[QueueLine]]] = (
    _Column("queue", _named),
    _Column("waiting", _waiting, right=True),
    _Column("longest", _longest, right=True),
    _Column("estimate", _estimate, 90, right=True),
    _Column("level", _level, 60, right=True),
    _Column("offered", lambda line: str(line.entered), 100, right=True),
    _Column("answered", lambda line: str(line.answered), 70, right=True),
    _Column("abandoned", lambda line: str(line.abandoned), 80, right=True),
    _Column("talking", lambda line: str(line.active), 110, right=True),
    _Column("ready/busy/away", lambda line: f"{line.ready}/{line.busy}/{line.away}", 60, right=True),
    _Column("", _state),
)
_AGENTS: Final[Sequence[_Column[AgentLine]]] = (
    _Column("agent", _named),
    _Column("presence", _presence),
    _Column("since", lambda line: duration(line.seconds), 60, right=True),
    _Column("load", lambda line: f"{line.load}%", 60, right=True),
    _Column("work", _work),
)
