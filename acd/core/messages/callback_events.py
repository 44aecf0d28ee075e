"""Events of what waits without standing in line: scheduled interactions, and customers who are called back.

Owns what has happened. Must not know why.
"""

from msgspec import Struct


class InteractionScheduled(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """It waits aside, until `not_before_us` and until its queue is open. `attempts`: how often calling back failed.

    `uncalled`: how often nobody could call the customer at the present attempt, which goes on.
    """

    interaction_id: str
    not_before_us: int
    attempts: int
    uncalled: int = 0


class InteractionDue(Struct, frozen=True, gc=False, tag=True):
    """A scheduled interaction has come into the line: its place counts from then on, its priority is the request's.

    Where it had a place, and nobody could call the customer, it counts from before.
    """

    interaction_id: str
    place_at_us: int
    priority: int


class InteractionFailed(Struct, frozen=True, gc=False, tag=True):
    """The customer was called back so often as the queue says, and never answered."""

    interaction_id: str
    attempts: int
    reason: str


class CustomerCalled(Struct, frozen=True, gc=False, tag=True):
    """It is the turn of a callback whose customer is called before any agent: for the `attempt`-th time.

    Unless they have answered by `until_us`, this attempt has failed.
    """

    interaction_id: str
    attempt: int
    until_us: int


class CustomerReached(Struct, frozen=True, gc=False, tag=True):
    """They have answered after `called_us`, and wait for an agent; where the callback stood in line."""

    interaction_id: str
    attempt: int
    called_us: int
