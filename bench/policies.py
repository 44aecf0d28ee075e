"""The same centre with every policy switched on: what the engine is told of it, and what its customers ask for then.

Owns which queue has which policy, by its number, so that all of them are met in one run: every strategy, one of its
own among them; three bands with an ordering each; levels that open by and by; two steps of relaxation, one of them on a
condition; a preferred agent who is waited for, be it the one who was asked for, the customer's own or the last one; a
reserve; a maximum wait that leads to the next queue; what happens when a queue is unstaffed or full; wrap-up in all its
forms that end; calls that interrupt chats, and agents who do several at once; preferences and own requirements;
agents who ask others for advice, and hand over to them or talk on together. Must not know who is timed, or how.
"""

from __future__ import annotations

import random
from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from acd.core import limits
from acd.core.messages import (
    Action,
    AgentSettings,
    Capacity,
    ChannelShare,
    Condition,
    CoreSettings,
    EnqueueInteraction,
    Preference,
    QueueSettings,
    Step,
)
from acd.core.messages.scoring import Demand, Profile, Score
from acd.core.messages.settings import SCORE_PREFIX, SECOND_US, STRATEGIES, Ordering, WrapUpPolicy
from bench.workload import NOBODY, Centre, agent_id, settings_of

SCORE: Final = "spare"

_STRATEGIES: Final = (*STRATEGIES, f"{SCORE_PREFIX}{SCORE}")
_ORDERINGS: Final[tuple[Ordering, ...]] = ("head-start", "due", "strict")
_WRAP_UPS: Final[tuple[WrapUpPolicy, ...]] = ("timed", "extended", "forced")
_LEVELS: Final = 3
_CHAT_EVERY: Final = 4
"""Every so many queues one is for chats."""

_MOST_LEVELS: Final = limits.MAX_SKILLS
_CAPACITY: Final = Capacity(100, (ChannelShare("chat", 30, 3), ChannelShare("voice", 100, 1, ("chat",))))

_RESERVE_EVERY: Final = 4
"""Every so many queues one keeps an agent free for others."""

_CONDITIONS: Final = (
    None,
    Condition("estimated_wait", ">", 60 * SECOND_US),
    Condition("eligible_agents", "<", 60),
    Condition("position", ">", 2),
)
ESTIMATED_WAIT_US: Final = 90 * SECOND_US
"""What the engine is told of every queue, so that the condition that asks for it has something to compare."""

_PREFERRED, _DEDICATED, _ASKING = 0.15, 0.05, 0.5
"""Shares of the interactions that name an agent; whose customer has one of their own; that add a requirement, or
preferences, where that is usual.
"""

CONSULTING, TAKING_OVER = 0.03, 0.5
"""Shares: conversations in which the agent asks for advice, at a time; advisers who take the customer over."""

_MANAGER: Final = "manager"
_CUSTOMERS: Final = 100
"""Of each queue; they come again and again, and prefer whom they had."""

_KINDS_OF_ASKING: Final = 5
"""Of so many queues one is used to requirements of customers' own, and one to preferences."""


def spare(demand: Demand, profile: Profile) -> int:
    """Agents who can do little else go first."""
    return sum(map(profile.proficiency, demand.skills)) - len(profile.skills)


SCORES: Final = {SCORE: Score(spare, sha256(b"spare 1").hexdigest())}
"""What an engine is given, so that queues may name it."""


def policy_settings(centre: Centre) -> CoreSettings:
    """As `settings_of`, with everything on."""
    plain = settings_of(centre)
    agents = (_agent(each, centre) for each in plain.agents)
    queues = (_queue(each, len(plain.queues)) for each in plain.queues)
    return CoreSettings(
        tuple(agents), tuple(queues), plain.semantics, tuple((name, score.code_hash) for name, score in SCORES.items())
    )


def channel_of(requirement: int) -> str:
    """What comes in by this queue."""
    return "voice" if requirement % _CHAT_EVERY else "chat"


def with_wishes(
    plain: EnqueueInteraction, centre: Centre, requirement: int, agent: int, dice: random.Random
) -> EnqueueInteraction:
    """The same interaction with what customers may ask for; `agent` can serve it."""
    skill = f"s{centre.requirements[requirement][0][0]}"
    asking = requirement % _KINDS_OF_ASKING if dice.random() < _ASKING else NOBODY
    return replace(
        plain,
        channel=channel_of(requirement),
        preferred_agent=agent_id(agent) if dice.random() < _PREFERRED else "",
        requirement=f"skills.{skill} >= 1" if asking == 1 else "",
        preferences=(Preference(skill, 2),) if asking == 2 else (),  # noqa: PLR2004 - the next
        customer=f"u{requirement}.{dice.randrange(_CUSTOMERS)}",
        attributes=((_MANAGER, agent_id(agent)),) if dice.random() < _DEDICATED else (),
    )


def _agent(plain: AgentSettings, centre: Centre) -> AgentSettings:
    number = int(plain.id[1:])
    levels = tuple(
        sorted((f"q{queue}", 1 + (number + queue) % _LEVELS) for queue in centre.eligible[number][:_MOST_LEVELS])
    )
    return replace(plain, capacity=_CAPACITY, levels=levels, position=number % 1_000)


def _queue(plain: QueueSettings, queues: int) -> QueueSettings:
    number = int(plain.id[1:])
    following = f"q{(number + 1) % queues}"
    return replace(
        plain,
        strategy=_STRATEGIES[number % len(_STRATEGIES)],
        band=4 + number % len(_ORDERINGS),
        ordering=_ORDERINGS[number % len(_ORDERINGS)],
        target_us=20 * SECOND_US,
        hold_for_us=2 * SECOND_US,
        level_delays_us=(SECOND_US, 2 * SECOND_US),
        steps=(
            Step(3 * SECOND_US, priority=1, announce="busy", when=_CONDITIONS[number % len(_CONDITIONS)]),
            Step(8 * SECOND_US, drop_own=True, queues=(following,)),
        ),
        broadcast=3,
        wrap_up_policy=_WRAP_UPS[number // len(_ORDERINGS) % len(_WRAP_UPS)],
        wrap_up_most_us=90 * SECOND_US,
        dispositions=("solved", "unsolved"),
        max_wait_us=120 * SECOND_US,
        when_overdue=Action("queue", following),
        when_full=Action("queue", following),
        when_unstaffed=Action("release"),
        affinity_us=3_600 * SECOND_US,
        dedicated_attribute=_MANAGER,
        reserve=0 if number % _RESERVE_EVERY else 1,
    )
