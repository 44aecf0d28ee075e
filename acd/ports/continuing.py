"""What a channel may be able to do besides its contract: take a customer who writes already as one who calls.

Owns what a call is told of the conversation that it goes on from, and the names of the attributes by which both are
found again. Must not know any channel, HTTP, or how a ticket is made. A channel for conversations in writing names the
one for calls; the API, which has let the customer's page in, asks that one for a ticket, and the page calls with it.
"""

from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

CONTINUES: Final = "continues"
"""The attribute of a call that has gone on from a conversation in writing: that conversation's interaction."""

BESIDE: Final = "call.beside"
"""The attribute of a conversation that goes on beside a call: the last one that has gone on from it."""

CALLED_REASON: Final = "called"
"""Why a conversation is over whose place a call has taken."""


class Origin(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Who calls, and from where, as the API found it when it asked for the ticket.

    `key`: the page's own id of the call. `conversation`: empty where the visitor has none. `requirement` and `priority`
    are those that the call is to have, in the queue in which the conversation stands; while that one waits, the call
    has its place, whatever it is by then.
    """

    visitor: str
    key: str
    conversation: str = ""
    requirement: str = ""
    priority: int = 0


@runtime_checkable
class Continuing(Protocol):
    """A channel for calls that takes such customers."""

    name: str

    def ticket(self, origin: Origin) -> str:
        """What the customer's page shows within a minute, once. Raises `ChannelError` while there is no key."""
        ...

    def may_call(self, page: str) -> bool:
        """Whether pages of this web origin may call."""
        ...
