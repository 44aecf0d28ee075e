"""What only a file can suffer: damage, tampering, full disks, rivals, kills."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.errors import JournalCorrupt, JournalError, JournalUnavailable
from acd.ports.journal import Committed, Entry, Rejected, Unknown
from acd.runtime.journal import SqliteJournal, SqliteJournalReader

ROWS = 40


def entries(first: int, count: int, size: int = 20) -> list[Entry]:
    return [
        Entry(f"c{n}", "demand", 1_000 * n, b"%05d" % n * (size // 5), f"{n:016x}") for n in range(first, first + count)
    ]


def fill(path: Path, rows: int = ROWS) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        assert isinstance(journal.append(journal.open_epoch(), 0, entries(1, rows)), Committed)


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def read_everything(path: Path) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        assert len(list(journal.rows())) == ROWS


def in_another_process(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.mark.parametrize(
    ("tampering", "message"),
    [
        ("UPDATE journal SET command = x'00' WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET outcome = 'unknown-agent' WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET origin = 'policy' WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET at_us = at_us + 1 WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET at_us = 'late' WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET epoch = epoch + 1 WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET schema = 9 WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET domain = 'e' WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET chain = x'00' WHERE seq = 7", "row 7 .* has been altered"),
        ("UPDATE journal SET command_id = CAST(x'ff' AS TEXT) WHERE seq = 7", "row 7 .* has been altered"),
        ("DELETE FROM journal WHERE seq = 7", "row 7 is missing"),
        ("DELETE FROM journal WHERE seq BETWEEN 7 AND 9", "rows 7 to 9 are missing"),
        ("DELETE FROM journal WHERE seq = 40", "row 40 is missing from the end"),
        ("DELETE FROM journal WHERE seq > 35", "rows 36 to 40 are missing from the end"),
        ("DELETE FROM journal", f"rows 1 to {ROWS} are missing from the end"),
        ("DELETE FROM head", "lost its head record"),
        ("UPDATE head SET chain = x'00'", f"does not fit row {ROWS}"),
        ("UPDATE head SET chain = 5", "head record .* has been altered"),
        ("UPDATE head SET seq = 0", "head record .* has been altered"),
        ("UPDATE head SET seq = 39", "has rows after 39"),
    ],
)
def test_tampering_is_refused_by_name(path: Path, tampering: str, message: str) -> None:
    fill(path)
    read_everything(path)
    run_sql(path, tampering)
    with pytest.raises(JournalCorrupt, match=message):
        read_everything(path)


def test_damage_that_sqlite_cannot_even_describe(path: Path) -> None:
    fill(path)
    damage = "UPDATE sqlite_master SET sql = CAST(x'43ff' AS TEXT), name = CAST(x'ff' AS TEXT) WHERE name = 'head'"
    run_sql(path, "PRAGMA writable_schema = ON", damage)
    with pytest.raises(JournalCorrupt, match=r"journal .* cannot be opened"):
        SqliteJournal(path, "d")
    with pytest.raises(JournalCorrupt, match=r"journal .* cannot be opened"):
        SqliteJournalReader(path)


def test_swapped_rows_are_refused(path: Path) -> None:
    fill(path)
    swap = ("UPDATE journal SET seq = -1 WHERE seq = 3", "UPDATE journal SET seq = 3 WHERE seq = 4")
    run_sql(path, *swap, "UPDATE journal SET seq = 4 WHERE seq = -1")
    with pytest.raises(JournalCorrupt, match="row 3 "):
        read_everything(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_flipped_byte_goes_unnoticed_or_shows_as_a_bare_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("flip") / "journal"
    fill(path)
    contents = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(contents) - 1))
    contents[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(contents)
    try:
        with closing(SqliteJournal(path, "d")) as journal:
            rows = list(journal.rows())
    except JournalError:
        return
    # Free space, or a counter of SQLite's own: then the rows must be what they were.
    assert [row.entry for row in rows] == entries(1, ROWS)


@pytest.mark.parametrize("size", [0.1, 0.3, 0.5, 0.9])
def test_a_file_cut_off_is_refused(path: Path, size: float) -> None:
    fill(path, 2_000)
    os.truncate(path, int(path.stat().st_size * size))
    with pytest.raises(JournalCorrupt, match="journal"), closing(SqliteJournal(path, "d")) as journal:
        list(journal.rows())


@pytest.mark.parametrize("contents", [b"x", b"garbage" * 10, b"garbage" * 10_000, b"\0" * 300])
def test_garbage_is_refused_and_left_alone(path: Path, contents: bytes) -> None:
    path.write_bytes(contents)
    with pytest.raises(JournalCorrupt, match="journal"):
        SqliteJournal(path, "d")
    with pytest.raises(JournalCorrupt, match="journal"):
        SqliteJournalReader(path)
    assert path.read_bytes() == contents


def test_another_programs_database_is_left_alone(path: Path) -> None:
    run_sql(path, "CREATE TABLE theirs (x)")
    with pytest.raises(JournalUnavailable, match="another program's, not the journal; give another path"):
        SqliteJournal(path, "d")


def test_a_newer_schema_is_refused_with_a_remedy(path: Path) -> None:
    fill(path)
    run_sql(path, "PRAGMA user_version = 7")
    with pytest.raises(JournalUnavailable, match="schema version 7, this program knows up to 1; upgrade"):
        SqliteJournal(path, "d")


def test_another_domains_journal_is_refused(path: Path) -> None:
    fill(path)
    with pytest.raises(JournalUnavailable, match="belongs to the domain 'd', not 'e'"):
        SqliteJournal(path, "e")
    SqliteJournal(path, "d").close()


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="check that its directory exists"):
        SqliteJournal(tmp_path / "none" / "journal", "d")
    with pytest.raises(JournalUnavailable, match="there is no journal at"):
        SqliteJournalReader(tmp_path / "none")


def test_only_the_owner_may_read_it(path: Path) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        journal.append(journal.open_epoch(), 0, entries(1, 1))
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_second_opener_is_told_who_has_it(path: Path) -> None:
    with closing(SqliteJournal(path, "d")):
        with pytest.raises(JournalUnavailable, match=f"in use by process {os.getpid()}; stop it or give another path"):
            SqliteJournal(path, "d")
        code = "import sys; from acd.runtime.journal import SqliteJournal; SqliteJournal(sys.argv[1], 'd')"
        other = in_another_process(code, str(path))
        assert f"JournalUnavailable: the journal {path} is in use by process {os.getpid()}" in other.stderr
    SqliteJournal(path, "d").close()


HOLDER = """
import sys
from acd.runtime.journal import SqliteJournal
from acd.ports.journal import Entry
journal = SqliteJournal(sys.argv[1], "d")
epoch = journal.open_epoch()
seq = 0
print("open", flush=True)
while True:
    seq = journal.append(epoch, seq, [Entry(f"c{seq}", "demand", seq, bytes(100), "x")]).seq
    print(seq, flush=True)
