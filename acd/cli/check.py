"""`acd check`. Owns what is printed about a configuration, and that the plugins are asked, too."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from acd.errors import ChannelError, ConfigError
from acd.runtime.calendars import missing_workdays
from acd.runtime.channels import open_channel
from acd.runtime.config import ChannelConfig, Report, check
from acd.runtime.config.lines import Lines
from acd.runtime.config.problems import dotted
from acd.runtime.strategies import Strategies, own_name


@click.command(short_help="Find everything that is wrong with a configuration.")
@click.argument("file", type=click.Path(path_type=Path), default="acd.toml")
def command(file: Path) -> None:
    """Find everything that is wrong with a configuration, at once.

    Every problem is shown with its line, key, reason and fix. Nothing is started and nobody is contacted.

    FILE is acd.toml unless named. Exit status: 0 when it can be used (there may be warnings), 1 when not.
    """
    report = check(file)
    errors = [*map(str, report.errors), *channel_problems(file, report.channels), *strategy_problems(file, report)]
    warnings = [*map(str, report.warnings), *unknown_days(report, datetime.now(UTC).date())]
    _show(errors, warnings, _summary(file, report, len(errors), len(warnings)))
    if errors:
        raise SystemExit(1)


def channel_problems(file: Path, channels: tuple[ChannelConfig, ...]) -> list[str]:
    """What the plugins say about their channels' options, with lines."""
    said = [(channel, text) for channel in channels if channel.type for text in _said_by_plugin(channel)]
    lines = Lines(file.read_text(encoding="utf-8-sig") if said else "")
    return [f"{file}:{_line(lines, channel, text)}: {text}" for channel, text in said]


def strategy_problems(file: Path, report: Report) -> list[str]:
    """What is wrong with queues' own strategies, with lines. Tries them with the agents of the file."""
    queues = [queue.settings for queue in report.queues]
    if not any(own_name(queue) for queue in queues):
        return []
    lines = Lines(file.read_text(encoding="utf-8-sig"))
    said = Strategies().problems(queues, [agent.settings for agent in report.agents])
    return [f"{file}:{lines.line(('queues', queue, 'strategy'))}: {text}" for queue, text in said]


def unknown_days(report: Report, today: date) -> list[str]:
    """What the calendars will need to be told before long."""
    calendars = () if report.config is None else report.config.calendars
    found = (missing_workdays(calendar, today) for calendar in calendars)
    return [problem for problem in found if problem]


def _said_by_plugin(channel: ChannelConfig) -> Iterator[str]:
    try:
        open_channel(channel)
    except ConfigError as error:
        yield from error.problems
    except ChannelError as error:
        yield f"{dotted(('channels', channel.name))}: {error}"


def _line(lines: Lines, channel: ChannelConfig, said: str) -> int:
    """The line of the longest key of this channel that the text begins with; else of its section."""
    section = ("channels", channel.name)
    keys = [key for key in lines if key[:2] == section and said.startswith((f"{dotted(key)}:", f"{dotted(key)} "))]
    return lines.line(max(keys, key=len, default=section))


def _summary(file: Path, report: Report, errors: int, warnings: int) -> str:
    found = [_count(errors, "error"), _count(warnings, "warning")]
    if not report.counts:
        return f"{file}: nothing could be checked: {found[0]}"
    checked = [_count(number, kind) for kind, number in report.counts]
    return f"{file}: checked {', '.join(checked)}: {', '.join(found)}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _show(errors: list[str], warnings: list[str], summary: str) -> None:
    # Text, not markup: a configuration may hold square brackets. Soft wrap: a caret must stay below its place.
    console = Console(highlight=False, soft_wrap=True)
    for kind, style, texts in (("error", "bold red", errors), ("warning", "bold yellow", warnings)):
        for text in texts:
            console.print(Text.assemble((f"{kind}: ", style), text))
    console.print(Text(summary, style="bold red" if errors else "bold green"))
