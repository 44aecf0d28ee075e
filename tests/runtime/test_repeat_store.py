"""The index over the journal by keys: whatever is committed is found, whatever became of the file."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from acd.errors import RepeatsError
from acd.ports.journal import Committed, Entry
from acd.runtime import repeat_store
from acd.runtime.journal import SqliteJournal
from acd.runtime.repeat_store import Repeat, RepeatStore
from acd.runtime.request_key import RequestKey, request_key
from tests.runtime.journaled import put_back

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
NOW_US = 100 * DAY_US


@pytest.fixture(params=["in memory", "on disk"])
def fresh(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where what was followed last is."""
    where: str = request.param
    if where == "on disk":
        monkeypatch.setattr(repeat_store, "MAX_FRESH", 0)
    return where


def key(number: int, content: bytes = b"{}") -> RequestKey:
    return request_key("boss", "POST", "/v1/interactions", f"order-{number}", content)


def append(path: Path, ids: Sequence[str], at_us: int = NOW_US, outcome: str = "a" * 16) -> None:
    with closing(SqliteJournal(path, "d")) as journal:
        entries = [Entry(each, "demand", at_us, b"\xc0", outcome) for each in ids]
        assert isinstance(journal.append(journal.open_epoch(), journal.tail()[0], entries), Committed)


def look(tmp_path: Path, *wanted: RequestKey, now_us: int = NOW_US, journal: str = "journal.db") -> list[Repeat | None]:
    with closing(RepeatStore(tmp_path / "answers.db", tmp_path / journal, DAY_US)) as store:
        return store.look((), [each.name for each in wanted], now_us)


@pytest.mark.usefixtures("fresh")
def test_what_is_committed_is_found_and_nothing_else(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    append(journal, ["new-1", key(1).command_id, "key-of-an-application", "tick-1-1", key(2).command_id, "keyx"])
    assert look(tmp_path, key(1), key(2), key(3)) == [
        Repeat(NOW_US, key(1).fingerprint, "a" * 16, None),
        Repeat(NOW_US, key(2).fingerprint, "a" * 16, None),
        None,
    ]
    with closing(RepeatStore(tmp_path / "answers.db", journal, DAY_US)) as store:
        assert store.look((), [key(3).name], NOW_US) == [None]
        append(journal, [key(3).command_id], outcome="unknown-queue")
        (found,) = store.look((), [key(3).name], NOW_US)
        assert found == Repeat(NOW_US, key(3).fingerprint, "unknown-queue", None)


@pytest.mark.usefixtures("fresh")
def test_answers_are_kept_over_a_restart_and_the_last_one_counts(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    append(journal, [key(1).command_id])
    with closing(RepeatStore(tmp_path / "answers.db", journal, DAY_US)) as store:
        store.look([(key(1).name, b"first"), (key(2).name, b"of nothing")], [], NOW_US)
        store.look([(key(1).name, b"second")], [], NOW_US)
    (found, missing) = look(tmp_path, key(1), key(2))
    assert found is not None
    assert (found.answer, missing) == (b"second", None)


@pytest.mark.usefixtures("fresh")
def test_an_id_of_an_older_release_has_no_fingerprint_and_fits_any(tmp_path: Path) -> None:
    old = RequestKey(key(1).name, "")
    append(tmp_path / "journal.db", [old.command_id])
    (found,) = look(tmp_path, key(1))
    assert found == Repeat(NOW_US, "", "a" * 16, None)
    assert key(1).fits(found.fingerprint)
    assert not key(1).fits(key(1, b"another").fingerprint)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.usefixtures("fresh")
def test_what_is_older_than_a_day_is_forgotten(tmp_path: Path, *, there: bool) -> None:
    """Whether it was noted in time, or the file is made anew."""
    journal = tmp_path / "journal.db"
    append(journal, [key(1).command_id, "new-1"], NOW_US)
    if there:
        assert look(tmp_path, key(1)) != [None]
    append(journal, [key(2).command_id], NOW_US + HOUR_US)
    late_us = NOW_US + DAY_US + 1
    assert look(tmp_path, key(1), key(2), now_us=late_us) == [
        None,
        Repeat(NOW_US + HOUR_US, key(2).fingerprint, "a" * 16, None),
    ]
    append(journal, [key(1).command_id], late_us)
    assert look(tmp_path, key(1), now_us=late_us) == [Repeat(late_us, key(1).fingerprint, "a" * 16, None)]


def test_the_file_shrinks_as_time_goes_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeat_store, "FORGOTTEN_AT_ONCE", 10)
    monkeypatch.setattr(repeat_store, "MAX_FRESH", 0)
    journal = tmp_path / "journal.db"
    append(journal, [key(number).command_id for number in range(30)])
    with closing(RepeatStore(tmp_path / "answers.db", journal, DAY_US)) as store:
        store.look((), [], NOW_US)
        for number in range(30, 34):
            assert kept(store) == 30 - 9 * (number - 30)
            append(journal, [key(number).command_id], NOW_US + 2 * DAY_US)
            store.look((), [], NOW_US + 2 * DAY_US)
        assert kept(store) == 4


def kept(store: RepeatStore) -> int:
    (count,) = store._connection.execute("SELECT count(*) FROM asked").fetchone()
    (noted,) = store._connection.execute("SELECT kept FROM place").fetchone()
    assert count == noted
    return int(count)


def test_beyond_its_bound_the_oldest_is_forgotten_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeat_store, "MAX_KEPT", 3)
    monkeypatch.setattr(repeat_store, "MAX_FRESH", 0)
    append(tmp_path / "journal.db", [key(number).command_id for number in range(5)])
    found = look(tmp_path, *(key(number) for number in range(5)))
    assert [each is not None for each in found] == [False, False, True, True, True]


