"""The stream of committed events: the newest of them in memory, and everyone who reads.

Owns the readers, which reader an event is for, and how much is kept (by `acd.runtime.events.ring`). Must not know
sockets, forms, or the journal. A commit costs the writer one entry in the ring, however many read; readers are told
afterwards, and one that is slow costs its place in the ring, no copy of anything.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from itertools import chain
from math import inf
from typing import Final

from acd.core.messages import Event
from acd.runtime.events.kinds import kind_of
from acd.runtime.events.ring import Ring
from acd.runtime.events.told import Cursor, Told, Wanted, tell
from acd.runtime.view import View

KEPT: Final = 16_384
"""Events in memory: the newest as they are, a kilobyte each, the others packed, some thirty bytes each. A reader that
is further behind goes on from the journal. A call has five or six: at 20 a second, this is three minutes.
"""

TRIMMED: Final = 1_024
"""Events that are forgotten at once, when there are so many more than `KEPT`."""

PENDING: Final = 256
"""Events that wait for one reader by themselves; beyond that it looks them up in the ring."""

SCANNED: Final = 2_000
"""Events that are looked at in one go for a reader that is behind."""

MAX_READERS: Final = 10_000
"""Readers at a time."""

DISTRIBUTED: Final = 64
OFFERED: Final = 2_000
"""Events that are distributed, and to how many readers all together, before others on the loop have their turn."""

STATE_LIKE: Final = {
    "presence-changed": "presence",
    "queue-opened": "queue",
    "queue-closed": "queue",
    "interaction-reprioritized": "priority",
    "level-opened": "level",
    "config-applied": "config",
}
"""Kinds of which only the latest says how things stand, and what of: a later one of the same subject replaces it.
"""


class Reader:
    """Somebody's place in the stream. `lost`: events after `cursor` are in memory no more; close, begin anew."""

    def __init__(self, stream: "EventStream", wanted: Wanted, stir: Callable[[], None], *, coalesce: bool) -> None:
        """Made by `EventStream.follow`."""
        self.wanted = wanted
        self.wants_all = wanted == Wanted()
        self.left_out = 0
        self._stream = stream
        self._stir = stir
        self._coalesce = coalesce
        self._pending: list[Told] = []
        self._behind: int | None = None
        self.interrupted = False
        """Events that it has not taken never were in memory."""
        self._taken = stream.told_upto

    @property
    def cursor(self) -> Cursor:
        """The place up to which there is nothing more to take."""
        return self._stream.told_upto if self.idle else self._taken

    @property
    def lost(self) -> bool:
        """Whether events that it wants may have been forgotten before it took them."""
        return self.interrupted or (self._behind is not None and self._behind < self._stream.base)

    @property
    def idle(self) -> bool:
        """Whether nothing waits for it."""
        return not self._pending and self._behind is None and not self.interrupted

    def take(self, most: int) -> list[Told]:
        """The next events, `most` at most; fewer does not mean that there are no more: see `idle` and `lost`."""
        if self._behind is not None:
            self._look_up()
        taken, self._pending = self._pending[:most], self._pending[most:]
        if taken:
            self._taken = taken[-1].cursor
        return taken

    def close(self) -> None:
        """Read no more. Idempotent."""
        self._stream.forget(self)
        self._pending.clear()

    def offer(self, told: Told, place: int) -> None:
        """Called by the stream with an event that fits."""
        if self._behind is not None or self.interrupted:
            return
        if len(self._pending) >= PENDING:
            if self._coalesce:
                self._shorten()
            if len(self._pending) >= PENDING:
                self._behind = place
                return
        self._pending.append(told)
        if len(self._pending) == 1:
            self._stir()

    def start_at(self, cursor: Cursor, place: int | None) -> None:
        """Called by the stream: begin after the cursor, and look everything up from this place in the ring, if any."""
        self._taken, self._behind = cursor, place

    def interrupt(self) -> None:
        """Called by the stream: what comes next is not all that there is."""
        if self.idle:
            self._taken = self._stream.told_upto
        self.interrupted = True
        self._stir()

    def _look_up(self) -> None:
        """Fill what waits from the ring."""
        behind = self._behind
        if behind is None or len(self._pending) >= PENDING or self.lost:
            return
        found, upto = self._stream.between(behind, self.wanted, PENDING - len(self._pending))
        self._pending += found
        self._behind = None if upto >= self._stream.distributed else upto
        if self._coalesce and self._behind is not None:
            self._shorten()

    def _shorten(self) -> None:
        """Leave out what a later event of the same subject replaces."""
        keys = [_replaceable(told) for told in self._pending]
        latest = {key: number for number, key in enumerate(keys)}
        kept = [
            told for number, told in enumerate(self._pending) if (key := keys[number]) is None or latest[key] == number
        ]
        self.left_out += len(self._pending) - len(kept)
        self._pending = kept


