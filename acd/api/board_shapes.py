"""Shapes of what stands on a wallboard: queues with their alarms, agents with their work, who waits.

Owns the fields. Must not know where they come from, nor how many rows there are.
"""

from msgspec import Struct

from acd.api.queue_shapes import EstimateShape
from acd.api.shapes import Moment


class AlarmShape(Struct):
    """An alarm that is raised. `value` and `threshold`: whole seconds, interactions or per cent, by the alarm."""

    alarm: str
    since: Moment
    value: int
    threshold: int


class BoardQueueShape(Struct):
    """A queue now, and what came of it over the window: `answered`, `abandoned`, `service_level` from 0 to 1.

    `offered`: who came in over the window. `agents_ready`: without work; `agents_busy`: with some, ringing included.
    """

    id: str
    title: str
    closed: str | None
    waiting: int
    ringing: int
    active: int
    oldest_enqueued_at: Moment | None
    longest_wait_seconds: float
    estimated_wait: EstimateShape | None
    offered: int
    answered: int
    abandoned: int
    service_level: float | None
    target_seconds: float
    agents_ready: int
    agents_busy: int
    agents_not_ready: int
    alarms: list[AlarmShape]


class BoardWorkShape(Struct):
    """What an agent has in hand. Whose it is, the interaction itself says (`/v1/interactions/{interaction}`)."""

    interaction_id: str
    queue: str
    channel: str
    state: str
    since: Moment
    has_customer: bool


class BoardAgentShape(Struct):
    """An agent now: `state` for whoever looks from afar, `presence` and `reason` as everywhere."""

    id: str
    name: str
    state: str
    presence: str
    reason: str
    next_presence: str | None
    since: Moment
    work: list[BoardWorkShape]


class BoardWaitingShape(Struct):
    """Somebody who waits, or is being offered: `position` in the queue's line, ringing ones included."""

    interaction_id: str
    queue: str
    channel: str
    state: str
    priority: int
    position: int
    enqueued_at: Moment
    waited_seconds: float
