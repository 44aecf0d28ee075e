"""What is told again from the journal is what was told: the same events, with the same cursors, for the same people."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from acd.core.engine import Engine
from acd.core.messages import Command
from acd.core.messages.codec import encode
from acd.errors import PastUnavailable
from acd.ports.journal import Entry
from acd.runtime.events import Cursor, EventSource, EventStream, Told, Wanted
from acd.runtime.events import past as past_module
from acd.runtime.events.past import Past
from acd.runtime.events.told import tell
from acd.runtime.journal import SqliteJournal
from acd.runtime.replay import outcome_digest
from acd.runtime.snapshots import write_snapshot
from acd.runtime.view import View
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded

ROWS = 700
SNAPSHOT_AT = 300


def commands(seed: int, count: int) -> list[tuple[Command, int]]:
    traffic = seeded(seed, disorder=0.02)
    model = Model(traffic.trees)
    found: list[tuple[Command, int]] = []
    known: set[str] = set()
    while len(found) < count:
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        if command.id not in known:
            known.add(command.id)
            found.append((command, now_us))
    return found


def written(folder: Path, seed: int = 3) -> list[Told]:
    """A journal of every sort of command with a snapshot half-way, and what was told while it was written."""
    engine, view, told = Engine("d"), View(), list[Told]()
    entries: list[Entry] = []
    journal = SqliteJournal(folder / "journal.db", "d")
    with closing(journal):
        epoch = journal.open_epoch()
        for seq, (command, now_us) in enumerate(commands(seed, ROWS), 1):
            outcome = engine.apply(command, now_us)
            entries.append(Entry(command.id, "reaction", now_us, encode(command), outcome_digest(outcome)))
            view.fold(now_us, outcome)
            told += tell(view, seq, now_us, outcome.events)
            if seq in (SNAPSHOT_AT, ROWS):
                journal.append(epoch, journal.tail()[0], entries)
                entries.clear()
                (folder / "snapshots").mkdir(exist_ok=True)
                write_snapshot(folder / "snapshots", engine, *journal.tail(), keep=5)
    return told


async def read(folder: Path, after: Cursor, upto_seq: int = ROWS) -> list[Told]:
    past = Past(folder / "journal.db", folder / "snapshots")
    return [told async for batch in past.read(after, upto_seq) for told in batch]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("past")


@pytest.fixture(scope="module")
def told(folder: Path) -> list[Told]:
    return written(folder)


def test_the_traffic_is_worth_it(told: list[Told]) -> None:
    kinds = Counter(type(each.event).__name__ for each in told)
    assert len(kinds) > 20
    assert max(each.index for each in told) > 3
    assert sum(bool(each.agents) for each in told) > 100
    assert sum(bool(each.queues) for each in told) > 100


@pytest.mark.parametrize("index", [0, 1, 250, -40, -1])
async def test_from_any_cursor_the_rest_follows(folder: Path, told: list[Told], index: int) -> None:
    after = told[index].cursor
    assert await read(folder, after) == [each for each in told if each.cursor > after]


async def test_the_beginning_and_a_place_between_rows(folder: Path, told: list[Told]) -> None:
    assert await read(folder, Cursor(0)) == told
    assert await read(folder, Cursor(SNAPSHOT_AT)) == [each for each in told if each.seq > SNAPSHOT_AT]
    assert await read(folder, Cursor(100), 200) == [each for each in told if 100 < each.seq <= 200]


async def test_no_journal_no_past(tmp_path: Path) -> None:
    with pytest.raises(PastUnavailable) as caught:
        await read(tmp_path, Cursor(0))
    assert caught.value.code == "unreadable"


async def test_readers_in_line_are_bounded(folder: Path, told: list[Told], monkeypatch: pytest.MonkeyPatch) -> None:
    assert told
    monkeypatch.setattr(past_module, "MAX_WAITING", 0)
    with pytest.raises(PastUnavailable) as caught:
        await read(folder, Cursor(0))
    assert caught.value.code == "busy"


async def test_whoever_stops_reading_leaves_room_for_others(folder: Path, told: list[Told]) -> None:
    past = Past(folder / "journal.db", folder / "snapshots")
    for _ in range(past_module.MAX_READS + 1):
        reading = past.read(Cursor(0), ROWS)
        assert await anext(reading)
        await reading.aclose()
    assert [each async for batch in past.read(Cursor(0), ROWS) for each in batch] == told


async def test_after_a_start_what_was_told_before_it_is_fetched_once(folder: Path, told: list[Told]) -> None:
    source = EventSource("d", folder / "journal.db", folder / "snapshots")
    source.stream.begin(ROWS)
    await source.recall(Cursor(ROWS - 50))
    reader = source.stream.follow(Wanted(), lambda: None, Cursor(ROWS - 50))
    assert reader is not None
    found: list[Told] = []
    while not reader.idle:
        found += reader.take(100)
    assert found == [each for each in told if each.seq > ROWS - 50]


async def test_only_as_much_is_fetched_as_there_is_room_for(folder: Path, told: list[Told]) -> None:
    source = EventSource("d", folder / "journal.db", folder / "snapshots", EventStream(kept=40))
    source.stream.begin(ROWS)
    await source.recall(Cursor(10))
    assert source.stream.follow(Wanted(), lambda: None, Cursor(10)) is None
    reader = source.stream.follow(Wanted(), lambda: None, source.stream.floor)
    assert reader is not None
    assert reader.take(100) == [each for each in told if each.cursor > source.stream.floor]
    assert source.stream.room <= 1


async def test_what_cannot_be_read_is_not_in_memory_and_harms_nobody(tmp_path: Path) -> None:
    source = EventSource("d", tmp_path / "none.db", tmp_path)
    source.stream.begin(9)
    await source.recall(Cursor(3))
    assert source.stream.follow(Wanted(), lambda: None, Cursor(3)) is None
