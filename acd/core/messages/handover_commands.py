"""Commands of handing customers on, from agent to agent. As `commands`, whose union has them all."""

from typing import ClassVar, Literal

from acd.core.messages.command_base import CommandBase, Origin
from acd.core.messages.types import Id, InteractionId, OptionalId, Text


class TransferInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """The agent hands the customer on: to a queue, to an agent who is asked first, or to both.

    Without `to_queue` it stays in its queue. With `with_context` it keeps its place, priority, own requirement,
    preferences and attributes; without, all of these begin anew, as if the customer had just come.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    interaction_id: InteractionId
    agent_id: Id
    to_queue: OptionalId = ""
    to_agent: OptionalId = ""
    with_context: bool = True
    reason: Text = ""


class MergeConsult(CommandBase, frozen=True, gc=False, tag=True):
    """The agent who asks brings the adviser to the customer, and the consult `interaction_id` is over.

    `transfer`: the adviser takes the customer over, and the agent's part ends (an attended transfer). `conference`: the
    adviser joins the conversation, and the agent stays responsible; a customer on hold is taken back.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    interaction_id: InteractionId
    agent_id: Id
    how: Literal["transfer", "conference"]


class LeaveInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """An agent leaves a conference. If it was the responsible one, whoever has been there longest is it from then on.

    The last agent cannot leave, but end the interaction.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    interaction_id: InteractionId
    agent_id: Id
    reason: Text = ""
