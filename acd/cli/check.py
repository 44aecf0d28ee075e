"""`acd check`. Owns what is printed about a configuration, and that the plugins are asked, too."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.text import Text

from acd.cli.calling_back import callback_cautions, callback_errors
from acd.cli.calling_instead import call_cautions, call_errors
from acd.cli.examining import examined
from acd.errors import ChannelError, ConfigError
from acd.ports.addresses import Addressing
from acd.ports.cautions import Cautious
from acd.ports.channel import Channel
from acd.ports.far_ends import Placed
from acd.runtime.calendars import missing_workdays
from acd.runtime.channels import open_channel
from acd.runtime.config import ChannelConfig, Problem, Report
from acd.runtime.config.lines import Lines
from acd.runtime.config.problems import Key, Located, dotted
from acd.runtime.config.together import check_together
from acd.runtime.configurations import check_in_force
from acd.runtime.strategies import Strategies, own_name


@click.command(short_help="Find everything that is wrong with a configuration.")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1)
@click.option("--connect", is_flag=True, help="Also look at the PBXs that it names, as `acd doctor` does.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object instead of lines.")
def command(files: tuple[Path, ...], *, connect: bool, as_json: bool) -> None:
    """Find everything that is wrong with a configuration, at once, and what its policies come to.

    Every problem is shown with its line, key, reason and fix, and every setting that ACD_… variables change. Nothing is
    started, and nobody is contacted without --connect. A code at the end, like [strict-ordering], can be allowed in its
    queue: allow = ["strict-ordering"].

    FILES is acd.toml unless named. Several are checked as the domains of one process, too; their JSON is an array. Exit
    status: 0 when all can be used (there may be warnings), 1 when not.
    """
    files = files or (Path("acd.toml"),)
    reports = [check_in_force(file) for file in files]
    found = [_found(file, report) for file, report in zip(files, reports, strict=True)]
    together = check_together([report.config for report in reports if report.config is not None])
    for number, file in enumerate(files):
        own = (tuple(each for each in some if each.file == str(file)) for some in together[:2])
        found[number] = _joined(found[number], Located(*own))
        config = reports[number].config
        if connect and config is not None and not found[number].errors:
            # Of what cannot be used it is known already why.
            found[number] = _joined(found[number], examined(file, config, reports[number].overrides))
    checked = list(zip(files, reports, found, strict=True))
    if as_json:
        answers = [_answer(*each) for each in checked]
        click.echo(_as_json(answers[0] if len(files) == 1 else answers))
    else:
        for file, report, located in checked:
            _show(located, report, _summary(file, report, located))
    if any(located.errors for located in found):
        raise SystemExit(1)


def _joined(one: Located, other: Located) -> Located:
    return Located(*((*some, *more) for some, more in zip(one, other, strict=True)))


def _found(file: Path, report: Report) -> Located:
    """What is wrong with one file by itself."""
    opened = {channel.name: _opened(channel) for channel in report.channels}
    of_queues = (*strategy_problems(file, report), *callback_errors(file, report, opened))
    of_channels = (
        *channel_problems(file, report),
        *far_end_problems(file, report),
        *call_errors(file, opened),
    )
    errors = [*report.errors, *of_channels, *of_queues]
    days = [Problem(str(file), 0, "", text) for text in unknown_days(report, datetime.now(UTC).date())]
    cautions = channel_problems(file, report, _cautioned_by_plugin)
    addresses = (*address_problems(file, report), *callback_cautions(file, report, opened))
    cautions += call_cautions(file, report, opened)
    return Located(tuple(errors), (*report.warnings, *cautions, *addresses, *days), report.notes)


def channel_problems(
    file: Path, report: Report, of: Callable[[ChannelConfig], Iterable[str]] | None = None
) -> list[Problem]:
    """What the plugins say about their channels' options, with lines, or the variable that an option comes from.

    `of`: what a channel's plugin says; by default, what is wrong.
    """
    # Of a file with errors it is not known which queues there would be without them.
    queues = None if report.config is None else {queue.settings.id for queue in report.config.queues}
    ask = of or partial(_said_by_plugin, queues=queues)
    said = [(channel, text) for channel in report.channels if channel.type for text in ask(channel)]
    lines = Lines(file.read_text(encoding="utf-8-sig") if said else "")
    found = []
    for channel, text in said:
        variable = next((each.variable for each in report.overrides if _is_about(text, each.key)), "")
        line = 0 if variable else _line(lines, channel, text)
        found.append(Problem(variable or str(file), line, *_parted(text)))
    return found


def address_problems(file: Path, report: Report) -> list[Problem]:
    """Agents' addresses of which a channel says that nobody can be reached there."""
    opened: list[object] = [_opened(channel) for channel in report.channels]
    channels: list[Addressing] = [each for each in opened if isinstance(each, Addressing)]
    said = [
        (agent.settings.id, medium, problem)
        for agent in report.agents
        for medium, address in agent.addresses
        for channel in channels
        if channel.medium == medium and (problem := channel.address_problem(address))
    ]
    lines = Lines(file.read_text(encoding="utf-8-sig") if said else "")
    found = []
    for agent, medium, problem in dict.fromkeys(said):
        key = ("agents", agent, "addresses", medium)
        reason, _, fix = problem.partition("; ")
        found.append(Problem(str(file), lines.line(key), dotted(key), reason, fix))
    return found


