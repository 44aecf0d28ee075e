"""What the view keeps of each agent, queue, interaction and work item: mutable rows.

Owns the rows, how they are made of states and events, and what can be read off one of them alone. Only
`acd.runtime.view` changes them; whoever reads them does so on the event loop, between two awaits, and
keeps no reference. Times are µs.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from acd.core import limits
from acd.core.messages import AgentSettings, EnqueueInteraction, InteractionQueued, OfferMade, QueueSettings
from acd.core.ordering import key_us
from acd.core.reaching import reach_after
from acd.core.state import AgentState, InteractionState, WorkState
from acd.ports.channel import Desired, InteractionStanding
from acd.runtime.figures import QueueFigures

TEN_SECONDS_US: Final = 10_000_000

STRATEGY_WORDS: Final = {
    "best-fit": "best fit {fit}, idle {idle}",
    "weighted": "weighted fit {fit}, idle {idle}",
    "least-skilled": "fewest skills, idle {idle}",
    "least-loaded": "least work in hand, idle {idle}",
    "linear": "first in the fixed order",
    "round-robin": "next in turn",
    "broadcast": "broadcast, idle {idle}",
}


class WorkRecord(Struct):
    """A work item that has not ended. `since_us`: when offered, accepted, or wrap-up began (holds do not change it).

    `deadline_us`: end of the ringing or of the wrap-up, 0 when there is none. `wants_wrap_up`: the agent asked for
    after-call work. `disposition`: the code that the agent set. `queue`: whose conditions a wrap-up follows, wherever
    the interaction has gone since; empty before it.
    """

    offer_id: str
    interaction_id: str
    agent_id: str
    channel: str
    state: str
    offered_at_us: int
    since_us: int
    deadline_us: int
    wants_wrap_up: bool = False
    disposition: str = ""
    queue: str = ""

    @classmethod
    def restored(cls, state: WorkState, channel: str, queue: str) -> "WorkRecord":
        """As the engine's state has it; channel and queue are the interaction's."""
        return cls(
            state.offer_id,
            state.interaction_id,
            state.agent_id,
            channel,
            state.state,
            state.offered_at_us,
            state.since_us,
            state.deadline_us,
            state.wants_wrap_up,
            state.disposition,
            (state.queue or queue) if state.state == "wrap-up" else "",
        )


DEVICE_STATES: Final = ("in-use", "unavailable")
"""What a device may be that keeps offers from its agent."""


class DeviceRecord(Struct, frozen=True):
    """What an agent's device for a channel is found to be: `in-use` or `unavailable`, until `until_us` at most."""

    state: str
    until_us: int


_NO_DEVICES: Final[Mapping[str, DeviceRecord]] = {}


class AgentRecord(Struct):
    """An agent. `since_us`: when `presence` last changed, or when the view began. `work` by interaction's id.

    `devices`: those that keep a channel from the agent, by channel; one for all who have none.
    """

    id: str
    settings: AgentSettings
    since_us: int
    presence: str = "signed-out"
    reason: str = ""
    next_presence: str = ""
    idle_since_us: int = 0
    retired: bool = False
    work: dict[str, WorkRecord] = field(default_factory=dict)
    devices: Mapping[str, DeviceRecord] = field(default_factory=lambda: _NO_DEVICES)

    @classmethod
    def restored(cls, state: AgentState, settings: AgentSettings, at_us: int) -> "AgentRecord":
        """As the engine's state has it; since when the presence has lasted it does not say, hence `at_us`."""
        return cls(
            state.id,
            settings,
            at_us,
            state.presence,
            state.reason,
            state.next_presence,
            state.idle_since_us,
            state.retired,
        )


