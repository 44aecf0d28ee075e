"""Who stands where in which line, and who comes when with what head start: all that decides who goes before whom.

Owns the lines and the arrivals of late. Must not know agents, waits nor what is estimated.
"""

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from math import inf
from typing import Final, NamedTuple, TypeVar

from acd.runtime.crowds import Kind

Key = tuple[int, int]
"""Key by the queue's ordering (µs), order of arrival."""

ARRIVALS: Final = 64
"""Latest arrivals of a queue of which it is known how far ahead they went."""

LINES: Final = 64
"""Lines of other kinds that are looked at; if there are more, some stand for all."""

_SECOND_US: Final = 1_000_000

T = TypeVar("T")


class Lines:
    """Who waits, by kind and in order of keys."""

    def __init__(self) -> None:
        self._lines: dict[Kind, list[Key]] = {}
        self._places: dict[str, tuple[Kind, Key]] = {}

    def enter(self, interaction_id: str, kind: Kind, key: Key) -> None:
        """It waits from now on."""
        self._places[interaction_id] = (kind, key)
        insort(self._lines.setdefault(kind, []), key)

    def leave(self, interaction_id: str) -> Kind | None:
        """It waits no more. Of which kind it did, None if it did not."""
        place = self._places.pop(interaction_id, None)
        if place is None:
            return None
        kind, key = place
        line = self._lines[kind]
        del line[bisect_left(line, key)]
        if not line:
            del self._lines[kind]
        return kind

    def others(self, kind: Kind) -> tuple[int, Iterator[Kind]]:
        """Other kinds of which somebody waits: every so manieth of them, so that there are `LINES` at most."""
        every = -(-len(self._lines) // LINES) or 1
        return every, (other for other in islice(self._lines, 0, None, every) if other != kind)

    def before(self, kind: Kind, key: Key | None) -> int:
        """How many of the kind have a lesser key, all of them for None."""
        line = self._lines.get(kind, ())
        return len(line) if key is None else bisect_left(line, key)


class Rush(NamedTuple):
    """Some of those who come into a queue: channel, head start, how many per second, and for how many seconds so."""

    queue: str
    channel: str
    lead_us: int
    per_second: float
    for_s: float


class Arrivals:
    """The last `ARRIVALS` into each queue: when, of which channel and with what head start."""

    def __init__(self) -> None:
        self._came: dict[str, deque[tuple[int, str, int]]] = {}
        self._counts: dict[str, Counter[tuple[str, int]]] = {}
        self._leads: Counter[int] = Counter()

    def come(self, queue: str, channel: str, lead_us: int, at_us: int) -> None:
        """One has come, whose key lies `lead_us` before its arrival."""
        came = self._came.setdefault(queue, deque())
        counts = self._counts.setdefault(queue, Counter())
        came.append((at_us, channel, lead_us))
        counts[channel, lead_us] += 1
        self._leads[lead_us] += 1
        if len(came) > ARRIVALS:
            _, channel, lead_us = came.popleft()
            _take_off(counts, (channel, lead_us), 1)
            _take_off(self._leads, lead_us, 1)

    def forget(self, queue: str) -> None:
        """The queue is no more."""
        self._came.pop(queue, None)
        for (_, lead_us), count in self._counts.pop(queue, Counter()).items():
            _take_off(self._leads, lead_us, count)

    @property
    def are_alike(self) -> bool:
        """Whether all have the same head start, whatever their queue."""
        return len(self._leads) <= 1

    def queues(self) -> Iterator[str]:
        """Queues into which somebody has come."""
        return iter(self._came)

    def of(self, queue: str, now_us: int) -> Iterator[Rush]:
        """Who comes into a queue, by channel and head start."""
        came = self._came[queue]
        span_s = max(now_us - came[0][0], _SECOND_US) / _SECOND_US
        for (channel, lead_us), count in self._counts[queue].items():
            yield Rush(queue, channel, lead_us, count / span_s, inf)


def _take_off(counts: Counter[T], which: T, count: int) -> None:
    counts[which] -= count
    if not counts[which]:
        del counts[which]
