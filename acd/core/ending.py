"""How interactions end: completed, or given up before anybody has answered; and the consults that end with them.

Owns these moves. Must not know commands, nor why anything ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acd.core.messages import (
    AgentLeft,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    OfferRevoked,
    ReleaseInteraction,
)

if TYPE_CHECKING:
    from acd.core.domain import Domain
    from acd.core.entities import Interaction, Work

CONSULT_OVER: Final = "consult-over"
"""Why a consult ends whose agent does not talk with the customer any more."""


def complete(domain: Domain, interaction: Interaction, by: str, reason: str) -> None:
    """End a conversation; the agents wrap up by the queue's policy, first the responsible one."""
    work = interaction.current
    assert work is not None, interaction.id
    if interaction.consults:
        end_consults(domain, interaction)
    if interaction.open_work > 1:
        interaction.ended_with = work.agent.id
    domain.close(interaction, "complete")
    interaction_id, agent_id, now_us = interaction.id, work.agent.id, domain.now_us
    domain.events.append(InteractionCompleted(interaction_id, agent_id, by, reason, now_us - work.since))
    request = interaction.request
    domain.effects.append(ReleaseInteraction(interaction_id, request.instance, "completed"))
    if domain.last_agents.wanted and not request.parent:
        domain.last_agents.remember(request.customer, agent_id, now_us)
    others = interaction.participants
    if others is None:
        domain.finish_talk(work)
        return
    interaction.participants = None
    domain.finish_talk(work)
    for each in others:
        talked_us = domain.now_us - each.since
        domain.events.append(AgentLeft(interaction.id, each.agent.id, work.agent.id, reason, talked_us))
        if part(domain, each):
            domain.forget_if_done(interaction)
            domain.serve(each.agent)


def part(domain: Domain, work: Work) -> bool:
    """One agent's talk is over, and the interaction goes on, or others' work on it does: True if the agent is free.

    Else they wrap up by the conditions of the queue that it is in now. The caller serves whoever is free.
    """
    interaction = work.interaction
    if domain.wrap_up(work):
        work.former = interaction.queue
        work.former.live += 1
        domain.bar(interaction, work.agent)
        return False
    domain.release(work)
    domain.refresh(work.agent)
    return True


def give_up(domain: Domain, interaction: Interaction, trigger: str, reason: str, replaced_by: str = "") -> None:
    """Nobody has answered: out of the line, or what is offered is revoked, and whoever was asked is served."""
    offered = interaction.offered()
    if interaction.state == "queued":
        domain.leave(interaction)
    for work in offered:
        why = "customer-left" if trigger == "abandon" else "cancelled"
        domain.events.append(OfferRevoked(work.offer_id, interaction.id, work.agent.id, why))
        domain.drop_offer(work, "revoke", why)
        domain.refresh(work.agent)
    domain.close(interaction, trigger)
    waited_us = domain.now_us - interaction.enqueued_at
    if trigger == "abandon":
        domain.events.append(InteractionAbandoned(interaction.id, waited_us, reason))
    else:
        domain.events.append(InteractionCancelled(interaction.id, waited_us, reason, replaced_by))
    domain.effects.append(ReleaseInteraction(interaction.id, interaction.request.instance, interaction.state))
    domain.forget_if_done(interaction)
    for work in offered:
        domain.settle(work.agent)
        domain.serve(work.agent)


def end_consults(domain: Domain, parent: Interaction) -> None:
    """The talk of the agent who asks is about to end: so do the consults, first those that wait, then oldest first.

    In this order, nobody who comes free is offered one of the others.
    """
    for child in sorted(parent.consults or (), key=lambda each: (each.state != "queued", each.seq)):
        if child.state == "active":
            complete(domain, child, "system", CONSULT_OVER)
        else:
            give_up(domain, child, "cancel", CONSULT_OVER)