class InteractionRecord(Struct, array_like=True):
    """An interaction. `order`: arrival, the tie-breaker of the place in line.

    `place_at_us` and `priority` give the place in line.
    `agent_id`: whoever is being rung or talks; after the end whoever talked last. `offer_id`: the pending or accepted
    offer. `pending`: the pending offers as (offer, agent), oldest first; of several, the first is the one in `offer_id`
    and `agent_id`. `answered`: an agent has accepted it at least once. `waited_us`: until it was accepted last, or
    ended without; None while it waits, and where the view began later. `partial`: known only by id and final
    state, because the view began at a snapshot after the end; and why and whose, while whoever has replaced it lives.
    `ended_at_us` is 0 while it lives. `held_for`: the preferred agent it waits for alone. `reach`: the highest level of
    agents that is open to it. `open_work`: work items that have not ended, of agents it was transferred from as well.
    `parent`: whose agent asks for advice, if it is a consult. `kind`: `live`, or `callback`. `due_us`: until when a
    scheduled one waits aside, or the customer of a reaching one is called; `attempts`: how often calling back has
    failed.
    `asking`: who asks in a consult, or did. `participants`: in a conference, those who talk beside the agent who is
    responsible, the one in `agent_id`, as (offer, agent), oldest first. `consults` about it, oldest first; those that
    have ended may be among them.
    """

    id: str
    channel: str
    queue: str
    requirement: str
    priority: int
    attributes: tuple[tuple[str, str], ...]
    customer: str
    instance: str
    enqueued_at_us: int
    order: int
    state: str = "queued"
    since_us: int = 0
    offers: int = 0
    offer_id: str = ""
    agent_id: str = ""
    answered: bool = False
    waited_us: int | None = None
    ended_at_us: int = 0
    end_reason: str = ""
    partial: bool = False
    place_at_us: int = 0
    held_for: str = ""
    pending: tuple[tuple[str, str], ...] = ()
    reach: int = limits.MAX_LEVEL
    open_work: int = 0
    parent: str = ""
    kind: str = "live"
    due_us: int = 0
    attempts: int = 0
    participants: tuple[tuple[str, str], ...] = ()
    asking: str = ""
    consults: tuple[str, ...] = ()

    @classmethod
    def queued(cls, event: InteractionQueued, at_us: int, order: int) -> "InteractionRecord":
        """A new one."""
        return cls(
            event.interaction_id,
            event.channel,
            event.queue,
            event.requirement,
            event.priority,
            event.attributes,
            event.customer,
            event.instance,
            at_us,
            order,
            since_us=at_us,
            place_at_us=event.place_at_us or at_us,
            parent=event.parent,
            kind=event.kind,
        )

    @classmethod
    def restored(cls, state: InteractionState) -> "InteractionRecord":
        """As the engine's state has it, before its work items are known."""
        request = state.request
        return cls(
            request.interaction_id,
            request.channel,
            state.queue or request.queue,
            request.requirement,
            request.priority if state.priority is None else state.priority,
            request.attributes,
            request.customer,
            request.instance,
            state.enqueued_at_us,
            state.seq,
            state.state,
            since_us=state.enqueued_at_us,
            offers=state.offers,
            answered=state.state in ("active", "completed"),
            place_at_us=state.enqueued_at_us if state.place_at_us is None else state.place_at_us,
            held_for=state.preferred if state.held_seq else "",
            reach=state.reach,
            agent_id=state.ended_with,
            parent=request.parent,
            asking=state.asking,
            kind=request.kind,
            due_us=state.due_us or state.reaching_us,
            attempts=state.attempts,
        )

    @classmethod
    def partly_known(cls, interaction_id: str, state: str, order: int) -> "InteractionRecord":
        """One that ended before the snapshot: only its id and final state are known. `order` is negative."""
        return cls(interaction_id, "", "", "", 0, (), "", "", 0, order, state, partial=True)

    def know_replaced(self, by: EnqueueInteraction) -> None:
        """Of a partly known one: the request that put an end to it says why, and is the same customer's."""
        self.customer, self.end_reason = by.customer, by.end_reason

    def standing(self) -> InteractionStanding:
        """As channels see it."""
        return InteractionStanding(
            self.id,
            self.state,
            self.queue,
            self.attributes,
            self.agent_id,
            self.waited_us,
            self.end_reason,
            self.kind,
            self.customer,
            self.attempts,
            self.due_us,
        )

    def desired(self) -> Desired:
        """How a live one should stand in the world."""
        parent, asking = self.parent, self.asking
        if self.state == "active":
            return Desired(self.id, "connected", self.offer_id, self.agent_id, self.participants, parent, asking)
        if self.state == "offered":
            return Desired(self.id, "offered", self.offer_id, self.agent_id, self.pending[1:], parent, asking)
        if self.state == "reaching":
            return Desired(self.id, "reaching")
        return Desired(self.id, "waiting", parent=parent, asking=asking)

    def offered(self, pending: tuple[tuple[str, str], ...]) -> None:
        """These offers are pending now, and no others."""
        self.pending = pending
        self.offer_id, self.agent_id = pending[0] if pending else ("", "")


