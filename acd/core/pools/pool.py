"""What matching asks of a strategy: a pool of idle agents' tickets, filled through buckets.

Owns the protocol and the common bucket. Must not know any strategy, nor requirements or offers.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from acd.core.cursor import Cursor
from acd.core.entities import Agent
from acd.core.lane import Lane, Ticket
from acd.core.messages import Demand, ScoreFunction

if TYPE_CHECKING:
    from acd.core.crews import Crew

NO_DEMAND: Final = Demand("", ())
"""For strategies that ask for none."""


class Terms(NamedTuple):
    """What of a queue's settings and state its pools depend on. `score` and `demand`: of a strategy `score:NAME`."""

    fit_weight_us: int = 0
    cursor: Cursor | None = None
    score: ScoreFunction | None = None
    demand: Demand = NO_DEMAND


class Pool(Protocol):
    """The idle agents of one crew, in the order of one strategy."""

    def bucket(self, agent: Agent, items: int, load: int, fit: int, /) -> "Bucket":
        """The bucket for the agent, with so many work items in hand, this load (percent) and fit; made if need be."""
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

    __slots__ = ("crew", "listed", "pool", "rank")

    crew: "Crew"
    """Whose pool this is; whoever keeps the pool for a crew says so."""

    def __init__(self, pool: Pool, rank: int) -> None:
        super().__init__()
        self.pool = pool
        self.rank = rank
        self.listed = False

    def add(self, ticket: Ticket[Agent]) -> None:
        """Put an agent's ticket in."""
        if self.push(ticket) or not self.listed:
            self.pool.enlist(self)


class Nowhere(Bucket):
    """Of an agent who is in the crew and can never have room for it, as one item is more than all their units."""

    __slots__ = ()

    def add(self, ticket: Ticket[Agent]) -> None:
        """As `Bucket.add`: nobody stands here."""
