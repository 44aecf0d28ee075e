"""The simulator's runs: nothing breaks a rule, everything that can happen does, and a seed repeats all of it.

One command replays a failure: its words are in the assertion.
"""

import subprocess
import sys
from typing import Final

import msgspec
import pytest

from acd.core.states import TABLES
from acd.testing.simulator import CRASH_POINTS, FAULTS, POLICIES, Plan, Report, simulate

EVERYTHING: Final = Plan(0, tuple(FAULTS), tuple(POLICIES), seconds=300)
SEEDS: Final = range(8)
RARE: Final = {
    "transition work: held, join": "an adviser who holds while being brought in: in some series of runs, not in others",
}
"""Transitions that these few runs may miss, and why. The list only shrinks."""

_reports: dict[int, Report] = {}


def report_of(seed: int) -> Report:
    if seed not in _reports:
        _reports[seed] = simulate(msgspec.structs.replace(EVERYTHING, seed=seed))
    return _reports[seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_rule_is_broken_whatever_goes_wrong_and_then_everything_ends(seed: int) -> None:
    report = report_of(seed)
    assert report.ok, f"{report.problem}; run it again: {report.plan.command_line()}"
    assert report.rows > 300
    assert report.restarts > 5
    assert report.customers["served"] > 5
    assert report.messages["received"] == report.messages["posted"] > 10


def test_together_the_runs_reach_everything() -> None:
    reports = [report_of(seed) for seed in SEEDS]
    unreached = set.intersection(*(set(report.unreached()) for report in reports))
    assert unreached <= RARE.keys()
    assert {point for report in reports for point in report.crashes} == set(CRASH_POINTS)
    rows = sum(len(triggers) for _, table in TABLES.values() for triggers in table.values())
    assert len(reports[0].transitions) == rows


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_advice_under_every_fault_brings_agents_to_customers_and_away_again(seed: int) -> None:
    report = simulate(Plan(seed, tuple(FAULTS), ("advice",), seconds=300))
    assert report.ok, f"{report.problem}; run it again: {report.plan.command_line()}"
    assert report.customers["asked"] > 3
    assert report.events["ConsultMerged"]
    assert report.customers["brought_in"] <= report.events["ConsultMerged"]


@pytest.mark.parametrize("seed", [0, 1])
def test_whoever_takes_their_own_place_under_every_fault_breaks_no_rule(seed: int) -> None:
    report = simulate(Plan(seed, tuple(FAULTS), ("instead", "ordering", "levels", "conditions", "entry"), seconds=300))
    assert report.ok, f"{report.problem}; run it again: {report.plan.command_line()}"
    assert report.customers["instead"] > 3
    assert report.customers["replaced"] > 1


def test_a_quiet_run_has_no_faults_and_reports_what_was_not_reached() -> None:
    report = simulate(Plan(5, seconds=60))
    assert report.ok, report.problem
    assert (report.faults, report.crashes, report.restarts) == ({}, {}, 0)
    never = [f"transition {name}" for name, count in report.transitions.items() if not count]
    assert list(report.unreached()) == never
    (line,) = (line for line in report.lines() if line.startswith("not reached"))
    assert all(name in line for name in never)
    assert report.transitions["interaction: offered, accept"] == report.events["OfferAccepted"]


def test_the_number_of_commands_can_end_a_run() -> None:
    report = simulate(Plan(6, ("crash",), seconds=0, commands=200, mode="safety"))
    assert report.ok, report.problem
    assert 200 <= report.rows < 260


def test_tables_are_as_they_were_afterwards() -> None:
    assert report_of(0).ok
    assert {type(row) for _, table in TABLES.values() for row in table.values()} == {dict}


def test_the_same_seed_gives_the_same_run_in_every_process() -> None:
    program = (
        "from acd.testing.simulator import *\n"
        "report = simulate(Plan(3, tuple(FAULTS), tuple(POLICIES), seconds=60))\n"
        "print(report.json())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert msgspec.json.decode(runs[0])["ok"] is True


def test_another_seed_gives_another_run() -> None:
    assert report_of(0).chain != report_of(1).chain
