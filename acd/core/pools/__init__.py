"""Strategies: in which order the idle agents of a class are taken.

Owns the table from a strategy's name to its pool. Must not know requirements, queues or offers. To add a strategy,
name its pool in `POOLS` (a `Ranked` one where a number that the class and the agent's work decide comes first) and in
`settings.Strategy`.
"""

from collections.abc import Callable
from typing import Final

from acd.core.pools.pool import Bucket, Pool
from acd.core.pools.ranked import Ranked, best_fit, least_loaded, least_skilled, longest_idle
from acd.core.pools.ring import Ring
from acd.core.pools.weighted import Weighted

POOLS: Final[dict[str, Callable[[int], Pool]]] = {
    "longest-idle": lambda _weight_us: Ranked(longest_idle),
    "best-fit": lambda _weight_us: Ranked(best_fit),
    "weighted": Weighted,
    "least-skilled": lambda _weight_us: Ranked(least_skilled),
    "least-loaded": lambda _weight_us: Ranked(least_loaded),
    "linear": lambda _weight_us: Ring(),
}
"""Strategy → its pool, made with the queue's `fit_weight_us`."""

__all__ = ["POOLS", "Bucket", "Pool"]
