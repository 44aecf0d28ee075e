"""What a capacity says, made ready for use once for all agents who have it.

Owns what follows from the settings, and from the channels and costs of what is in hand. Must not know agents or work
items.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from acd.core.messages import Capacity, ChannelShare

_NEVER_FULL: Final = 1 << 62
"""More units than any agent can have in use."""

_KEPT: Final = 4_096
"""Combinations of work in hand that are remembered for one capacity."""

Held = tuple[tuple[str, int], ...]
"""(channel, units) of every work item in hand."""


class Terms(NamedTuple):
    """What a capacity says, for use. With more units in use than `full_above` there is room for nothing at all."""

    total: int
    shares: Mapping[str, ChannelShare]
    full_above: int
    rooms: dict[Held, frozenset[str]]
    """What `room_beside` has found."""

    def share(self, channel: str) -> ChannelShare | None:
        """What a work item of the channel costs; None if the channel is not done at all."""
        return self.shares.get(channel) or self.shares.get("*")

    def room_beside(self, held: Held) -> frozenset[str]:
        """The shares, by the channel that they name, of which one more work item fits beside what is in hand."""
        found = self.rooms.get(held)
        if found is None:
            if len(self.rooms) >= _KEPT:
                self.rooms.clear()
            names = (name for name, share in self.shares.items() if self._fits(share, held))
            found = self.rooms[held] = frozenset(names)
        return found

    def in_the_way(self, share: ChannelShare, held: Held) -> int:
        """Units in use that a further work item of the share must fit beside: all but those that it interrupts."""
        interrupts = share.interrupts
        unnamed = "*" in interrupts
        return sum(
            cost for channel, cost in held if channel not in interrupts and not (unnamed and channel not in self.shares)
        )

    def _fits(self, share: ChannelShare, held: Held) -> bool:
        if self.in_the_way(share, held) + share.cost > self.total:
            return False
        return sum(self.share(channel) is share for channel, _ in held) < share.most


@lru_cache(maxsize=1_024)
def terms_of(capacity: Capacity) -> Terms:
    """The terms of a capacity; the same for all agents who have it."""
    total = capacity.total
    costs = [share.cost for share in capacity.channels]
    interrupting = any(share.interrupts for share in capacity.channels)
    full_above = _NEVER_FULL if interrupting else total - min(costs, default=total + 1)
    return Terms(total, {share.channel: share for share in capacity.channels}, full_above, {})
