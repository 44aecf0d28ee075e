"""What customers do, and what is done to their interactions. Owns enqueue, end, cancel, requeue."""

from difflib import get_close_matches

from acd.core import callbacks, conference, consulting, ending, entry, limits, patience, relaxing
from acd.core.admission import admit, go_on_from, not_replaced, predecessor
from acd.core.classes import Class
from acd.core.domain import Domain
from acd.core.entities import Interaction
from acd.core.messages import (
    CancelInteraction,
    EndInteraction,
    EnqueueInteraction,
    OpenConsult,
    ParkInteraction,
    Refusal,
    RequeueInteraction,
)
from acd.core.moving import begin_stay
from acd.core.queue_entity import Queue
from acd.core.requirement import conjunction
from acd.core.states import interaction as interaction_states
from acd.errors import RequirementError


def enqueue(domain: Domain, command: EnqueueInteraction) -> Refusal | None:
    """A new interaction: to the best agent, or into the line."""
    interaction_id = command.interaction_id
    if domain.is_taken(interaction_id):
        return Refusal("duplicate-interaction", f"interaction {interaction_id} exists already; every id is used once")
    queue = domain.queues.get(command.queue)
    if queue is None or queue.retired:
        return Refusal("unknown-queue", f"no queue {command.queue} is configured")
    try:
        cls = domain.classes.class_of(queue, command.channel, command.requirement, command.preferences)
    except RequirementError as error:
        return Refusal("bad-requirement", str(error))
    if command.requirement and not cls.crew.rows:
        unknown = unknown_skill(domain, command.requirement)
        if unknown is not None:
            return unknown
    parent = parent_of(domain, command) if command.parent else None
    if isinstance(parent, Refusal):
        return parent
    before = predecessor(domain, command, queue) if command.place_of else None
    refusal = not_replaced(command, before, domain.now_us) if command.end_reason else None
    if refusal is not None:
        return refusal
    if command.kind == "callback" or command.not_before_us > domain.now_us:
        return _set_aside(domain, command, queue, cls)
    takes = queue.unanswered < queue.takes and (cls.crew.staff > 0 or not queue.counts_staff)
    way = None if takes else entry.find_way(domain, command, queue, 0, before)
    if isinstance(way, Refusal):
        return way
    interaction = admit(domain, command, queue, cls, before)
    if before is not None:
        go_on_from(domain, interaction, before)
        if command.end_reason:
            # Not before the new one is there: a retired queue lasts as long as there is anything in it.
            ending.give_up(domain, before, "cancel", command.end_reason, interaction_id)
            if not command.preferred_agent:
                interaction.preferred, interaction.preferred_by = before.preferred, before.preferred_by
    if parent is not None:
        consulting.link(domain, interaction, parent)
    if way is None or entry.follow(domain, interaction, way):
        domain.effects.append(_first_effect(interaction))
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
        ending.complete(domain, found, command.by, command.reason)
    elif command.by == "agent":
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}; an agent cannot end it")
    else:
        ending.give_up(domain, found, "abandon" if command.by == "customer" else "cancel", command.reason)
    return None


def cancel(domain: Domain, command: CancelInteraction) -> Refusal | None:
    """Out of the queue, by order."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state == "active":
        return Refusal("interaction-active", f"interaction {found.id} is with an agent; end it instead")
    ending.give_up(domain, found, "cancel", command.reason)
    return None


def requeue(domain: Domain, command: RequeueInteraction) -> Refusal | None:
    """The agent was lost: back to the original place, without that agent for a while; if others talk, it is theirs."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    work = found.current
    if found.state != "active" or work is None:
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}, not with an agent")
    if found.participants:
        conference.step_out(domain, work, command.reason)
        domain.release(work)
        domain.come_free(work.agent)
        return None
    if found.consults:
        ending.end_consults(domain, found)
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
    interaction = admit(domain, callbacks.with_channel(command, queue), queue, cls)
    if command.not_before_us > domain.now_us or queue.closed is not None:
        callbacks.schedule(domain, interaction, max(command.not_before_us, domain.now_us))
    else:
        begin_stay(domain, interaction)
        domain.place(interaction)
    return None


def _first_effect(interaction: Interaction) -> ParkInteraction | OpenConsult:
    """What becomes of whoever asks for an agent, the customer or an agent."""
    request = interaction.request
    if interaction.parent is None:
        return ParkInteraction(interaction.id, request.instance)
    agent = consulting.consulting_agent(interaction)
    return OpenConsult(interaction.id, request.instance, request.parent, agent.id)


def unknown_skill(domain: Domain, requirement: str) -> Refusal | None:
    """A refusal of what no agent could ever serve for a skill that no agent has: most likely it is misspelt."""
    # Asked whenever nobody fits, which is no reason to look at everybody.
    names = domain.classes.skills()
    unknown = next((name for name in conjunction(requirement).skills if name not in names), None)
    if unknown is None:
        return None
    near = get_close_matches(unknown, names, n=1)
    if near:
        fix = f'did you mean "{near[0]}"?'
    else:
        more = ", …" if len(names) > limits.MAX_SKILLS_NAMED else ""
        fix = f"known are {', '.join(names[: limits.MAX_SKILLS_NAMED])}{more}" if names else "no agent has any skill"
    return Refusal("unknown-skill", f'requirement: nobody has the skill "{unknown}", and nobody fits without it; {fix}')


def parent_of(domain: Domain, command: EnqueueInteraction) -> Interaction | Refusal:
    """The interaction whose agent asks for advice."""
    parent = live(domain, command.parent)
    if isinstance(parent, Refusal):
        return parent
    if parent.parent is not None:
        return Refusal("nested-consult", f"interaction {parent.id} is a consult itself; there is none about a consult")
    if parent.state != "active" or parent.current is None:
        return Refusal("interaction-not-active", f"interaction {parent.id} is {parent.state}, not with an agent")
    if len(parent.consults or ()) >= limits.MAX_CONSULTS:
        most = limits.MAX_CONSULTS
        return Refusal("too-many-consults", f"interaction {parent.id} has {most} open consults; end one first")
    wrong = ""
    if command.kind == "callback" or command.not_before_us:
        wrong = "it cannot be a callback, nor come later"
    elif command.instance not in ("", parent.request.instance):
        wrong = f"its instance must be that of {parent.id}, or empty"
    elif command.preferred_agent == parent.current.agent.id:
        wrong = "nobody can ask themselves for advice"
    return Refusal("bad-consult", f"a consult: {wrong}") if wrong else parent


def live(domain: Domain, interaction_id: str) -> Interaction | Refusal:
    """The interaction, if it has not ended."""
    interaction = domain.interactions.get(interaction_id)
    state = domain.ended_interactions.get(interaction_id) if interaction is None else interaction.state
    if state is None:
        return Refusal("unknown-interaction", f"there is no interaction {interaction_id}")
    if interaction is None or not interaction_states.TABLE[state]:
        return Refusal("interaction-ended", f"interaction {interaction_id} has ended ({state})")
    return interaction
