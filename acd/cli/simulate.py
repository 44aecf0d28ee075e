"""`acd simulate`. Owns the words of the command line and what is printed; the simulation is `acd.testing.simulator`."""

import secrets
from collections.abc import Collection

import click

from acd.testing.simulator import CRASH_POINTS, FAULTS, POLICIES, Plan, Report, simulate


@click.command(short_help="Run the whole engine through simulated faults.")
@click.option("--faults", default="all", help="Names with commas between them; all, or none.", show_default=True)
@click.option("--crash-points", default="all", help="Likewise: where the process may die.", show_default=True)
@click.option("--policies", default="all", help="Likewise: what is drawn into the configuration.", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), help="Repeat that run; a random one unless given.")
@click.option("--seconds", type=click.IntRange(min=1), help="Simulated time.  [default: 600]")
@click.option("--commands", type=click.IntRange(min=1), help="Until so many commands are in the journal.")
@click.option(
    "--mode",
    type=click.Choice(["liveness", "safety"]),
    default="liveness",
    show_default=True,
    help="liveness: then let the faults rest, and see whether everything comes to its end.",
)
@click.option(
    "--intensity", type=click.FloatRange(0, 100), default=1.0, show_default=True, help="How frequent faults are."
)
@click.option("--check-every", type=click.IntRange(min=1), default=1, help="Check invariants after so many commands.")
@click.option("--json", "as_json", is_flag=True, help="The report for programs, on one line.")
@click.option("--list", "listing", is_flag=True, help="List faults and policies.")
def command(
    *,
    faults: str,
    crash_points: str,
    policies: str,
    seed: int | None,
    seconds: int | None,
    commands: int | None,
    mode: str,
    intensity: float,
    check_every: int,
    as_json: bool,
    listing: bool,
) -> None:
    """Run the whole engine through simulated faults, on one simulated clock, from one seed.

    Writer, journal, dispatch, outbox and channels are the real ones; threads, clocks, disk failures and the world
    around them are simulated. The seed is printed first, and the same seed gives the same run. Nothing of yours is
    read or written.

    Exit status: 0 when every rule held, 1 when one was broken; then the command that repeats it is printed.
    """
    if listing:
        _list()
        return
    plan = Plan(
        seed=secrets.randbelow(10**9) if seed is None else seed,
        faults=_chosen("--faults", faults, FAULTS),
        crash_points=_chosen("--crash-points", crash_points, CRASH_POINTS),
        policies=_chosen("--policies", policies, POLICIES),
        seconds=seconds or (0 if commands else 600),
        commands=commands or 0,
        mode="safety" if mode == "safety" else "liveness",
        intensity=intensity,
        check_every=check_every,
    )
    # Before anything can go wrong, and not among the lines that a program reads.
    click.echo(f"seed {plan.seed}", err=as_json)
    report = simulate(plan)
    _show(report, as_json=as_json)
    if not report.ok:
        raise SystemExit(1)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(report.json())
    else:
        for line in report.lines():
            click.echo(line)
    if report.ok:
        click.secho("Every rule held.", fg="green", err=as_json)
    else:
        click.secho(f"error: {report.problem}", fg="red", err=True)
        click.echo(f"Run it again: {report.plan.command_line()}", err=True)


def _chosen(option: str, text: str, known: Collection[str]) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names in (["all"], ["none"]):
        return tuple(known) if names == ["all"] else ()
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f"there is no {', '.join(unknown)}" if unknown else "nothing is named"
        raise click.BadParameter(f"{what}; choose from all, none, {', '.join(known)}", param_hint=option)
    return tuple(name for name in known if name in names)


def _list() -> None:
    for title, rows in (
        ("Faults", {name: fault.what for name, fault in FAULTS.items()}),
        ("Policies", {name: policy.what for name, policy in POLICIES.items()}),
    ):
        click.echo(f"{title}:")
        for name, what in rows.items():
            click.echo(f"  {name:<18}{what}")
    click.echo(f"Crash points: {', '.join(CRASH_POINTS)}")
