"""`acd explain`: what a supervisor reads, and what a program gets."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from acd.cli import acd
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    CloseQueue,
    Command,
    Condition,
    CoreSettings,
    EnqueueInteraction,
    FailCallback,
    QueueSettings,
    SignInAgent,
    Step,
    Tick,
)
from acd.runtime.journal import SqliteJournal
from tests.runtime.journaled import record

AGENTS = (
    AgentSettings("anna", (("english", 8),)),
    AgentSettings("boris", (("english", 6),)),
    AgentSettings("陈", (("english", 2),)),
)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Anna takes the first call, Boris is asked for the second, the third waits."""
    queue = QueueSettings("sales", "skills.english >= 5", "best-fit")
    commands: list[Command] = [ApplyConfig("config", CoreSettings(AGENTS, (queue,)))]
    commands += [SignInAgent(f"in-{each.id}", each.id, ready=True) for each in AGENTS]
    commands += [EnqueueInteraction("e1", "i1", "voice", "sales"), AcceptOffer("a1", "i1.1", "anna")]
    commands += [EnqueueInteraction(f"e{number}", f"i{number}", "voice", "sales") for number in (2, 3)]
    path = tmp_path / "acd-journal.db"
    with closing(SqliteJournal(path, "default")) as writing:
        record(writing, commands)
    return path


def explain(*arguments: str | Path) -> Result:
    return CliRunner().invoke(acd, ["explain", *map(str, arguments)], env={"COLUMNS": "160"})


def test_why_this_agent(journal: Path) -> None:
    result = explain("i1.1", "--journal", journal)
    assert result.exit_code == 0, result.output
    assert "Offer i1.1 → anna" in result.output
    assert "interaction i1 looked for an agent of queue sales (best-fit)" in result.output
    assert "decided by   fit" in result.output
    anna, boris, chen = (
        line for line in result.output.splitlines() if any(name in line for name in (" 80 ", " 60 ", "陈"))
    )
    assert anna.split()[:4] == ["1", "anna", "1", "80"]
    assert boris.split()[:4] == ["2", "boris", "1", "60"]
    assert "does not satisfy skills.english >= 5 (has 2)" in chen


def test_why_not_that_agent(journal: Path) -> None:
    result = explain("i1.1", "--agent", "陈", "--journal", journal)
    assert result.exit_code == 0, result.output
    assert "does not satisfy skills.english >= 5 (has 2)" in result.output
    assert "boris" not in result.output
    unknown = explain("i1.1", "--agent", "dora", "--journal", journal)
    assert unknown.exit_code == 1
    assert "no agent dora was configured then" in unknown.output


def test_why_still_waiting(journal: Path) -> None:
    result = explain("i3", "--journal", journal)
    assert result.exit_code == 0, result.output
    assert "Interaction i3 is queued, 1. in the line of queue sales" in result.output
    assert "kept from agents by  room 2, requirement 1" in result.output
    assert "has 1 work items of *, 1 at most" in result.output


def test_who_is_preferred_and_why(tmp_path: Path) -> None:
    queue = QueueSettings("sales", dedicated_attribute="manager", hold_for_us=60_000_000)
    commands: list[Command] = [ApplyConfig("config", CoreSettings(AGENTS, (queue,)))]
    commands += [SignInAgent("in", "anna", ready=True)]
    commands += [
        EnqueueInteraction(f"e{number}", f"i{number}", "voice", "sales", attributes=(("manager", "anna"),))
        for number in (1, 2)
    ]
    path = tmp_path / "acd-journal.db"
    with closing(SqliteJournal(path, "default")) as writing:
        record(writing, commands)
    for subject in ("i1.1", "i2"):
        result = explain(subject, "--journal", path)
        assert result.exit_code == 0, result.output
        assert "preferred    anna (dedicated to the customer)" in result.output


