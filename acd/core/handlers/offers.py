"""What becomes of offers: accepted, declined, failed, expired. Owns those commands' checks and moves."""

from acd.core import limits, patience, relaxing
from acd.core.domain import Domain
from acd.core.entities import Interaction, Work
from acd.core.messages import (
    AcceptOffer,
    ConnectInteraction,
    DeclineOffer,
    FailOffer,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferRescinded,
    OfferRevoked,
    Refusal,
)
from acd.core.states import interaction as interaction_states
from acd.core.states import work as work_states

_INTERACTION = interaction_states.TABLE
_WORK = work_states.TABLE


def accept(domain: Domain, command: AcceptOffer) -> Refusal | None:
    """The offer's state decides whether it is too late."""
    work = _pending(domain, command.offer_id, command.agent_id)
    if isinstance(work, Refusal):
        return work
    now_us = domain.now_us
    interaction = work.interaction
    interaction.state = _INTERACTION[interaction.state]["accept"]
    interaction.queue.unanswered -= 1
    interaction.reached = True
    if interaction.cls.calls:
        # The queue has begun to call customers first while it rang.
        domain.reclassify(interaction)
    if interaction.patience is not None:
        patience.drop(interaction)
    if interaction.next_step is not None:
        relaxing.unschedule(interaction)
    work.state = _WORK[work.state]["accept"]
    work.since = now_us
    deadline = work.deadline
    if deadline is not None:
        deadline.alive = False
        deadline.owner = work.deadline = None
    offer_id, interaction_id, agent_id = command.offer_id, interaction.id, command.agent_id
    domain.events.append(
        OfferAccepted(offer_id, interaction_id, agent_id, now_us - interaction.enqueued_at, now_us - work.offered_at)
    )
    domain.effects.append(ConnectInteraction(offer_id, interaction_id, agent_id, interaction.request.instance))
    if interaction.pending is not None:
        _rescind_others(domain, interaction, work, interaction.pending)
    return None


def decline(domain: Domain, command: DeclineOffer) -> Refusal | None:
    """The agent does not want it, and is not asked again for a while."""
    work = _pending(domain, command.offer_id, command.agent_id)
    if isinstance(work, Refusal):
        return work
    _declined(domain, work, command.reason, "declined")
    return None


def fail(domain: Domain, command: FailOffer) -> Refusal | None:
    """The channel could not deliver it."""
    work = _pending(domain, command.offer_id, None)
    if isinstance(work, Refusal):
        return work
    reason = command.reason
    if reason == "busy":
        _declined(domain, work, reason, reason)
        return None
    agent = work.agent
    domain.events.append(OfferRevoked(work.offer_id, work.interaction.id, agent.id, reason))
    domain.drop_offer(work, "revoke", reason)
    if reason == "failed":
        domain.exclude(work.interaction, agent, limits.MAX_EXCLUSIONS)
        domain.refresh(agent)
    elif agent.presence != "draining":
        domain.rest(agent, "not-ready", reason)
    domain.settle(agent)
    domain.requeue(work.interaction, agent, reason)
    return None


def expire(domain: Domain, work: Work, overdue_us: int) -> None:
    """Nobody answered in time. An expiry handled late, or after a recovery, is not the agent's fault."""
    agent = work.agent
    settings = work.interaction.queue.settings
    if work.excused or overdue_us > settings.late_us:
        reason = "recovered" if work.excused else "late"
        domain.events.append(OfferRevoked(work.offer_id, work.interaction.id, agent.id, reason))
        domain.drop_offer(work, "revoke", reason)
        domain.refresh(agent)
    else:
        reason = "expired"
        domain.events.append(OfferExpired(work.offer_id, work.interaction.id, agent.id))
        domain.drop_offer(work, "expire", reason)
        domain.restart_idle(agent)
        if settings.rona == "stay-ready" or settings.strategy == "broadcast":
            domain.exclude(work.interaction, agent, limits.MAX_EXCLUSIONS)
            domain.refresh(agent)
        elif agent.presence != "draining":
            domain.rest(agent, "not-ready", "rona")
    domain.settle(agent)
    domain.requeue(work.interaction, agent, reason)


def _rescind_others(domain: Domain, interaction: Interaction, winner: Work, pending: list[Work]) -> None:
    """The first to accept wins; nobody else has lost anything by it."""
    interaction.current = winner
    interaction.pending = None
    for work in pending:
        if work is winner:
            continue
        agent = work.agent
        domain.events.append(OfferRescinded(work.offer_id, interaction.id, agent.id))
        domain.drop_offer(work, "rescind", "rescinded")
        domain.refresh(agent)
        domain.settle(agent)
        domain.serve(agent)


def _declined(domain: Domain, work: Work, reason: str, why: str) -> None:
    agent = work.agent
    domain.events.append(OfferDeclined(work.offer_id, work.interaction.id, agent.id, reason))
    domain.drop_offer(work, "decline", why)
    domain.exclude(work.interaction, agent, limits.MAX_EXCLUSIONS)
    domain.restart_idle(agent)
    domain.refresh(agent)
    domain.settle(agent)
    domain.requeue(work.interaction, agent, why)


def _pending(domain: Domain, offer_id: str, agent_id: str | None) -> Work | Refusal:
    """The work item of a pending offer; `agent_id` None when it does not matter whose it is."""
    work = domain.work.get(offer_id)
    if work is None:
        state = domain.ended_offers.get(offer_id)
        if state is None:
            return Refusal("unknown-offer", f"there is no offer {offer_id}")
        return Refusal("offer-ended", f"offer {offer_id} is over ({state})")
    if work.state != "offered":
        return Refusal("offer-ended", f"offer {offer_id} is over (accepted)")
    if agent_id is not None and agent_id != work.agent.id:
        return Refusal("not-your-offer", f"offer {offer_id} was not made to agent {agent_id}")
    return work
