"""The ring of events is a list of them, whatever of it is packed."""

from collections.abc import Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acd.core.messages import AgentRemoved, AgentsConfigured, AgentSettings, ConfigApplied, CoreSettings
from acd.runtime.events import Cursor, EventStream, Reader, Told, Wanted
from acd.runtime.events import ring as rings
from acd.runtime.events.ring import BLOCK, OPEN, UNPACKED, Ring
from acd.runtime.view import View

ROWS = st.lists(st.integers(1, 3), max_size=12)
"""How many events each has."""


VIEW = View()


class Rings(RuleBasedStateMachine):
    """Packed after very few events, so that everything happens."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring(unpacked=3, block=4)
        self.model: list[Told] = []
        self.base = 0
        self.seq = 1_000
        self.oldest = 1_000

    def made(self, seq: int, count: int) -> list[Told]:
        event = AgentRemoved(f"客服{seq}")
        return [Told(seq, index, seq, event, ("sales",), ("anna",), "chat") for index in range(count)]

    @rule(rows=ROWS)
    def extend(self, rows: list[int]) -> None:
        new = []
        for count in rows:
            self.seq += 1
            new += self.made(self.seq, count)
        self.ring.extend(new)
        self.model += new

    @precondition(lambda self: self.oldest > 100)
    @rule(rows=ROWS)
    def prepend(self, rows: list[int]) -> None:
        old: list[Told] = []
        for count in rows:
            self.oldest -= 1
            old[:0] = self.made(self.oldest, count)
        self.ring.prepend(old)
        self.model[:0] = old
        self.base -= len(old)

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(0, len(self.model)))
        self.ring.forget(count)
        del self.model[:count]
        self.base += count

    @rule()
    def clear(self) -> None:
        self.ring.clear()
        self.base += len(self.model)
        self.model.clear()

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        begin = data.draw(st.integers(0, len(self.model)))
        end = data.draw(st.integers(begin, len(self.model) + 2))
        assert list(self.ring.between(self.base + begin, self.base + end)) == self.model[begin:end]

    @rule(data=st.data())
    def find(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(self.oldest - 1, self.seq + 1))
        cursor = Cursor(seq, data.draw(st.integers(0, 3))) if data.draw(st.booleans()) else Cursor(seq)
        assert self.ring.after(cursor) == self.base + sum(told.cursor <= cursor for told in self.model)

    @invariant()
    def as_many(self) -> None:
        assert (self.ring.base, self.ring.end, len(self.ring)) == (
            self.base,
            self.base + len(self.model),
            len(self.model),
        )


TestRings = Rings.TestCase


def test_public_forms_are_not_packed() -> None:
    ring = Ring(unpacked=1, block=1)
    told = Told(1, 0, 0, AgentRemoved("anna"), json=b"{}", packed=b"\x80")
    ring.extend([told, Told(2, 0, 0, AgentRemoved("boris"))])
    assert list(ring.between(0, 1)) == [Told(1, 0, 0, AgentRemoved("anna"))]
    assert told.json == b"{}"


def test_what_is_packed_takes_a_tenth() -> None:
    ring = Ring()
    for seq in range(5_000):
        ring.extend([Told(seq, 0, seq * 20_000, AgentRemoved(f"agent-{seq}"), (), (f"agent-{seq}",))])
    held = [block for block in ring._blocks if block.told]
    assert not held
    assert len(ring._newest) < UNPACKED + BLOCK
    # The objects of one event are 400 bytes and more.
    assert sum(len(block.packed) for block in ring._blocks) < 40 * BLOCK * len(ring._blocks)


def test_what_came_all_at_once_is_packed_little_by_little() -> None:
    ring = Ring(unpacked=2, block=2)
    ring.prepend([Told(seq, 0, 0, AgentRemoved("a")) for seq in range(8)])
    assert [bool(block.packed) for block in ring._blocks] == [False] * 4
    for seq in range(8, 20):
        ring.extend([Told(seq, 0, 0, AgentRemoved("a"))])
    assert [block.told for block in ring._blocks] == [[]] * 9
    assert [told.seq for told in ring.between(-8, 12)] == list(range(20))


def fill(ring: Ring, count: int) -> None:
    for seq in range(ring.end, ring.end + count):
        ring.extend([Told(seq, 0, 0, AgentRemoved("a"))])


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each block had that was unpacked."""
    counts: list[int] = []
    decode = rings._decode

    def watched(packed: bytes) -> list[Told]:
        found = decode(packed)
        counts.append(len(found))
        return found

    monkeypatch.setattr(rings, "_decode", watched)
    return counts


def test_a_row_of_many_events_is_packed_little_by_little() -> None:
    """Otherwise whoever removes 50,000 agents has everybody wait for a fifth of a second."""
    ring = Ring(unpacked=2, block=2)
    ring.extend([Told(1, index, 0, AgentRemoved("a")) for index in range(100)])
    assert [bool(block.packed) for block in ring._blocks] == [True] + [False] * 47 + [True]
    for seq in range(2, 98):
        ring.extend([Told(seq, 0, 0, AgentRemoved("a"))])
    assert all(block.packed and not block.told for block in ring._blocks)


def test_settings_are_not_packed() -> None:
    """Of a hundred thousand agents they take half a second to unpack, and whoever comes back may read them."""
    ring = Ring(unpacked=1, block=3)
    agents = tuple(AgentSettings(f"agent-{number}") for number in range(1_000))
    told = [
        Told(1, 0, 5, ConfigApplied(CoreSettings(agents), "hash")),
        Told(2, 0, 6, AgentRemoved("anna")),
        Told(3, 0, 7, AgentsConfigured(agents, ("anna",)), agents=("anna",)),
    ]
    ring.extend([*told, Told(4, 0, 8, AgentRemoved("boris"))])
    (block,) = ring._blocks
    assert len(block.packed) < 200
    found = list(ring.between(0, 3))
    assert found == told
    assert [found[number].event is told[number].event for number in range(3)] == [True, False, True]


def test_only_what_is_read_is_unpacked(unpacked: list[int]) -> None:
    ring = Ring()
    fill(ring, 5_000)
    events: Iterator[Told] = ring.between(0, 2_000)
    assert [next(events).seq for _ in range(BLOCK + 1)] == list(range(BLOCK + 1))
    assert unpacked == [BLOCK, BLOCK]


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(only_agent="nobody")], ids=["all", "what is rare"])
async def test_of_many_who_come_back_together_one_has_it_unpacked(unpacked: list[int], wanted: Wanted) -> None:
    """Each by itself had seventeen blocks unpacked for every 256 events: seconds, in which nobody was served."""
    stream = EventStream()
    for seq in range(1, 6_001):
        stream.take(seq, 0, (AgentRemoved(str(seq)),), VIEW)
    left: list[Reader] = []
    for _ in range(50):
        reader = stream.follow(wanted, lambda: None, Cursor(700))
        assert reader is not None
        left.append(reader)
    while left:
        for reader in left:
            reader.take(100)
        left = [reader for reader in left if not reader.idle]
    assert len(unpacked) <= len(stream._ring._blocks)


def test_what_was_unpacked_is_let_go(unpacked: list[int]) -> None:
    ring = Ring()
    fill(ring, 10_000)
    assert len(list(ring.between(0, 8_000))) == 8_000
    assert len(unpacked) == 63
    assert len(ring._open) == OPEN
    fill(ring, 6 * BLOCK)
    assert not ring._open
