"""Strategies: in which order the idle agents of a class are taken.

Owns one pool of tickets per class. Must not know requirements, queues or offers. To add a strategy,
name its pool in `POOLS` (a `Ranked` one where the order is fixed by load and fit) and in `settings.Strategy`.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush, heapreplace, merge
from typing import Final, Protocol

from acd.core.entities import Agent
from acd.core.lane import Lane, Ticket

_LOADS: Final = 1 << 44
"""More than any load in percent, so that fit and load fit into one integer: interruptions pile work up beyond 100."""

_SPARE: Final = 64
"""Entries that a weighted pool's heap may have beyond two for each bucket."""


class Pool(Protocol):
    """The idle agents of one class, in the order of one strategy."""

    def bucket(self, load: int, fit: int) -> "Bucket":
        """The bucket for an agent of this load (percent) and fit; made when first asked for."""
        ...

    def enlist(self, bucket: "Bucket") -> None:
        """The bucket has a new head: see to it that `best` finds it."""
        ...

    def best(self) -> Ticket[Agent] | None:
        """The first living ticket, or None."""
        ...

    def ordered(self) -> Iterator[Ticket[Agent]]:
        """All living tickets in the strategy's order."""
        ...


class Bucket(Lane[Agent]):
    """Tickets of agents whom the strategy can tell apart by idle time only."""

    __slots__ = ("listed", "pool", "rank")

    def __init__(self, pool: Pool, rank: int) -> None:
        super().__init__()
        self.pool = pool
        self.rank = rank
        self.listed = False

    def add(self, ticket: Ticket[Agent]) -> None:
        """Put an agent's ticket in."""
        if self.push(ticket) or not self.listed:
            self.pool.enlist(self)


class Ranked:
    """Buckets with a fixed rank, the least first; within a bucket the longest idle first."""

    __slots__ = ("_buckets", "_heap", "_rank")

    def __init__(self, rank: Callable[[int, int], int]) -> None:
        """`rank(load, fit)` is the bucket's place."""
        self._rank = rank
        self._buckets: dict[int, Bucket] = {}
        self._heap: list[tuple[int, Bucket]] = []

    def bucket(self, load: int, fit: int) -> Bucket:
        """As `Pool.bucket`."""
        rank = self._rank(load, fit)
        bucket = self._buckets.get(rank)
        if bucket is None:
            bucket = self._buckets[rank] = Bucket(self, rank)
        return bucket

    def enlist(self, bucket: Bucket) -> None:
        """As `Pool.enlist`."""
        if not bucket.listed:
            bucket.listed = True
            heappush(self._heap, (bucket.rank, bucket))

    def best(self) -> Ticket[Agent] | None:
        """As `Pool.best`."""
        heap = self._heap
        while heap:
            bucket = heap[0][1]
            items = bucket.items
            if items:
                # Lane.peek, spelt out for the usual case: the one behind the last head taken is alive.
                ticket = items[bucket.head]
                if ticket.alive:
                    return ticket
            found = bucket.peek()
            if found is not None:
                return found
            heappop(heap)
            bucket.listed = False
        return None

    def ordered(self) -> Iterator[Ticket[Agent]]:
        """As `Pool.ordered`."""
        for _, bucket in sorted(self._heap):
            yield from bucket.living()


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

    def bucket(self, load: int, fit: int) -> Bucket:
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
            least = {entry[3]: entry for entry in sorted(heap, reverse=True)}
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


POOLS: Final[dict[str, Callable[[int], Pool]]] = {
    "longest-idle": lambda _weight_us: Ranked(lambda load, _fit: load),
    "best-fit": lambda _weight_us: Ranked(lambda load, fit: load - fit * _LOADS),
    "weighted": Weighted,
}
"""Strategy → its pool, made with the queue's `fit_weight_us`."""
