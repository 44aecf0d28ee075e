"""What a channel can make of agents' addresses, as far as their form says: asked by `acd check`.

Owns the protocol. Must not know any channel. A channel without these takes whatever it is given.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Addressing(Protocol):
    """A channel that reaches agents at addresses of a form of its own."""

    @property
    def medium(self) -> str:
        """Under which name agents' addresses for it stand: `voice` for `addresses.voice`."""
        ...

    def address_problem(self, address: str) -> str:
        """Why nobody can be reached there, as `reason; fix`; empty when it may be an address."""
        ...
