"""A channel's contract: how the runtime makes the world ring, connect and let go.

Owns the two protocols. Must not know any channel. A new channel is a class with these methods, an
entry point in `acd.channels` and a run of the contract suite `acd.testing.contract`.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Final, Literal, Protocol

from msgspec import Struct

from acd.core.messages import Command, Effect, Outcome

KEY_REASON: Final = "key:"
"""Begins the reason why an interaction is cancelled whose customer left by a key, which follows: `key:1`."""

TRANSFERRED_OUT: Final = "transferred-out"
"""Why an interaction has ended whose customer the agent's telephone has transferred to somebody outside."""


class Desired(Struct, frozen=True, gc=False):
    """How one interaction should stand in the world.

    `waiting`: parked; `offered`: parked, and `agent_id`'s device ringing for `offer_id`;
    `connected`: joined with `agent_id` on `offer_id`. An interaction that is not listed should not exist.

    `others`: further offers that ring at the same time (broadcast), or further agents who talk in the same conversation
    (conference), as (offer, agent), oldest first.
    `reaching`: a callback whose customer is called before any agent is asked; `NoteReached` says that they are there,
    `FailCallback` that they are not (`called=False`: nobody could call them, which is no attempt). Who is there waits
    from then on like anybody else.
    Of another callback (`InteractionStanding.kind`) there is no customer before the channel has called them, which it
    does when it is `connected`; until they have been reached, `waiting` is nothing at all.
    `parent`: not empty if it is a consult: then the agent `asking`, who talks with the customer of the interaction
    `parent`, has the customer's part in this one. It is made if it does not exist, as long as its parent does.
    """

    interaction_id: str
    state: Literal["waiting", "offered", "connected", "reaching"]
    offer_id: str = ""
    agent_id: str = ""
    others: tuple[tuple[str, str], ...] = ()
    parent: str = ""
    asking: str = ""

    def ringing(self) -> tuple[tuple[str, str], ...]:
        """Every offer that should ring, as (offer, agent), oldest first."""
        return ((self.offer_id, self.agent_id), *self.others) if self.state == "offered" else ()

    def offers(self) -> dict[str, str]:
        """Every offer that should ring or talk, with its agent, oldest first."""
        return {} if self.state in ("waiting", "reaching") else {self.offer_id: self.agent_id, **dict(self.others)}


