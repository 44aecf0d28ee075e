"""From a TOML file to a `Config`, or to everything that is wrong with it.

Owns the order in which sections are read, and what is said about a text that is no TOML. Must not know any
section's keys, nor what is done with the configuration.
"""

import os
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from acd.errors import ConfigError
from acd.runtime.config.addresses import check_apart, read_metrics
from acd.runtime.config.allow import read_allow
from acd.runtime.config.analysis import analyse
from acd.runtime.config.calendars import check_calendars, read_calendars
from acd.runtime.config.capacities import read_capacities
from acd.runtime.config.entry import check_callback_channels
from acd.runtime.config.environment import put_over
from acd.runtime.config.lines import Lines
from acd.runtime.config.model import Config, Report
from acd.runtime.config.owned import Document, put_beside
from acd.runtime.config.people import cross_check, read_agents, read_queues
from acd.runtime.config.problems import Located, Problem, Problems, bounded_hints, dotted, excerpt, quoted
from acd.runtime.config.queue_log import read_queue_log
from acd.runtime.config.service import (
    check_external,
    check_files,
    read_api,
    read_channels,
    read_journal,
    read_outbox,
    read_personal,
    read_router,
    read_snapshots,
)
from acd.runtime.config.table import Table
from acd.runtime.config.telemetry import read_telemetry
from acd.runtime.config.tokens import known_to
from acd.runtime.config.webhooks import read_webhooks

