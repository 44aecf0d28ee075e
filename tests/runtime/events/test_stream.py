"""The stream: every event once and in order to whom it is for, from memory as long as it is there."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from acd.core.messages import AgentRemoved, Event, InteractionReprioritized, PresenceChanged, QueueClosed, QueueOpened
from acd.runtime.events import Cursor, EventStream, Reader, Told, Wanted
from acd.runtime.events.ring import BLOCK, UNPACKED, Ring
from acd.runtime.events.stream import OFFERED, PENDING, SCANNED
from acd.runtime.view import View
from tests.runtime.live import idle

ALL = Wanted()


@pytest.fixture(params=[(UNPACKED, BLOCK), (3, 2)], ids=["as it is", "nearly all packed"], autouse=True)
def _packing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ring.__init__, "__defaults__", request.param)


VIEW = View()


def presence(agent: str, word: str = "ready") -> PresenceChanged:
    return PresenceChanged(agent, word, "")


def put(stream: EventStream, *rows: tuple[Event, ...]) -> None:
    for events in rows:
        stream.take(stream.seq + 1, 0, events, VIEW)


def drained(reader: Reader) -> list[str]:
    """Cursors of all that there is to take."""
    found: list[Told] = []
    while not reader.idle and not reader.lost:
        found += reader.take(10)
    return [str(told.cursor) for told in found]


def joined(stream: EventStream, wanted: Wanted = ALL, after: Cursor | None = None, *, coalesce: bool = False) -> Reader:
    reader = stream.follow(wanted, lambda: None, after, coalesce=coalesce)
    assert reader is not None
    return reader


def stirs(count: list[int]) -> Callable[[], None]:
    return lambda: count.append(1)


def test_a_cursor_is_a_text() -> None:
    for text in ("17", "17.0", "17.12"):
        assert str(Cursor.parsed(text)) == text
    for text in ("", "x", "17.", "-1", "1.2.3", "１７", "9" * 30):
        assert Cursor.parsed(text) is None
    assert Cursor(17, 5) < Cursor(17) < Cursor(18, 0)


async def test_a_reader_gets_everything_from_now_on() -> None:
    stream = EventStream()
    put(stream, (AgentRemoved("a"),))
    count: list[int] = []
    reader = stream.follow(ALL, stirs(count))
    assert reader is not None
    assert reader.cursor == Cursor(1)
    put(stream, (AgentRemoved("b"), AgentRemoved("c")), (), (AgentRemoved("d"),))
    assert reader.idle
    await idle()
    assert count == [1]
    assert drained(reader) == ["2.0", "2.1", "4.0"]
    assert reader.cursor == Cursor(4)
    put(stream, ())
    await idle()
    assert reader.cursor == Cursor(5)


async def test_it_goes_on_after_a_cursor_in_the_middle_of_a_row() -> None:
    stream = EventStream()
    put(stream, (AgentRemoved("a"), AgentRemoved("b"), AgentRemoved("c")), (AgentRemoved("d"),))
    assert drained(joined(stream, after=Cursor(1, 0))) == ["1.1", "1.2", "2.0"]
    assert drained(joined(stream, after=Cursor(1))) == ["2.0"]
    assert drained(joined(stream, after=Cursor(2))) == []


async def test_a_cursor_of_the_future_or_of_before_the_start_is_not_in_memory() -> None:
    stream = EventStream()
    stream.begin(100)
    put(stream, (AgentRemoved("a"),))
    assert stream.follow(ALL, lambda: None, Cursor(99)) is None
    assert stream.follow(ALL, lambda: None, Cursor(102)) is None
    assert drained(joined(stream, after=Cursor(100))) == ["101.0"]


async def test_filters() -> None:
    stream = EventStream()
    anna, sales = Wanted(agents=frozenset({"anna"})), Wanted(queues=frozenset({"sales"}))
    readers = {
        "anna": joined(stream, anna),
        "two": joined(stream, Wanted(agents=frozenset({"anna", "boris"}))),
        "sales": joined(stream, sales),
        "kinds": joined(stream, Wanted(kinds=frozenset({"queue-closed"}))),
        "both": joined(stream, Wanted(queues=frozenset({"sales"}), kinds=frozenset({"queue-opened"}))),
        "own": joined(stream, Wanted(only_agent="boris")),
        "others": joined(stream, Wanted(only_agent="boris", agents=frozenset({"anna"}))),
    }
    put(stream, (presence("anna"),), (presence("boris"),), (QueueClosed("sales", ""),), (QueueOpened("sales"),))
    await idle()
    assert {name: drained(reader) for name, reader in readers.items()} == {
        "anna": ["1.0"],
        "two": ["1.0", "2.0"],
        "sales": ["3.0", "4.0"],
        "kinds": ["3.0"],
        "both": ["4.0"],
        "own": ["2.0"],
        "others": [],
    }


async def test_a_slow_reader_costs_its_place_only_and_loses_nothing() -> None:
    stream = EventStream()
    reader = joined(stream)
    total = PENDING + SCANNED + 500
    put(stream, *((AgentRemoved("a"),) for _ in range(total)))
    await idle(200)
    assert len(reader._pending) <= PENDING
    assert drained(reader) == [f"{seq}.0" for seq in range(1, total + 1)]
    put(stream, (AgentRemoved("b"),))
    await idle()
    assert drained(reader) == [f"{total + 1}.0"]


async def test_a_reader_that_is_behind_looks_for_what_it_wants() -> None:
    stream = EventStream()
    put(stream, *((presence("anna" if seq % 1_000 == 0 else "boris"),) for seq in range(5_000)))
    reader = joined(stream, Wanted(agents=frozenset({"anna"})), Cursor(0))
    assert drained(reader) == ["1.0", "1001.0", "2001.0", "3001.0", "4001.0"]


async def test_who_is_too_slow_is_lost_with_a_cursor_to_go_on_from() -> None:
    stream = EventStream(kept=600, trimmed=100)
    slow, quick = joined(stream), joined(stream)
    seen = []
    for _ in range(12):
        put(stream, *((AgentRemoved("a"),) for _ in range(100)))
        await idle()
        seen += drained(quick)
    assert len(stream._ring) < 700
    assert slow.lost
    first = [str(told.cursor) for told in slow.take(10)]
    assert first == [f"{seq}.0" for seq in range(1, 11)]
    assert slow.cursor == Cursor(10, 0)
    assert not quick.lost
    assert seen == [f"{seq}.0" for seq in range(1, 1_201)]
    assert stream.follow(ALL, lambda: None, slow.cursor) is None


async def test_rows_are_forgotten_whole() -> None:
    stream = EventStream(kept=5, trimmed=2)
    for _ in range(4):
        put(stream, (AgentRemoved("a"), AgentRemoved("b"), AgentRemoved("c")))
    assert stream.floor == Cursor(2)
    assert drained(joined(stream, after=stream.floor)) == ["3.0", "3.1", "3.2", "4.0", "4.1", "4.2"]


async def test_what_a_later_event_replaces_is_left_out_under_pressure_only_and_only_if_asked() -> None:
    stream = EventStream()
    exact, states = joined(stream), joined(stream, coalesce=True)
    put(stream, (presence("anna"),), (presence("anna", "not-ready"),))
    await idle()
    assert drained(states) == ["1.0", "2.0"]
    drained(exact)
    agents = ("anna", "boris")
    put(stream, *((presence(agents[seq % 2]),) for seq in range(PENDING * 2)))
    put(stream, (InteractionReprioritized("c", 1),), (InteractionReprioritized("d", 1),), (AgentRemoved("a"),))
    await idle(100)
    total = PENDING * 2 + 2
    assert len(drained(exact)) == PENDING * 2 + 3
    kept = drained(states)
    assert kept[-3:] == [f"{total + number}.0" for number in (1, 2, 3)]
    assert len(kept) < PENDING + 5
    assert states.left_out == PENDING * 2 + 3 - len(kept)


async def test_a_hole_interrupts_everybody_where_they_are() -> None:
    stream = EventStream()
    count: list[int] = []
    idle_one, waiting = stream.follow(ALL, stirs(count)), joined(stream)
    assert idle_one is not None
    put(stream, (AgentRemoved("a"),))
    await idle()
    drained(idle_one)
    put(stream, ())
    await idle()
    stream.begin(9)
    assert idle_one.lost
    assert idle_one.cursor == Cursor(2)
    assert count == [1, 1]
    assert [str(told.cursor) for told in waiting.take(5)] == ["1.0"]
    assert waiting.lost
    assert waiting.cursor == Cursor(1, 0)
    put(stream, (AgentRemoved("b"),))
    await idle()
    assert waiting.take(5) == []
    assert drained(joined(stream, after=Cursor(9))) == ["10.0"]


async def test_what_was_before_the_start_can_be_put_back() -> None:
    stream = EventStream()
    stream.begin(5)
    put(stream, (AgentRemoved("b"),))
    reader = joined(stream)
    stream.restore([Told(4, 0, 0, AgentRemoved("a"))], Cursor(3))
    assert drained(joined(stream, after=Cursor(3))) == ["4.0", "6.0"]
    assert stream.follow(ALL, lambda: None, Cursor(2)) is None
    put(stream, (AgentRemoved("c"),))
    await idle()
    assert drained(reader) == ["7.0"]


async def test_a_closed_reader_leaves_nothing_behind() -> None:
    stream = EventStream()
    for wanted in (ALL, Wanted(agents=frozenset({"anna", "boris"})), Wanted(queues=frozenset({"sales"}))):
        joined(stream, wanted).close()
    assert stream.readers == 0
    assert (stream._of_agent, stream._of_queue, stream._everything) == ({}, {}, {})


async def test_after_many_offers_others_have_their_turn() -> None:
    stream = EventStream()
    half = OFFERED // 2 + 1
    readers = [joined(stream) for _ in range(half)]
    put(stream, *[(AgentRemoved(str(number)),) for number in range(5)])
    reached: list[int] = []
    while not reached or reached[-1] < 5:
        await asyncio.sleep(0)
        reached.append(stream.distributed)
    assert reached == [2, 4, 5]
    assert {len(drained(reader)) for reader in readers} == {5}


class Walked(Ring):
    """Counts what is looked at."""

    walked = 0

    def between(self, begin: int, end: int) -> Iterator[Told]:
        for told in super().between(begin, end):
            self.walked += 1
            yield told


async def test_what_is_kept_costs_nothing_when_something_happens() -> None:
    """Tens of thousands of events are kept; walking over them for every new one has cost a fifth of a busy engine."""
    ring = Walked()
    stream = EventStream(ring=ring)
    put(stream, *((AgentRemoved(str(number)),) for number in range(1_000)))
    await idle()
    ring.walked = 0
    reader = joined(stream)
    put(stream, (AgentRemoved("last"),))
    await idle()
    assert drained(reader) == ["1001.0"]
    assert ring.walked <= 10


async def test_the_end_is_told() -> None:
    stream = EventStream()
    told: list[int] = []
    stream.on_end(stirs(told))
    stream.close()
    stream.close()
    stream.on_end(stirs(told))
    assert told == [1, 1]
    await asyncio.sleep(0)
