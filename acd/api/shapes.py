"""Response bodies: what goes out, and how it is made of the view's rows.

Owns the JSON shapes. Must not know HTTP. Times are RFC 3339 in UTC, durations seconds. Customers appear
as references; a person's number and name only where a handler has recalled them, and masked unless revealed.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from acd.ports.channel import Personal
from acd.runtime.calibration import Band
from acd.runtime.estimate import Quality, WaitEstimator
from acd.runtime.figures import SERVICE_LEVEL_US
from acd.runtime.records import AgentRecord, Decision, InteractionRecord, QueueRecord, WorkRecord
from acd.runtime.view import View

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class WorkShape(Struct):
    """A work item: offered, active, held or wrap-up. `deadline`: end of the ringing or of the wrap-up.

    `wants_wrap_up`: the agent asked for one. `disposition`: the code that the agent set.
    """

    interaction_id: str
    offer_id: str
    queue: str
    channel: str
    state: str
    offered_at: str
    since: str
    deadline: str | None
    wants_wrap_up: bool
    disposition: str


class AgentShape(Struct):
    """An agent with all work in hand."""

    id: str
    name: str
    presence: str
    reason: str
    next_presence: str | None
    since: str
    idle_since: str | None
    retired: bool
    skills: dict[str, int]
    labels: tuple[str, ...]
    queues: tuple[str, ...]
    work: tuple[WorkShape, ...]


class CustomerShape(Struct):
    """A customer: `known` is false when erased or never stored. Number and name only in a single interaction's view."""

    reference: str
    known: bool | UnsetType = UNSET
    number: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class InteractionShape(Struct):
    """An interaction. `position` (place in line) only in a single one's view. `partial`: no more is known of it.

    `held_for`: the preferred agent, while it waits for that one alone.
    """

    id: str
    state: str
    queue: str
    channel: str
    priority: int
    requirement: str
    attributes: dict[str, str]
    customer: CustomerShape | None
    enqueued_at: str | None
    since: str | None
    ended_at: str | None
    end_reason: str
    agent: str | None
    offer: str | None
    offers_made: int
    waited_seconds: float | None
    partial: bool
    held_for: str | None = None
    position: int | UnsetType | None = UNSET


class OfferShape(Struct):
    """A pending offer, for the agent who is being asked."""

    id: str
    agent_id: str
    offered_at: str
    expires_at: str
    interaction: InteractionShape


class LevelShape(Struct):
    """The service level: answered within the threshold ÷ (answered + abandoned)."""

    threshold_seconds: float
    ratio: float | None
    met: int
    decided: int


class EstimateShape(Struct):
    """How long whoever comes in now waits until an agent picks up: an 80 % band and its middle, in seconds."""

    low_seconds: float
    middle_seconds: float
    high_seconds: float


class QualityShape(Struct):
    """How good the estimates have been over the last answers; null before the first.

    `covered`: share of waits within their band. `error_seconds`: mean absolute error of the band's middle, beside that
    of a rolling average of waits, `(3 × old + new) >> 2`.
    """

    answers: int
    covered: float | None
    error_seconds: float | None
    rolling_error_seconds: float | None


class QueueShape(Struct):
    """A queue as it stands, and its counters since the view began. `closed`: why it takes nobody, null while open.

    `estimated_wait`: null while nobody is there who could take a plain call of this queue.
    """

    id: str
    title: str
    strategy: str
    requirement: str
    retired: bool
    waiting: int
    offered: int
    active: int
    oldest_enqueued_at: str | None
    longest_wait_seconds: float
    service_level: LevelShape
    totals: dict[str, int]
    closed: str | None = None
    estimated_wait: EstimateShape | None = None
    estimate_quality: QualityShape | None = None


class DecisionShape(Struct):
    """One offer that was made, and why."""

    at: str
    reason: str
    offer_id: str
    interaction_id: str
    agent_id: str
    queue: str
    sought: str
    strategy: str
    fit: int
    load: int
    idle_seconds: float
    waited_seconds: float


def agent_shape(view: View, row: AgentRecord) -> AgentShape:
    """An agent."""
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
        tuple(_work_shape(view, item) for item in row.work.values()),
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


def queue_shape(view: View, waits: WaitEstimator, row: QueueRecord, now_us: int) -> QueueShape:
    """A queue. O(interactions in line), and O(agents) while none of them is free."""
    oldest_us = row.oldest_us()
    figures = row.figures
    return QueueShape(
        row.id,
        view.titles.get(row.id, ""),
        row.settings.strategy,
        row.settings.requirement,
        row.retired,
        row.waiting,
        row.offered,
        row.active,
        None if oldest_us is None else moment(oldest_us),
        0.0 if oldest_us is None else seconds(now_us - oldest_us),
        LevelShape(
            seconds(view.service_level_us.get(row.id, SERVICE_LEVEL_US)),
            figures.service_level(),
            figures.level_met,
            figures.level_decided,
        ),
        figures.as_dict(),
        row.closed,
        _estimate_shape(waits.estimate(row.id)),
        _quality_shape(waits.quality(row.id)),
    )


def _estimate_shape(band: Band | None) -> EstimateShape | None:
    return (
        None if band is None else EstimateShape(*(round(each, 1) for each in (band.low_s, band.middle_s, band.high_s)))
    )


def _quality_shape(quality: Quality) -> QualityShape:
    return QualityShape(quality.answers, quality.covered, quality.error_s, quality.rolling_error_s)


def decision_shape(decision: Decision) -> DecisionShape:
    """A decision."""
    offer = decision.offer
    return DecisionShape(
        moment(decision.at_us),
        decision.reason,
        offer.offer_id,
        offer.interaction_id,
        offer.agent_id,
        offer.queue,
        offer.sought,
        offer.strategy,
        offer.fit,
        offer.load,
        seconds(offer.idle_us),
        seconds(offer.waited_us),
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


def moment(at_us: int) -> str:
    """µs since 1970 → `2025-01-31T08:30:00.000000Z`."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds(duration_us: int) -> float:
    """µs → seconds."""
    return duration_us / 1_000_000


def _work_shape(view: View, item: WorkRecord) -> WorkShape:
    return WorkShape(
        item.interaction_id,
        item.offer_id,
        view.interactions[item.interaction_id].queue,
        item.channel,
        item.state,
        moment(item.offered_at_us),
        moment(item.since_us),
        moment(item.deadline_us) if item.deadline_us else None,
        item.wants_wrap_up,
        item.disposition,
    )
