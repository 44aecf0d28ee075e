"""Whether a channel calls customers back by itself, and who of them is promised it: asked by `acd check`.

Owns the protocol. Must not know any channel. A channel without it calls nobody.
"""

from collections.abc import Collection
from typing import Protocol, runtime_checkable


@runtime_checkable
class CallsBack(Protocol):
    """A channel to which the callbacks of a queue can be given (`callback_channel`)."""

    @property
    def calls_back(self) -> bool:
        """Whether its options say how."""
        ...

    @property
    def never_calls_back(self) -> str:
        """Why it cannot, whatever its options say of callbacks: "is …, which calls nobody back"; empty: it can."""
        ...

    @property
    def promises_callbacks(self) -> Collection[str]:
        """The queues whose callers may ask for one here, by a key."""
        ...

    @property
    def reaches_within_us(self) -> int:
        """How long after it was begun a call may still reach a customer, at least (µs)."""
        ...
