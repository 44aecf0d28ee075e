"""Holding an interaction for its preferred agent: when that begins, and when it ends early.

Owns `Interaction.held` and `Agent.holds`, which are two sides of one thing. Must not know commands, nor who
names the preferred agent. While held, an interaction is offerable to its preferred agent only (`eligibility`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.core.eligibility import may_have
from acd.core.entities import Agent, Hold, Interaction
from acd.core.messages import HoldEnded, HoldStarted

if TYPE_CHECKING:
    from acd.core.matching import Matching


def begin(domain: Matching, interaction: Interaction, hold_for_us: int) -> None:
    """Hold a queued interaction, that is not in the line, for its preferred agent until now + `hold_for_us`.

    Only if that makes sense: they are signed in, satisfy the requirement, do the channel, and cannot have it at once.
    """
    agent = domain.agents.get(interaction.preferred)
    if not hold_for_us or agent is None or may_have(interaction, agent) or not is_worth_waiting_for(interaction, agent):
        return
    until_us = domain.now_us + hold_for_us
    hold = interaction.held = Hold(interaction)
    hold.deadline = domain.deadlines.register(until_us, domain.next_seq(), hold, hold_for_us)
    if agent.holds is None:
        agent.holds = {}
    agent.holds[interaction.id] = interaction
    domain.events.append(HoldStarted(interaction.id, agent.id, until_us))


def drop(domain: Matching, interaction: Interaction) -> None:
    """Hold the interaction no longer, if it was held. The caller sees to whatever follows."""
    hold = interaction.held
    if hold is None:
        return
    interaction.held = None
    if hold.deadline is not None:
        hold.deadline.alive = False
    agent = domain.agents.get(interaction.preferred)
    if agent is not None and agent.holds:
        agent.holds.pop(interaction.id, None)


def end(domain: Matching, interaction: Interaction, reason: str) -> None:
    """Hold the interaction, which is held and in the line, no longer, and say so; the caller places it."""
    drop(domain, interaction)
    domain.events.append(HoldEnded(interaction.id, interaction.preferred, reason))


def reconsider(domain: Matching, interaction: Interaction) -> None:
    """The preferred agent may have been removed, or may not serve it any more; the caller places it."""
    if interaction.held is None:
        return
    agent = domain.agents.get(interaction.preferred)
    if agent is None or not is_worth_waiting_for(interaction, agent):
        end(domain, interaction, "unavailable")


def end_all(domain: Matching, agent: Agent) -> None:
    """The agent has signed out: everything held for them looks for somebody else, first in line first."""
    held = (agent.holds or {}).values()
    for interaction in sorted(held, key=lambda each: (each.queue.settings.band, each.key, each.seq)):
        end(domain, interaction, "signed-out")
        domain.leave(interaction)
        domain.place(interaction)


def is_worth_waiting_for(interaction: Interaction, agent: Agent) -> bool:
    """Whether the agent is signed in, satisfies the requirement and does the channel."""
    return agent.presence != "signed-out" and not agent.retired and interaction.cls.crew.has(agent)
