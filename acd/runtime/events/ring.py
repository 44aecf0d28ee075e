"""The newest events of one stream, in little memory: the last as they are, older ones packed in blocks.

Owns places, which count up for as long as the stream lives, and the packing. Must not know readers. Hardly anybody
reads an event again, and events are much alike: packed, one takes a tenth of what its objects do.
"""

import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from acd.core.messages import AgentRemoved, AgentsConfigured, ConfigApplied, Event
from acd.runtime.events.told import Cursor, Told

UNPACKED: Final = 1_024
"""Events that stay as they are: readers who keep up, or come back after a moment, read among these."""

BLOCK: Final = 128
"""Events that are packed together, in about half a millisecond."""

OPEN: Final = 32
"""Blocks that are kept as they were read, for the next who reads there: after a broken network many do at once. Twice
what is looked at in one go, or each reader would unpack all of it again.
"""

_LEVEL: Final = 1
_NOTHING: Final = AgentRemoved("")
"""Packed in the place of what is not."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Told]).decode


class _Block(msgspec.Struct):
    """Events from place `begin` on; `last` is the cursor of the last. Those that were given lately wait in `told`."""

    begin: int
    last: Cursor
    told: list[Told]
    packed: bytes = b""
    kept: tuple[tuple[int, Event], ...] = ()
    """What is not packed: by its number in the block."""


class Ring:
    """Events in the order of their cursors. It forgets only what it is told to."""

    def __init__(self, unpacked: int = UNPACKED, block: int = BLOCK) -> None:
        """Empty. `unpacked`, `block`: see `UNPACKED` and `BLOCK`."""
        self.base = 0
        """Place of the oldest event."""
        self._unpacked = unpacked
        self._block = block
        self._blocks: deque[_Block] = deque()
        self._newest: list[Told] = []
        self._begin = 0
        """Place of the first of `_newest`."""
        self._to_pack: deque[_Block] = deque()
        self._open: dict[int, list[Told]] = {}

    def __len__(self) -> int:
        """How many events there are."""
        return self._begin + len(self._newest) - self.base

    @property
    def end(self) -> int:
        """The place after the newest."""
        return self._begin + len(self._newest)

    def extend(self, told: Iterable[Told]) -> None:
        """Events that have just happened."""
        newest = self._newest
        newest += told
        full = (len(newest) - self._unpacked) // self._block * self._block
        if full > 0:
            for begin in range(0, full, self._block):
                part = newest[begin : begin + self._block]
                self._to_pack.append(_Block(self._begin + begin, part[-1].cursor, part))
                self._blocks.append(self._to_pack[-1])
            del newest[:full]
            self._begin += full
            # Of those that came all at once, in one row or from before a start, one each time.
            self._pack(self._to_pack.pop())
            if self._to_pack:
                self._pack(self._to_pack.popleft())

    def prepend(self, told: list[Told]) -> None:
        """Events that are older than all that are there."""
        if self._blocks and (first := self._blocks[0]).begin < self.base:
            # Its beginning is forgotten, and what comes now stands in those places.
            first.told, first.begin = self._told(first)[self.base - first.begin :], self.base
            self._to_pack.append(first)
            self._open.clear()
        for end in range(len(told), 0, -self._block):
            part = told[max(0, end - self._block) : end]
            self.base -= len(part)
            block = _Block(self.base, part[-1].cursor, part)
            self._blocks.appendleft(block)
            self._to_pack.append(block)

    def forget(self, count: int) -> None:
        """The oldest so many."""
        self.base += count
        blocks = self._blocks
        while blocks and (blocks[1].begin if len(blocks) > 1 else self._begin) <= self.base:
            gone = blocks.popleft()
            self._open.pop(gone.begin, None)
            gone.told = []
        if self.base > self._begin:
            del self._newest[: self.base - self._begin]
            self._begin = self.base

    def clear(self) -> None:
        """All of them; places go on."""
        self.forget(len(self))

    def after(self, cursor: Cursor) -> int:
        """The place of the first event behind a cursor."""
        found = bisect_right(self._newest, cursor, key=_cursor)
        if found or not self._blocks:
            return self._begin + found
        number = bisect_right(self._blocks, cursor, key=_last)
        if number == len(self._blocks):
            return self._begin
        block = self._blocks[number]
        return max(self.base, block.begin + bisect_right(self._told(block), cursor, key=_cursor))

    def between(self, begin: int, end: int) -> Iterator[Told]:
        """Events from one place up to before another. A block is unpacked when its turn comes, not before."""
        place, end = max(begin, self.base), min(end, self.end)
        while place < min(end, self._begin):
            block = self._blocks[bisect_right(self._blocks, place, key=_begin) - 1]
            part = self._told(block)[place - block.begin : end - block.begin]
            yield from part
            place += len(part)
        yield from self._newest[max(0, place - self._begin) : max(0, end - self._begin)]

    def _told(self, block: _Block) -> list[Told]:
        if block.told:
            return block.told
        found = self._open.pop(block.begin, None)
        if found is None:
            found = _decode(zlib.decompress(block.packed))
            for number, event in block.kept:
                found[number].event = event
        self._open[block.begin] = found
        if len(self._open) > OPEN:
            del self._open[next(iter(self._open))]
        return found

    def _close_some(self) -> None:
        """Those that were read longest ago: half of them each time, and in the end none."""
        for begin in list(self._open)[: (len(self._open) + 1) // 2]:
            del self._open[begin]

    def _pack(self, block: _Block) -> None:
        """Its public forms are left out: they would be made anew."""
        if not block.told:
            return  # Forgotten before.
        block.kept = tuple((number, told.event) for number, told in enumerate(block.told) if _is_shared(told.event))
        bare = [
            msgspec.structs.replace(
                told, json=b"", packed=b"", event=_NOTHING if _is_shared(told.event) else told.event
            )
            for told in block.told
        ]
        block.packed, block.told = zlib.compress(_encode(bare), _LEVEL), []
        self._close_some()


def _is_shared(event: Event) -> bool:
    """Whether others have most of it, too: settings of many agents take half a second to unpack, for nothing."""
    return isinstance(event, ConfigApplied | AgentsConfigured)


def _cursor(told: Told) -> Cursor:
    return told.cursor


def _last(block: _Block) -> Cursor:
    return block.last


def _begin(block: _Block) -> int:
    return block.begin
