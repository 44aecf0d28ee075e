"""Strategy `weighted`: a point of fit is worth some idle time.

Owns one pool of tickets per class. Must not know requirements, queues or offers.
"""

from collections.abc import Iterator
from heapq import heappop, heappush, heapreplace, merge
from typing import Final

from acd.core.entities import Agent
from acd.core.lane import Ticket
from acd.core.pools.pool import Bucket, Pool

_SPARE: Final = 64
"""Entries that a weighted pool's heap may have beyond two for each bucket."""


class Weighted:
    """Least (load, idle since − fit × weight, seq).

    One bucket per (load, fit); a heap holds for every non-empty bucket at least one entry that is not
    above its head, so the top of the heap, once it agrees with its bucket, is the best.
    """

    __slots__ = ("_buckets", "_heap", "_weight_us")

    def __init__(self, weight_us: int) -> None:
        self._weight_us = weight_us
        self._buckets: dict[tuple[int, int], WeightedBucket] = {}
        self._heap: list[tuple[int, int, int, WeightedBucket]] = []

    def bucket(self, _agent: Agent, _items: int, load: int, fit: int) -> Bucket:
        """As `Pool.bucket`."""
        bucket = self._buckets.get((load, fit))
        if bucket is None:
            bucket = self._buckets[load, fit] = WeightedBucket(self, load, fit * self._weight_us)
        return bucket

    def enlist(self, bucket: Bucket) -> None:
        """As `Pool.enlist`. Every restored head adds an entry: the heap is thinned before it outgrows the buckets."""
        assert isinstance(bucket, WeightedBucket)
        ticket = bucket.peek()
        if ticket is None:
            return
        bucket.listed = True
        heap = self._heap
        heappush(heap, (bucket.load, ticket.key - bucket.rank, ticket.seq, bucket))
        if len(heap) > 2 * len(self._buckets) + _SPARE:
            least = {id(entry[3]): entry for entry in sorted(heap, reverse=True)}
            heap[:] = sorted(least.values())

    def best(self) -> Ticket[Agent] | None:
        """As `Pool.best`."""
        heap = self._heap
        while heap:
            load, key, seq, bucket = heap[0]
            ticket = bucket.peek()
            if ticket is None:
                heappop(heap)
                bucket.listed = False
                continue
            actual = ticket.key - bucket.rank
            if actual == key and ticket.seq == seq:
                return ticket
            heapreplace(heap, (load, actual, ticket.seq, bucket))
        return None

    def ordered(self) -> Iterator[Ticket[Agent]]:
        """As `Pool.ordered`."""
        by_load: dict[int, list[WeightedBucket]] = {}
        for bucket in self._buckets.values():
            by_load.setdefault(bucket.load, []).append(bucket)
        for load in sorted(by_load):
            for _, ticket in merge(*(bucket.weighed() for bucket in by_load[load]), key=lambda pair: pair[0]):
                yield ticket


class WeightedBucket(Bucket):
    """Equal load and fit; `rank` is the head start that the fit is worth, in µs."""

    __slots__ = ("load",)

    def __init__(self, pool: Pool, load: int, rank: int) -> None:
        super().__init__(pool, rank)
        self.load = load

    def __lt__(self, other: "WeightedBucket") -> bool:
        """Heap entries that agree in all numbers stand for the same ticket; any order will do."""
        return self.rank < other.rank

    def weighed(self) -> Iterator[tuple[tuple[int, int], Ticket[Agent]]]:
        """Living tickets with the key they are compared by."""
        for ticket in self.living():
            yield (ticket.key - self.rank, ticket.seq), ticket
