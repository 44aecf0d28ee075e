"""Response bodies about agents, interactions and offers: what goes out, and how it is made of the view's rows.

Owns these JSON shapes; those of queues are in `acd.api.queue_shapes`. Must not know HTTP. Times are
ISO 8601 in UTC, durations seconds. Customers appear as references; a person's number and name only where a handler has
recalled them, and masked unless revealed.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from acd.api.scope import Scope
from acd.ports.channel import Personal
from acd.runtime.clock import moment
from acd.runtime.records import AgentRecord, InteractionRecord, WorkRecord
from acd.runtime.view import View

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""ISO 8601 in UTC, with microseconds."""


class WorkShape(Struct):
    """A work item: offered, active, held or wrap-up. `deadline`: end of the ringing or of the wrap-up.

    `wants_wrap_up`: the agent asked for one. `disposition`: the code that the agent set.
    """

    interaction_id: str
    offer_id: str
    queue: str
    channel: str
    state: str
    offered_at: Moment
    since: Moment
    deadline: Moment | None
    wants_wrap_up: bool
    disposition: str


class ShareShape(Struct):
    """What a work item of a channel costs, how many may run at once, and which channels' work it interrupts."""

    cost: int
    most: int
    interrupts: tuple[str, ...]


class CapacityShape(Struct):
    """Units in all, and shared out by channel; `*` stands for every channel that is not named."""

    total: int
    channels: dict[str, ShareShape]


class DeviceShape(Struct):
    """A device that keeps offers of its channel from the agent: `in-use` or `unavailable`, `until` at the latest."""

    state: str
    until: Moment


class AgentShape(Struct):
    """An agent with settings as they are in force, and all work in hand.

    `since`: when `presence` last changed, or the journal's last moment before a restart; `idle_since` survives that.
    `levels`: by queue, 1 where nothing is said. `position`: place in the fixed order of `linear` and `round-robin`.
    `devices`: by channel, those that keep offers of it from the agent.
    """

    id: str
    name: str
    presence: str
    reason: str
    next_presence: str | None
    since: Moment
    idle_since: Moment | None
    retired: bool
    skills: dict[str, int]
    labels: tuple[str, ...]
    queues: tuple[str, ...]
    levels: dict[str, int]
    position: int
    capacity: CapacityShape
    work: tuple[WorkShape, ...]
    devices: dict[str, DeviceShape]


class AgentPage(Struct):
    """Agents, and the cursor of the next page, if there is one."""

    agents: list[AgentShape]
    next_cursor: str | None


class CustomerShape(Struct):
    """A customer: `known` is false when erased or never stored. Number and name only in a single interaction's view."""

    reference: str
    known: bool | UnsetType = UNSET
    number: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class InteractionShape(Struct):
    """An interaction. `position` (place in line) only in a single one's view. `partial`: no more is known of it.

    `held_for`: the preferred agent, while it waits for that one alone. `kind`: `live`, or `callback`. `due_at`: until
    when a scheduled one waits aside, or the customer of a `reaching` one is called. `attempts`: how often calling back
    has failed. `parent`: whose agent asks for advice, if it is a consult, and `asking` that agent. `participants`: in a
    conference, the agents who talk beside `agent`, who is responsible; oldest first.
    """

    id: str
    state: str
    queue: str
    channel: str
    priority: int
    requirement: str
    attributes: dict[str, str]
    customer: CustomerShape | None
    enqueued_at: Moment | None
    since: Moment | None
    ended_at: Moment | None
    end_reason: str
    agent: str | None
    offer: str | None
    offers_made: int
    waited_seconds: float | None
    partial: bool
    held_for: str | None = None
    kind: str = "live"
    due_at: Moment | None = None
    attempts: int = 0
    parent: str | None = None
    asking: str | None = None
    participants: list[str] = []
    position: int | UnsetType | None = UNSET


class InteractionPage(Struct):
    """Interactions, and the cursor of the next page, if there is one."""

    interactions: list[InteractionShape]
    next_cursor: str | None


