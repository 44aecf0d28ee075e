"""Whatever goes wrong outside: a clear refusal with its code, nothing changed, nothing lost. On real files.

Each item of the first issue's criterion has its section below, through the embedded Router or `acd serve`. What is
shown elsewhere is not shown again here:

- every refusal code over HTTP, word for word: `tests/api/test_problems.py`
- every mistake in a configuration, word for word, carets below wide characters: `tests/runtime/config/test_load.py`
- every way to damage a journal's file: `tests/runtime/journal/test_sqlite.py`
- crashes, unknown and lost commits with a journal in memory: `tests/runtime/test_writer.py`, `test_chaos.py`
- the clock while the engine runs: `test_setting_the_wall_clock_changes_nothing` in `tests/runtime/test_writer.py`
- a port in use, two engines on one journal, wrong ARI credentials: `tests/test_cli_serve.py`
"""

import asyncio
import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from acd.cli import acd
from acd.core.digest import state_digest
from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    Command,
    DeclineOffer,
    EndInteraction,
    EnqueueInteraction,
    Outcome,
    SignInAgent,
    Tick,
)
from acd.errors import CommandInvalid, CommandQuarantined, JournalCorrupt, JournalUnavailable, PersonalStoreError
from acd.ports.channel import Personal
from acd.runtime.config import loads
from acd.runtime.journal import SqliteJournal
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.replay import load, verify
from acd.runtime.router import Router
from acd.runtime.single_thread import SingleThread
from acd.testing import ManualClock
from tests.runtime.live import HOUR, SECOND, PoisonEngine
from tests.served import Served, ask, write_centre

TEXT = """
[agents.anna]
skills = { english = 5 }
[agents.boris]
skills = { english = 5 }
[queues.sales]
requirement = "skills.english >= 3"
offer_timeout = "20s"
"""


def router_in(folder: Path, clock: ManualClock | None = None, engine: type[Engine] = Engine) -> Router:
    """A router on real files."""
    return Router(loads(TEXT, base=folder), channels=(), clock=clock or ManualClock(), engine=engine)


def call(number: int | str, requirement: str = "", queue: str = "sales") -> EnqueueInteraction:
    return EnqueueInteraction(f"q-{number}", f"call-{number}", "voice", queue, requirement=requirement)


def substance(folder: Path) -> str:
    """A digest of everything that the journal leads to, but for the time and the memory of commands' outcomes."""
    with closing(SqliteJournalReader(folder / "acd-journal.db")) as journal:
        state = load(journal).engine.state()
    return state_digest(msgspec.structs.replace(state, now_us=0, outcomes=()))


def assert_whole(folder: Path, *ids: str) -> None:
    """The journal verifies from its first row, and holds each of these commands exactly once."""
    report = verify(folder / "acd-journal.db")
    assert report.ok, report.problem
    with closing(SqliteJournalReader(folder / "acd-journal.db")) as journal:
        found = [row.entry.command_id for row in journal.rows()]
    assert len(found) == len(set(found))
    assert [each for each in ids if each not in found] == []


# ---- unknown names, duplicates, offers that are not to be had


REFUSED: list[tuple[Command, str, str]] = [
    (call(2, queue="slaes"), "unknown-queue", "no queue slaes is configured"),
    (SignInAgent("c", "nobody"), "unknown-agent", "no agent nobody is configured"),
    (AcceptOffer("c", "call-1.1", "nobody"), "not-your-offer", "offer call-1.1 was not made to agent nobody"),
    (AcceptOffer("c", "call-1.1", "boris"), "not-your-offer", "offer call-1.1 was not made to agent boris"),
    (DeclineOffer("c", "call-1.1", "boris"), "not-your-offer", "offer call-1.1 was not made to agent boris"),
    (AcceptOffer("c", "call-1.2", "anna"), "unknown-offer", "there is no offer call-1.2"),
    (AcceptOffer("c", "call-0.1", "anna"), "offer-ended", "offer call-0.1 is over (declined)"),
    (EndInteraction("c", "call-9"), "unknown-interaction", "there is no interaction call-9"),
    (
        EnqueueInteraction("c", "call-1", "voice", "sales"),
        "duplicate-interaction",
        "interaction call-1 exists already; every id is used once",
    ),
    (
        call(2, "skills.english >= "),
        "bad-requirement",
        "what to compare with is missing: a number, or skills.NAME\n  skills.english >= \n                   ^",
    ),
    (
        call(2, "skils.english >= 2"),
        "bad-requirement",
        "unknown name skils: did you mean skills?\n  skils.english >= 2\n  ^",
    ),
    (
        call(2, "skills.english >= 50"),
        "bad-requirement",
        "50 is no proficiency: they run from 1 to 10, and 0 stands for not held\n  skills.english >= 50\n"
        + " " * 20
        + "^",
    ),
]


