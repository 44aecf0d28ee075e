"""What a comparison may find, one shape for each: what is kept, and every difference that is to be healed.

Owns the shapes. Must not know how they are found (`adopt`), nor how anything is healed (`healing`).
"""

from typing import Final, Literal

from msgspec import Struct

from acd.ports.channel import Desired
from acd_asterisk.wire import AriChannel

NOT_FOLLOWED: Final = "transfer-not-followed"
"""Why a customer is back in the queue whom Asterisk has transferred where we cannot follow."""


class KeptLeg(Struct, frozen=True):
    """An agent's leg that rings or talks as it should. `talking`: it is in the talk bridge together with the caller."""

    offer_id: str
    agent_id: str
    channel: AriChannel
    talking: bool


class Keep(Struct, frozen=True):
    """A live interaction's call: the caller's channel, and the legs that ring or talk for it, oldest first.

    Of a consult: the channel of the agent who asks, of whose offer `asking` is. `met`: somebody has been in the talk
    bridge with the caller, which shows in where the caller is. `has_bridge`: there is one. `replaced`: a channel of
    Asterisk's own is in an agent's place, for a transfer that nobody followed.

    `is_back`: of a callback; its channel has no id as long as nobody is called.
    """

    desired: Desired
    channel: AriChannel
    legs: tuple[KeptLeg, ...]
    met: bool
    has_bridge: bool
    asking: str = ""
    is_back: bool = False
    replaced: bool = False


class End(Struct, frozen=True):
    """The interaction's call is no more."""

    interaction_id: str
    by: Literal["customer", "agent", "system"]
    reason: str


class Fail(Struct, frozen=True):
    """The offer rings no more."""

    offer_id: str


class Ring(Struct, frozen=True):
    """The offer was made while nobody could be called: it has not rung yet."""

    interaction_id: str
    offer_id: str
    agent_id: str


class Accept(Struct, frozen=True):
    """The agent has picked up meanwhile."""

    interaction_id: str
    offer_id: str


class Join(Struct, frozen=True):
    """Customer and agents are to be joined, and not all of them are."""

    interaction_id: str


class Leave(Struct, frozen=True):
    """One of several agents who talk with a caller is gone."""

    interaction_id: str
    agent_id: str


class Hold(Struct, frozen=True):
    """This agent has put the customer on hold, and is with them."""

    interaction_id: str
    offer_id: str


class Requeue(Struct, frozen=True):
    """The last agent's leg is gone, and nobody was ever joined with the caller; or a transfer has got lost."""

    interaction_id: str
    reason: str = "agent-leg-lost"


class Park(Struct, frozen=True):
    """The caller is to hear music, and does not."""

    interaction_id: str


class Answer(Struct, frozen=True):
    """The caller is in the bridge where they belong, and their telephone still rings."""

    interaction_id: str


class Enqueue(Struct, frozen=True):
    """A caller of whom the engine knows nothing."""

    channel: AriChannel


class LetGo(Struct, frozen=True):
    """A caller whom the engine knew, and no longer desires."""

    channel_id: str


class HangUp(Struct, frozen=True):
    """A channel that nobody desires."""

    channel_id: str


class Destroy(Struct, frozen=True):
    """The talk bridge of an interaction that needs none."""

    interaction_id: str


class CallBack(Struct, frozen=True):
    """An agent, or the engine, waits for a customer to be called back, who is not: not yet, or not any more."""

    interaction_id: str


class Welcome(Struct, frozen=True):
    """A customer who was called back has picked up meanwhile, or is there and the engine does not know."""

    interaction_id: str


Repair = (
    Keep
    | CallBack
    | Welcome
    | End
    | Fail
    | Ring
    | Accept
    | Join
    | Leave
    | Hold
    | Requeue
    | Park
    | Answer
    | Enqueue
    | LetGo
    | HangUp
    | Destroy
)
