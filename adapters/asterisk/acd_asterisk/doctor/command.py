"""`acd doctor`. Owns the command line, how findings are shown, and the exit status."""

import asyncio
from pathlib import Path
from typing import Final

import click
import msgspec

from acd.errors import ConfigError
from acd.runtime.config.places import Places
from acd.runtime.config.problems import dotted
from acd.runtime.configurations import usable_in_force
from acd_asterisk.doctor.examination import examine
from acd_asterisk.doctor.findings import Finding, State
from acd_asterisk.doctor.patient import Patient, patients
from acd_asterisk.doctor.trial import PLACE

_COLOURS: Final[dict[State, str]] = {"good": "green", "warning": "yellow", "wrong": "red", "unknown": "blue"}

_Found = list[tuple[str, Finding]]


@click.command("doctor", short_help="Examine the connection to an Asterisk from end to end.")
@click.argument("file", type=click.Path(path_type=Path), default="acd.toml")
@click.option("--channel", metavar="NAME", help="Only this [channels.NAME]; else every one of type asterisk.")
@click.option("--call", "place", metavar="EXTENSION@CONTEXT", default="", help="Also call this through the dialplan.")
@click.option("--ring", "agent", metavar="AGENT", default="", help="Also let this agent's telephone ring, for 2 s.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object instead of lines.")
def command(file: Path, channel: str | None, place: str, agent: str, *, as_json: bool) -> None:
    """Examine the connection to an Asterisk from end to end, and say what to change.

    FILE is acd.toml unless named. Whether the engine runs or not: its application is never taken from it, and no
    call is touched. --call makes a call that is a real one for the engine: it may ring an agent.

    Exit status: 0 when nothing is wrong (there may be warnings), 1 when something is.
    """
    if place and not PLACE.fullmatch(place):
        raise click.BadParameter(f"{place!r} is not like 1000@from-internal", param_hint="--call")
    try:
        config, report = usable_in_force(file)
        chosen = patients(config, channel)
    except ConfigError as error:
        raise ConfigError(
            tuple(f"{file}: {each}" if each.startswith("has no") else each for each in error.problems)
        ) from None
    found = asyncio.run(_all(chosen, place, agent))
    places = Places(file, report.overrides)
    if as_json:
        click.echo(_as_json(found, places))
    else:
        for name, finding in found:
            state = click.style(f"{finding.state:8}", fg=_COLOURS[finding.state])
            click.echo(f"{name}  {state} {finding.check}: {finding.text}{_place(finding, places)}")
        click.echo(_summary(found))
    if _count(found, "wrong"):
        raise SystemExit(1)


async def _all(chosen: list[Patient], place: str, agent: str) -> _Found:
    results = await asyncio.gather(*(examine(each, place=place, agent=agent) for each in chosen))
    return [(each.name, finding) for each, found in zip(chosen, results, strict=True) for finding in found]


def _count(found: _Found, state: State) -> int:
    return sum(finding.state == state for _, finding in found)


def _summary(found: _Found) -> str:
    wrong, warnings, unknowns = (_count(found, state) for state in ("wrong", "warning", "unknown"))
    good = len(found) - wrong - warnings - unknowns
    return f"{good} good, {warnings} warning{'' if warnings == 1 else 's'}, {wrong} wrong, {unknowns} not looked at"


def _place(finding: Finding, places: Places) -> str:
    """What would have to be changed, for people."""
    if not finding.key:
        return ""
    file, line = places.of(finding.key)
    return f" ({file}:{line})" if line else f" ({file})"


def _as_json(found: _Found, places: Places) -> str:
    findings = [
        {
            "channel": name,
            "check": finding.check,
            "state": finding.state,
            "text": finding.text,
            "key": dotted(finding.key),
            "line": places.of(finding.key)[1] if finding.key else 0,
        }
        for name, finding in found
    ]
    return msgspec.json.encode({"findings": findings, "wrong": _count(found, "wrong")}).decode()
