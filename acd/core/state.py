"""The engine's whole state as messages: what a snapshot holds, what the digest is taken of.

Owns the schema. Everything else the engine keeps (classes, buckets, lines, counters) is derived
from it. Fields are only ever appended, each with a default.
"""

from msgspec import Struct

from acd.core import limits
from acd.core.messages.commands import EnqueueInteraction
from acd.core.messages.outcome import Outcome
from acd.core.messages.settings import AgentSettings, CoreSettings, QueueSettings


class AgentState(Struct, frozen=True):
    """`idle_since_us` and `idle_seq` are the agent's place among the idle, kept while busy."""

    id: str
    presence: str
    reason: str
    next_presence: str
    next_reason: str
    idle_since_us: int
    idle_seq: int
    retired: bool


class ExclusionState(Struct, frozen=True):
    """The agent is not offered the interaction until the deadline (`until_us`, `seq`) has been handled."""

    agent_id: str
    until_us: int
    seq: int


class Relaxation(Struct, frozen=True):
    """What the steps of its queue have changed about an interaction.

    `after_us`: the time of the last step that is done. `requirement` replaces the queue's, unless empty; `drop_own`:
    the interaction's own does not count any more; `queues`: any of their requirements will do instead.
    """

    after_us: int = 0
    requirement: str = ""
    drop_own: bool = False
    queues: tuple[str, ...] = ()


class InteractionState(Struct, frozen=True):
    """`request` is the command that enqueued it, less what a transfer without context dropped.

    `state` as in `acd.core.states.interaction`. `key_us` and `seq` are the place in line, `offers` says how many were
    made. `exclusions` are oldest first.
    `entered_at_us`: when it entered its present `queue`. The key is computed from `place_at_us` and the present
    `priority`. These four are None or empty in a state of before they could differ from the request's.
    `preferred`: the agent who is asked first, `preferred_by` as in the event `AgentPreferred`, empty for the request;
    held for them until (`held_until_us`, `held_seq`) if the latter is not 0.
    `hops`: queues that it overflowed into. Its queue keeps it until (`overdue_us`, `overdue_seq`), if the latter is
    not 0; `overdue`: that is over, and it still rings.
    `attempts`: failed ones of a callback; `uncalled`: how often nobody could call the customer at the present one;
    a scheduled one is due at (`due_us`, `due_seq`), the latter 0 once it was.
    `reach`: the highest level open to it; the next opens at (`opening_us`, `opening_seq`) if the latter is not 0.
    `participants`: in a conference, the offers of those who take part and are not responsible, oldest first.
    `asking`: who asks in a consult, or did. `reached`: the customer of a callback has answered this time, or an agent
    has accepted it.
    `reaching_since_us`: since when they are called, until (`reaching_us`, `reaching_seq`), if the latter is not 0.
    `relaxed`: None before the first step; the next one is due at (`step_at_us`, `step_seq`) if the latter is not 0.
    """

    request: EnqueueInteraction
    state: str
    enqueued_at_us: int
    key_us: int
    seq: int
    offers: int
    exclusions: tuple[ExclusionState, ...]
    entered_at_us: int | None = None
    place_at_us: int | None = None
    priority: int | None = None
    queue: str = ""
    preferred: str = ""
    held_until_us: int = 0
    held_seq: int = 0
    hops: int = 0
    overdue_us: int = 0
    overdue_seq: int = 0
    overdue: bool = False
    reach: int = limits.MAX_LEVEL
    opening_us: int = 0
    opening_seq: int = 0
    relaxed: Relaxation | None = None
    step_at_us: int = 0
    step_seq: int = 0
    attempts: int = 0
    due_us: int = 0
    due_seq: int = 0
    preferred_by: str = ""
    ended_with: str = ""
    participants: tuple[str, ...] = ()
    asking: str = ""
    reached: bool = False
    reaching_since_us: int = 0
    reaching_us: int = 0
    reaching_seq: int = 0
    uncalled: int = 0


class WorkState(Struct, frozen=True):
    """A work item that has not ended; its id is its offer's.

    `cost` in units as it was when offered. `since_us`: when it was offered, accepted, or wrap-up began.
    `deadline_us`, `deadline_seq`: end of the ringing or of the wrap-up, 0 when there is none.
    `excused`: an expiry punishes nobody. `wants_wrap_up`: the agent asked for after-call work. `disposition`: the code
    that the agent set. `queue`: whose conditions its wrap-up follows; empty if it is the interaction's.
    """

    offer_id: str
    interaction_id: str
    agent_id: str
    state: str
    cost: int
    offered_at_us: int
    since_us: int
    deadline_us: int
    deadline_seq: int
    excused: bool
    wants_wrap_up: bool = False
    disposition: str = ""
    queue: str = ""


class CursorState(Struct, frozen=True):
    """Whose turn was last in a round-robin queue: the agent's position, as it was then, and id."""

    queue: str
    position: int
    agent_id: str


class DeviceState(Struct, frozen=True):
    """An agent's device vetoes a channel until the deadline (`until_us`, `seq`) has been handled."""

    agent_id: str
    channel: str
    state: str
    until_us: int
    seq: int


class AlarmState(Struct, frozen=True):
    """An alarm of a queue that is raised, since when, and at which value."""

    queue: str
    alarm: str
    since_us: int
    value: int
    threshold: int


class EngineState(Struct, frozen=True):
    """Everything. All tuples are in a canonical order: by id, or oldest first for the windows.

    `retired_*`: settings of agents and queues that the configuration no longer names but that still have work.
    `ended_*`: the last ended ones, as (id, final state). `outcomes`: the last commands, as (id, outcome).
    `closed_queues`: as (id, reason). `last_agents`: as (customer, agent id, when the conversation ended), oldest first.
    `estimates`: known waits, as (queue, µs). `devices`: what agents' devices veto, by agent and channel.
    `alarms`: those that are raised, by queue and kind.
    """

    domain: str
    semantics: int
    now_us: int
    seq: int
    settings: CoreSettings
    settings_hash: str
    agents: tuple[AgentState, ...]
    retired_queues: tuple[QueueSettings, ...]
    retired_agents: tuple[AgentSettings, ...]
    interactions: tuple[InteractionState, ...]
    work: tuple[WorkState, ...]
    ended_interactions: tuple[tuple[str, str], ...]
    ended_offers: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, Outcome], ...]
    cursors: tuple[CursorState, ...] = ()
    closed_queues: tuple[tuple[str, str], ...] = ()
    last_agents: tuple[tuple[str, str, int], ...] = ()
    estimates: tuple[tuple[str, int], ...] = ()
    devices: tuple[DeviceState, ...] = ()
    alarms: tuple[AlarmState, ...] = ()
