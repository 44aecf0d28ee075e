"""What supervisors order about single interactions: another priority, another queue, away from this agent.

Owns those commands' checks and moves. All of them are effective at once.
"""

from acd.core import limits
from acd.core.domain import Domain
from acd.core.entities import Interaction
from acd.core.handlers.interactions import live
from acd.core.messages import (
    InteractionReprioritized,
    MoveInteraction,
    OfferRevoked,
    RecallInteraction,
    Refusal,
    ReprioritizeInteraction,
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
    work = found.current
    if work is None:
        domain.leave(found)
    else:
        _take_back(domain, found, "moved")
        domain.back_to_queued(found, "moved")
    move_to_queue(domain, found, queue, command.reason, keep_place=command.keep_place)
    begin_stay(domain, found)
    domain.place(found)
    if work is not None:
        domain.serve(work.agent)
    return None


def recall(domain: Domain, command: RecallInteraction) -> Refusal | None:
    """Stop ringing at this agent; the interaction looks for another one."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    work = found.current
    if found.state != "offered" or work is None:
        return Refusal("interaction-not-offered", f"interaction {found.id} is {found.state}, so that nothing rings")
    _take_back(domain, found, "recalled")
    domain.requeue(found, work.agent, "recalled")
    return None


def _take_back(domain: Domain, interaction: Interaction, reason: str) -> None:
    """Revoke the pending offer; it is nobody's fault, but a recalled interaction does not come back at once."""
    work = interaction.current
    assert work is not None, interaction.id
    domain.events.append(OfferRevoked(work.offer_id, interaction.id, work.agent.id, reason))
    domain.drop_offer(work, "revoke", reason)
    if reason == "recalled":
        domain.exclude(interaction, work.agent, limits.MAX_EXCLUSIONS)
    domain.refresh(work.agent)
    domain.settle(work.agent)


def _unanswered(domain: Domain, interaction_id: str) -> Interaction | Refusal:
    """The interaction, if it is queued or offered."""
    found = live(domain, interaction_id)
    if isinstance(found, Interaction) and found.state == "active":
        return Refusal("interaction-active", f"interaction {found.id} is with an agent")
    return found
