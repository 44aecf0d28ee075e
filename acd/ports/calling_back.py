"""Whether a channel calls customers back by itself: asked by `acd check` of those that queues name for it.

Owns the protocol. Must not know any channel. A channel without it calls nobody.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class CallsBack(Protocol):
    """A channel to which the callbacks of a queue can be given (`callback_channel`)."""

    @property
    def calls_back(self) -> bool:
        """Whether its options say how."""
        ...
