"""Commands of supervisors about conversations that go on. As `commands`, whose union has them all."""

from typing import ClassVar, Literal

from acd.core.messages.command_base import CommandBase, Origin
from acd.core.messages.types import Id, InteractionId

SupervisionMode = Literal["listen", "whisper", "barge", "off"]


class SuperviseInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """A supervisor listens to a conversation, whispers to its agent, joins in (`barge`), or leaves it (`off`).

    It decides nothing and is told nobody: it is in the journal, so that it is known who was heard by whom. The channel
    is asked for it elsewhere. `agent_id`: the supervisor, who is reached as an agent is.
    """

    ORIGIN: ClassVar[Origin] = "policy"

    interaction_id: InteractionId
    agent_id: Id
    mode: SupervisionMode
