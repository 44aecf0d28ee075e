"""`acd import-queues`. Owns what is read, and where the configuration goes. Never overwrites one unasked."""

import codecs
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from acd.errors import ConfigError
from acd.runtime.config import check_text
from acd_asterisk.importing.ami import Ami
from acd_asterisk.importing.conf import Section, read_conf
from acd_asterisk.importing.document import document
from acd_asterisk.importing.pool import pool_names
from acd_asterisk.importing.queues import Source, convert
from acd_asterisk.importing.report import Report
from acd_asterisk.importing.running import read_running

_KINDS: Final = (
    ("queuerules", "queuerules"),
    ("queue_rules", "queuerules"),
    ("queues", "queues"),
    ("agents", "agents"),
)
"""How the names of files begin, and what such a file is."""

_PLACE: Final = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


@click.command("import-queues", short_help="Make a configuration from that of app_queue.")
@click.argument("files", type=click.Path(path_type=Path, dir_okay=False), nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here, not to stdout.")
@click.option("--force", is_flag=True, help="Overwrite the file of -o.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of the files, e.g. gb18030 for GBK.")
@click.option(
    "--max-penalty",
    type=click.IntRange(0, 1_000_000),
    help="What the dialplan sets QUEUE_MAX_PENALTY to; else 0 is assumed where a rule changes it.",
)
@click.option("--ami", metavar="HOST:PORT", help="Ask a running PBX instead, over AMI.")
@click.option("--user", help="Of its manager.conf.")
@click.option("--secret-file", type=click.Path(path_type=Path, dir_okay=False), help="Holds this user's secret.")
@click.option("--domain", default="default", show_default=True, help="The domain's name.")
def command(
    files: Sequence[Path],
    output: Path | None,
    encoding: str,
    max_penalty: int | None,
    ami: str | None,
    user: str | None,
    secret_file: Path | None,
    domain: str,
    *,
    force: bool,
) -> None:
    """Make a configuration from the queues of an Asterisk.

    FILES are queues.conf and, if there are any, queuerules.conf and agents.conf; also those that FreePBX or Issabel
    write (queues_additional.conf, …): what a name begins with says what it is. Every line is either taken over, or
    listed on stderr, and beside its queue in the configuration, with the reason why not.

    With --ami, --user and --secret-file a running PBX is asked for the same, and for members who have signed in.
    """
    if output is not None and not force and output.exists():
        raise click.ClickException(f"{output} is there already; name another file, or add --force")
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise click.BadParameter(f"{encoding!r} is no encoding that is known", param_hint="--encoding") from None
    report = Report()
    if ami is None:
        if user is not None or secret_file is not None or not files:
            raise click.UsageError("name files, or --ami HOST:PORT with --user and --secret-file")
        source = _read(files, encoding, max_penalty, report)
    elif files or user is None or secret_file is None:
        raise click.UsageError("--ami needs --user and --secret-file, and no files")
    else:
        source = _asked(ami, user, secret_file, max_penalty, report)
    result = convert(source, report)
    text = document(result, report, [path.name for path in files] or [f"the PBX at {ami}"], domain)
    _hand_over(text, output)
    for line in report.summary():
        click.echo(line, err=True)
    click.echo(f"queues: {len(result.queues)}, agents: {len(result.agents)}; {report.counts()}", err=True)
    if output is not None:
        click.echo(f"Next: acd check {output}", err=True)


def _hand_over(text: str, output: Path | None) -> None:
    """Check the configuration, then write it."""
    checked = check_text(text, str(output or "acd.toml"), environment={})
    if checked.errors:
        raise ConfigError(tuple(str(problem) for problem in checked.errors))
    if output is None:
        click.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"cannot write {output} ({error.strerror}); name another file") from error


def _read(files: Sequence[Path], encoding: str, start: int | None, report: Report) -> Source:
    """All files, each as what its name says it is. Raises `ConfigError` with the problems of all."""
    named: dict[str, list[Path]] = {"queues": [], "queuerules": [], "agents": []}
    problems: list[str] = []
    for path in files:
        kind = next((each for beginning, each in _KINDS if path.name.lower().startswith(beginning)), None)
        if kind is None:
            known = ", ".join(beginning for beginning, _ in _KINDS)
            problems.append(f"{path}: its name begins with none of {known}; rename a copy to what it is")
        else:
            named[kind].append(path)
    found: dict[str, tuple[Section, ...]] = {}
    for kind, paths in named.items():
        try:
            found[kind], notes = read_conf(paths, encoding)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        for note in notes:
            report.remark(note)
    if problems:
        raise ConfigError(tuple(problems))
    return Source(found["queues"], found["queuerules"], pool_names(found["agents"], report), start)


def _asked(ami: str, user: str, secret_file: Path, start: int | None, report: Report) -> Source:
    """What a running PBX has."""
    match = _PLACE.fullmatch(ami)
    if match is None or not 0 < int(match[2]) < 1 << 16:
        raise click.BadParameter(f"{ami!r} is no HOST:PORT, like 127.0.0.1:5038", param_hint="--ami")
    try:
        secret = secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise click.BadParameter(f"{secret_file} cannot be read: {reason}", param_hint="--secret-file") from None
    with Ami(match[1].strip("[]"), int(match[2]), user, secret) as connection:
        found = read_running(connection, report)
    return Source(found.queues, found.rules, pool_names(found.agents, report), start)
