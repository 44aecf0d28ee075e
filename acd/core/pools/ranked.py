"""Strategies that compare agents by a number first, and by idle time among equals.

Owns one pool of tickets per class. Must not know requirements, queues or offers.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Final

from acd.core.entities import Agent
from acd.core.lane import Ticket
from acd.core.pools.pool import Bucket

_LOADS: Final = 1 << 44
"""More than any load in percent, so that what comes first and load fit into one integer.

Interruptions pile work up beyond 100 percent.
"""


class Ranked:
    """Buckets with a fixed rank, the least first; within a bucket the longest idle first."""

    __slots__ = ("_buckets", "_heap", "_rank")

    def __init__(self, rank: Callable[[Agent, int, int, int], int]) -> None:
        """`rank(agent, items, load, fit)` is the bucket's place."""
        self._rank = rank
        self._buckets: dict[int, Bucket] = {}
        self._heap: list[tuple[int, Bucket]] = []

    def bucket(self, agent: Agent, items: int, load: int, fit: int) -> Bucket:
        """As `Pool.bucket`."""
        rank = self._rank(agent, items, load, fit)
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


def longest_idle(_agent: Agent, _items: int, load: int, _fit: int) -> int:
    """Least (load, …)."""
    return load


def best_fit(_agent: Agent, _items: int, load: int, fit: int) -> int:
    """Least (−fit, load, …)."""
    return load - fit * _LOADS


def least_skilled(agent: Agent, _items: int, load: int, _fit: int) -> int:
    """Least (skills held, load, …)."""
    return len(agent.settings.skills) * _LOADS + load


def least_loaded(_agent: Agent, items: int, load: int, _fit: int) -> int:
    """Least (work items in hand, load, …)."""
    return items * _LOADS + load
