"""Commands about agents' devices. As `commands`, whose union has them all."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from acd.core import limits
from acd.core.messages.command_base import CommandBase, Origin
from acd.core.messages.types import Id

DeviceWord = Literal["in-use", "unavailable", "clear"]


class NoteDevice(CommandBase, frozen=True, gc=False, tag=True):
    """What an agent's device for a channel is found to be.

    `in-use`: by something that the engine did not ask for; tell of nothing that its own offers explain. `unavailable`:
    out of reach. `clear`: neither. Until it is clear the agent is offered nothing of the channel, at most for
    `lasts_us`: whoever watches the device says so again before that, so that one message that is lost keeps nobody from
    work. What rings or is talked about stays as it is.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    channel: Id
    state: DeviceWord
    lasts_us: Annotated[int, Meta(ge=1, le=limits.MAX_VETO_US)] = limits.USUAL_VETO_US
