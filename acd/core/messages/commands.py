"""Commands: everything that may change the engine, each with its id.

Owns what may be asked. Must not know what happens then (`acd.core.engine`), nor who asks.
A command's *origin* tells a what-if replay what to do with it: demand is kept, policy is
replaced, a reaction is simulated again, and the system's own commands are made anew.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from acd.core import limits
from acd.core.messages.alarm_commands import NoteAlarm
from acd.core.messages.callback_commands import CallBackInteraction, FailCallback, NoteReached
from acd.core.messages.command_base import CommandBase, Origin
from acd.core.messages.config_commands import ApplyConfig, ConfigureAgents
from acd.core.messages.device_commands import NoteDevice
from acd.core.messages.handover_commands import LeaveInteraction, MergeConsult, TransferInteraction
from acd.core.messages.supervision_commands import SuperviseInteraction
from acd.core.messages.types import (
    Duration,
    Id,
    InteractionId,
    Moment,
    OptionalId,
    Priority,
    Requirement,
    Text,
    Weight,
)


class SignInAgent(CommandBase, frozen=True, gc=False, tag=True):
    """The agent begins work: ready at once if `ready`, else not-ready with `reason`."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    ready: bool = False
    reason: Text = "signed-in"


class SignOutAgent(CommandBase, frozen=True, gc=False, tag=True):
    """The agent leaves; with work in hand as soon as it is done (draining)."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id


class SetPresence(CommandBase, frozen=True, gc=False, tag=True):
    """The agent becomes ready, or not-ready for a reason (`lunch`, `training`, …); with work in hand by draining."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    presence: Literal["ready", "not-ready"]
    reason: Text = ""


class Preference(Struct, frozen=True, gc=False):
    """Adds `weight` × proficiency to the fit of an agent who holds the skill; never decides eligibility."""

    skill: Id
    weight: Weight = 1


class EnqueueInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """A customer asks for an agent.

    `requirement` is added to the queue's own: both must hold. `customer` is an opaque reference into
    the personal store, never a number or a name. `instance` names the channel instance that holds the
    other end (which PBX, which gateway); empty when nobody needs to be told. `preferred_agent` is asked first, and
    waited for during the queue's `hold_for`; one who is not there is as none.

    A `callback` waits in place of the customer, who need not be there; without an `instance` it has its queue's
    `callback_channel`, if that is for its `channel`. A customer has one at a time in a queue. With `not_before_us` it
    is scheduled: it comes into the line then, or as soon as the queue is open after that.

    With `parent` it is a consult: the agent who is responsible for that interaction asks for another agent's advice.
    Its `instance` is the parent's, or empty.

    With `place_of`, an interaction of the same `customer` that waits in this queue, it takes that one's place in line,
    as for somebody who has written and would rather call. Any other is as none. With an `end_reason`, too, that one is
    over by this command, for this reason, so that nothing is decided between the two, and whom it preferred is
    preferred: then it must be queued, and the new one must find a queue that keeps it; else nothing is done. For
    channels inside the engine: no request from outside can name either.
    """

    interaction_id: InteractionId
    channel: Id
    queue: Id
    requirement: Requirement = ""
    preferences: Annotated[tuple[Preference, ...], Meta(max_length=limits.MAX_PREFERENCES)] = ()
    priority: Priority = 0
    attributes: Annotated[tuple[tuple[Id, Text], ...], Meta(max_length=limits.MAX_ATTRIBUTES)] = ()
    customer: Text = ""
    instance: Text = ""
    preferred_agent: OptionalId = ""
    kind: Literal["live", "callback"] = "live"
    not_before_us: Moment = 0
    parent: Annotated[str, Meta(max_length=limits.MAX_INTERACTION_ID)] = ""
    place_of: Annotated[str, Meta(max_length=limits.MAX_INTERACTION_ID)] = ""
    end_reason: Text = ""


class EndInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """The conversation is over, or the customer gave up, or the channel lost it.

    Waiting or ringing: `customer` abandons it, `system` cancels it, `agent` is refused.
    Active or held: completed, whoever ended it.
    """

    interaction_id: InteractionId
    by: Literal["customer", "agent", "system"] = "customer"
    reason: Text = ""


class CancelInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """Take a waiting or ringing interaction out of the queue and release the customer."""

    ORIGIN: ClassVar[Origin] = "policy"

    interaction_id: InteractionId
    reason: Text = ""


class OpenQueue(CommandBase, frozen=True, gc=False, tag=True):
    """The queue takes interactions from now on. A new queue is open."""

    ORIGIN: ClassVar[Origin] = "policy"

    queue: Id


class CloseQueue(CommandBase, frozen=True, gc=False, tag=True):
    """Whoever comes in from now on meets the queue's `when_closed`; those who wait already stay.

    `reason` (`night`, `holiday`, …) is what the released ones are told, unless the queue's settings say something else.
    """

    ORIGIN: ClassVar[Origin] = "policy"

    queue: Id
    reason: Text = "closed"


class RequeueInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """An active interaction lost its agent through no fault of the customer's: back to its original place.

    The agent is excluded from it for the queue's `retry_after`; the work item ends without wrap-up.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    interaction_id: InteractionId
    reason: Text = ""


class ReprioritizeInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """A waiting or ringing interaction has another priority from now on, and its place in line follows."""

    ORIGIN: ClassVar[Origin] = "policy"

    interaction_id: InteractionId
    priority: Priority


class MoveInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """Take a waiting or ringing interaction to a queue; its limit on who waits does not count for this.

    `keep_place`: it waits there as if it had always done so; else as one that has just come, with the priority of its
    request. The queue it is in already is allowed: it enters anew.
    """

    ORIGIN: ClassVar[Origin] = "policy"

    interaction_id: InteractionId
    queue: Id
    keep_place: bool = True
    reason: Text = ""


class RecallInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """A ringing interaction is taken back from the agent, who is excluded from it for `retry_after`."""

    ORIGIN: ClassVar[Origin] = "policy"

    interaction_id: InteractionId


class UpdateInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """More is known about a live interaction: from a look-up, a classifier, an agent. None leaves a part as it is.

    `attributes` are set, those named in `remove` go, all others stay. `customer`: who it is, if that was unknown;
    empty leaves it. `requirement` replaces its own one, and an empty one asks nothing; `preferences` likewise.
    `preferred_agent`: as of a new one; empty for nobody. While it waits or rings, or before its time; an active one
    takes attributes and the customer only. What rings goes on ringing, and its place in line stays.
    """

    interaction_id: InteractionId
    attributes: Annotated[tuple[tuple[Id, Text], ...], Meta(max_length=limits.MAX_ATTRIBUTES)] = ()
    remove: Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_ATTRIBUTES)] = ()
    customer: Text = ""
    requirement: Requirement | None = None
    preferences: Annotated[tuple[Preference, ...], Meta(max_length=limits.MAX_PREFERENCES)] | None = None
    preferred_agent: OptionalId | None = None


class NoteInteraction(CommandBase, frozen=True, gc=False, tag=True):
    """Something has come of an interaction that may have ended by now: a recording, what the customer thought of it.

    `attributes` are set: of a live one as by UpdateInteraction; of one that has ended, or that nobody remembers any
    more, they are told, and decide nothing.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    interaction_id: InteractionId
    attributes: Annotated[tuple[tuple[Id, Text], ...], Meta(min_length=1, max_length=limits.MAX_ATTRIBUTES)]


class NoteEstimate(CommandBase, frozen=True, gc=False, tag=True):
    """How long whoever comes into the queue now will wait, as far as anybody can tell; -1: nobody can.

    Steps whose condition asks for it go by the latest one.
    """

    ORIGIN: ClassVar[Origin] = "system"

    queue: Id
    estimated_wait_us: Annotated[int, Meta(ge=-1, le=limits.MAX_DURATION_US)]