MAX_BYTES: Final = 128 * 1024 * 1024
"""Size of a configuration file; 200,000 agents take about a fifth of it."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_LOOKALIKES: Final = {"“": '"', "”": '"', "‘": "'", "’": "'", "、": ",", "。": ".", "\u3000": " ", "\u00a0": " "}


def load(path: str | Path) -> Config:
    """Read a file. Raises `ConfigError` with every problem found, each with line, key path, reason and fix."""
    return _or_raise(check(path))


def loads(
    text: str, name: str = "acd.toml", base: Path | None = None, environment: Mapping[str, str] | None = None
) -> Config:
    """As `load`, from a text. Problems call it `name`; relative paths start from `base`, or the current folder."""
    return _or_raise(check_text(text, name, base, environment))


def check(path: str | Path, owned: Document | None = None) -> Report:
    """As `load`, without raising. `owned`: what the API owns, beside what the file says."""
    path = Path(path)
    name = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            return _failed(Problem(name, 0, "", "is larger than 128 MiB", "is it the right file?"))
        data = path.read_bytes()
    except FileNotFoundError:
        return _failed(Problem(name, 0, "", "there is no such file", "create one with: acd init"))
    except OSError as error:
        reason = f"cannot be read ({os.strerror(error.errno or 0)})"
        return _failed(Problem(name, 0, "", reason, "name a file that this user may read"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _failed(Problem(name, line, "", "is not UTF-8", "save the file as UTF-8"))
    return check_text(text, name, path.parent, owned=owned)


def check_text(
    text: str,
    name: str = "acd.toml",
    base: Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    owned: Document | None = None,
    named: frozenset[str] = frozenset(),
) -> Report:
    """As `loads`, without raising. `owned`: what the API owns, beside what the text says; it has no lines.

    `named`: agents whom tokens may name though there are none of these ids: the caller looks at tokens.
    """
    with bounded_hints():
        return _checked(text, name, base, environment, owned, named)


def _checked(
    text: str,
    name: str,
    base: Path | None,
    environment: Mapping[str, str] | None,
    owned: Document | None,
    named: frozenset[str],
) -> Report:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Report(None, _syntax(name, text.replace("\r\n", "\n"), str(error)))
    except ValueError:
        return _failed(Problem(name, 0, "", "holds a number of thousands of digits", "write a shorter one"))
    except RecursionError:
        return _failed(Problem(name, 0, "", "is nested too deeply", "write tables as sections"))
    problems = Problems(name)
    problems.owned(owned or {})
    ours = put_beside(raw, owned, problems) if owned else raw
    folder = Path.cwd() if base is None else base
    environment = os.environ if environment is None else environment
    ours, overrides = put_over(ours, environment, problems)
    config = _read(Table(ours, (), problems, folder), Path(name), environment, named)
    counts = (("agent", len(config.agents)), ("queue", len(config.queues)), ("channel", len(config.channels)))
    found = problems.located(Lines(text).line) if problems.found() else Located()
    usable = None if found.errors else msgspec.structs.replace(config, warnings=found.warnings)
    agents, queues = config.agents, config.queues
    versions = None if config.api is None else config.api.versions
    return Report(
        usable, found.errors, found.warnings, config.channels, counts, agents, queues, found.notes, overrides, versions
    )


def _read(root: Table, source: Path, environment: Mapping[str, str], named: frozenset[str]) -> Config:
    domain = _domain(root)
    capacities = read_capacities(root)
    agents, queues = read_agents(root, capacities), read_queues(root)
    calendars = read_calendars(root)
    cross_check(root, agents, queues)
    check_calendars(root, calendars, queues)
    if not root.problems.errors_in("agents", "queues", "capacities"):
        analyse(root.problems, [agent.settings for agent in agents], [queue.settings for queue in queues])
    channels = read_channels(root)
    check_callback_channels(root, [queue.settings for queue in queues], [channel.name for channel in channels])
    config = Config(
        source=source,
        domain=domain,
        journal=read_journal(root),
        personal=read_personal(root),
        outbox=read_outbox(root),
        snapshots=read_snapshots(root),
        router=read_router(root),
        api=read_api(root, known_to(agents, queues, channels, named), environment),
        channels=channels,
        agents=agents,
        queues=queues,
        calendars=tuple(calendars.values()),
        webhooks=read_webhooks(root),
        telemetry=read_telemetry(root),
        metrics=read_metrics(root),
        queue_log=read_queue_log(root, [channel.name for channel in channels]),
    )
    check_external(root, config)
    check_files(root, config.journal, config.personal, config.outbox)
    check_apart(root, config.api, config.metrics)
    root.finish()
    return config


def _domain(root: Table) -> str:
    table = root.table("domain")
    name = table.identifier("name", "default")
    read_allow(table, ())
    table.finish()
    return name


def _syntax(name: str, text: str, message: str) -> tuple[Problem, ...]:
    """What `tomllib` stopped at; or every key that is written twice, if that is the trouble."""
    if message.startswith("Cannot "):
        twice = Lines(text).duplicates
        if twice:
            return tuple(
                Problem(name, line, dotted(key), f"is written twice, first on line {first}", "remove one of the two")
                for key, first, line in twice
            )
    place = _PLACE.search(message)
    reason = message[: place.start()] if place else message
    lines = text.split("\n")
    line, column = (int(place[1]), int(place[2])) if place and place[1] else _last(lines)
    shown = lines[line - 1] if line <= len(lines) else ""
    reason = reason[:1].lower() + reason[1:]
    return (Problem(name, line, "", reason, _advice(shown, column), excerpt(shown, column - 1)),)


def _last(lines: list[str]) -> tuple[int, int]:
    """Line and column of the end of what is written."""
    for number in range(len(lines), 0, -1):
        if lines[number - 1].strip():
            return number, len(lines[number - 1]) + 1
    return 1, 1


def _advice(line: str, column: int) -> str:
    """What to do about the usual slips: full-width punctuation, and keys that need quotes."""
    char = line[column - 1 : column]
    if not char or char.isascii():
        return ""
    plain = _LOOKALIKES.get(char) or unicodedata.normalize("NFKC", char)
    if plain.isascii():
        return (
            f"{quoted(char)} is a full-width or typographic character: type {plain} instead"
            if plain.strip()
            else ("there is a space that is not a plain one: type it anew")
        )
    return 'names with characters beyond A-Z, a-z, 0-9, - and _ go in quotes, like [agents."张伟"]'


def _failed(problem: Problem) -> Report:
    return Report(None, (problem,))


def _or_raise(report: Report) -> Config:
    if report.config is None:
        raise ConfigError(tuple(str(problem) for problem in report.errors))
    return report.config
