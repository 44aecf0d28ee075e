"""Crews: the agents who satisfy a requirement and do a channel, in the order of one strategy.

Owns who is in a crew, how well each fits, and the pool of those who are idle. Must not know who waits: classes that
differ in their line only, or in how far they reach among levels, have one crew together, so that whoever comes free
stands in one place for all of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from acd.core import limits
from acd.core.pools.tiered import Reaching, Tiered

if TYPE_CHECKING:
    from acd.core.classes import Class
    from acd.core.entities import Agent
    from acd.core.messages import Preference
    from acd.core.pools import Pool
    from acd.core.requirement import Requirement

UNCOUNTED: Final = -1


class CrewKey(NamedTuple):
    """What makes crews differ. `requirement` is canonical; `queue`: the only one of the crew, else empty."""

    channel: str
    requirement: str
    preferences: tuple[Preference, ...]
    strategy: str
    weight_us: int
    queue: str


class Crew:
    """One crew, and the classes that it serves."""

    __slots__ = ("channel", "classes", "fits", "key", "pool", "reaching", "requirement", "rows", "staff")

    def __init__(self, key: CrewKey, requirement: Requirement, pool: Pool) -> None:
        self.key = key
        self.channel = key.channel
        self.requirement = requirement
        self.pool = pool
        """Everybody who is idle, of whatever level."""
        self.rows: array[int] = array("i")
        """Rows, ascending, of all who satisfy the requirement and do the channel.

        Two numbers for a member: there may be a hundred thousand agents in a dozen crews each.
        """
        self.fits: array[int] = array("i")
        """Their fits, in the same order."""
        self.staff = UNCOUNTED
        """Members who are signed in, from the first time that somebody asks."""
        self.classes: list[Class] = []
        self.reaching: dict[int, Class] = {}
        """The classes of one that goes by levels, by their reach; without those whose customers are called first."""

    @property
    def has_levels(self) -> bool:
        """Whether its members have different levels for its queue."""
        return isinstance(self.pool, Tiered)

    def level_of(self, agent: Agent) -> int:
        """The level at which the agent is a member."""
        return agent.level(self.key.queue) if isinstance(self.pool, Tiered) else 1

    def pool_within(self, reach: int) -> Pool:
        """The pool of those whose level is not above `reach`."""
        pool = self.pool
        return Reaching(pool, reach) if isinstance(pool, Tiered) and reach < limits.MAX_LEVEL else pool

    def add(self, cls: Class) -> None:
        """One more class."""
        self.classes.append(cls)
        if self.has_levels and not cls.calls:
            self.reaching[cls.key.reach] = cls

    def remove(self, cls: Class) -> None:
        """One class less."""
        self.classes.remove(cls)
        if self.reaching.get(cls.key.reach) is cls:
            del self.reaching[cls.key.reach]

    def has(self, agent: Agent) -> bool:
        """Whether the agent is a member. O(log members)."""
        index = bisect_left(self.rows, agent.row)
        return index < len(self.rows) and self.rows[index] == agent.row

    def fit_of(self, agent: Agent) -> int:
        """The fit of a member. O(log members)."""
        return self.fits[bisect_left(self.rows, agent.row)]

    def take_in(self, agent: Agent, fit: int) -> None:
        """Somebody is a member from now on."""
        index = bisect_left(self.rows, agent.row)
        self.rows.insert(index, agent.row)
        self.fits.insert(index, fit)

    def forget(self, agent: Agent) -> None:
        """A member is one no more."""
        index = bisect_left(self.rows, agent.row)
        del self.rows[index]
        del self.fits[index]