class AcceptOffer(CommandBase, frozen=True, gc=False, tag=True):
    """The agent takes the offer. The offer's state decides whether it is too late, not the clock."""

    ORIGIN: ClassVar[Origin] = "reaction"

    offer_id: Id
    agent_id: Id


class DeclineOffer(CommandBase, frozen=True, gc=False, tag=True):
    """The agent refuses the offer, and is not offered the same interaction before `retry_after`."""

    ORIGIN: ClassVar[Origin] = "reaction"

    offer_id: Id
    agent_id: Id
    reason: Text = "declined"


class FailOffer(CommandBase, frozen=True, gc=False, tag=True):
    """The channel could not deliver the offer.

    `busy`: as a decline. `unreachable`: the agent becomes not-ready("unreachable").
    `failed`: a technical fault; nobody's presence changes, the pair is excluded for `retry_after`.
    """

    ORIGIN: ClassVar[Origin] = "reaction"

    offer_id: Id
    reason: Literal["busy", "unreachable", "failed"]


class HoldWork(CommandBase, frozen=True, gc=False, tag=True):
    """The agent put the customer on hold."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    interaction_id: InteractionId


class ResumeWork(CommandBase, frozen=True, gc=False, tag=True):
    """The agent took the customer back from hold."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    interaction_id: InteractionId


class EndWrapUp(CommandBase, frozen=True, gc=False, tag=True):
    """The agent finished the after-call work before its time was up."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    interaction_id: InteractionId


class RequestWrapUp(CommandBase, frozen=True, gc=False, tag=True):
    """During the conversation the agent asks for after-call work, in a queue that grants it for the asking."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    interaction_id: InteractionId


class ExtendWrapUp(CommandBase, frozen=True, gc=False, tag=True):
    """The agent needs longer for the after-call work: by this much, but not beyond the queue's `wrap_up_most`."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    interaction_id: InteractionId
    by_us: Annotated[int, Meta(ge=1, le=limits.MAX_DURATION_US)]


class SetDisposition(CommandBase, frozen=True, gc=False, tag=True):
    """How the agent's part ended, by one of the queue's codes; the last one counts."""

    ORIGIN: ClassVar[Origin] = "reaction"

    agent_id: Id
    interaction_id: InteractionId
    code: Id


class Tick(CommandBase, frozen=True, gc=False, tag=True):
    """Time has passed: handle what is due, at most `limits.TICK_EXPIRIES`, in (deadline, seq) order."""

    ORIGIN: ClassVar[Origin] = "system"


class Recover(CommandBase, frozen=True, gc=False, tag=True):
    """The engine was away. Entered before any Tick.

    Every pending offer gets at least `grace_us` from now, and if it expires then, nobody is punished. With `customers`
    so does everybody who is called before any agent: who has answered meanwhile can be said to be there.
    """

    ORIGIN: ClassVar[Origin] = "system"

    grace_us: Duration = 5_000_000
    customers: bool = False


Command = (
    ApplyConfig
    | SignInAgent
    | SignOutAgent
    | SetPresence
    | EnqueueInteraction
    | EndInteraction
    | CancelInteraction
    | RequeueInteraction
    | ReprioritizeInteraction
    | MoveInteraction
    | RecallInteraction
    | FailCallback
    | NoteReached
    | CallBackInteraction
    | OpenQueue
    | CloseQueue
    | AcceptOffer
    | DeclineOffer
    | FailOffer
    | HoldWork
    | ResumeWork
    | EndWrapUp
    | Tick
    | Recover
    | RequestWrapUp
    | ExtendWrapUp
    | SetDisposition
    | TransferInteraction
    | NoteEstimate
    | MergeConsult
    | LeaveInteraction
    | UpdateInteraction
    | ConfigureAgents
    | NoteInteraction
    | NoteDevice
    | SuperviseInteraction
    | NoteAlarm
)


def origin_of(command: Command) -> Origin:
    """Where commands of this kind come from, unless the sender says otherwise."""
    return command.ORIGIN
