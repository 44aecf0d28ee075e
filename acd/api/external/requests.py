"""What an external channel's process may say, message by message. CHANNELS.md is made of these classes.

Owns the forms of this direction, and which command each becomes. Must not know what is sent back
(`acd.api.external.orders`), nor how it arrives. It is a closed list: nothing else can be said. Every docstring is for
whoever writes a channel.
"""

from typing import Annotated, Final, Literal, assert_never

from msgspec import Meta, Struct

from acd.api.bodies import Person, PersonText, Wish
from acd.api.traces import trace_of
from acd.core import limits
from acd.core.messages import (
    AcceptOffer,
    Command,
    DeclineOffer,
    EndInteraction,
    EnqueueInteraction,
    FailCallback,
    FailOffer,
    HoldWork,
    LeaveInteraction,
    MergeConsult,
    NoteReached,
    RequeueInteraction,
    ResumeWork,
    TransferInteraction,
)
from acd.core.messages.types import Attempt, Id, InteractionId, OptionalId, Priority, Requirement, Text, Trace

MAX_EXTRA: Final = 32
"""Further entries about one person."""

Said = Annotated[Id, Meta(description="Yours to choose, another one for every command; the answer repeats it.")]
Word = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9-]{0,63}$(?!\n)",
        description="A word like `line-dead`. It is logged: nothing personal in it.",
    ),
]
Software = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9 ._/+-]{0,64}$(?!\n)", description="Name and version of your program, for the log."),
]