class OfferShape(Struct):
    """A pending offer, for the agent who is being asked."""

    id: str
    agent_id: str
    offered_at: Moment
    expires_at: Moment
    interaction: InteractionShape


class OfferList(Struct):
    """Pending offers, oldest first."""

    offers: list[OfferShape]


class OfferOutcome(Struct):
    """How an offer ended."""

    offer_id: str
    outcome: str


def agent_shape(view: View, row: AgentRecord, scope: Scope | None = None) -> AgentShape:
    """An agent, with work in hand as far as it is within the scope."""
    settings = row.settings
    return AgentShape(
        row.id,
        view.names.get(row.id, ""),
        row.presence,
        row.reason,
        row.next_presence or None,
        moment(row.since_us),
        moment(row.idle_since_us) if row.presence in ("ready", "draining") else None,
        row.retired,
        dict(settings.skills),
        settings.labels,
        settings.queues,
        dict(settings.levels),
        settings.position,
        CapacityShape(
            settings.capacity.total,
            {
                share.channel: ShareShape(share.cost, share.most, share.interrupts)
                for share in settings.capacity.channels
            },
        ),
        tuple(
            work_shape(view, item)
            for item in row.work.values()
            if scope is None or scope.has(view.interactions[item.interaction_id])
        ),
        {
            channel: DeviceShape(each.state, moment(each.until_us))
            for channel, each in row.devices.items()
            if scope is None or scope.has_channel(channel)
        },
    )


def interaction_shape(row: InteractionRecord, now_us: int) -> InteractionShape:
    """An interaction without its position. While it waits, it has waited until now."""
    ended_us = row.ended_at_us
    waited_us = now_us - row.enqueued_at_us if row.state in ("queued", "offered") else row.waited_us
    return InteractionShape(
        row.id,
        row.state,
        row.queue,
        row.channel,
        row.priority,
        row.requirement,
        dict(row.attributes),
        CustomerShape(row.customer) if row.customer else None,
        None if row.partial else moment(row.enqueued_at_us),
        None if row.partial else moment(row.since_us),
        moment(ended_us) if ended_us else None,
        row.end_reason,
        row.agent_id or None,
        row.offer_id or None,
        row.offers,
        None if waited_us is None else seconds(waited_us),
        row.partial,
        row.held_for or None,
        row.kind,
        moment(row.due_us) if row.due_us else None,
        row.attempts,
        row.parent or None,
        row.asking or None,
        [agent_id for _, agent_id in row.participants],
    )


def offer_shape(view: View, item: WorkRecord, now_us: int) -> OfferShape:
    """A pending offer."""
    return OfferShape(
        item.offer_id,
        item.agent_id,
        moment(item.offered_at_us),
        moment(item.deadline_us),
        interaction_shape(view.interactions[item.interaction_id], now_us),
    )


def customer_shape(reference: str, person: Personal | None, *, reveal: bool) -> CustomerShape:
    """A customer with number and name, masked unless revealed."""
    if person is None:
        return CustomerShape(reference, known=False)
    number, name = person.number, person.name
    if not reveal:
        number, name = masked_number(number), masked_name(name)
    return CustomerShape(reference, known=True, number=number, name=name)


def masked_number(number: str) -> str:
    """`13812345678` → `138****5678`: the four before the last four hidden; of short ones more."""
    least = 8
    if len(number) < least:
        return "****" + number[-2:] if len(number) > 4 else "****" if number else ""  # noqa: PLR2004
    return f"{number[:-least]}****{number[-4:]}"


def masked_name(name: str) -> str:
    """The first character, then `**`."""
    return f"{name[0]}**" if name else ""


def seconds(duration_us: int) -> float:
    """µs → seconds."""
    return duration_us / 1_000_000


def work_shape(view: View, item: WorkRecord) -> WorkShape:
    """A work item."""
    return WorkShape(
        item.interaction_id,
        item.offer_id,
        item.queue or view.interactions[item.interaction_id].queue,
        item.channel,
        item.state,
        moment(item.offered_at_us),
        moment(item.since_us),
        moment(item.deadline_us) if item.deadline_us else None,
        item.wants_wrap_up,
        item.disposition,
    )
