"""Loading, replaying and verifying a journal."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgpack
import pytest

from acd.core.engine import Engine
from acd.core.messages import (
    EngineRecovered,
    Event,
    InteractionCancelled,
    InteractionScheduled,
    Outcome,
    Refusal,
    SignInAgent,
)
from acd.core.messages.codec import encode
from acd.errors import JournalCorrupt, JournalUnavailable
from acd.ports.journal import Entry
from acd.runtime.journal import MemoryJournal, SqliteJournal, SqliteJournalReader, genesis
from acd.runtime.replay import load, outcome_digest, replay, verify
from acd.runtime.snapshots import write_snapshot
from tests.runtime.journaled import STEP_US, record, traffic

COUNT = 130


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal("d")


def snapshot_at(journal: MemoryJournal, directory: Path, seq: int) -> Path:
    """As the follower would take it."""
    engine = Engine("d")
    chain = genesis("d")
    for step in replay(engine, journal.rows()):
        if step.row.seq == seq:
            chain = step.row.chain
            break
    return write_snapshot(directory, engine, seq, chain, keep=10)


def entry_with(command_id: str, command: bytes, outcome: str, at_us: int = 10**12, schema: int = 1) -> Entry:
    return Entry(command_id, "reaction", at_us, command, outcome, schema)


def test_an_empty_journal_gives_a_fresh_engine(journal: MemoryJournal) -> None:
    restored = load(journal)
    assert restored.engine.digest() == Engine("d").digest()
    assert (restored.seq, restored.chain, restored.at_us, restored.replayed) == (0, genesis("d"), 0, 0)


def test_the_traffic_of_these_tests_is_worth_replaying(journal: MemoryJournal) -> None:
    record(journal, traffic(COUNT))
    outcomes = [step.outcome for step in replay(Engine("d"), journal.rows())]
    events = {type(event).__name__ for outcome in outcomes for event in outcome.events}
    assert {"OfferAccepted", "OfferDeclined", "WorkEnded", "InteractionCompleted", "PresenceChanged"} <= events
    assert any(outcome.refusal for outcome in outcomes)


def test_load_gives_the_engine_that_wrote(journal: MemoryJournal) -> None:
    engine = record(journal, traffic(COUNT))
    restored = load(journal)
    assert restored.engine.digest() == engine.digest()
    assert (restored.seq, restored.chain) == journal.tail()
    assert (restored.at_us, restored.replayed, restored.snapshot_seq) == (COUNT * STEP_US, COUNT, 0)


@pytest.mark.parametrize("seq", [1, 37, COUNT])
def test_load_from_a_snapshot_gives_the_same_engine(journal: MemoryJournal, tmp_path: Path, seq: int) -> None:
    engine = record(journal, traffic(COUNT))
    snapshot_at(journal, tmp_path, seq)
    restored = load(journal, tmp_path)
    assert restored.engine.digest() == engine.digest()
    assert (restored.seq, restored.chain) == journal.tail()
    assert (restored.snapshot_seq, restored.replayed) == (seq, COUNT - seq)


def test_a_restored_engine_goes_on_like_the_one_that_never_stopped(journal: MemoryJournal, tmp_path: Path) -> None:
    commands = traffic(200)
    engine = record(journal, commands[:COUNT])
    snapshot_at(journal, tmp_path, 90)
    restored = load(journal, tmp_path).engine
    later = [restored.apply(command, restored.now_us + STEP_US) for command in commands[COUNT:]]
    assert later == [engine.apply(command, engine.now_us + STEP_US) for command in commands[COUNT:]]


def test_the_newest_snapshot_that_fits_is_taken(
    journal: MemoryJournal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = record(journal, traffic(COUNT))
    snapshot_at(journal, tmp_path, 20)
    snapshot_at(journal, tmp_path, 40)
    damaged = snapshot_at(journal, tmp_path, 60)
    damaged.write_bytes(b"ACDSNAP1 and nothing else")
    write_snapshot(tmp_path, Engine("d"), 80, b"?" * 32, keep=10)
    restored = load(journal, tmp_path)
    assert restored.snapshot_seq == 40
    assert restored.engine.digest() == engine.digest()
    warnings = capsys.readouterr().out
    assert "snapshot does not fit the journal" in warnings
    assert "snapshot passed over" in warnings


def test_a_snapshot_beyond_the_end_means_lost_rows(journal: MemoryJournal, tmp_path: Path) -> None:
    record(journal, traffic(20))
    write_snapshot(tmp_path, Engine("d"), 21, b"?" * 32, keep=10)
    with pytest.raises(JournalCorrupt, match=r"ends at row 20, but .* was taken at row 21: rows are missing"):
        load(journal, tmp_path)


def test_an_outcome_that_does_not_repeat_names_row_command_and_cause(journal: MemoryJournal) -> None:
    record(journal, traffic(20))
    command = SignInAgent("late", "nobody")
    journal.append(journal.open_epoch(), 20, [entry_with("late", encode(command), "already-signed-in")])
    with pytest.raises(JournalCorrupt) as caught:
        load(journal)
    text = str(caught.value)
    assert (
        "row 21 (SignInAgent late) led to already-signed-in when it was written and leads to unknown-agent now" in text
    )
    assert "has not been altered: this program decides differently" in text
    assert "semantics version 1" in text


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        (entry_with("x", b"\xc1", "0"), JournalCorrupt, "row 1 holds no command that this program can read"),
        (entry_with("x", b"\x80", "0"), JournalCorrupt, "row 1 holds no command that this program can read"),
        (entry_with("x", encode(SignInAgent("y", "anna")), "0"), JournalCorrupt, "row 1 holds another command"),
        (entry_with("x", b"", "0", schema=2), JournalUnavailable, "row 1 has message schema 2, .* up to 1; upgrade"),
    ],
)
def test_rows_that_cannot_be_replayed(
    journal: MemoryJournal, entry: Entry, error: type[Exception], message: str
) -> None:
    journal.append(journal.open_epoch(), 0, [entry])
    with pytest.raises(error, match=message):
        load(journal)


def test_time_that_goes_back_is_refused(journal: MemoryJournal) -> None:
    record(journal, traffic(20))
    entry = entry_with("late", encode(SignInAgent("late", "nobody")), "unknown-agent", at_us=5)
    journal.append(journal.open_epoch(), 20, [entry])
    with pytest.raises(JournalCorrupt, match=f"row 21 goes back in time, from {20 * STEP_US} to 5"):
        load(journal)


def test_the_digest_of_an_outcome_is_what_it_says() -> None:
    refused = Outcome(refusal=Refusal("unknown-agent", "there is no agent 'x'"))
    assert outcome_digest(refused) == "unknown-agent"
    engine = Engine("d")
    outcomes = [engine.apply(command, number * STEP_US) for number, command in enumerate(traffic(40))]
    digests = {
        outcome_digest(outcome): (outcome.effects, outcome.events) for outcome in outcomes if not outcome.refusal
    }
    assert all(len(digest) == 16 and int(digest, 16) >= 0 for digest in digests)
    assert len(digests) == len(set(digests.values()))


@pytest.mark.parametrize(
    ("event", "digest"),
    [
        (EngineRecovered(2, 1_000_000), "a9b3cc9b26f6d158"),
        (InteractionCancelled("i1", 5_000_000, "called"), "36d1798ad755ecc5"),
        (InteractionScheduled("i1", 5_000_000, 1), "4c440745a65da1e6"),
    ],
)
def test_a_field_appended_to_an_event_changes_no_digest_of_before(event: Event, digest: str) -> None:
    """As earlier versions have written them: else their journals could not be replayed, and the engine not start."""
    assert outcome_digest(Outcome(events=(event,))) == digest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    with closing(SqliteJournal(path, "d")) as journal:
        record(journal, traffic(100))
        record(journal, [SignInAgent("again", "nobody")], load(journal).engine)
    return path


def test_verify_reports_a_whole_journal(path: Path) -> None:
    report = verify(path)
    assert report.ok
    assert (report.domain, report.rows, report.epochs, report.quarantined) == ("d", 101, 2, 0)
    assert (report.first_at_us, report.last_at_us) == (STEP_US, 101 * STEP_US)
    assert report.refused >= 1
    with closing(SqliteJournal(path, "d")) as journal:
        assert report.chain == journal.tail()[1].hex()
        assert verify(path).ok, "beside a living writer"


def test_verify_reports_an_altered_row_and_how_far_it_got(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE journal SET outcome = 'queue-full' WHERE seq = 50")
        connection.commit()
    report = verify(path)
    assert not report.ok
    assert report.rows == 49
    assert "row 50" in report.problem
    assert "altered" in report.problem


def test_a_row_that_was_altered_before_the_snapshot_stops_the_next_start(path: Path, tmp_path: Path) -> None:
    with closing(SqliteJournalReader(path)) as reader:
        whole = load(reader)
        (tmp_path / "snapshots").mkdir()
        write_snapshot(tmp_path / "snapshots", whole.engine, whole.seq, whole.chain, keep=3)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE journal SET at_us = at_us + 1 WHERE seq = 3")
    with closing(SqliteJournalReader(path)) as reader, pytest.raises(JournalCorrupt, match="row 3"):
        load(reader, tmp_path / "snapshots")


def test_verify_reports_garbage_and_raises_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_bytes(b"garbage" * 1_000)
    assert "not a database" in verify(tmp_path / "garbage").problem
    with pytest.raises(JournalUnavailable, match="there is no journal"):
        verify(tmp_path / "none")


def test_anybodys_tools_can_read_the_journal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (command,) = connection.execute("SELECT command FROM journal WHERE seq = 3").fetchone()
    assert msgpack.unpackb(command) == {
        "type": "SignInAgent",
        "id": "in-anna",
        "agent_id": "anna",
        "ready": True,
        "reason": "signed-in",
        "actor": "",
        "trace": "",
    }
