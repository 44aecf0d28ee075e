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


class ConsultMerged(Struct, frozen=True, gc=False, tag=True):
    """The adviser talks with the customer now; an InteractionCompleted of the consult, `consult_id`, came before.

    `how`: `transfer`: the adviser, `agent_id`, has taken over from `by_agent`, who had talked for `talked_us`;
    `conference`: the adviser has joined, and `talked_us` is 0. The work item keeps its `offer_id`, is active, and
    begins anew: what was set for the consult (a disposition, a wish for after-call work) is gone.
    """

    interaction_id: str
    consult_id: str
    agent_id: str
    offer_id: str
    how: str
    by_agent: str
    talked_us: int


class AgentLeft(Struct, frozen=True, gc=False, tag=True):
    """An agent takes no part in a conference any more, after `talked_us`.

    `owner`: who is responsible now; or was last, if the interaction has ended.
    """

    interaction_id: str
    agent_id: str
    owner: str
    reason: str
    talked_us: int
