"""The last ended interactions are an ordered dict of rows, whatever of them is packed."""

from collections import OrderedDict
from itertools import islice

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from acd.runtime import ended
from acd.runtime.ended import KEPT, UNPACKED, EndedRecords
from acd.runtime.records import InteractionRecord

NAMES = st.sampled_from([f"chat-{number}" for number in range(12)])
PAIRS = st.lists(st.tuples(st.sampled_from(["web.topic", "rating"]), st.text(max_size=5)), max_size=2).map(tuple)
ROWS = st.builds(
    InteractionRecord,
    NAMES,
    st.just("chat"),
    st.sampled_from(["sales", "售后"]),
    st.just(""),
    st.integers(-1_000, 1_000),
    PAIRS,
    st.text(max_size=5),
    st.just("shop"),
    st.integers(0, 2**62),
    st.integers(-5, 2**40) | st.integers(-5, 5),
    state=st.sampled_from(["completed", "abandoned"]),
    waited_us=st.none() | st.integers(0, 2**62),
    pending=PAIRS,
    participants=PAIRS,
    partial=st.booleans(),
    consults=st.lists(NAMES, max_size=2).map(tuple),
)


class Ended(RuleBasedStateMachine):
    """Few are kept, and fewer as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = EndedRecords(kept=6, unpacked=2)
        self.model: OrderedDict[str, InteractionRecord] = OrderedDict()

    @rule(row=ROWS)
    def add(self, row: InteractionRecord) -> None:
        # Whoever comes in is no longer among the ended; the view sees to that.
        self.ended.discard(row.id)
        self.model.pop(row.id, None)
        self.ended.add(structs.replace(row))
        self.model[row.id] = row
        if len(self.model) > 6:
            self.model.popitem(last=False)

    @rule(name=NAMES, pairs=PAIRS)
    def note(self, name: str, pairs: tuple[tuple[str, str], ...]) -> None:
        row = self.ended.get(name)
        if row is not None:
            row.attributes = pairs
            self.ended.change(row)
            self.model[name].attributes = pairs

    @rule(row=ROWS)
    def note_who_is_not_there(self, row: InteractionRecord) -> None:
        if row.id not in self.model:
            self.ended.change(row)

    def arrived(self) -> list[InteractionRecord]:
        return sorted(self.model.values(), key=lambda row: (row.order, row.id))

    @rule(
        after=st.integers(-1_000, 1_000), texts=st.lists(st.sampled_from(["completed", "售后", "chat-7"]), max_size=2)
    )
    def list_some(self, after: int, texts: list[str]) -> None:
        found = list(self.ended.by_arrival(after, texts))
        said = [row for row in self.arrived() if row.order > after]
        assert [row for row in found if set(texts) <= {row.id, row.queue, row.state}] == [
            row for row in said if set(texts) <= {row.id, row.queue, row.state}
        ]
        assert all(row in said for row in found)

    @rule(name=NAMES)
    def discard(self, name: str) -> None:
        self.ended.discard(name)
        self.model.pop(name, None)

    @rule()
    def clear(self) -> None:
        self.ended.clear()
        self.model.clear()

    @invariant()
    def the_same(self) -> None:
        assert list(self.ended) == list(self.model)
        assert list(self.ended.values()) == list(self.model.values())
        assert list(self.ended.by_arrival()) == self.arrived()
        assert len(self.ended) == len(self.model)
        for number in range(12):
            name = f"chat-{number}"
            assert self.ended.get(name) == self.model.get(name)
            assert (name in self.ended) == (name in self.model)


TestEnded = Ended.TestCase


def test_nearly_all_are_packed() -> None:
    ended = EndedRecords()
    for number in range(KEPT + 10):
        ended.add(InteractionRecord(f"chat-{number}", "chat", "sales", "", 0, (), "", "shop", number, number))
    assert len(ended) == KEPT
    assert len(ended._newest) == UNPACKED
    assert next(iter(ended)) == "chat-10"


def test_to_list_a_page_few_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them for each page were tens of milliseconds in which the engine did nothing else."""
    kept = EndedRecords()
    for number in range(KEPT):
        queue = "rare" if number % 1_000 == 7 else "sales"
        kept.add(InteractionRecord(f"chat-{number}", "chat", queue, "", 0, (), "", "shop", number, number))
    decode, unpacked = ended._decode, []

    def watched(packed: bytes) -> ended._Packed:
        found = decode(packed)
        unpacked.append(found.order)
        return found

    monkeypatch.setattr(ended, "_decode", watched)
    assert [row.order for row in islice(kept.by_arrival(99), 3)] == unpacked == [100, 101, 102]
    unpacked.clear()
    assert [row.order for row in kept.by_arrival(100, ["rare"]) if row.queue == "rare"] == [1_007, 2_007, 3_007, 4_007]
    assert unpacked == [1_007, 2_007, 3_007, 4_007]
    unpacked.clear()
    assert "\ud800" not in [row.queue for row in kept.by_arrival(None, ["\ud800"])]
    assert not unpacked
