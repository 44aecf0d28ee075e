"""Answers of the API as types, for whoever wants more than JSON.

Owns their shapes as a client needs them: fields that a later engine adds are passed over. Must not know HTTP, nor the
engine. `/docs` of the API says what everything means; moments are aware datetimes, durations are seconds.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct


class Answer(Struct, frozen=True):
    """An answer. `cursor`: of the events up to which its picture goes; `at_us`: the server's clock then, to the second.

    Both are empty where the server does not say.
    """

    body: Any
    cursor: str = ""
    at_us: int = 0


class Share(Struct, frozen=True):
    """What a work item of a channel costs in units, and how many may run at once."""

    cost: int
    most: int


class Capacity(Struct, frozen=True):
    """Units in all, and shared out by channel; `*` stands for every channel that is not named."""

    total: int
    channels: dict[str, Share]


class Work(Struct, frozen=True):
    """A work item: `offered`, `active`, `held` or `wrap-up`, in this state since `since`."""

    interaction_id: str
    offer_id: str
    queue: str
    channel: str
    state: str
    since: datetime


class Device(Struct, frozen=True):
    """A device that keeps offers of its channel from an agent: `in-use` or `unavailable`, `until` at the latest."""

    state: str
    until: datetime


class Agent(Struct, frozen=True):
    """An agent and all work in hand. `devices`: by channel, those that keep offers of it from the agent."""

    id: str
    name: str
    presence: str
    reason: str
    next_presence: str | None
    since: datetime
    retired: bool
    skills: dict[str, int]
    labels: tuple[str, ...]
    queues: tuple[str, ...]
    capacity: Capacity
    work: tuple[Work, ...]
    devices: dict[str, Device] = {}


class Interaction(Struct, frozen=True):
    """An interaction. `agent`: who is responsible; `kind`: `live`, or `callback`; `parent`: of a consult."""

    id: str
    state: str
    queue: str
    channel: str
    priority: int
    enqueued_at: datetime | None
    since: datetime | None
    agent: str | None
    offer: str | None
    waited_seconds: float | None
    kind: str
    parent: str | None


class ServiceLevel(Struct, frozen=True):
    """Answered within the threshold ÷ (answered + abandoned)."""

    threshold_seconds: float
    ratio: float | None


class Estimate(Struct, frozen=True):
    """How long whoever comes in now waits: an 80 % band and its middle."""

    low_seconds: float
    middle_seconds: float
    high_seconds: float


class Queue(Struct, frozen=True):
    """A queue as it stands. `closed`: why it takes nobody, None while it is open."""

    id: str
    title: str
    strategy: str
    requirement: str
    retired: bool
    waiting: int
    offered: int
    active: int
    oldest_enqueued_at: datetime | None
    longest_wait_seconds: float
    service_level: ServiceLevel
    closed: str | None
    estimated_wait: Estimate | None


class Decision(Struct, frozen=True):
    """One offer that was made, and why."""

    at: datetime
    reason: str
    offer_id: str
    interaction_id: str
    agent_id: str
    queue: str


class Figures(Struct, frozen=True):
    """What was counted of a queue, an agent or a channel; `counts` by name, sums in µs."""

    scope: str
    id: str
    ends_at: datetime
    counts: dict[str, int]
    service_level: dict[str, float | None]


class Health(Struct, frozen=True):
    """Whether calls may be sent there; `channels`: what each says of itself."""

    ready: bool
    reason: str = ""
    status: str = ""
    channels: dict[str, dict[str, str | int | float | bool | None]] = {}
    outbox: dict[str, int] | None = None


class Webhook(Struct, frozen=True):
    """A webhook as it stands: `idle`, `delivering` or `retrying`."""

    name: str
    url: str
    queues: tuple[str, ...]
    agents: tuple[str, ...]
    kinds: tuple[str, ...]
    state: str
    cursor: str
    behind: int | None
    waiting: int
    dead: int
    failed_attempts: int
    next_attempt_at: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str


class Ping(Struct, frozen=True):
    """What became of a ping. `status`: the receiver's answer, None without one, and then `error` says why."""

    delivered: bool
    status: int | None
    error: str
    seconds: float


class DeadLetter(Struct, frozen=True):
    """A message that was given up. `error`: what the last attempt met."""

    key: str
    destination: str
    attempts: int
    error: str


class Retried(Struct, frozen=True):
    """How many dead letters wait again. `unknown`: keys of none."""

    retried: int
    unknown: tuple[str, ...]
