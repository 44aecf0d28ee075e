"""One suite for every journal: what `acd.ports.journal.Journal` promises."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from acd.errors import JournalCorrupt, JournalUnavailable
from acd.ports.journal import Committed, Entry, Fenced, Journal, Unknown
from acd.runtime.journal import MemoryJournal, SqliteJournal, genesis, link

Opener = Callable[[], Journal]


def entries(first: int, count: int) -> list[Entry]:
    return [Entry(f"c{n}", "demand", 1_000 * n, b"\x81\xa4%d" % n, f"{n:016x}") for n in range(first, first + count)]


@pytest.fixture(params=["sqlite", "memory"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens handles on one and the same journal of domain `d`."""
    with ExitStack() as stack:
        memory = MemoryJournal("d")

        def open_one() -> Journal:
            journal: Journal
            if request.param == "sqlite":
                journal = SqliteJournal(tmp_path / "journal", "d", lock=False)
            else:
                journal = memory.twin()
            stack.callback(journal.close)
            return journal

        yield open_one


@pytest.fixture
def journal(opener: Opener) -> Journal:
    return opener()


def test_an_empty_journal_ends_at_genesis(journal: Journal) -> None:
    assert journal.domain == "d"
    assert journal.tail() == (0, genesis("d"))
    assert list(journal.rows()) == []
    assert genesis("d") != genesis("e")


def test_appended_rows_come_back_in_order_with_their_place_and_chain(journal: Journal) -> None:
    epoch = journal.open_epoch()
    first = journal.append(epoch, 0, entries(1, 3))
    second = journal.append(epoch, 3, entries(4, 1))
    assert isinstance(first, Committed)
    assert isinstance(second, Committed)
    rows = list(journal.rows())
    assert [row.seq for row in rows] == [1, 2, 3, 4]
    assert [row.entry for row in rows] == entries(1, 4)
    assert {(row.domain, row.epoch) for row in rows} == {("d", epoch)}
    chain = genesis("d")
    for row in rows:
        chain = link(chain, "d", epoch, row.seq, row.entry)
        assert row.chain == chain
    assert (first.seq, first.chain) == (3, rows[2].chain)
    assert (second.seq, second.chain) == (4, chain) == journal.tail()


def test_an_empty_batch_commits_nothing(journal: Journal) -> None:
    epoch = journal.open_epoch()
    assert journal.append(epoch, 0, []) == Committed(0, genesis("d"))


def test_rows_survive_the_handle(opener: Opener) -> None:
    first = opener()
    first.append(first.open_epoch(), 0, entries(1, 2))
    first.close()
    second = opener()
    assert [row.entry.command_id for row in second.rows()] == ["c1", "c2"]
    assert second.tail()[0] == 2


def test_a_new_epoch_fences_the_old_writer(opener: Opener) -> None:
    old, new = opener(), opener()
    old_epoch = old.open_epoch()
    old.append(old_epoch, 0, entries(1, 1))
    new_epoch = new.open_epoch()
    assert new_epoch > old_epoch
    assert old.append(old_epoch, 1, entries(2, 1)) == Fenced(new_epoch)
    assert new.tail()[0] == 1
    assert isinstance(new.append(new_epoch, 1, entries(2, 1)), Committed)
    assert [row.epoch for row in new.rows()] == [old_epoch, new_epoch]


def test_a_tail_elsewhere_is_unknown_and_writes_nothing(journal: Journal) -> None:
    epoch = journal.open_epoch()
    journal.append(epoch, 0, entries(1, 2))
    for expected in (0, 1, 3):
        assert isinstance(journal.append(epoch, expected, entries(3, 1)), Unknown)
    assert journal.tail()[0] == 2


def test_reading_from_an_anchor(journal: Journal) -> None:
    journal.append(journal.open_epoch(), 0, entries(1, 5))
    rows = list(journal.rows())
    assert list(journal.rows(3, rows[2].chain)) == rows[3:]
    assert list(journal.rows(3)) == rows[3:]
    assert list(journal.rows(5, rows[4].chain)) == []
    with pytest.raises(JournalCorrupt, match=r"row 3 .* is not the one it was"):
        list(journal.rows(3, rows[1].chain))
    with pytest.raises(JournalCorrupt, match=r"row 6 .* is missing"):
        list(journal.rows(6))
    with pytest.raises(JournalCorrupt, match=r"row 0 .* is not the one it was"):
        list(journal.rows(0, rows[0].chain))


def test_rows_may_be_appended_while_reading(journal: Journal) -> None:
    epoch = journal.open_epoch()
    journal.append(epoch, 0, entries(1, 1_500))
    reading = journal.rows()
    next(reading)
    journal.append(epoch, 1_500, entries(1_501, 1_000))
    assert [row.seq for row in reading] in (list(range(2, 2_501)), list(range(2, 1_501)))


def test_quarantine_is_outside_the_chain(journal: Journal) -> None:
    before = journal.tail()
    journal.quarantine(entries(1, 1)[0], "ZeroDivisionError")
    assert journal.tail() == before


def test_a_closed_journal_says_so(journal: Journal) -> None:
    epoch = journal.open_epoch()
    journal.close()
    journal.close()
    for use in (journal.tail, journal.open_epoch, lambda: journal.append(epoch, 0, []), lambda: list(journal.rows())):
        with pytest.raises(JournalUnavailable, match="closed"):
            use()


def test_every_field_is_in_the_chain() -> None:
    entry = Entry("id", "demand", 7, b"command", "ok", 1)
    values = {
        link(b"\0" * 32, "d", 1, 1, entry),
        link(b"\1" * 32, "d", 1, 1, entry),
        link(b"\0" * 32, "e", 1, 1, entry),
        link(b"\0" * 32, "d", 2, 1, entry),
        link(b"\0" * 32, "d", 1, 2, entry),
        link(b"\0" * 32, "d", 1, 1, Entry("idd", "emand", 7, b"command", "ok", 1)),
        link(b"\0" * 32, "d", 1, 1, Entry("id", "demand", 8, b"command", "ok", 1)),
        link(b"\0" * 32, "d", 1, 1, Entry("id", "demand", 7, b"commando", "k", 1)),
        link(b"\0" * 32, "d", 1, 1, Entry("id", "demand", 7, b"command", "ok", 2)),
    }
    assert len(values) == 9
