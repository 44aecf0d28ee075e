"""What supervisors order about single interactions: another priority, another queue, away from this agent.

Owns those commands' checks and moves. All of them are effective at once.
"""

from collections.abc import Iterable

from acd.core import callbacks, entry, limits
from acd.core.domain import Domain
from acd.core.entities import Interaction, Work
from acd.core.handlers.interactions import live
from acd.core.messages import (
    CallBackInteraction,
    InteractionReprioritized,
    MoveInteraction,
    OfferRevoked,
    RecallInteraction,
    Refusal,
    ReprioritizeInteraction,
    SuperviseInteraction,
)
from acd.core.moving import begin_stay, move_to_queue


def reprioritize(domain: Domain, command: ReprioritizeInteraction) -> Refusal | None:
    """Another place in line; what rings goes on ringing."""
    found = _unanswered(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    found.priority = command.priority
    domain.rekey(found)
    domain.events.append(InteractionReprioritized(found.id, found.priority))
    return None


def move(domain: Domain, command: MoveInteraction) -> Refusal | None:
    """Out of its line, or out of the hand of whom it rings at, into a queue."""
    found = _unanswered(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    queue = domain.queues.get(command.queue)
    if queue is None or queue.retired:
        return Refusal("unknown-queue", f"no queue {command.queue} is configured")
    offered = found.offered()
    if not offered:
        domain.leave(found)
    else:
        _take_back(domain, offered, "moved")
        domain.back_to_queued(found, "moved")
    move_to_queue(domain, found, queue, command.reason, keep_place=command.keep_place)
    begin_stay(domain, found)
    domain.place(found)
    for work in offered:
        domain.serve(work.agent)
    return None


def call_back(domain: Domain, command: CallBackInteraction) -> Refusal | None:
    """Out of its line, or out of the hand of whom it rings at; a callback has its place."""
    found = _unanswered(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    request = callbacks.replacement(domain, found)
    if request == "duplicate-callback":
        return Refusal("duplicate-callback", f"the customer has a callback in queue {found.queue.id} already")
    if isinstance(request, str):
        why = "it is none of a customer who is known and waits, or its id is too long or taken"
        return Refusal("callback-impossible", f"interaction {found.id} can have no callback: {why}")
    offered = found.offered()
    if not offered:
        domain.leave(found)
    else:
        _take_back(domain, offered, "called-back")
        domain.back_to_queued(found, "called-back")
    entry.call_back(domain, found, command.reason)
    for work in offered:
        domain.serve(work.agent)
    return None


def recall(domain: Domain, command: RecallInteraction) -> Refusal | None:
    """Stop ringing at whoever is being asked; the interaction looks for somebody else."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state != "offered":
        return Refusal("interaction-not-offered", f"interaction {found.id} is {found.state}, so that nothing rings")
    offered = found.offered()
    _take_back(domain, offered, "recalled")
    domain.requeue(found, offered[0].agent, "recalled")
    for work in offered[1:]:
        domain.serve(work.agent)
    return None


def supervise(domain: Domain, command: SuperviseInteraction) -> Refusal | None:
    """Nothing changes: that somebody listens is the channel's business, and the journal's."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    agent = domain.agents.get(command.agent_id)
    if agent is None or agent.retired:
        return Refusal("unknown-agent", f"no agent {command.agent_id} is configured")
    if command.mode != "off" and found.state != "active":
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}: there is nobody to hear")
    return None


def _take_back(domain: Domain, offered: Iterable[Work], reason: str) -> None:
    """Revoke pending offers; it is nobody's fault, but a recalled interaction does not come back at once."""
    for work in offered:
        interaction, agent = work.interaction, work.agent
        domain.events.append(OfferRevoked(work.offer_id, interaction.id, agent.id, reason))
        domain.drop_offer(work, "revoke", reason)
        if reason == "recalled":
            domain.exclude(interaction, agent, limits.MAX_EXCLUSIONS)
        domain.refresh(agent)
        domain.settle(agent)


def _unanswered(domain: Domain, interaction_id: str) -> Interaction | Refusal:
    """The interaction, if it is queued or offered."""
    found = live(domain, interaction_id)
    if isinstance(found, Interaction) and found.state == "active":
        return Refusal("interaction-active", f"interaction {found.id} is with an agent")
    if isinstance(found, Interaction) and found.state == "scheduled":
        return Refusal("interaction-scheduled", f"interaction {found.id} is not in line before its time")
    if isinstance(found, Interaction) and found.state == "reaching":
        return Refusal("interaction-reaching", f"the customer of interaction {found.id} is being called just now")
    return found