def test_which_steps_were_taken_and_why_not(tmp_path: Path) -> None:
    second = 1_000_000
    steps = (
        Step(10 * second, priority=1, when=Condition("estimated_wait", ">", 60 * second)),
        Step(20 * second, priority=1, when=Condition("eligible_agents", "==", 0)),
        Step(30 * second, priority=1),
    )
    commands: list[Command] = [ApplyConfig("config", CoreSettings(AGENTS, (QueueSettings("sales", steps=steps),)))]
    commands += [EnqueueInteraction("e1", "i1", "voice", "sales")]
    commands += [Tick(f"t{number}") for number in range(130)]
    path = tmp_path / "acd-journal.db"
    with closing(SqliteJournal(path, "default")) as writing:
        record(writing, commands)
    result = explain("i1", "--journal", path)
    assert result.exit_code == 0, result.output
    told = [line for line in result.output.splitlines() if line.startswith("Step after")]
    assert [line.partition(",")[0] for line in told] == ["Step after 10s", "Step after 20s", "Step after 30s"]
    assert ": skipped: estimated_wait > 1m, found unknown (row " in told[0]
    assert ": taken: eligible_agents == 0, found 0 (row " in told[1]
    assert ": taken (row " in told[2]


def test_for_programs(journal: Path) -> None:
    result = explain("i2", "--journal", journal, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["waiting"]["state"] == "offered"
    (cause,) = document["decisions"]
    assert cause["decision"]["agent_id"] == "boris"
    assert cause["decision"]["decided_by"] == "the only one"
    assert [each["id"] for each in cause["decision"]["candidates"]] == ["boris", "anna", "陈"]


def test_what_the_journal_does_not_know(journal: Path) -> None:
    result = explain("i99", "--journal", journal)
    assert result.exit_code == 1
    assert "knows no offer and no interaction i99" in result.output
    earlier = explain("i1", "--journal", journal, "--at", "1970-01-01T00:00:00")
    assert earlier.exit_code == 1
    assert "at 1970-01-01 00:00:00.000Z" in earlier.output


def test_until_when_a_scheduled_one_waits_aside(tmp_path: Path) -> None:
    path = tmp_path / "acd-journal.db"
    later_us = 1_900_000_000_000_000
    queue = QueueSettings("sales")
    with closing(SqliteJournal(path, "default")) as writing:
        record(
            writing,
            [
                ApplyConfig("config", CoreSettings(AGENTS, (queue,))),
                CloseQueue("close", "sales"),
                EnqueueInteraction("e1", "later", "voice", "sales", not_before_us=later_us),
                EnqueueInteraction("e2", "back", "voice", "sales", customer="ref", kind="callback"),
            ],
        )
    result = explain("later", "--journal", path)
    assert "Interaction later is scheduled until 2030-03-17 17:46:40.000Z, queue sales, " in result.output
    assert "Interaction back is scheduled until queue sales opens, " in explain("back", "--journal", path).output
    found = json.loads(explain("later", "--journal", path, "--json").output)
    assert found["waiting"]["due_us"] == later_us


def test_how_often_nobody_could_be_called(tmp_path: Path) -> None:
    path = tmp_path / "acd-journal.db"
    queue = QueueSettings("sales", callback_channel="pbx", callback_first="customer")
    with closing(SqliteJournal(path, "default")) as writing:
        record(
            writing,
            [
                ApplyConfig("config", CoreSettings(AGENTS, (queue,))),
                SignInAgent("in", "anna", ready=True),
                EnqueueInteraction("e1", "back", "voice", "sales", customer="ref", kind="callback"),
                FailCallback("f1", "back", "unreachable", called=False),
            ],
        )
    assert "put off      1 ×: its channel could call nobody" in explain("back", "--journal", path).output
    found = json.loads(explain("back", "--journal", path, "--json").output)
    assert found["waiting"]["uncalled"] == 1


def test_a_file_that_was_never_a_journal_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n")
    said = str(explain("i1", "--journal", path).exception)
    assert said == f"{path} is no journal: it holds 9 bytes of something else; name another file"
    path.write_bytes(b"SQLite format 3\x00" + bytes(50))
    assert "has been cut off to 66 bytes" in str(explain("i1", "--journal", path).exception)