async def test_refusals_have_a_code_and_a_reason_and_change_nothing(tmp_path: Path) -> None:
    async with router_in(tmp_path) as router:
        await router.submit(SignInAgent("in", "anna", ready=True))
        await router.submit(call(0))
        await router.submit(DeclineOffer("no", "call-0.1", "anna"))
        await router.submit(call(1))
        before = substance(tmp_path)
        for number, (command, code, reason) in enumerate(REFUSED):
            refusal = (await router.submit(msgspec.structs.replace(command, id=f"bad-{number}"))).refusal
            assert refusal is not None, command
            assert (refusal.code, refusal.detail) == (code, reason)
            assert substance(tmp_path) == before, command
        assert (await router.submit(AcceptOffer("yes", "call-1.1", "anna"))).refusal is None
    assert_whole(tmp_path, "yes", *(f"bad-{number}" for number in range(len(REFUSED))))


async def test_an_offer_taken_twice_late_and_by_another_agent(tmp_path: Path) -> None:
    clock = ManualClock()
    async with router_in(tmp_path, clock) as router:
        await router.submit(SignInAgent("in", "anna", ready=True))
        await router.submit(call(1))
        accepts = [router.submit(AcceptOffer(f"yes-{each}", "call-1.1", "anna")) for each in range(5)]
        outcomes = await asyncio.gather(*accepts, router.submit(AcceptOffer("his", "call-1.1", "boris")))
        refusals = [outcome.refusal and outcome.refusal.detail for outcome in outcomes]
        assert refusals == [None] + ["offer call-1.1 is over (accepted)"] * 5
        await router.submit(EndInteraction("end", "call-1"))
        await router.submit(call(2))
        clock.advance(20 * SECOND)
        late = await router.submit(AcceptOffer("late", "call-2.1", "anna"))
        assert late.refusal is not None
        assert late.refusal.detail == "offer call-2.1 is over (expired)"
        assert router.view.interactions["call-2"].state == "queued"
    assert_whole(tmp_path, "yes-0", "late")


INVALID: list[tuple[Command, str]] = [
    (SignInAgent("", "anna"), "$.id"),
    (SignInAgent("x" * 129, "anna"), "$.id"),
    (SignInAgent("a b", "anna"), "$.id"),
    (SignInAgent("c", "an\nna"), "$.agent_id"),
    (SignInAgent("tick-1-1", "anna"), "begins like one of the router's own"),
    (EnqueueInteraction("c", "x" * 113, "voice", "sales"), "$.interaction_id"),
    (EnqueueInteraction("c", "i", "voice", "sales", priority=1_001), "$.priority"),
    (EnqueueInteraction("c", "i", "voice", "sales", priority=2**70), "cannot be encoded"),
    (EnqueueInteraction("c", "i", "voice", "sales", requirement="x" * 1_001), "$.requirement"),
    (EnqueueInteraction("c", "i", "voice", "sales", not_before_us=253_402_300_800_000_000), "$.not_before_us"),
    (EndInteraction("c", "i", by="客" * 500_000), "$.by"),  # type: ignore[arg-type]
]