class EventStream:
    """All readers, and the newest events. Belongs to one event loop."""

    def __init__(self, kept: int = KEPT, trimmed: int = TRIMMED, ring: Ring | None = None) -> None:
        """Empty. `kept` and `trimmed`: see `KEPT` and `TRIMMED`."""
        self._kept = kept
        self._trimmed = trimmed
        self._ring = Ring() if ring is None else ring
        self.distributed = 0
        """Place after the last event that readers have been told of."""
        self.floor = Cursor(0)
        """Everything after this is in memory."""
        self.seq = 0
        self.told_upto = Cursor(0)
        """Everything up to here has been distributed."""
        self.closed = False
        self._scheduled = False
        self._readers: dict[Reader, None] = {}
        self._everything: dict[Reader, None] = {}
        self._of_agent: dict[str, dict[Reader, None]] = {}
        self._of_queue: dict[str, dict[Reader, None]] = {}
        self._ended: dict[Callable[[], None], None] = {}

    def begin(self, seq: int) -> None:
        """After row `seq`, of which and of all before nothing is in memory: at the start, and after a hole."""
        for reader in self._readers:
            reader.interrupt()
        self._ring.clear()
        self.distributed = self.base
        self.floor = self.told_upto = Cursor(seq)
        self.seq = seq

    def take(self, seq: int, at_us: int, events: tuple[Event, ...], view: View) -> None:
        """One committed row; `view` is the picture after it. Tells readers a moment later."""
        self.seq = seq
        if events:
            self._ring.extend(tell(view, seq, at_us, events))
            if len(self._ring) >= self._kept + self._trimmed:
                self._forget_oldest()
        if not self._readers:
            self.distributed = self._ring.end
            self.told_upto = Cursor(seq)
        elif not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._distribute)

    def restore(self, told: list[Told], floor: Cursor) -> None:
        """Put events that are older than all in memory before them; `floor` is the place before the first."""
        if floor >= self.floor or len(told) > self.room:
            return
        self._ring.prepend(told)
        self.floor = floor

    def follow(
        self,
        wanted: Wanted,
        stir: Callable[[], None],
        after: Cursor | None = None,
        *,
        coalesce: bool = False,
    ) -> Reader | None:
        """A reader from now on, or of everything after a cursor; None if that is not, or no longer, in memory.

        `stir` is called when something waits, after nothing did. `coalesce`: under pressure leave out what a later
        event replaces (`STATE_LIKE`). Raises `ValueError`: too many readers.
        """
        if after is not None and (after < self.floor or after.seq > self.seq):
            return None
        if len(self._readers) >= MAX_READERS:
            raise ValueError(f"there are {MAX_READERS} readers already; close one")
        self._tell_all()
        reader = Reader(self, wanted, stir, coalesce=coalesce)
        if after is not None:
            start = self._ring.after(after)
            reader.start_at(after, start if start < self.distributed else None)
        self._readers[reader] = None
        for index in self._indexes(wanted):
            index[reader] = None
        return reader

    def forget(self, reader: Reader) -> None:
        """Called by the reader."""
        self._readers.pop(reader, None)
        self._everything.pop(reader, None)
        for of, names in ((self._of_agent, _agents(reader.wanted)), (self._of_queue, reader.wanted.queues)):
            for name in names:
                index = of.get(name)
                if index is not None:
                    index.pop(reader, None)
                    if not index:
                        del of[name]

    def between(self, place: int, wanted: Wanted, most: int) -> tuple[list[Told], int]:
        """Events that fit, from a place on, with the place to go on from. Looks at `SCANNED` at most."""
        found: list[Told] = []
        end = min(self.distributed, place + SCANNED)
        for number, told in enumerate(self._ring.between(place, end), place + 1):
            if wanted.fits(told):
                found.append(told)
                if len(found) >= most:
                    return found, number
        return found, max(place, end)

    def count_after(self, cursor: Cursor) -> int | None:
        """How many events there are after a cursor; None if some of them are in memory no more."""
        if cursor < self.floor:
            return None
        return self._ring.end - self._ring.after(cursor)

    def on_end(self, ended: Callable[[], None]) -> None:
        """Have something called when the stream ends; at once if it has."""
        self._ended[ended] = None
        if self.closed:
            ended()

    def off_end(self, ended: Callable[[], None]) -> None:
        """Not any more. Idempotent."""
        self._ended.pop(ended, None)

    def close(self) -> None:
        """Nothing more comes. Idempotent."""
        if not self.closed:
            self.closed = True
            for ended in tuple(self._ended):
                ended()

    @property
    def base(self) -> int:
        """Place of the oldest event in memory; places count up for as long as the stream lives."""
        return self._ring.base

    @property
    def room(self) -> int:
        """How many events more could be in memory."""
        return max(0, self._kept - len(self._ring))

    @property
    def readers(self) -> int:
        """How many read."""
        return len(self._readers)

    def _distribute(self) -> None:
        self._scheduled = False
        self._give(DISTRIBUTED, OFFERED)
        if self.distributed < self._ring.end:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._distribute)

    def _tell_all(self) -> None:
        """Before somebody joins: what was there before is not for them."""
        self._give(len(self._ring))

    def _give(self, most: int, offers: float = inf) -> None:
        """Offer the next events to those whom they may be for; after so many offers no further event."""
        for told in self._ring.between(self.distributed, self.distributed + most):
            candidates = self._candidates(told)
            for reader in candidates:
                if reader.wants_all or reader.wanted.fits(told):
                    reader.offer(told, self.distributed)
            self.distributed += 1
            self.told_upto = told.cursor
            offers -= len(candidates)
            if offers <= 0:
                break
        if self.distributed == self._ring.end:
            self.told_upto = Cursor(self.seq)

    def _candidates(self, told: Told) -> Collection[Reader]:
        """Each reader at most once."""
        by_agent = (reader for agent in told.agents for reader in self._of_agent.get(agent, ()))
        by_queue = (reader for queue in told.queues for reader in self._of_queue.get(queue, ()))
        found: Iterator[Reader] = chain(self._everything, by_agent, by_queue)
        return dict.fromkeys(found) if len(told.agents) > 1 or len(told.queues) > 1 else tuple(found)

    def _indexes(self, wanted: Wanted) -> Iterator[dict[Reader, None]]:
        """Where a reader stands: under its agents, else its queues, else among those who may want everything."""
        if agents := _agents(wanted):
            yield from (self._of_agent.setdefault(agent, {}) for agent in sorted(agents))
        elif wanted.queues:
            yield from (self._of_queue.setdefault(queue, {}) for queue in sorted(wanted.queues))
        else:
            yield self._everything

    def _forget_oldest(self) -> None:
        """Whole rows only, so that a cursor stands for all before it."""
        (last,) = self._ring.between(self.base + self._trimmed - 1, self.base + self._trimmed)
        floor = Cursor(last.seq)
        upto = self._ring.after(floor)
        if upto > self.distributed:
            self._give(upto - self.distributed)
        self.floor = floor
        self._ring.forget(upto - self.base)


def _agents(wanted: Wanted) -> frozenset[str]:
    return frozenset((wanted.only_agent,)) if wanted.only_agent else wanted.agents


def _replaceable(told: Told) -> tuple[str, str] | None:
    """What a state-like event tells the state of."""
    kind = STATE_LIKE.get(kind_of(told.event))
    if kind is None:
        return None
    return kind, told.agents[0] if kind == "presence" else getattr(told.event, "interaction_id", "") or "".join(
        told.queues
    )
