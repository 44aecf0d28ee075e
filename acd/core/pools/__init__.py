"""Strategies: in which order the idle agents of a class are taken.

Owns the table from a strategy's name to its pool. Must not know requirements or offers. To add a strategy,
name its pool in `POOLS` (a `Ranked` one where a number that the class and the agent's work decide comes first) and in
`settings.STRATEGIES`.
"""

from collections.abc import Callable
from typing import Final

from acd.core.cursor import Cursor
from acd.core.pools.pool import Bucket, Nowhere, Pool, Terms
from acd.core.pools.ranked import Ranked, best_fit, least_loaded, least_skilled, longest_idle
from acd.core.pools.ring import Ring
from acd.core.pools.scored import Scored
from acd.core.pools.weighted import Weighted

POOLS: Final[dict[str, Callable[[Terms], Pool]]] = {
    "longest-idle": lambda _terms: Ranked(longest_idle),
    "best-fit": lambda _terms: Ranked(best_fit),
    "weighted": lambda terms: Weighted(terms.fit_weight_us),
    "least-skilled": lambda _terms: Ranked(least_skilled),
    "least-loaded": lambda _terms: Ranked(least_loaded),
    "linear": lambda _terms: Ring(Cursor()),
    "round-robin": lambda terms: Ring(terms.cursor or Cursor()),
    "broadcast": lambda _terms: Ranked(longest_idle),
}
"""Strategy → what makes its pool."""


def make_pool(strategy: str, terms: Terms) -> Pool:
    """An empty pool. A strategy of the user's own whose function is not given any more ranks by fit."""
    make = POOLS.get(strategy)
    if make is not None:
        return make(terms)
    return Ranked(best_fit) if terms.score is None else Scored(terms.score, terms.demand)


__all__ = ["POOLS", "Bucket", "Nowhere", "Pool", "Terms", "make_pool"]
