"""Ranking, naively: what is compared when a strategy chooses among agents, or an agent's next interaction is chosen.

Owns the rows of ARCHITECTURE.md, "Best agent" and "Place in line", as named values in the order of their comparison,
the least first. For explanations and for tests: matching never asks here, and shares nothing but the entities with it.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from acd.core.entities import Agent, Interaction
from acd.core.matrix import fit
from acd.core.pools.scored import Scored
from acd.core.pools.tiered import Tiered


class Value(Struct, frozen=True, gc=False):
    """One value of a comparison. `name` is stable; times are µs."""

    name: str
    value: int | str


Rank = tuple[Value, ...]
"""Compared from the left, the least first."""


def agent_rank(interaction: Interaction, agent: Agent) -> Rank:
    """What is compared of an agent for the interaction: the level, then whatever the queue's strategy says."""
    return (
        _level(interaction, agent),
        *_RANKS.get(interaction.queue.settings.strategy, _score)(interaction, agent),
    )


def interaction_rank(interaction: Interaction, agent: Agent) -> Rank:
    """What is compared of an interaction when an agent comes free."""
    return (
        _level(interaction, agent),
        Value("band", interaction.queue.settings.band),
        Value("key", interaction.queue.key_us(interaction.place_at, interaction.priority)),
        Value("seq", interaction.seq),
    )


def sort_key(rank: Rank) -> tuple[int | str, ...]:
    """What ranks of one kind are sorted by."""
    return tuple(each.value for each in rank)


def _level(interaction: Interaction, agent: Agent) -> Value:
    return Value("level", agent.level(interaction.queue.id))


def _fit(interaction: Interaction, agent: Agent) -> int:
    return fit(agent.skills, interaction.cls.requirement.skills, interaction.request.preferences)


def _idle(agent: Agent, head_start_us: int = 0) -> Rank:
    name = "idle since, less the worth of fit" if head_start_us else "idle since"
    return (Value(name, agent.idle_since - head_start_us), Value("idle seq", agent.idle_seq))


def _longest_idle(_interaction: Interaction, agent: Agent) -> Rank:
    return (Value("load", agent.load), *_idle(agent))


def _best_fit(interaction: Interaction, agent: Agent) -> Rank:
    return (Value("minus fit", -_fit(interaction, agent)), Value("load", agent.load), *_idle(agent))


def _weighted(interaction: Interaction, agent: Agent) -> Rank:
    worth_us = _fit(interaction, agent) * interaction.queue.settings.fit_weight_us
    return (Value("load", agent.load), *_idle(agent, worth_us))


def _least_skilled(_interaction: Interaction, agent: Agent) -> Rank:
    return (Value("skills held", len(agent.settings.skills)), Value("load", agent.load), *_idle(agent))


def _least_loaded(_interaction: Interaction, agent: Agent) -> Rank:
    return (Value("work items", len(agent.work)), Value("load", agent.load), *_idle(agent))


def _linear(_interaction: Interaction, agent: Agent) -> Rank:
    return (Value("position", agent.settings.position), Value("agent", agent.id))


def _round_robin(interaction: Interaction, agent: Agent) -> Rank:
    cursor = interaction.queue.cursor
    after = None if cursor is None else cursor.after
    place = (agent.settings.position, agent.id)
    return (Value("had a turn this round", int(after is not None and place <= after)), *_linear(interaction, agent))


def _score(interaction: Interaction, agent: Agent) -> Rank:
    """Of a strategy of one's own; by fit alone where its function is not given any more."""
    pool = interaction.cls.crew.pool
    if isinstance(pool, Tiered):
        pool = pool.of(agent)
    score = (Value("minus score", -pool.score(agent)),) if isinstance(pool, Scored) else ()
    return (*score, *_best_fit(interaction, agent))


_RANKS: Final[dict[str, Callable[[Interaction, Agent], Rank]]] = {
    "longest-idle": _longest_idle,
    "best-fit": _best_fit,
    "weighted": _weighted,
    "least-skilled": _least_skilled,
    "least-loaded": _least_loaded,
    "linear": _linear,
    "round-robin": _round_robin,
    "broadcast": _longest_idle,
}
"""Strategy → what it compares. `score:NAME` is none of them."""
