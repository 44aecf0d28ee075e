"""Telling customers where in line they stand.

Owns whose turn it is to be told. Must not know how a place is found, nor what a page makes of it.
"""

from typing import TYPE_CHECKING, Final

from acd.ports.channel import ChannelHost
from acd_webrtc.messages import PlaceTold

if TYPE_CHECKING:
    from acd_webrtc.lines import Line

AT_ONCE: Final = 50
"""Customers whose place in line is looked up in one sweep; the others have their turn in the next ones."""


class Places:
    """Of one channel."""

    def __init__(self) -> None:
        """Nobody has been told."""
        self._turns = 0

    def tell(self, waiting: list["Line"], host: ChannelHost) -> None:
        """Look up some places in line, in turn, and tell those that are others."""
        if not waiting:
            return
        first = self._turns % len(waiting)
        chosen = (waiting[first:] + waiting[:first])[:AT_ONCE]
        self._turns = first + len(chosen)
        for line in chosen:
            place = host.place(line.id)
            if place != line.place and line.customer is not None:
                line.place = place
                seconds = None if place is None or place.expected_us is None else place.expected_us / 1_000_000
                line.customer.tell(PlaceTold(0 if place is None else place.position, seconds))
