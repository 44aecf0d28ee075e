"""Who stands where in which line, and who comes when with what head start: all that decides who goes before whom.

Owns the lines and the arrivals of late. Must not know agents, waits nor what is estimated.
"""

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from math import exp
from typing import Final, NamedTuple, TypeVar

from acd.runtime.crowds import Kind

Key = tuple[int, int]
"""Key by the queue's ordering (µs), order of arrival."""

ARRIVALS: Final = 64
"""Latest arrivals of a queue of which it is known how far ahead they went."""

LONG_RUN_US: Final = 7_200_000_000
"""Time after which an arrival counts for a third in the long run."""

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
    """Some of those who come into a queue: channel, head start, how many per second lately, and in the long run.

    `lately_s`: what lately is.
    """

    channel: str
    lead_us: int
    per_second: float
    in_the_long_run: float
    lately_s: float


class Arrivals:
    """Who came into each queue: the last `ARRIVALS` one by one, and in the long run, by channel and head start."""

    def __init__(self) -> None:
        self._came: dict[str, _Came] = {}
        self._leads: Counter[int] = Counter()

    def come(self, queue: str, channel: str, lead_us: int, at_us: int) -> None:
        """One has come, whose key lies `lead_us` before its arrival."""
        came = self._came.get(queue)
        if came is None:
            came = self._came[queue] = _Came(at_us)
        self._leads[lead_us] += 1
        for gone_us in came.add(channel, lead_us, at_us):
            _take_off(self._leads, gone_us, 1)

    def forget(self, queue: str) -> None:
        """The queue is no more."""
        came = self._came.pop(queue, None)
        if came is not None:
            for (_, lead_us), count in came.counts.items():
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
        lately_s = max(now_us - came.latest[0][0], _SECOND_US) / _SECOND_US
        weight_s = came.weight_s(now_us)
        for which, count in came.counts.items():
            yield Rush(*which, count / lately_s, came.weights[which] * came.fading(now_us) / weight_s, lately_s)


class _Came:
    """Who came into one queue."""

    __slots__ = ("_at_us", "_weight_s", "counts", "latest", "weights")

    def __init__(self, at_us: int) -> None:
        self.latest: deque[tuple[int, str, int]] = deque()
        self.counts: Counter[tuple[str, int]] = Counter()
        self.weights: dict[tuple[str, int], float] = {}
        self._weight_s = 1.0
        self._at_us = at_us

    def fading(self, now_us: int) -> float:
        """How much what was known at the last arrival counts now."""
        return exp(-max(now_us - self._at_us, 0) / LONG_RUN_US)

    def weight_s(self, now_us: int) -> float:
        """Of the time that has passed, old times counting less."""
        fading = self.fading(now_us)
        return self._weight_s * fading + LONG_RUN_US / _SECOND_US * (1.0 - fading)

    def add(self, channel: str, lead_us: int, at_us: int) -> list[int]:
        """One more. Returns the head starts of those that are no longer among the latest."""
        if at_us != self._at_us:
            fading, self._weight_s = self.fading(at_us), self.weight_s(at_us)
            self.weights = {which: weight * fading for which, weight in self.weights.items()}
            self._at_us = at_us
        self.latest.append((at_us, channel, lead_us))
        self.counts[channel, lead_us] += 1
        self.weights[channel, lead_us] = self.weights.get((channel, lead_us), 0.0) + 1.0
        gone = []
        if len(self.latest) > ARRIVALS:
            _, channel, lead_us = self.latest.popleft()
            _take_off(self.counts, (channel, lead_us), 1)
            if (channel, lead_us) not in self.counts:
                del self.weights[channel, lead_us]
            gone.append(lead_us)
        return gone


def _take_off(counts: Counter[T], which: T, count: int) -> None:
    counts[which] -= count
    if not counts[which]:
        del counts[which]
