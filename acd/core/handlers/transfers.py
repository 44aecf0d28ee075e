"""Handing a customer on, from an agent to a queue or to another agent. Owns that command's checks and moves."""

import msgspec

from acd.core import ending, entry, limits
from acd.core.conference import disconnect
from acd.core.consulting import consulting_agent
from acd.core.domain import Domain
from acd.core.entities import Interaction, Work
from acd.core.entry import Way
from acd.core.handlers.interactions import live
from acd.core.messages import (
    InteractionTransferred,
    Refusal,
    TransferInteraction,
)
from acd.core.moving import begin_stay, move_to_queue
from acd.core.queue_entity import Queue
from acd.core.states import interaction as interaction_states

_INTERACTION = interaction_states.TABLE


def transfer(domain: Domain, command: TransferInteraction) -> Refusal | None:
    """The agent's part ends, and the customer waits again: elsewhere, or for somebody."""
    found = _owned(domain, command)
    if isinstance(found, Refusal):
        return found
    interaction = found.interaction
    queue = _target(domain, command, interaction)
    if isinstance(queue, Refusal):
        return queue
    request = interaction.request
    if not command.with_context:
        request = msgspec.structs.replace(request, requirement="", preferences=(), priority=0, attributes=())
    way: Way | None = None
    if command.to_queue:
        allowed = entry.find_way(domain, request, queue, interaction.hops)
        if isinstance(allowed, Refusal):
            return allowed
        way = allowed
    if interaction.consults:
        ending.end_consults(domain, interaction)
    _hand_over(domain, found, command)
    freed = ending.part(domain, found)
    interaction.request = request
    move_to_queue(domain, interaction, queue, "transfer", keep_place=command.with_context)
    interaction.preferred, interaction.preferred_by = command.to_agent, ""
    domain.lift(interaction, command.to_agent)
    domain.exclude(interaction, found.agent, limits.MAX_EXCLUSIONS)
    if way is None or entry.follow(domain, interaction, way):
        begin_stay(domain, interaction)
        domain.place(interaction)
    if freed:
        domain.serve(found.agent)
    return None


def _hand_over(domain: Domain, work: Work, command: TransferInteraction) -> None:
    interaction = work.interaction
    interaction.state = _INTERACTION[interaction.state]["transfer"]
    interaction.queue.unanswered += 1
    talked_us = domain.now_us - work.since
    domain.events.append(
        InteractionTransferred(
            interaction.id, work.agent.id, command.to_agent, command.with_context, command.reason, talked_us
        )
    )
    disconnect(domain, work)
    domain.park(interaction)


def _owned(domain: Domain, command: TransferInteraction) -> Work | Refusal:
    """The work item of the agent who talks with the customer."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    work = found.current
    if found.state != "active" or work is None:
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}, not with an agent")
    if work.agent.id != command.agent_id:
        return Refusal("no-such-work", f"agent {command.agent_id} is not responsible for interaction {found.id}")
    if found.participants:
        return Refusal("in-conference", f"other agents talk in interaction {found.id}, too; leave it instead")
    return work


def _target(domain: Domain, command: TransferInteraction, interaction: Interaction) -> Queue | Refusal:
    """The queue that it goes to."""
    if not command.to_queue and not command.to_agent:
        return Refusal("bad-target", "a transfer needs to_queue, to_agent or both")
    if command.to_agent == command.agent_id:
        return Refusal("bad-target", "to_agent: an agent cannot transfer to themselves")
    if interaction.parent is not None and command.to_agent == consulting_agent(interaction).id:
        return Refusal("bad-target", f"to_agent: {command.to_agent} is who asks for advice")
    queue = domain.queues.get(command.to_queue) if command.to_queue else interaction.queue
    if queue is None or (queue.retired and command.to_queue):
        return Refusal("unknown-queue", f"no queue {command.to_queue} is configured")
    if command.to_agent:
        agent = domain.agents.get(command.to_agent)
        if agent is None or agent.retired:
            return Refusal("unknown-agent", f"no agent {command.to_agent} is configured")
    return queue