"""


def test_kill_releases_the_lock_and_loses_nothing_that_was_committed(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(JournalUnavailable, match=f"in use by process {holder.pid}"):
            SqliteJournal(path, "d")
        for _ in range(50):
            holder.stdout.readline()
        os.kill(holder.pid, signal.SIGKILL)
        told = holder.stdout.read().split("\n")
    reported = max(int(line) for line in told[:-1]) if len(told) > 1 else 50
    with closing(SqliteJournal(path, "d")) as journal:
        assert reported <= journal.tail()[0] <= reported + 1
        assert len(list(journal.rows())) == journal.tail()[0]


def test_a_full_database_rejects_and_goes_on_when_there_is_room(path: Path) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        epoch = journal.open_epoch()
        journal.append(epoch, 0, entries(1, 1))
        connection = journal._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        result = journal.append(epoch, 1, entries(2, 100, size=1_000))
        assert isinstance(result, Rejected)
        assert "full" in result.reason
        assert journal.tail()[0] == 1
        connection.execute("PRAGMA max_page_count = 1000000")
        assert isinstance(journal.append(epoch, 1, entries(2, 100, size=1_000)), Committed)
        assert [row.entry for row in journal.rows()] == [*entries(1, 1), *entries(2, 100, size=1_000)]


WRITE_FAILS_AT_COMMIT = """
import resource, sys
from acd.ports.journal import Committed, Entry, Unknown
from acd.runtime.journal import SqliteJournal
journal = SqliteJournal(sys.argv[1], "d")
epoch = journal.open_epoch()
assert isinstance(journal.append(epoch, 0, [Entry("c1", "demand", 1, b"", "x")]), Committed)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
result = journal.append(epoch, 1, [Entry("c2", "demand", 2, bytes(200_000), "x")])
assert isinstance(result, Unknown), result
print(result.reason)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert journal.tail()[0] == 1
assert isinstance(journal.append(epoch, 1, [Entry("c2", "demand", 2, bytes(200_000), "x")]), Committed)
assert [row.seq for row in journal.rows()] == [1, 2]
journal.close()
"""


def test_a_write_error_at_commit_is_unknown_until_reread(path: Path) -> None:
    other = in_another_process(WRITE_FAILS_AT_COMMIT, str(path))
    assert other.returncode == 0, other.stderr
    assert "cannot be committed to" in other.stdout
    with closing(SqliteJournal(path, "d")) as journal:
        assert journal.tail()[0] == 2


def test_a_database_locked_by_another_program_rejects(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.runtime.database.BUSY_SECONDS", 0.01)
    with closing(SqliteJournal(path, "d")) as journal, closing(sqlite3.connect(path, isolation_level=None)) as rude:
        epoch = journal.open_epoch()
        rude.execute("BEGIN IMMEDIATE")
        result = journal.append(epoch, 0, entries(1, 1))
        assert isinstance(result, Rejected)
        assert "close that program" in result.reason
        with pytest.raises(JournalUnavailable, match="cannot be taken over"):
            journal.open_epoch()
        rude.execute("ROLLBACK")
        assert isinstance(journal.append(epoch, 0, entries(1, 1)), Committed)


@pytest.mark.parametrize("bad", [Entry("c", "demand", 2**70, b"", ""), Entry("c", "demand", 1, b"", "\ud800")])
def test_an_entry_that_cannot_be_stored_leaves_the_journal_usable(path: Path, bad: Entry) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        epoch = journal.open_epoch()
        with pytest.raises((OverflowError, UnicodeError)):
            journal.append(epoch, 0, [*entries(1, 1), bad])
        assert isinstance(journal.append(epoch, 0, entries(1, 1)), Committed)
        assert [row.entry for row in journal.rows()] == entries(1, 1)


def test_damage_found_while_appending_is_raised(path: Path) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        epoch = journal.open_epoch()
        run_sql(path, "DELETE FROM head")
        with pytest.raises(JournalCorrupt, match="head record"):
            journal.append(epoch, 0, entries(1, 1))


def test_a_head_that_is_not_the_one_we_left_is_not_gone_on_from(path: Path) -> None:
    """Whoever wrote it, and whatever it says: our next row would be linked to one that is not there."""
    with closing(SqliteJournal(path, "d")) as journal:
        epoch = journal.open_epoch()
        assert isinstance(journal.append(epoch, 0, entries(1, 1)), Committed)
        whole = journal.tail()
        run_sql(path, "UPDATE head SET chain = zeroblob(32)")
        result = journal.append(epoch, 1, entries(2, 1))
        assert isinstance(result, Unknown)
        assert "another row 1" in result.reason
        with closing(sqlite3.connect(path)) as rude:
            rude.execute("UPDATE head SET chain = ?", (whole[1],))
            rude.commit()
        assert isinstance(journal.append(epoch, 1, entries(2, 1)), Committed)
        assert [row.entry for row in journal.rows()] == entries(1, 2)


def test_a_reader_sees_what_is_committed_beside_the_living_writer(path: Path) -> None:
    with closing(SqliteJournal(path, "d")) as journal, closing(SqliteJournalReader(path)) as reader:
        epoch = journal.open_epoch()
        journal.append(epoch, 0, entries(1, 1_200))
        rows = list(reader.rows())
        assert [row.entry for row in rows] == entries(1, 1_200)
        assert reader.tail() == journal.tail()
        assert reader.epoch() == epoch
        half_read = reader.rows()
        next(half_read)
        journal.append(epoch, 1_200, entries(1_201, 1))
        assert [row.seq for row in reader.rows(1_200, rows[-1].chain)] == [1_201]
        # Between pages no transaction is open: the log can be folded away to its end.
        busy, _, _ = journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0


def test_a_reader_cannot_write(path: Path) -> None:
    fill(path)
    with closing(SqliteJournalReader(path)) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM journal")


def test_a_reader_works_without_a_writer_and_the_writer_after_it(path: Path) -> None:
    fill(path)
    with closing(SqliteJournalReader(path)) as reader:
        assert len(list(reader.rows())) == ROWS
        assert reader.domain == "d"
        assert reader.quarantined() == 0
    read_everything(path)


def test_quarantine_is_kept_and_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.runtime.journal.sqlite.MAX_QUARANTINED", 3)
    with closing(SqliteJournal(path, "d")) as journal:
        for entry in entries(1, 5):
            journal.quarantine(entry, "x" * 5_000)
        kept = journal._connection.execute("SELECT command_id, length(error) FROM quarantine ORDER BY id").fetchall()
        assert kept == [("c3", 2_000), ("c4", 2_000), ("c5", 2_000)]
        assert journal.quarantined() == 3


def test_normal_durability_still_writes(path: Path) -> None:
    with closing(SqliteJournal(path, "d", "normal")) as journal:
        assert journal._connection.execute("PRAGMA synchronous").fetchone()[0] == 1
        journal.append(journal.open_epoch(), 0, entries(1, ROWS))
    read_everything(path)


def test_full_durability_is_the_default(path: Path) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        assert journal._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert journal._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.parametrize("count", [1, 63, 64, 65, 127, 200])
def test_a_batch_of_any_length_is_written_whole_and_in_order(path: Path, count: int) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        assert journal.append(journal.open_epoch(), 0, entries(1, count)) == Committed(count, journal.tail()[1])
        rows = list(journal.rows())
    assert [(row.seq, row.entry) for row in rows] == list(enumerate(entries(1, count), 1))
