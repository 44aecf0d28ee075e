"""Events of handing customers on, from agent to agent. As `events`, whose union has them all."""

from msgspec import Struct


class InteractionTransferred(Struct, frozen=True, gc=False, tag=True):
    """The agent has handed the customer on, and an InteractionMoved follows. `talked_us` from accepted to now.

    Without `with_context` the interaction's own requirement, preferences and attributes are gone.
    """

    interaction_id: str
    agent_id: str
    to_agent: str
    with_context: bool
    reason: str
    talked_us: int