def far_end_problems(file: Path, report: Report) -> list[Problem]:
    """Channels that are the same to their far end: the one that connects later would take the calls of the other."""
    first: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for channel in report.channels:
        opened: object = _opened(channel)
        if isinstance(opened, Placed) and (other := first.setdefault(opened.far_end, channel.name)) != channel.name:
            found.append((channel.name, f"{opened.far_end} is that of {dotted(('channels', other))}, too"))
    lines = Lines(file.read_text(encoding="utf-8-sig") if found else "")
    fix = "give each its own app, in the dialplan, too"
    keys = [(("channels", name, "app"), reason) for name, reason in found]
    return [Problem(str(file), lines.line(key), dotted(key), reason, fix) for key, reason in keys]


def strategy_problems(file: Path, report: Report) -> list[Problem]:
    """What is wrong with queues' own strategies, with lines. Tries them with the agents of the file."""
    queues = [queue.settings for queue in report.queues]
    if not any(own_name(queue) for queue in queues):
        return []
    lines = Lines(file.read_text(encoding="utf-8-sig"))
    said = Strategies().problems(queues, [agent.settings for agent in report.agents])
    return [Problem(str(file), lines.line(("queues", queue, "strategy")), *_parted(text)) for queue, text in said]


def _parted(said: str) -> tuple[str, str, str]:
    """(key, reason, fix) of a text that begins with its key, if it has these parts."""
    key, colon, rest = said.partition(": ")
    if not colon:
        return "", said, ""
    reason, _, fix = rest.partition("; ")
    return key, reason, fix


def unknown_days(report: Report, today: date) -> list[str]:
    """What the calendars will need to be told before long."""
    calendars = () if report.config is None else report.config.calendars
    found = (missing_workdays(calendar, today) for calendar in calendars)
    return [problem for problem in found if problem]


def _said_by_plugin(channel: ChannelConfig, queues: Collection[str] | None) -> Iterator[str]:
    try:
        open_channel(channel, queues)
    except ConfigError as error:
        yield from error.problems
    except ChannelError as error:
        yield f"{dotted(('channels', channel.name))}: {error}"


def _cautioned_by_plugin(channel: ChannelConfig) -> Iterator[str]:
    """What would work and had better be otherwise; nothing of a channel that is wrong."""
    opened = _opened(channel)
    if isinstance(opened, Cautious):
        yield from opened.cautions


def _opened(channel: ChannelConfig) -> Channel | None:
    """One to be asked; None when its options are wrong."""
    with suppress(ConfigError, ChannelError):
        return open_channel(channel) if channel.type else None
    return None


def _line(lines: Lines, channel: ChannelConfig, said: str) -> int:
    """The line of the longest key of this channel that the text begins with; else of its section."""
    section = ("channels", channel.name)
    keys = [key for key in lines if key[:2] == section and _is_about(said, key)]
    return lines.line(max(keys, key=len, default=section))


def _is_about(said: str, key: Key) -> bool:
    return said.startswith((f"{dotted(key)}:", f"{dotted(key)} "))


def _summary(file: Path, report: Report, located: Located) -> str:
    errors, warnings, notes = map(len, located)
    found = [_count(errors, "error"), _count(warnings, "warning")]
    if notes:
        found.append(_count(notes, "note"))
    if not report.counts:
        return f"{file}: nothing could be checked: {found[0]}"
    checked = [_count(number, kind) for kind, number in report.counts]
    return f"{file}: checked {', '.join(checked)}: {', '.join(found)}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _show(found: Located, report: Report, summary: str) -> None:
    # Text, not markup: a configuration may hold square brackets. Soft wrap: a caret must stay below its place.
    console = Console(highlight=False, soft_wrap=True)
    styles = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
    for kind, problem in _by_severity(found):
        console.print(Text.assemble((f"{kind}: ", styles[kind]), str(problem)))
    for override in report.overrides:
        console.print(Text.assemble(("environment: ", styles["note"]), str(override)))
    console.print(Text(summary, style="bold red" if found.errors else "bold green"))


def _answer(file: Path, report: Report, found: Located) -> dict[str, object]:
    """One object: whether it is `usable`, what was `checked`, and `problems`, each with its `severity`.

    `environment`: the settings that come from there, by variable.
    """
    return {
        "file": str(file),
        "usable": not found.errors,
        "checked": {f"{kind}s": number for kind, number in report.counts},
        "environment": {override.variable: dotted(override.key) for override in report.overrides},
        "problems": [{"severity": kind, **msgspec.structs.asdict(problem)} for kind, problem in _by_severity(found)],
    }


def _as_json(answer: object) -> str:
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _by_severity(found: Located) -> Iterator[tuple[str, Problem]]:
    """(severity, problem), errors first."""
    for kind, problems in (("error", found.errors), ("warning", found.warnings), ("note", found.notes)):
        yield from ((kind, problem) for problem in problems)