class Personal(Struct, frozen=True):
    """What is known of a customer as a person. Never enters the journal, a log or a metric."""

    number: str = ""
    name: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Which fields are known, never what they hold: a repr ends up in logs and tracebacks."""
        known = [name for name in ("number", "name") if getattr(self, name)]
        return f"Personal(<{', '.join([*known, f'{len(self.extra)} extra'])}>)"


class AgentStanding(Struct, frozen=True, gc=False):
    """How one agent stands, as committed.

    `presence`: signed-out, not-ready (for `reason`), ready, or draining (towards `next_presence`). `work`: what is in
    hand on all channels, as (interaction, state), oldest first; states are offered, active, held and wrap-up.
    `gone`: no agent any more, as soon as this work is done. `devices`: those that keep a channel from the agent, as
    (channel, `in-use` or `unavailable`, µs until when at most).
    """

    agent_id: str
    presence: str
    reason: str = ""
    next_presence: str = ""
    work: tuple[tuple[str, str], ...] = ()
    gone: bool = False
    devices: tuple[tuple[str, str, int], ...] = ()


class InteractionStanding(Struct, frozen=True, gc=False):
    """How one interaction stands, as committed.

    `queue`: where it stands, or from which it was taken. `agent_id`: whoever is rung or talks, or talked last.
    `waited_us`: until it was accepted last, or ended without; None while it waits. `reason`: why it ended; empty while
    it lives. `kind`: `live`, or `callback`: then nobody is there before a channel has called them. `customer`: the
    opaque reference. `attempts`: how often calling back has failed. `due_us`: until when the customer of a
    `reaching` one is called, or a scheduled one waits aside, in µs of the engine's time; else 0.
    """

    interaction_id: str
    state: str
    queue: str
    attributes: tuple[tuple[str, str], ...] = ()
    agent_id: str = ""
    waited_us: int | None = None
    reason: str = ""
    kind: str = "live"
    customer: str = ""
    attempts: int = 0
    due_us: int = 0


class Place(Struct, frozen=True, gc=False):
    """Where somebody stands in a queue's line, and what is to be expected from now on.

    `position`: from 1, those who are being offered to an agent included. `expected_us`: half of those who stand there
    are answered before; None while nobody can tell.
    """

    queue: str
    position: int
    expected_us: int | None = None


class ChannelHost(Protocol):
    """What the runtime gives to a channel."""

    async def submit(self, command: Command) -> Outcome:
        """Hand in a command; returns its committed outcome, which may be a refusal.

        Raises `RouterClosed`, `RouterOverloaded`, `CommandInvalid`, `CommandQuarantined`, `JournalUnavailable` (a full
        disk), and `OutcomeUnknown` (a lost one). Only after `RouterClosed` and `OutcomeUnknown` it may have been
        carried out; after an outage every channel reconciles.
        """
        ...

    def new_id(self) -> str:
        """A fresh command id."""
        ...

    def now_us(self) -> int:
        """The engine's time, which the wall clock may have left: ends of offers and of turns are in it."""
        ...

    async def remember(self, person: Personal, *, durable: bool = True) -> str:
        """Store a person encrypted; returns the opaque reference, the same for the same number.

        Durable on return, unless `durable` is false: then the commit is still under way, which is right for a caller
        who must not wait for a disk.
        """
        ...

    async def recall(self, customer: str) -> Personal | None:
        """The person behind a reference; None when unknown or erased."""
        ...

    def address(self, agent_id: str, channel: str) -> str:
        """Where the agent is reached on a channel (`PJSIP/anna`); empty when not configured."""
        ...

    def desired(self) -> tuple[Desired, ...]:
        """Committed desired state of every live interaction of this channel instance."""
        ...

    def wish(self, interaction_id: str) -> Desired | None:
        """That of one interaction; None when it does not live, or is another instance's."""
        ...

    def recorded(self, command_id: str) -> Outcome | None:
        """What a recent command of this id, which has been committed, led to; None when it is too long ago."""
        ...

    def queue_of(self, interaction_id: str) -> str:
        """The queue in which a live interaction stands, or from which it was taken; empty when it does not live."""
        ...

    def interaction(self, interaction_id: str) -> InteractionStanding | None:
        """How an interaction stands, also for a while after its end; None when it is not known."""
        ...

    def place(self, interaction_id: str) -> Place | None:
        """Where a waiting or ringing interaction stands in line; None when it does neither. O(its queue's line)."""
        ...

    def agent(self, agent_id: str) -> AgentStanding | None:
        """How an agent stands; None when there is none of this id."""
        ...

    def agents(self) -> tuple[AgentStanding, ...]:
        """How every agent stands. Costs O(agents)."""
        ...

    def watch_agents(self) -> AsyncGenerator[tuple[AgentStanding, ...], None]:
        """All agents, and from then on those that have changed, each as it stands when it is told.

        Who reads slowly is told less often, and nothing that is out of date. Ends when the router closes.
        """
        ...

    def request_reconcile(self) -> None:
        """Ask for `reconcile` to be called soon: the channel has reconnected, or no longer trusts what it knows."""
        ...


class Channel(Protocol):
    """One instance of a channel: one PBX, one gateway."""

    name: str

    async def start(self, host: ChannelHost) -> None:
        """Begin. Returns without waiting for the far end: a PBX that is down must not hold up the engine."""
        ...

    async def perform(self, effect: Effect) -> None:
        """Carry out one effect. Called in order per interaction, in parallel across interactions, with a deadline.

        Idempotent. Raise `ChannelError` when it cannot be done; the dispatcher then asks for a reconcile.
        """
        ...

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Compare the world with `desired` and heal every difference.

        An interaction that the world no longer has is reported with `EndInteraction(by="system")` (or `customer`);
        what the world has and nobody desires is released, except a customer whose `EnqueueInteraction` has not been
        answered yet (nobody can desire what has not been committed); an offer that no longer rings is reported with
        `FailOffer`; an agent who has answered meanwhile with `AcceptOffer`.
        """
        ...

    async def stop(self) -> None:
        """End this instance's tasks. Leaves the world as it is: calls go on."""
        ...

    def health(self) -> Mapping[str, str | int | bool]:
        """For `/readyz`: at least `connected`."""
        ...
