"""What customers do, and what is done to their interactions. Owns enqueue, end, cancel, requeue."""

from difflib import get_close_matches

from acd.core import callbacks, entry, limits, patience, relaxing
from acd.core.admission import admit
from acd.core.classes import Class
from acd.core.domain import Domain
from acd.core.entities import Interaction, Queue
from acd.core.messages import (
    CancelInteraction,
    EndInteraction,
    EnqueueInteraction,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    OfferRevoked,
    ParkInteraction,
    Refusal,
    ReleaseInteraction,
    RequeueInteraction,
)
from acd.core.moving import begin_stay
from acd.core.requirement import conjunction
from acd.core.states import interaction as interaction_states
from acd.errors import RequirementError


def enqueue(domain: Domain, command: EnqueueInteraction) -> Refusal | None:
    """A new interaction: to the best agent, or into the line."""
    interaction_id = command.interaction_id
    if interaction_id in domain.interactions or domain.ended_interactions.get(interaction_id) is not None:
        return Refusal("duplicate-interaction", f"interaction {interaction_id} exists already; every id is used once")
    queue = domain.queues.get(command.queue)
    if queue is None or queue.retired:
        return Refusal("unknown-queue", f"no queue {command.queue} is configured")
    try:
        cls = domain.classes.class_of(queue, command.channel, command.requirement, command.preferences)
    except RequirementError as error:
        return Refusal("bad-requirement", str(error))
    if command.requirement and not cls.rows:
        unknown = _unknown_skill(domain, command.requirement)
        if unknown is not None:
            return unknown
    if command.kind == "callback" or command.not_before_us > domain.now_us:
        return _set_aside(domain, command, queue, cls)
    way = None if queue.unanswered < queue.takes else entry.find_way(domain, command, queue, 0)
    if isinstance(way, Refusal):
        return way
    interaction = admit(domain, command, queue, cls)
    if way is None or entry.follow(domain, interaction, way):
        domain.effects.append(ParkInteraction(interaction_id, command.instance))
        if interaction.preferred or interaction.queue.stays:
            begin_stay(domain, interaction)
        domain.place(interaction)
    return None


def end(domain: Domain, command: EndInteraction) -> Refusal | None:
    """The customer or the system ends it at any moment; an agent only a conversation."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state == "active":
        _complete(domain, found, command)
    elif command.by == "agent":
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}; an agent cannot end it")
    else:
        _give_up(domain, found, "abandon" if command.by == "customer" else "cancel", command.reason)
    return None


def cancel(domain: Domain, command: CancelInteraction) -> Refusal | None:
    """Out of the queue, by order."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state == "active":
        return Refusal("interaction-active", f"interaction {found.id} is with an agent; end it instead")
    _give_up(domain, found, "cancel", command.reason)
    return None


def requeue(domain: Domain, command: RequeueInteraction) -> Refusal | None:
    """The agent was lost: back to the original place, without that agent for a while."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    work = found.current
    if found.state != "active" or work is None:
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}, not with an agent")
    domain.exclude(found, work.agent, limits.MAX_EXCLUSIONS)
    domain.release(work)
    domain.refresh(work.agent)
    found.queue.unanswered += 1
    domain.park(found)
    relaxing.schedule(domain, found)
    patience.begin(domain, found)
    domain.requeue(found, work.agent, command.reason)
    return None


def _set_aside(domain: Domain, command: EnqueueInteraction, queue: Queue, cls: Class) -> Refusal | None:
    """A callback, or an interaction for later: into the line as soon as it is due and the queue is open."""
    if queue.live >= limits.MAX_INTERACTIONS:
        return Refusal("queue-full", f"queue {queue.id} has {limits.MAX_INTERACTIONS} interactions already")
    other = callbacks.token(domain, command.customer, queue) if command.kind == "callback" else None
    if other is not None:
        return Refusal("duplicate-callback", f"the customer has a callback in queue {queue.id} already: {other}")
    interaction = admit(domain, command, queue, cls)
    if command.not_before_us > domain.now_us or queue.closed is not None:
        callbacks.schedule(domain, interaction, max(command.not_before_us, domain.now_us))
    else:
        begin_stay(domain, interaction)
        domain.place(interaction)
    return None


def _unknown_skill(domain: Domain, requirement: str) -> Refusal | None:
    """A refusal of what no agent could ever serve for a skill that no agent has: most likely it is misspelt."""
    held = dict.fromkeys(name for agent in domain.agents.values() for name, _ in agent.settings.skills)
    unknown = next((name for name in conjunction(requirement).skills if name not in held), None)
    if unknown is None:
        return None
    names = sorted(held)
    near = get_close_matches(unknown, names, n=1)
    if near:
        fix = f'did you mean "{near[0]}"?'
    else:
        more = ", …" if len(names) > limits.MAX_SKILLS_NAMED else ""
        fix = f"known are {', '.join(names[: limits.MAX_SKILLS_NAMED])}{more}" if names else "no agent has any skill"
    return Refusal("unknown-skill", f'requirement: nobody has the skill "{unknown}", and nobody fits without it; {fix}')


def live(domain: Domain, interaction_id: str) -> Interaction | Refusal:
    """The interaction, if it has not ended."""
    interaction = domain.interactions.get(interaction_id)
    state = domain.ended_interactions.get(interaction_id) if interaction is None else interaction.state
    if state is None:
        return Refusal("unknown-interaction", f"there is no interaction {interaction_id}")
    if interaction is None or not interaction_states.TABLE[state]:
        return Refusal("interaction-ended", f"interaction {interaction_id} has ended ({state})")
    return interaction


def _complete(domain: Domain, interaction: Interaction, command: EndInteraction) -> None:
    work = interaction.current
    assert work is not None, interaction.id
    if interaction.open_work > 1:
        interaction.ended_with = work.agent.id
    domain.close(interaction, "complete")
    domain.events.append(
        InteractionCompleted(interaction.id, work.agent.id, command.by, command.reason, domain.now_us - work.since)
    )
    domain.effects.append(ReleaseInteraction(interaction.id, interaction.request.instance, "completed"))
    if domain.last_agents.wanted:
        domain.last_agents.remember(interaction.request.customer, work.agent.id, domain.now_us)
    domain.finish_talk(work)


def _give_up(domain: Domain, interaction: Interaction, trigger: str, reason: str) -> None:
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
        domain.events.append(InteractionCancelled(interaction.id, waited_us, reason))
    domain.effects.append(ReleaseInteraction(interaction.id, interaction.request.instance, interaction.state))
    domain.forget_if_done(interaction)
    for work in offered:
        domain.settle(work.agent)
        domain.serve(work.agent)