async def test_a_field_out_of_bounds_is_named_and_does_not_reach_the_journal(tmp_path: Path) -> None:
    async with router_in(tmp_path) as router:
        before = router.seq
        for command, reason in INVALID:
            with pytest.raises(CommandInvalid) as raised:
                await router.submit(command)
            assert reason in str(raised.value), command
            assert len(str(raised.value)) < 500, "nobody reads a megabyte, and logs should not hold it"
        assert router.seq == before


# ---- the clock


@pytest.mark.parametrize("jump_us", [-HOUR, HOUR])
@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_a_restart_after_the_wall_clock_was_set(tmp_path: Path, jump_us: int, how: str) -> None:
    """Stamps never go back, an offer that rang meanwhile punishes nobody, and the log says that the clock is behind."""
    clock = ManualClock()
    async with router_in(tmp_path, clock) as router:
        await router.submit(SignInAgent("in", "anna", ready=True))
        await router.submit(call(1))
        if how == "killed":
            await router.abort()
    later = ManualClock(clock.wall_us() + jump_us)
    async with router_in(tmp_path, later) as router:
        await router.submit(call(2))
        later.advance(SECOND)
        assert (await router.submit(AcceptOffer("yes", "call-1.1", "anna"))).refusal is None
        assert router.view.agents["anna"].presence == "ready"
    with closing(SqliteJournalReader(tmp_path / "acd-journal.db")) as journal:
        stamps = [row.entry.at_us for row in journal.rows()]
    assert stamps == sorted(stamps)
    assert_whole(tmp_path, "q-1", "q-2", "yes")


# ---- the journal's rows


def alter(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "acd-journal.db")) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE journal SET outcome = 'unknown-agent' WHERE seq = 3", "row 3 of the journal"),
        ("UPDATE journal SET at_us = at_us + 1 WHERE seq = 2", "row 2 of the journal"),
        ("UPDATE journal SET command = substr(command, 1, 5) WHERE seq = 3", "row 3 of the journal"),
        ("DELETE FROM journal WHERE seq = 2", "row 2 is missing from the journal"),
        ("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)", "missing from the end of the journal"),
    ],
)
async def test_an_altered_or_missing_row_is_named_and_nothing_is_written(
    tmp_path: Path, statement: str, said: str
) -> None:
    async with router_in(tmp_path) as router:
        await router.submit(SignInAgent("in", "anna", ready=True))
        for number in range(3):
            await router.submit(call(number))
    alter(tmp_path, statement)
    with closing(sqlite3.connect(tmp_path / "acd-journal.db")) as connection:
        before = connection.execute("SELECT * FROM journal").fetchall()
    with pytest.raises(JournalCorrupt, match=said):
        await router_in(tmp_path).__aenter__()
    result = CliRunner().invoke(acd, ["replay", str(tmp_path / "acd-journal.db")])
    assert result.exit_code == 1
    assert said in result.output
    with closing(sqlite3.connect(tmp_path / "acd-journal.db")) as connection:
        assert connection.execute("SELECT * FROM journal").fetchall() == before


# ---- a command that makes `apply` raise


async def test_poison_in_the_middle_of_a_batch_harms_no_other_command(tmp_path: Path) -> None:
    async with router_in(tmp_path, engine=PoisonEngine) as router:
        await router.submit(SignInAgent("in", "anna", ready=True))
        await router.submit(call("first"))
        commands: list[Command] = [
            call(1),
            EndInteraction("poison-1", "call-first"),
            call(2),
            AcceptOffer("yes", "call-first.1", "anna"),
        ]
        answers = await asyncio.gather(*(router.submit(each) for each in commands), return_exceptions=True)
        assert [type(answer) for answer in answers] == [Outcome, CommandQuarantined, Outcome, Outcome]
        assert router.view.interactions["call-first"].state == "active", "half of it had been done in memory"
        assert router.health()["ready"] is True
    assert_whole(tmp_path, "q-1", "q-2", "yes")
    assert verify(tmp_path / "acd-journal.db").quarantined == 1


class _TickAfter(Engine):
    """Its Tick raises as long as call-1 is excluded from anybody, which a decline brings about for no time at all."""

    def apply(self, command: Command, now_us: int) -> Outcome:
        if isinstance(command, Tick) and any(each.exclusions for each in self.state().interactions):
            raise ZeroDivisionError("a bug")
        return super().apply(command, now_us)