class Request(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """Base of all."""


class Asked(Request, frozen=True):
    """Base of what is answered under its id."""

    id: Said


class Hello(Request, frozen=True, tag="hello"):
    """The first message, within five seconds: this process wants to be the channel from now on."""

    software: Software = ""


class Done(Request, frozen=True, tag="done"):
    """What this `number` asked for is done, or was done already."""

    number: Annotated[int, Meta(ge=1)]


class Failed(Request, frozen=True, tag="failed"):
    """It cannot be done. The engine sends a `reconcile` then."""

    number: Annotated[int, Meta(ge=1)]
    reason: Word = "failed"


class Enqueue(Asked, frozen=True, tag="enqueue"):
    """A customer asks for an agent. `park` follows when it has been accepted, or `release` when nobody takes them.

    `interaction_id` is yours to choose, and never used again by anybody: begin it with something of your own.
    `requirement` is added to the queue's own. `preferences`, `attributes`, `preferred_agent`: as over HTTP. `customer`
    is a reference (see `remember`), or the person. With `parent` it is a consult about that
    interaction of yours: its agent asks for another one's advice. `trace`: the W3C `traceparent` that it belongs to.
    """

    interaction_id: InteractionId
    queue: Id
    requirement: Requirement = ""
    preferences: Annotated[tuple[Wish, ...], Meta(max_length=limits.MAX_PREFERENCES)] = ()
    priority: Priority = 0
    attributes: Annotated[dict[Id, Text], Meta(max_length=limits.MAX_ATTRIBUTES)] = {}
    customer: Text | Person = ""
    preferred_agent: OptionalId = ""
    parent: Annotated[str, Meta(max_length=limits.MAX_INTERACTION_ID)] = ""
    trace: Trace = ""


class Accept(Asked, frozen=True, tag="accept"):
    """The agent has answered. Wait for `connect` before you join them: the offer may have ended just now."""

    offer_id: Id
    agent_id: Id


class Decline(Asked, frozen=True, tag="decline"):
    """The agent does not want it."""

    offer_id: Id
    agent_id: Id
    reason: Text = "declined"


class Fail(Asked, frozen=True, tag="fail-offer"):
    """The device could not be made to ring, or has stopped by itself.

    `busy` counts as a decline. `unreachable` makes the agent not-ready. `failed` is a fault of nobody's.
    """

    offer_id: Id
    reason: Literal["busy", "unreachable", "failed"]


class Reached(Asked, frozen=True, tag="reached"):
    """The customer of a callback, whom `reach` had you call, is there, and waits."""

    interaction_id: InteractionId
    attempt: Attempt


class Unreached(Asked, frozen=True, tag="unreached"):
    """They are not: nobody answers. `release` follows; once more later, or never again.

    `called`: false if you could call nobody, your line being down. That is no attempt: `release` follows, and `reach`
    with the same `attempt` soon after; so say it again with the same `id` only.
    """

    interaction_id: InteractionId
    attempt: Attempt
    reason: Text = ""
    called: bool = True


class End(Asked, frozen=True, tag="end"):
    """It is over: the customer or the agent has left, or (`system`) the channel has lost it. `release` follows."""

    interaction_id: InteractionId
    by: Literal["customer", "agent", "system"] = "customer"
    reason: Text = ""


class Requeue(Asked, frozen=True, tag="requeue"):
    """The agent is gone through no fault of the customer's, who waits again, at the place they had."""

    interaction_id: InteractionId
    reason: Text = ""


class Hold(Asked, frozen=True, tag="hold"):
    """The agent has put the customer on hold."""

    interaction_id: InteractionId
    agent_id: Id


class Resume(Asked, frozen=True, tag="resume"):
    """The agent has taken the customer back from hold."""

    interaction_id: InteractionId
    agent_id: Id


class Transfer(Asked, frozen=True, tag="transfer"):
    """The agent hands the customer on: to a queue, to an agent who is asked first, or both. `disconnect` follows.

    `with_context` keeps place, priority, requirement, preferences and attributes; without, they begin anew.
    """

    interaction_id: InteractionId
    agent_id: Id
    to_queue: OptionalId = ""
    to_agent: OptionalId = ""
    with_context: bool = True
    reason: Text = ""


class Merge(Asked, frozen=True, tag="merge-consult"):
    """The agent who asks in the consult `interaction_id` brings the adviser to the customer. `join` follows.

    `transfer`: and leaves. `conference`: and stays.
    """

    interaction_id: InteractionId
    agent_id: Id
    how: Literal["transfer", "conference"]


class Leave(Asked, frozen=True, tag="leave"):
    """An agent leaves a conference; the last one ends it instead."""

    interaction_id: InteractionId
    agent_id: Id
    reason: Text = ""


class Remember(Asked, frozen=True, tag="remember"):
    """Keep a person, encrypted; the answer is `remembered`."""

    number: PersonText = ""
    name: PersonText = ""
    extra: Annotated[
        dict[PersonText, PersonText],
        Meta(max_length=MAX_EXTRA, description="What else is to be kept about them."),
    ] = {}


class Recall(Asked, frozen=True, tag="recall"):
    """Who is behind a reference? The answer is `person`, if the channel's section has `recall = true`."""

    customer: Text


Ordered = Accept | Decline | Fail | Reached | Unreached | End | Requeue | Hold | Resume | Transfer | Merge | Leave
"""Commands about an interaction that there is."""

Message = Hello | Done | Failed | Enqueue | Ordered | Remember | Recall
"""Everything that a process may say."""


def interaction_of(asked: Enqueue | Ordered) -> str:
    """Which interaction it is about. An offer's id is the interaction's, a full stop and a number."""
    if isinstance(asked, Accept | Decline | Fail):
        return asked.offer_id.rpartition(".")[0]
    return asked.interaction_id


def enqueue_command(asked: Enqueue, command_id: str, media: str, instance: str, customer: str) -> EnqueueInteraction:
    """`customer` is the reference."""
    return EnqueueInteraction(
        command_id,
        interaction_id=asked.interaction_id,
        channel=media,
        queue=asked.queue,
        requirement=asked.requirement,
        preferences=tuple(wish.preference() for wish in asked.preferences),
        priority=asked.priority,
        attributes=tuple(sorted(asked.attributes.items())),
        customer=customer,
        instance=instance,
        preferred_agent=asked.preferred_agent,
        parent=asked.parent,
        trace=trace_of(asked.trace),
    )


def command_of(asked: Ordered, command_id: str) -> Command:
    """The command that it becomes."""
    match asked:
        case Accept():
            return AcceptOffer(command_id, asked.offer_id, asked.agent_id)
        case Decline():
            return DeclineOffer(command_id, asked.offer_id, asked.agent_id, asked.reason)
        case Fail():
            return FailOffer(command_id, asked.offer_id, asked.reason)
        case Reached():
            return NoteReached(command_id, asked.interaction_id, asked.attempt)
        case Unreached():
            return FailCallback(command_id, asked.interaction_id, asked.reason, asked.attempt, asked.called)
        case End():
            return EndInteraction(command_id, asked.interaction_id, asked.by, asked.reason)
        case Requeue():
            return RequeueInteraction(command_id, asked.interaction_id, asked.reason)
        case Hold():
            return HoldWork(command_id, asked.agent_id, asked.interaction_id)
        case Resume():
            return ResumeWork(command_id, asked.agent_id, asked.interaction_id)
        case Transfer():
            return TransferInteraction(
                command_id,
                asked.interaction_id,
                asked.agent_id,
                asked.to_queue,
                asked.to_agent,
                asked.with_context,
                asked.reason,
            )
        case Merge():
            return MergeConsult(command_id, asked.interaction_id, asked.agent_id, asked.how)
        case Leave():
            return LeaveInteraction(command_id, asked.interaction_id, asked.agent_id, asked.reason)
        case _:
            assert_never(asked)
