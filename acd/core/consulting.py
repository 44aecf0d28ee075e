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


def link(domain: Matching, child: Interaction, parent: Interaction) -> None:
    """A new consult; whoever asks is not to be offered it."""
    child.parent = parent
    child.asking = consulting_agent(child).id
    if parent.consults is None:
        parent.consults = []
    parent.consults.append(child)
    domain.bar(child, consulting_agent(child))


def unlink(child: Interaction) -> None:
    """The consult ends."""
    parent = child.parent
    assert parent is not None, child.id
    assert parent.consults is not None, parent.id
    parent.consults.remove(child)
    if not parent.consults:
        parent.consults = None
    child.parent = None
