"""Conferences: several agents on one interaction at once; and how one agent's part ends where the interaction goes on.

Owns `Interaction.participants`, everybody's work but that of the agent who is responsible, `Interaction.current`. Must
not know commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.core.consulting import come_in, go_out
from acd.core.ending import end_consults
from acd.core.messages import AgentLeft, DisconnectAgent

if TYPE_CHECKING:
    from acd.core.domain import Domain
    from acd.core.entities import Interaction, Work


def join(domain: Domain, interaction: Interaction, work: Work) -> None:
    """One more agent talks with the customer."""
    if interaction.participants is None:
        interaction.participants = []
    interaction.participants.append(work)
    come_in(domain, interaction, work.agent)


def step_out(domain: Domain, work: Work, reason: str) -> None:
    """One of several agents leaves; after the responsible one it is whoever has been there longest.

    The caller goes on with the end of the work item.
    """
    interaction = work.interaction
    others = interaction.participants
    assert others, interaction.id
    if work is interaction.current:
        if interaction.consults:
            end_consults(domain, interaction)
        interaction.current = others.pop(0)
    else:
        others.remove(work)
        go_out(domain, interaction, work.agent)
    if not others:
        interaction.participants = None
    owner = interaction.current
    assert owner is not None, interaction.id
    domain.events.append(AgentLeft(interaction.id, work.agent.id, owner.agent.id, reason, domain.now_us - work.since))
    disconnect(domain, work)


def disconnect(domain: Domain, work: Work) -> None:
    """Tell the channel to let go of the agent's side."""
    interaction = work.interaction
    domain.effects.append(DisconnectAgent(work.offer_id, interaction.id, work.agent.id, interaction.request.instance))
