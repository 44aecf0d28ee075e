"""What the core knows of the configuration: agents, queues, capacity. Integers only, no secret.

Owns the canonical form that `ApplyConfig` carries. Must not know TOML, files or seconds: the
runtime's configuration translates those.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from acd.core import limits
from acd.core.messages.types import (
    Duration,
    Id,
    Level,
    OptionalId,
    Position,
    Priority,
    Proficiency,
    Requirement,
    Text,
    Units,
)

Strategy = Id
"""One of `STRATEGIES`, or `score:NAME` for one of `CoreSettings.scores`."""

WrapUpPolicy = Literal["timed", "none", "optional", "forced", "extended"]
Rona = Literal["not-ready", "stay-ready"]
Ordering = Literal["head-start", "strict", "due"]
CallbackFirst = Literal["agent", "customer"]
ActionKind = Literal["wait", "refuse", "queue", "callback", "release"]

SECOND_US = 1_000_000

STRATEGIES: Final[tuple[Strategy, ...]] = (
    "longest-idle",
    "best-fit",
    "weighted",
    "least-skilled",
    "least-loaded",
    "linear",
    "round-robin",
    "broadcast",
)
"""How the best of the agents who could be offered an interaction is found."""

SCORE_PREFIX: Final = "score:"
"""Begins the name of a strategy that is a function of the user's own."""


class ChannelShare(Struct, frozen=True, gc=False):
    """What one work item of a channel costs an agent, in units, and how many may run at once.

    The channel `*` stands for every channel that is not named. `interrupts`: channels whose work items do not stand
    in the way of one of this channel; they stay counted in the agent's load and for everything else.
    """

    channel: Id
    cost: Units
    most: Annotated[int, Meta(ge=1, le=limits.MAX_CAPACITY)] = 1
    interrupts: Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_CHANNELS)] = ()


class Capacity(Struct, frozen=True, gc=False):
    """An agent's capacity: `total` units, shared out by channel. An unnamed channel has no room."""

    total: Units = 100
    channels: Annotated[tuple[ChannelShare, ...], Meta(max_length=limits.MAX_CHANNELS)] = (ChannelShare("*", 100, 1),)


class AgentSettings(Struct, frozen=True, gc=False):
    """One agent: skills as (name, proficiency 1 to 10), labels, queue memberships, capacity.

    `position`: the agent's place in the fixed order of the strategies `linear` and `round-robin`, the least first.
    `levels`: (queue, level 1 to 10), 1 where nothing is said. A queue asks agents of a lower level first, and agents
    serve queues for which they have a lower level first.
    """

    id: Id
    skills: Annotated[tuple[tuple[Id, Proficiency], ...], Meta(max_length=limits.MAX_SKILLS)] = ()
    labels: Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_SKILLS)] = ()
    queues: Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_SKILLS)] = ()
    capacity: Capacity = Capacity()
    position: Position = 0
    levels: Annotated[tuple[tuple[Id, Level], ...], Meta(max_length=limits.MAX_SKILLS)] = ()


class Action(Struct, frozen=True, gc=False):
    """What becomes of an interaction that a queue cannot take, or has kept too long.

    `wait`: nothing, it waits here. `refuse`: the command that asks for it is refused. `queue`: it tries `queue`
    instead. `release`: the customer is let go, and `reason` says what they are told; empty for the situation's name.
    `callback`: likewise, and a callback takes their place in line.
    """

    kind: ActionKind
    queue: OptionalId = ""
    reason: Text = ""


ConditionKind = Literal["estimated_wait", "eligible_agents", "position"]
ConditionOp = Literal[">", ">=", "<", "<=", "==", "!="]


class Condition(Struct, frozen=True, gc=False):
    """What must be so when a step's time has come: `kind` compared with `value`, which is µs for an estimated wait.

    `eligible_agents`: those who are signed in and could take it, free or not. `position`: in its queue's line, from 1.
    """

    kind: ConditionKind
    op: ConditionOp
    value: Duration


class Step(Struct, frozen=True, gc=False):
    """What a queue loosens for an interaction that still waits `after_us` after it entered; it stays loosened.

    `requirement` replaces the queue's, unless empty. `drop_own`: what the interaction itself asked for does not count
    any more. `queues`: agents who satisfy any of their requirements may take it, too. `priority` is added.
    `announce`: what the customer is told, by name. `when`: the step is skipped unless this holds at its time.
    """

    after_us: Annotated[int, Meta(ge=1, le=limits.MAX_DURATION_US)]
    requirement: Requirement = ""
    drop_own: bool = False
    queues: Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_SKILLS)] = ()
    priority: Priority = 0
    announce: OptionalId = ""
    when: Condition | None = None


