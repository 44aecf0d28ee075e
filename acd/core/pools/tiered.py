"""Levels: whoever has a lower level for a queue is asked first, and the strategy decides within a level.

Owns a pool of the strategy for every level, and the view of those up to one. Must not know strategies, requirements or
how levels open.
"""

from collections.abc import Callable, Iterator

from acd.core.entities import Agent
from acd.core.lane import Ticket
from acd.core.pools.pool import Bucket, Pool


class Tiered:
    """The pools of one crew by level, the least level first."""

    __slots__ = ("_make", "_queue", "pools")

    def __init__(self, queue: str, make: Callable[[], Pool]) -> None:
        """`queue` is whose levels count; `make` gives a pool of the queue's strategy."""
        self._queue = queue
        self._make = make
        self.pools: dict[int, Pool] = {}

    def bucket(self, agent: Agent, items: int, load: int, fit: int) -> Bucket:
        """As `Pool.bucket`: one of the pool of the agent's level, to which it belongs from then on."""
        pool = self.pools.get(agent.levels.get(self._queue, 1)) or self.of(agent)
        return pool.bucket(agent, items, load, fit)

    def of(self, agent: Agent) -> Pool:
        """The pool of the agent's level."""
        level = agent.level(self._queue)
        pool = self.pools.get(level)
        if pool is None:
            self.pools[level] = pool = self._make()
            self.pools = dict(sorted(self.pools.items()))
        return pool

    def enlist(self, bucket: Bucket) -> None:
        """As `Pool.enlist`: the bucket's own pool sees to it."""
        bucket.pool.enlist(bucket)

    def best(self) -> Ticket[Agent] | None:
        """As `Pool.best`."""
        for pool in self.pools.values():
            ticket = pool.best()
            if ticket is not None:
                return ticket
        return None

    def ordered(self) -> Iterator[Ticket[Agent]]:
        """As `Pool.ordered`."""
        for pool in self.pools.values():
            yield from pool.ordered()


class Reaching:
    """The pools of the levels up to one, of a crew whose members stand in all of them."""

    __slots__ = ("_reach", "_tiered")

    def __init__(self, tiered: Tiered, reach: int) -> None:
        """`reach`: the highest level."""
        self._tiered = tiered
        self._reach = reach

    def bucket(self, agent: Agent, items: int, load: int, fit: int) -> Bucket:
        """As `Pool.bucket`, of whatever level the agent is."""
        return self._tiered.bucket(agent, items, load, fit)

    def enlist(self, bucket: Bucket) -> None:
        """As `Pool.enlist`."""
        bucket.pool.enlist(bucket)

    def best(self) -> Ticket[Agent] | None:
        """As `Pool.best`."""
        for level, pool in self._tiered.pools.items():
            if level > self._reach:
                return None
            ticket = pool.best()
            if ticket is not None:
                return ticket
        return None

    def ordered(self) -> Iterator[Ticket[Agent]]:
        """As `Pool.ordered`."""
        for level, pool in self._tiered.pools.items():
            if level <= self._reach:
                yield from pool.ordered()