@pytest.mark.usefixtures("fresh")
def test_a_journal_restored_from_a_copy_has_not_done_what_came_after_it(tmp_path: Path) -> None:
    """Neither when it is shorter than it was, nor when it has grown since with something else."""
    journal = tmp_path / "journal.db"
    append(journal, ["new-1"])
    copy = journal.read_bytes()
    append(journal, [key(1).command_id, key(2).command_id])
    assert None not in look(tmp_path, key(1), key(2))
    for after in ((), ("new-2", key(3).command_id, "new-3")):
        put_back(journal, copy)
        if after:
            append(journal, after)
        assert look(tmp_path, key(1), key(2)) == [None, None]
        assert (look(tmp_path, key(3)) == [None]) is not bool(after)


def test_rows_are_read_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeat_store, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(repeat_store, "MAX_FRESH", 3)
    append(tmp_path / "journal.db", [key(number).command_id for number in range(30)])
    assert None not in look(tmp_path, *(key(number) for number in range(30)))


@pytest.mark.parametrize("first", [0, 4096])
def test_a_damaged_file_is_made_anew_from_the_journal(tmp_path: Path, first: int) -> None:
    """Whether it shows when it is opened or when it is used; what was damaged is kept for whoever wants to look."""
    append(tmp_path / "journal.db", [key(number).command_id for number in range(50)])
    file = tmp_path / "answers.db"
    with closing(RepeatStore(file, tmp_path / "journal.db", DAY_US)) as store:
        store.look([(key(number).name, b"x" * 500) for number in range(50)], [], NOW_US)
    whole = file.read_bytes()
    file.write_bytes(whole[:first] + b"\xa5" * (len(whole) - first))
    found = look(tmp_path, *(key(number) for number in range(50)))
    assert [each is not None and each.answer is None for each in found] == [True] * 50
    assert (tmp_path / "answers.db.damaged").stat().st_size == len(whole)
    assert None not in look(tmp_path, key(1), key(49))


def test_two_at_a_time_are_one_too_many(tmp_path: Path) -> None:
    with (
        closing(RepeatStore(tmp_path / "answers.db", tmp_path / "journal.db", DAY_US)),
        pytest.raises(RepeatsError, match="in use by process"),
    ):
        RepeatStore(tmp_path / "answers.db", tmp_path / "journal.db", DAY_US)
