"""Effects: what the world must now do. Imperative, idempotent, per interaction.

Owns the orders. Must not know how a channel carries them out. Each names the channel `instance`
that holds the customer's end, for the dispatcher.
"""

from msgspec import Struct


class ParkInteraction(Struct, frozen=True, gc=False, tag=True):
    """Keep the customer waiting: answer, play music."""

    interaction_id: str
    instance: str


class OpenConsult(Struct, frozen=True, gc=False, tag=True):
    """Let this agent, who talks with the customer of `parent_id`, wait in a conversation of their own for advice.

    The agent takes the customer's part in it. Whether the customer of `parent_id` hears music is another matter.
    """

    interaction_id: str
    instance: str
    parent_id: str
    agent_id: str


class ReachCustomer(Struct, frozen=True, gc=False, tag=True):
    """Call the customer of a callback, for the `attempt`-th time. The engine itself watches `expires_at_us`.

    `NoteReached` says that they are there, `FailCallback` that they are not. `ReleaseInteraction` ends it.
    """

    interaction_id: str
    instance: str
    attempt: int
    expires_at_us: int


class OfferInteraction(Struct, frozen=True, gc=False, tag=True):
    """Let the agent's device ring, or pop up. The engine itself watches `expires_at_us`."""

    offer_id: str
    interaction_id: str
    agent_id: str
    instance: str
    expires_at_us: int


class RevokeOffer(Struct, frozen=True, gc=False, tag=True):
    """Stop ringing.

    `reason`: customer-left, declined, expired, cancelled, recovered, recalled, moved, called-back, rescinded (another
    agent was faster, and may be connected already), or the failure's name.
    """

    offer_id: str
    interaction_id: str
    agent_id: str
    instance: str
    reason: str


class ConnectInteraction(Struct, frozen=True, gc=False, tag=True):
    """Join the customer and the agent who accepted."""

    offer_id: str
    interaction_id: str
    agent_id: str
    instance: str


class ReleaseInteraction(Struct, frozen=True, gc=False, tag=True):
    """Let go of everything that belongs to the interaction, on both sides."""

    interaction_id: str
    instance: str
    reason: str


class AnnounceInteraction(Struct, frozen=True, gc=False, tag=True):
    """Tell the waiting customer something: `name` says what. Once is enough; a channel that cannot leaves it."""

    interaction_id: str
    instance: str
    name: str


class DisconnectAgent(Struct, frozen=True, gc=False, tag=True):
    """Let go of this agent's side of a conversation; the customer, and other agents, stay."""

    offer_id: str
    interaction_id: str
    agent_id: str
    instance: str


class JoinAgent(Struct, frozen=True, gc=False, tag=True):
    """Take this agent out of the conversation `consult_id`, and let them talk with the customer and whoever is there.

    Whatever else belonged to `consult_id` is let go.
    """

    offer_id: str
    interaction_id: str
    agent_id: str
    instance: str
    consult_id: str


Effect = (
    ParkInteraction
    | OfferInteraction
    | RevokeOffer
    | ConnectInteraction
    | ReleaseInteraction
    | AnnounceInteraction
    | DisconnectAgent
    | OpenConsult
    | JoinAgent
    | ReachCustomer
)
