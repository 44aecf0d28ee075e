"""How a channel's far end calls what it has made: for records that its other programs read beside ours.

Owns the protocol. Must not know any channel. A channel that has such names has an attribute `call_names`.
"""

from typing import Protocol, runtime_checkable


class CallNames(Protocol):
    """Names at the far end. All of them are derived from ours: nothing is asked for."""

    def caller(self, interaction_id: str) -> str:
        """The customer's channel: Asterisk's uniqueid."""
        ...

    def leg(self, offer_id: str) -> str:
        """The agent's channel for an offer."""
        ...

    def talk(self, interaction_id: str) -> str:
        """Where both talk: Asterisk's bridge."""
        ...


@runtime_checkable
class Named(Protocol):
    """A channel that has them."""

    call_names: CallNames