class QueueSettings(Struct, frozen=True, gc=False):
    """One queue. Durations in µs.

    `fit_weight_us`: strategy `weighted` counts one point of fit as this much idle time.
    `head_start_us`: one point of priority moves an interaction this far ahead in line.
    `retry_after_us`: how long an agent who declined an interaction is not offered it again.
    `late_us`: an expiry handled later than this after its deadline punishes nobody.
    `affinity_us`: for how long after a conversation its agent is preferred for the same customer, 0 for not at all.
    `dedicated_attribute`: the interaction's attribute that names an agent who is preferred for it.
    `steps`: what is loosened for those who wait, in the order of their times.
    `hold_for_us`: how long an interaction waits for its preferred agent alone.
    `rona`: what an unanswered offer does to the agent's presence; with `broadcast` it never does anything.
    `ordering`: places in line go by arrival minus head start, by priority before everything else, or by when
    `target_us` is over, minus head start. `band`: agents take from the lowest band that waits for them.
    `when_closed`, `when_unstaffed` (nobody signed in could ever take it), `when_full` (`max_waiting`): what becomes of
    an interaction that comes in then; the first of them that is not `wait` decides.
    `wrap_up_policy`: after-call work of `wrap_up_us` (`timed`), none at all, only if the agent asked for it
    (`optional`), until the agent ends it (`forced`), or one that can be extended to `wrap_up_most_us` (`extended`).
    `dispositions`: codes that agents may set; with `disposition_required` a wrap-up is not ended by hand without one.
    `broadcast`: strategy `broadcast` offers an interaction to this many agents at once.
    `callback_attempts`: how often a customer is called back, `callback_retry_us` apart. `callback_channel`: the channel
    instance that calls them; empty for none, the agents do it themselves. `callback_medium`: whose interactions it
    calls, by their channel (`voice`); those of others have none; empty for any.
    `callback_first`: whom that channel calls first. If the customer: as soon as an agent could have the callback, of
    the queue `callback_ahead` at once at most; it is offered when they have answered, within `callback_reach_us`.
    `when_overdue`: what becomes of one that has waited here for `max_wait_us`, if that is not 0.
    `level_delays_us`: how long after it entered the queue an interaction may go to agents of level 2, 3, …; all further
    levels open with the last that is named.
    `reserve`: of the agents who could take an interaction just now, so many are kept free for other queues.
    """

    id: Id
    requirement: Requirement = "true"
    strategy: Strategy = "longest-idle"
    fit_weight_us: Duration = 10 * SECOND_US
    offer_timeout_us: Annotated[int, Meta(ge=1, le=limits.MAX_DURATION_US)] = 20 * SECOND_US
    retry_after_us: Duration = 30 * SECOND_US
    wrap_up_us: Duration = 0
    head_start_us: Duration = 60 * SECOND_US
    late_us: Duration = 2 * SECOND_US
    rona: Rona = "not-ready"
    max_waiting: Annotated[int, Meta(ge=1, le=limits.MAX_INTERACTIONS)] = 10_000
    ordering: Ordering = "head-start"
    target_us: Duration = 0
    band: Annotated[int, Meta(ge=1, le=limits.MAX_BAND)] = 5
    hold_for_us: Duration = 0
    when_closed: Action = Action("refuse")
    when_unstaffed: Action = Action("wait")
    when_full: Action = Action("refuse")
    wrap_up_policy: WrapUpPolicy = "timed"
    wrap_up_most_us: Duration = 0
    dispositions: Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_DISPOSITIONS)] = ()
    disposition_required: bool = False
    broadcast: Annotated[int, Meta(ge=2, le=limits.MAX_BROADCAST)] = 5
    max_wait_us: Duration = 0
    when_overdue: Action = Action("wait")
    callback_attempts: Annotated[int, Meta(ge=1, le=limits.MAX_ATTEMPTS)] = 3
    callback_retry_us: Duration = 1_800 * SECOND_US
    level_delays_us: Annotated[tuple[Duration, ...], Meta(max_length=limits.MAX_LEVEL - 1)] = ()
    steps: Annotated[tuple[Step, ...], Meta(max_length=limits.MAX_STEPS)] = ()
    affinity_us: Duration = 0
    dedicated_attribute: OptionalId = ""
    reserve: Annotated[int, Meta(ge=0, le=limits.MAX_RESERVE)] = 0
    callback_channel: OptionalId = ""
    callback_medium: OptionalId = ""
    callback_first: CallbackFirst = "agent"
    callback_ahead: Annotated[int, Meta(ge=1, le=limits.MAX_AHEAD)] = 1
    callback_reach_us: Annotated[int, Meta(ge=1, le=limits.MAX_DURATION_US)] = 180 * SECOND_US


class CoreSettings(Struct, frozen=True, gc=False):
    """The whole configuration of one domain, as the core sees it. Canonical: both tuples sorted by id.

    `semantics` is the version of the rules of decision; the engine refuses one that it does not have.
    `scores`: (name, code hash) of every strategy `score:NAME` that queues may have, sorted.
    """

    agents: Annotated[tuple[AgentSettings, ...], Meta(max_length=limits.MAX_AGENTS)] = ()
    queues: Annotated[tuple[QueueSettings, ...], Meta(max_length=limits.MAX_QUEUES)] = ()
    semantics: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    scores: Annotated[tuple[tuple[Id, Id], ...], Meta(max_length=limits.MAX_SCORES)] = ()