class AlarmRecord(Struct, frozen=True):
    """An alarm that is raised: since when, at which value, and the threshold."""

    since_us: int
    value: int
    threshold: int


class QueueRecord(Struct):
    """A queue. `line`: waiting or ringing interactions by id; `waiting`, `offered`, `active`: counts by state.

    `closed`: why it takes nobody, None while it is open.
    `waiting_by_channel` counts those without an offer, by channel, without zeros. `alarms`: those raised, by kind.
    """

    id: str
    settings: QueueSettings
    retired: bool = False
    line: dict[str, InteractionRecord] = field(default_factory=dict)
    waiting: int = 0
    offered: int = 0
    active: int = 0
    waiting_by_channel: dict[str, int] = field(default_factory=dict)
    figures: QueueFigures = field(default_factory=QueueFigures)
    closed: str | None = None
    alarms: dict[str, AlarmRecord] = field(default_factory=dict)

    def enter(self, row: InteractionRecord) -> None:
        """Take in an interaction that comes, new or from another queue."""
        row.reach = reach_after(self.settings.level_delays_us, 0)
        self.figures.entered += 1
        self.count(row)

    def count(self, row: InteractionRecord) -> None:
        """Take in a live interaction under its present state."""
        if row.state == "queued":
            self.waiting += 1
            by_channel = self.waiting_by_channel
            by_channel[row.channel] = by_channel.get(row.channel, 0) + 1
            self.line[row.id] = row
        elif row.state == "offered":
            self.offered += 1
            self.line[row.id] = row
        elif row.state == "active":
            self.active += 1
            self.line.pop(row.id, None)

    def uncount(self, row: InteractionRecord) -> None:
        """Undo `count` before the state changes, except that the entry in `line` stays for whatever follows."""
        if row.state == "queued":
            self.waiting -= 1
            if self.waiting_by_channel[row.channel] == 1:
                del self.waiting_by_channel[row.channel]
            else:
                self.waiting_by_channel[row.channel] -= 1
        elif row.state == "offered":
            self.offered -= 1
        elif row.state == "active":
            self.active -= 1

    def oldest_us(self) -> int | None:
        """When the longest waiting interaction was enqueued, ringing ones included; None when nobody waits. O(n)."""
        return min((row.enqueued_at_us for row in self.line.values()), default=None)

    def key_us(self, row: InteractionRecord) -> int:
        """The interaction's key in line, by the queue's ordering."""
        return key_us(self.settings, row.place_at_us, row.priority)

    def position(self, row: InteractionRecord) -> int | None:
        """Place in line from 1, by (key, order), ringing ones included; None when not in line. O(n)."""
        if row.id not in self.line:
            return None
        own = (self.key_us(row), row.order)
        return 1 + sum((self.key_us(other), other.order) < own for other in self.line.values())


class Decision(Struct, frozen=True):
    """One offer that was made, and when; `reason` puts it in a few words."""

    at_us: int
    offer: OfferMade

    @property
    def reason(self) -> str:
        """`anna: best fit 85, idle 32 s; c17 waited 4 s`."""
        offer = self.offer
        words = STRATEGY_WORDS.get(offer.strategy, "longest idle {idle}")
        chosen = words.format(fit=offer.fit, idle=_seconds(offer.idle_us))
        load = f", load {offer.load} %" if offer.load else ""
        if offer.sought == "preferred":
            return f"{offer.agent_id}: preferred{load}; {offer.interaction_id} waited {_seconds(offer.waited_us)}"
        if offer.sought == "agent":
            return f"{offer.agent_id}: {chosen}{load}; {offer.interaction_id} waited {_seconds(offer.waited_us)}"
        return (
            f"{offer.agent_id} came free: {offer.interaction_id} first in line, waited {_seconds(offer.waited_us)}"
            f"; fit {offer.fit}{load}"
        )


def _seconds(duration_us: int) -> str:
    """`40 ms`, `3.4 s`, `32 s`: rounded down, with a decimal only where it tells something."""
    whole, rest_us = divmod(duration_us, 1_000_000)
    if not whole and rest_us:
        return f"{rest_us // 1_000} ms"
    return f"{whole}.{rest_us // 100_000} s" if rest_us and duration_us < TEN_SECONDS_US else f"{whole} s"
