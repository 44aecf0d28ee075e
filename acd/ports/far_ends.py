"""Which far end a channel has, and who it is to it: asked by `acd check`.

Owns the protocol. Must not know any channel. A channel without such an attribute shares nothing with others.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Placed(Protocol):
    """A channel that has its far end for itself."""

    @property
    def far_end(self) -> str:
        """Two channels in which this is the same would take each other's calls. Without secrets: it is shown."""
        ...
