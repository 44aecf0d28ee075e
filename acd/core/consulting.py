"""Consults: an interaction of its own, in which the agent who talks with a customer asks another agent for advice.

Owns the link between such a child and its parent, `Interaction.parent` and `Interaction.consults`. A child lives only
while its parent is with the agent who asks: whoever ends that talk calls `ending.end_consults` first. Must not know
commands, nor who gets the child: it is routed like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.core.entities import Agent, Interaction

if TYPE_CHECKING:
    from acd.core.matching import Matching


def consulting_agent(child: Interaction) -> Agent:
    """The agent who asks: whoever is responsible for the parent of this consult, which has not ended."""
    parent = child.parent
    assert parent is not None, child.id
    assert parent.current is not None, f"{parent.id}: nobody asks for advice any more"
    return parent.current.agent


def talking(interaction: Interaction) -> list[Agent]:
    """Everybody who talks with the customer, the responsible agent first; empty if nobody does."""
    if interaction.state != "active" or interaction.current is None:
        return []
    return [work.agent for work in (interaction.current, *(interaction.participants or ()))]


def come_in(domain: Matching, parent: Interaction, agent: Agent) -> None:
    """One more agent talks with the customer, and is not to be offered what is asked about them."""
    for child in parent.consults or ():
        domain.bar(child, agent)


def go_out(domain: Matching, parent: Interaction, agent: Agent) -> None:
    """The agent does not talk with the customer any more, and may be asked. The caller serves the agent."""
    for child in parent.consults or ():
        # Work on the consult keeps them from it by itself; only a wrap-up after handing it on is barred, too.
        if not any(work.interaction is child and work.state == "wrap-up" for work in agent.work.values()):
            domain.unbar(child, agent)


def link(domain: Matching, child: Interaction, parent: Interaction) -> None:
    """A new consult; whoever talks with the customer that it is about is not to be offered it."""
    child.parent = parent
    child.asking = consulting_agent(child).id
    if parent.consults is None:
        parent.consults = []
    parent.consults.append(child)
    for agent in talking(parent):
        domain.bar(child, agent)


def unlink(child: Interaction) -> None:
    """The consult ends."""
    parent = child.parent
    assert parent is not None, child.id
    assert parent.consults is not None, parent.id
    parent.consults.remove(child)
    if not parent.consults:
        parent.consults = None
    child.parent = None
