"""Commands about calling customers back. Owns what may be asked; must not know what happens then."""

from typing import ClassVar

from acd.core.messages.command_base import CommandBase, Origin
from acd.core.messages.types import Attempt, InteractionId, Text


class CallBackInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """A customer who waits would rather be called back: a callback takes their place, and they are let go."""

    interaction_id: InteractionId
    reason: Text = "callback"


class FailCallback(CommandBase, frozen=True, gc=False, tag=True):
    """The customer of a callback was not reached: tried again later, so often as the queue says.

    It is with an agent, or the customer is being called. `attempt`: which one, from 1; 0 for the present one.
    `called`: false if nobody could call them. That is no attempt: once more soon, at the place that it has; more than
    `limits.MAX_UNCALLED` times in one attempt it counts as one.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    interaction_id: InteractionId
    reason: Text = ""
    attempt: Attempt = 0
    called: bool = True


class NoteReached(CommandBase, frozen=True, gc=False, tag=True):
    """The customer of a callback, who was called before any agent, is there at this `attempt`, from 1."""

    ORIGIN: ClassVar[Origin] = "reaction"

    interaction_id: InteractionId
    attempt: Attempt
