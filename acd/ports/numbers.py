"""What a channel may be able to do besides its contract: let an agent transfer a customer to a telephone number.

Owns the protocol. Must not know any channel, nor which numbers may be dialled: that is the channel's configuration.
The engine has no such command: to it the interaction ends, by the agent, `TRANSFERRED_OUT`.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from acd.errors import ChannelError


class NoNumbers(ChannelError):
    """The channel has the verb, but as it is set up nobody is transferred to numbers by it."""


class NumberNotAllowed(ChannelError):
    """It is no number, or none that may be dialled. Never quotes it."""


class TransfersToNumbers(Protocol):
    """Those of one channel instance."""

    @property
    def are_there(self) -> bool:
        """Whether there are numbers to which anybody may be transferred, as it is set up."""
        ...

    async def transfer(
        self, interaction_id: str, agent_id: str, number: str, end: Callable[[], Awaitable[bool]]
    ) -> None:
        """Lead the customer, with whom this agent talks alone, to the number as soon as `end()` has ended that.

        `end()` is false if it was refused: then nothing has happened. What it raises is raised. If anybody dies in
        between, the customer is with the agent, or led to the number.
        Raises `NoNumbers`, `NumberNotAllowed`, or `ChannelError` when it cannot be done just now; then nothing has been
        ended.
        """
        ...


@runtime_checkable
class HasNumbers(Protocol):
    """A channel that may have some."""

    @property
    def numbers(self) -> TransfersToNumbers:
        """Its transfers to numbers."""
        ...
