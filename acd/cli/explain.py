"""`acd explain`. Owns how an explanation looks; `acd.runtime.explain` finds it, `acd.core.explain` has the reasons."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.core.explain import Candidate, Decision, Waiting
from acd.core.ranking import Rank, Value
from acd.runtime.config import format_duration
from acd.runtime.config.conditions import describe_found, format_condition
from acd.runtime.configurations import load_in_force
from acd.runtime.explain import Cause, Explanation, StepDone, explain
from acd.runtime.journal.reader import SqliteJournalReader

SHOWN: Final = 10
"""Candidates that are shown unless all are asked for."""

_MOMENTS: Final = ("idle since", "idle since, less the worth of fit", "key")
"""Compared values that are moments in time, in µs."""

_MINUS: Final = "minus "
_SECOND_US: Final = 1_000_000

_PREFERRED_BY: Final = {
    "request": "the request asked for them",
    "dedicated": "dedicated to the customer",
    "last-agent": "the customer's last agent",
}


@click.command(short_help="Say why this agent, why not that one, why still waiting.")
@click.argument("subject")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    default="acd.toml",
    show_default=True,
    help="Where the files are.",
)
@click.option(
    "--journal", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Instead of the configuration's."
)
@click.option("--agent", help="Only this one: why, or why not.")
@click.option(
    "--at", "until", type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"]), help="As of then, UTC."
)
@click.option("--all", "everyone", is_flag=True, help=f"Every candidate, not {SHOWN}.")
@click.option("--json", "as_json", is_flag=True, help="For programs; everything, times in µs.")
def command(
    subject: str,
    *,
    file: Path,
    journal: Path | None,
    agent: str | None,
    until: datetime | None,
    everyone: bool,
    as_json: bool,
) -> None:
    """Explain a decision, or a wait, from the journal: by replay from the nearest snapshot, beside a running engine.

    SUBJECT is an offer's id (an interaction's id, a full stop, a number), or an interaction's id: then every offer of
    it is explained, and where it stands.

    Exit status: 0 when there is something to say, 1 when the journal knows nothing of it.
    """
    path, snapshots = (journal, None) if journal is not None else _files(file)
    until_us = None if until is None else round(until.replace(tzinfo=UTC).timestamp() * _SECOND_US)
    with closing(SqliteJournalReader(path)) as reader:
        found = explain(reader, subject, snapshot_directory=snapshots, until_us=until_us)
    if not found.decisions and found.waiting is None and not found.enqueued_at_us:
        raise click.ClickException(
            f"the journal {path} knows no offer and no interaction {subject}"
            + ("" if until is None else f" at {_moment(until_us or 0)}")
        )
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=1))
        return
    _show(found, agent, SHOWN if not everyone else None)


def _files(file: Path) -> tuple[Path, Path | None]:
    """The journal and the folder of snapshots that a configuration names."""
    config = load_in_force(file)
    return config.journal.path, config.snapshots.path


def _show(found: Explanation, agent: str | None, most: int | None) -> None:
    console = Console()
    for cause in found.decisions:
        _decision(console, cause, agent, most)
    for step in found.steps:
        _step(console, step)
    if found.waiting is not None:
        _waiting(console, found.waiting, agent, most)
    elif found.ended:
        console.print(f"Interaction {found.interaction_id} had ended by {_moment(found.at_us)}.", highlight=False)


def _decision(console: Console, cause: Cause, agent: str | None, most: int | None) -> None:
    it = cause.decision
    sentence = {
        "agent": f"interaction {it.interaction_id} looked for an agent of queue {it.queue} ({it.strategy})",
        "preferred": f"interaction {it.interaction_id} was offered to the agent preferred for it",
        "interaction": f"agent {it.agent_id} came free and took the first in line",
    }[it.sought]
    console.print(
        Text.assemble((f"Offer {it.offer_id}", "bold"), f" → {it.agent_id}, {_moment(it.at_us)}: {sentence}"),
        highlight=False,
    )
    console.print(f"  requirement  {it.requirement}", highlight=False)
    _preferred(console, it)
    console.print(f"  had waited   {it.waited_us / _SECOND_US:.3f} s", highlight=False)
    console.print(f"  decided by   {_spoken(it.decided_by)}", highlight=False)
    console.print(f"  in journal   row {cause.seq}, {cause.command} {cause.command_id}", highlight=False)
    _candidates(console, "interaction" if it.sought == "interaction" else "agent", it.candidates, agent, most)


def _step(console: Console, it: StepDone) -> None:
    event = it.event
    why = ""
    if event.when is not None:
        why = f": {format_condition(event.when)}, found {describe_found(event.when, event.found)}"
    taken = "taken" if event.applied else "skipped"
    after = format_duration(event.after_us)
    console.print(f"Step after {after}, {_moment(it.at_us)}: {taken}{why} (row {it.seq})", highlight=False)


def _waiting(console: Console, it: Waiting, agent: str | None, most: int | None) -> None:
    where = f", {it.position}. in the line of queue {it.queue}" if it.position else f", queue {it.queue}"
    if it.state == "scheduled":
        # Due already: the queue is closed.
        where = f" until {_moment(it.due_us)}{where}" if it.due_us > it.at_us else f" until queue {it.queue} opens"
    if it.state == "reaching":
        where = f": the customer is being called, until {_moment(it.due_us)}{where}"
    console.print(
        Text.assemble(
            (f"Interaction {it.interaction_id}", "bold"),
            f" is {it.state}{where}, {it.waited_us / _SECOND_US:.1f} s after it was enqueued ({_moment(it.at_us)})",
        ),
        highlight=False,
    )
    console.print(f"  requirement  {it.requirement}", highlight=False)
    _preferred(console, it)
    if it.uncalled:
        console.print(f"  put off      {it.uncalled} ×: its channel could call nobody", highlight=False)
    if it.state != "queued":
        console.print()
        return
    away = ", ".join(f"{clause} {count}" for clause, count in it.obstacles)
    console.print(f"  kept from agents by  {away or 'nothing: there is none'}", highlight=False)
    _candidates(console, "agent", it.candidates, agent, most)


def _preferred(console: Console, it: Decision | Waiting) -> None:
    if it.preferred:
        console.print(f"  preferred    {it.preferred} ({_PREFERRED_BY[it.preferred_by]})", highlight=False)


def _candidates(
    console: Console, noun: str, candidates: tuple[Candidate, ...], agent: str | None, most: int | None
) -> None:
    chosen = candidates
    if agent is not None and noun == "agent":
        chosen = tuple(each for each in candidates if each.id == agent)
        if not chosen:
            raise click.ClickException(f"no agent {agent} was configured then")
    names = [each.name for each in next((each.rank for each in chosen if each.rank), ())]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("place", noun, *map(_spoken, names), "what is in the way"):
        table.add_column(name, overflow="fold")
    for each in chosen[:most]:
        table.add_row(
            str(each.place) if each.place else "–",
            each.id,
            *(_values(each.rank) if each.rank else [""] * len(names)),
            "; ".join(_obstacles(each)),
        )
    console.print(table)
    if most is not None and len(chosen) > most:
        console.print(f"  … and {len(chosen) - most} more: --all\n", highlight=False)


def _values(rank: Rank) -> list[str]:
    return [_value(each) for each in rank]


def _value(compared: Value) -> str:
    if not isinstance(compared.value, int):
        return compared.value
    if compared.name in _MOMENTS:
        return _moment(compared.value)
    return str(-compared.value if compared.name.startswith(_MINUS) else compared.value)


def _spoken(name: str) -> str:
    """What is better when it is greater is compared as a negative number, and shown as it is."""
    return name.removeprefix(_MINUS)


def _obstacles(candidate: Candidate) -> Iterator[str]:
    for verdict in candidate.obstacles:
        yield verdict.detail + (f" (until {_moment(verdict.until_us)})" if verdict.until_us else "")


def _moment(micros: int) -> str:
    try:
        return (
            datetime.fromtimestamp(micros / _SECOND_US, UTC)
            .isoformat(sep=" ", timespec="milliseconds")
            .removesuffix("+00:00")
            + "Z"
        )
    except (OverflowError, ValueError, OSError):
        # A strict priority makes keys that are no moment any calendar knows.
        return f"{micros} µs"
