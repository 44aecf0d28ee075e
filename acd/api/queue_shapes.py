"""Response bodies about queues and decisions, and how they are made of the view's rows.

Owns these JSON shapes. Must not know HTTP. Times and durations as in `acd.api.shapes`.
"""

from msgspec import Struct

from acd.api.shapes import Moment, seconds
from acd.runtime.calibration import Band
from acd.runtime.clock import moment
from acd.runtime.estimate import WaitEstimator
from acd.runtime.figures import SERVICE_LEVEL_US
from acd.runtime.learnt import Quality
from acd.runtime.records import Decision, QueueRecord
from acd.runtime.view import View


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
    oldest_enqueued_at: Moment | None
    longest_wait_seconds: float
    service_level: LevelShape
    totals: dict[str, int]
    closed: str | None = None
    estimated_wait: EstimateShape | None = None
    estimate_quality: QualityShape | None = None


class QueuePage(Struct):
    """Queues, and the cursor of the next page, if there is one."""

    queues: list[QueueShape]
    next_cursor: str | None


class DecisionShape(Struct):
    """One offer that was made, and why."""

    at: Moment
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


class DecisionList(Struct):
    """Decisions, newest first."""

    decisions: list[DecisionShape]


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
        estimate_shape(waits.estimate(row.id)),
        _quality_shape(waits.quality(row.id)),
    )


def estimate_shape(band: Band | None) -> EstimateShape | None:
    """The wait of whoever comes in now; None where nobody can tell."""
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