async def test_a_tick_that_raises_after_commands_of_its_batch_stops_neither_them_nor_other_deadlines(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    config = loads(TEXT.replace("offer_timeout", 'retry_after = "0s"\noffer_timeout'), base=tmp_path)
    async with Router(config, channels=(), clock=clock, engine=_TickAfter) as router:
        for agent in ("anna", "boris"):
            await router.submit(SignInAgent(f"in-{agent}", agent, ready=True))
        await router.submit(call(1))
        async with asyncio.timeout(10):
            declined = await router.submit(DeclineOffer("no", "call-1.1", "anna"))
            assert declined.refusal is None
            while router.health()["stuck_deadline_us"] is None:
                await asyncio.sleep(0)
        assert router.health()["stuck_deadline_us"] == clock.wall_us(), "the exclusion's, not the new offer's"
        assert router.health()["quarantined"] == 2, "once within the batch, once alone"
        # What removes the stuck deadline lets time go on.
        await router.submit(EndInteraction("end", "call-1", by="customer"))
        await router.submit(call(2))
        clock.advance(20 * SECOND)
        await router.submit(call(3))
        assert "not-ready" in {row.presence for row in router.view.agents.values()}, "and offers expire again"
    assert_whole(tmp_path, "no", "end")


# ---- a full disk


@asynccontextmanager
async def full(router: Router) -> AsyncIterator[None]:
    """The journal's file may not grow."""
    journal = router._ledger._journal
    assert isinstance(journal, SqliteJournal)
    open_again = SqliteJournal._sound

    def sound(self: SqliteJournal) -> sqlite3.Connection:
        connection = open_again(self)
        connection.execute("PRAGMA max_page_count = 1")  # it says the present size when that is larger
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteJournal, "_sound", sound)
        yield
    thread = router._ledger._thread
    assert isinstance(thread, SingleThread)
    await thread.run(lambda: journal._sound().execute("PRAGMA max_page_count = 1000000").fetchall())


async def test_a_full_disk_refuses_changes_nothing_and_goes_on_with_the_same_ids(tmp_path: Path) -> None:
    clock = ManualClock()
    async with router_in(tmp_path, clock) as router:
        await router.submit(SignInAgent("in", "anna", ready=True))
        before, seq = substance(tmp_path), router.seq
        commands = [call(number, "skills.english >= 3" + " " * 900) for number in range(200)]
        async with full(router):
            results = await asyncio.gather(*map(router.submit, commands), return_exceptions=True)
            assert {type(result) for result in results} == {JournalUnavailable}
            assert "the disk is full: free some space" in str(results[0])
            assert (router.health()["status"], router.health()["ready"]) == ("unavailable", False)
            assert (
                router.health()["reason"] == "the journal cannot be written, so that no command is taken; see the log"
            )
            assert router.seq == seq
            assert substance(tmp_path) == before
        async with asyncio.timeout(10):
            while router.health()["status"] != "running":
                clock.advance(SECOND)
                await asyncio.sleep(0)
        outcomes = await asyncio.gather(*map(router.submit, commands))
        assert all(outcome.refusal is None for outcome in outcomes)
    assert_whole(tmp_path, *(command.id for command in commands))


async def test_a_personal_store_that_cannot_be_written_stops_no_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    router = router_in(tmp_path)
    (tmp_path / "acd-personal.db").write_bytes(b"not a database" * 100)
    async with router:
        for _ in range(3):
            with pytest.raises(PersonalStoreError, match=r"acd-personal\.db cannot be opened"):
                await router.remember(Personal(number="13812345678"))
        assert (await router.submit(call(1))).refusal is None
    log = capsys.readouterr().out
    assert log.count("people cannot be remembered") == 1
    assert "13812345678" not in log
    with pytest.raises(PersonalStoreError, match="the router has stopped"):
        await router.recall("cu_x")


