"""What a capacity says, made ready for use once for all agents who have it.

Owns what follows from the settings alone. Must not know agents or work items.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from acd.core.messages import Capacity, ChannelShare

_NEVER_FULL: Final = 1 << 62
"""More units than any agent can have in use."""


class Terms(NamedTuple):
    """What a capacity says, for use. With more units in use than `full_above` there is room for nothing at all."""

    total: int
    shares: Mapping[str, ChannelShare]
    full_above: int


@lru_cache(maxsize=1_024)
def terms_of(capacity: Capacity) -> Terms:
    """The terms of a capacity; the same for all agents who have it."""
    total = capacity.total
    costs = [share.cost for share in capacity.channels]
    interrupting = any(share.interrupts for share in capacity.channels)
    full_above = _NEVER_FULL if interrupting else total - min(costs, default=total + 1)
    return Terms(total, {share.channel: share for share in capacity.channels}, full_above)
