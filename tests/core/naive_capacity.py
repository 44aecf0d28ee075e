"""The naive model of capacity: which share of it a channel has, and whether one more piece of work fits."""

import acd.core.messages as m

Item = tuple[str, int]
"""A piece of work in hand: its channel, and its cost in units."""


def share_for(capacity: m.Capacity, channel: str) -> m.ChannelShare | None:
    """The channel's own share, else that of all the others."""
    found = None
    for share in capacity.channels:
        if share.channel == channel:
            return share
        if share.channel == "*":
            found = share
    return found


def is_room_for(capacity: m.Capacity, channel: str, items: tuple[Item, ...]) -> bool:
    """Whether work of the channel fits beside these items."""
    share = share_for(capacity, channel)
    if share is None:
        return False
    under_the_same_share = [each for each, _ in items if share_for(capacity, each) == share]
    in_the_way = [cost for each, cost in items if not _is_interrupted(capacity, each, share)]
    return sum(in_the_way) + share.cost <= capacity.total and len(under_the_same_share) < share.most


def _is_interrupted(capacity: m.Capacity, channel: str, by: m.ChannelShare) -> bool:
    named = [share.channel for share in capacity.channels]
    return channel in by.interrupts or ("*" in by.interrupts and channel not in named)
