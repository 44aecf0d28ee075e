"""`acd replay`. Owns what is printed about a journal; reading and replaying it is `acd.runtime.replay`'s."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from acd.runtime.replay import Report, verify


@click.command(short_help="Verify a journal: chain and decisions.")
@click.argument("journal", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(journal: Path) -> None:
    """Verify a journal: that no row is missing or altered, and that every decision repeats.

    JOURNAL is the file that [journal] path names. It is read from its first row, beside a running engine if need be,
    and never written to.

    Exit status: 0 when everything is as it was written, 1 when not; then the first bad row is named.
    """
    report = verify(journal)
    for name, value in _rows(report):
        click.echo(f"{name:<22}{value}")
    if report.ok:
        click.secho("The chain is whole, and every decision repeats.", fg="green")
        return
    click.secho(f"error: {report.problem}", fg="red", err=True)
    raise SystemExit(1)


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    yield "journal", report.path
    yield "domain", report.domain
    yield "rows verified", f"{report.rows:,}"
    if report.rows:
        yield "from", _moment(report.first_at_us)
        yield "to", _moment(report.last_at_us)
        yield "chain", report.chain
    yield "writers", str(report.epochs)
    yield "refused commands", f"{report.refused:,}"
    yield "quarantined commands", f"{report.quarantined:,}"


def _moment(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(sep=" ", timespec="milliseconds")