class _Broken:
    """A log on a disk that is full."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        """Nothing to do."""


async def test_a_log_on_the_same_full_disk_does_not_stop_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    async with router_in(tmp_path, clock) as router:
        async with full(router):
            with monkeypatch.context() as patch:
                patch.setattr(sys, "stdout", _Broken())
                commands = [call(number, "skills.english >= 3" + " " * 900) for number in range(99)]
                results = await asyncio.gather(*map(router.submit, commands), return_exceptions=True)
            assert {type(result) for result in results} == {JournalUnavailable}
        async with asyncio.timeout(10):
            while router.health()["status"] != "running":
                clock.advance(SECOND)
                await asyncio.sleep(0)
        assert (await router.submit(call("after"))).refusal is None


# ---- kill -9


WRITERS = """
import asyncio, sys
from pathlib import Path
from acd.core.messages import EnqueueInteraction
from acd.runtime.config import loads
from acd.runtime.router import Router

async def main(folder, first):
    async with Router(loads(Path(folder, "acd.toml").read_text(), base=Path(folder)), channels=()) as router:
        async def writer(lane):
            for number in range(first, first + 10_000):
                name = f"{lane}-{number}"
                outcome = await router.submit(EnqueueInteraction("q-" + name, name, "voice", "sales"))
                print(name, "ok" if outcome.refusal is None else outcome.refusal.code, flush=True)
        await asyncio.gather(*(writer(lane) for lane in range(8)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def test_kill_9_in_the_middle_of_commits_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Every life hands in again the last commands of the one before, acknowledged or not, under the same ids."""
    (tmp_path / "acd.toml").write_text("[queues.sales]\nmax_waiting = 1_000_000\n")
    dice = random.Random(9)  # noqa: S311 - when to kill
    acknowledged: set[str] = set()
    first = 0
    for _ in range(4):
        arguments = [sys.executable, "-c", WRITERS, str(tmp_path), str(first)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(dice.randrange(200, 600))]
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.read().splitlines(keepends=True)
        told = [line.split() for line in lines if line.endswith("\n")]
        assert {word for _, word in told} == {"ok"}, "the same outcome the second time"
        acknowledged |= {name for name, _ in told}
        first = max(int(name.partition("-")[2]) for name, _ in told) - 10
    assert_whole(tmp_path, *(f"q-{name}" for name in acknowledged))
    assert verify(tmp_path / "acd-journal.db").refused == 0


# ---- as a person sees it: `acd serve`


def until_refused(url: str) -> tuple[int, str]:
    """Hand in commands that are refused (and journaled) until there is no room for another."""
    for _ in range(1_000):
        status, body = ask(url, "POST")
        if status != 404:
            return status, body
    raise AssertionError("the disk never became full")


def test_a_full_disk_before_a_served_engine(tmp_path: Path) -> None:
    """The kernel refuses to let any file of the running process grow; then it lets it again."""
    served = Served(write_centre(tmp_path))
    try:
        address = served.ready()
        assert ask(f"{address}/v1/agents/anna/sign-in", "POST")[0] == 200
        pid, limits = served.process.pid, resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (40_000, limits[1]))
        status, body = until_refused(f"{address}/v1/agents/nobody/sign-out")
        assert (status, json.loads(body)["code"]) == (503, "journal-unavailable")
        assert "nothing was done; repeat the request later" in json.loads(body)["detail"]
        status, body = ask(f"{address}/readyz")
        assert (status, json.loads(body)["reason"]) == (
            503,
            "the journal cannot be written, so that no command is taken; see the log",
        )
        assert str(tmp_path) not in body
        assert json.loads(ask(f"{address}/v1/agents/anna")[1])["presence"] == "not-ready"
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        while ask(f"{address}/readyz")[0] != 200:
            pass
        assert ask(f"{address}/v1/agents/anna/sign-out", "POST")[0] == 200
    finally:
        status, _, log = served.end(signal.SIGTERM)
    assert status == 0
    assert "the journal cannot be written; commands are refused until it can" in log
    assert "the journal can be written again" in log
    assert "Traceback" not in log
    assert_whole(tmp_path)
