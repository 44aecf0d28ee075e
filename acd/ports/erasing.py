"""What else keeps something of a person, and has to forget it when they are erased.

Owns the protocol. Must not know what is kept: a channel's conversations, agents' notes. A channel without this method
keeps nothing.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Erasing(Protocol):
    """A channel, or a store beside the router, that may keep something."""

    async def erase(self, customer: str) -> bool:
        """Make all that is kept of this reference unreadable for good, also on disk; False when there was nothing.

        What still goes on is forgotten when it has ended. Raises `AcdError` when that could not be made sure; erasing
        again then tries again.
        """
        ...
