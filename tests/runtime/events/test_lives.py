"""The lives of a journal: each has a mark of its own, and a copy that was put back knows only those it had."""

from contextlib import closing
from pathlib import Path

from acd.ports.journal import Committed, Entry
from acd.runtime.events.lives import Lives, mark_of, read_lives
from acd.runtime.journal import SqliteJournal
from tests.runtime.journaled import put_back


def live(journal: Path, rows: int, at_us: int, lives: Lives | None = None) -> str:
    """One writer's rows; the mark, as the writer's own process makes it."""
    lives = lives or Lives("d", journal)
    with closing(SqliteJournal(journal, "d")) as opened:
        epoch = opened.open_epoch()
        seq, chain = opened.tail()
        lives.begin(epoch, chain)
        for number in range(rows):
            entry = Entry(f"c{seq}-{number}", "demand", at_us + number, b"\xc0", "a" * 16)
            assert isinstance(opened.append(epoch, seq + number, [entry]), Committed)
            lives.commit(at_us + number)
    return lives.mark


async def test_every_life_is_known_as_far_as_it_went(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    first, second = live(journal, 5, 100), live(journal, 3, 200)
    assert live(journal, 0, 300) == "", "it has written nothing, and so nobody has a cursor of it"
    present = Lives("d", journal)
    third = live(journal, 4, 400, present)
    assert len({first, second, third}) == 3
    assert read_lives(journal) == {first: 5, second: 8, third: 12}
    for mark, last in ((first, 5), (second, 8)):
        assert await present.has(mark, last)
        assert await present.has(mark, 1)
        assert not await present.has(mark, last + 1)
    assert await present.has(third, 10_000), "how far the present one goes is not its business"
    assert await present.has("", 10_000)
    assert not await present.has("01234567", 1)


async def test_a_copy_that_was_put_back_has_lost_what_came_after_it(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    first = live(journal, 5, 100)
    copy = journal.read_bytes()
    lost = live(journal, 5, 200)
    put_back(journal, copy)
    present = Lives("d", journal)
    again = live(journal, 50, 300, present)
    assert again != lost, "the same epoch after the same row"
    assert await present.has(first, 5)
    assert not await present.has(first, 6)
    assert not await present.has(lost, 6)


async def test_without_a_file_only_the_present_is_known(tmp_path: Path) -> None:
    lives = Lives("d", tmp_path / "no-journal.db")
    lives.begin(1, b"")
    lives.commit(7)
    lives.commit(8)
    assert lives.mark == mark_of("d", 1, b"", 7)
    assert await lives.has(lives.mark, 1)
    assert not await lives.has("01234567", 1)


def test_two_domains_have_no_mark_in_common() -> None:
    assert mark_of("a", 1, b"", 7) != mark_of("b", 1, b"", 7)
