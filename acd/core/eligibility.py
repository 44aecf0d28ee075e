"""Eligibility: whether an interaction may be offered to an agent now, clause by clause.

Owns the one predicate `offerable` and the names of its clauses, which matching makes cheap, the invariants
check and explanations quote. Must not know how candidates are found. Every clause depends on state only:
what time changes is changed by a Tick, so there is no clock in here.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from acd.core.consulting import talking
from acd.core.entities import Agent, Interaction


class Clause(NamedTuple):
    """One condition. `name` is stable, kebab-case, and says what is asked for; `holds` answers for a pair."""

    name: str
    holds: Callable[[Interaction, Agent], bool]


def offerable(interaction: Interaction, agent: Agent) -> bool:
    """Whether the interaction may be offered to the agent now: every clause holds."""
    return all(clause.holds(interaction, agent) for clause in CLAUSES)


def may_have(interaction: Interaction, agent: Agent) -> bool:
    """As `offerable`, for an interaction that is queued; by way of its class, whose members the requirement has chosen.

    Whoever has work on it, or asks for advice in it, is excluded from it as well, and standing.
    """
    cls = interaction.cls
    excluded = interaction.exclusions
    return (
        agent.presence == "ready"
        and not cls.shut
        and (interaction.held is None or interaction.preferred == agent.id)
        and not (excluded and agent.id in excluded)
        and agent.takes(cls.channel)
        and cls.has(agent)
    )


def _is_ready(_interaction: Interaction, agent: Agent) -> bool:
    return agent.presence == "ready" and not agent.retired


def _is_not_vetoed(interaction: Interaction, agent: Agent) -> bool:
    return agent.vetoes is None or interaction.request.channel not in agent.vetoes


def _is_not_excluded(interaction: Interaction, agent: Agent) -> bool:
    exclusion = interaction.exclusions.get(agent.id) if interaction.exclusions else None
    return exclusion is None or exclusion.deadline is None


def _is_not_wrapping_up(interaction: Interaction, agent: Agent) -> bool:
    return all(work.interaction is not interaction for work in agent.work.values())


def _is_not_asking(interaction: Interaction, agent: Agent) -> bool:
    return interaction.parent is None or agent not in talking(interaction.parent)


def _is_not_held_for_another(interaction: Interaction, agent: Agent) -> bool:
    return interaction.held is None or interaction.preferred == agent.id


def _is_not_kept_for_others(interaction: Interaction, _agent: Agent) -> bool:
    return not interaction.cls.kept


def _is_its_turn(interaction: Interaction, _agent: Agent) -> bool:
    return not interaction.cls.full


def _satisfies_requirement(interaction: Interaction, agent: Agent) -> bool:
    return interaction.cls.requirement.matches(agent.skills, agent.labels, agent.queues)


def _is_within_reach(interaction: Interaction, agent: Agent) -> bool:
    return agent.level(interaction.queue.id) <= interaction.reach


def _has_room(interaction: Interaction, agent: Agent) -> bool:
    return agent.has_room(interaction.request.channel)


CLAUSES: Final = (
    Clause("ready", _is_ready),
    Clause("device", _is_not_vetoed),
    Clause("not-excluded", _is_not_excluded),
    Clause("not-on-it", _is_not_wrapping_up),
    Clause("not-asking", _is_not_asking),
    Clause("preferred", _is_not_held_for_another),
    Clause("reserve", _is_not_kept_for_others),
    Clause("turn", _is_its_turn),
    Clause("level", _is_within_reach),
    Clause("requirement", _satisfies_requirement),
    Clause("room", _has_room),
)
"""Every condition of being offered, the cheapest first."""
