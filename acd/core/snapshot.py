"""From the engine's memory to its state as a message. Owns that direction; `restore` owns the other."""

from acd.core.domain import Domain
from acd.core.entities import Agent, Interaction, Veto, Work
from acd.core.messages import Outcome
from acd.core.queue_entity import UNKNOWN, Queue
from acd.core.state import (
    AgentState,
    CursorState,
    DeviceState,
    EngineState,
    ExclusionState,
    InteractionState,
    WorkState,
)


def take(domain: Domain, outcomes: tuple[tuple[str, Outcome], ...]) -> EngineState:
    """The whole state, in its canonical order."""
    settings, settings_hash = domain.in_force()
    agents = [domain.agents[agent_id] for agent_id in sorted(domain.agents)]
    queues = [domain.queues[queue_id] for queue_id in sorted(domain.queues)]
    return EngineState(
        domain=domain.name,
        semantics=settings.semantics,
        now_us=domain.now_us,
        seq=domain.seq,
        settings=settings,
        settings_hash=settings_hash,
        agents=tuple(_agent(agent) for agent in agents),
        retired_queues=tuple(queue.settings for queue in queues if queue.retired),
        retired_agents=tuple(agent.settings for agent in agents if agent.retired),
        interactions=tuple(_interaction(domain.interactions[key]) for key in sorted(domain.interactions)),
        work=tuple(_work(domain.work[key]) for key in sorted(domain.work)),
        ended_interactions=domain.ended_interactions.items(),
        ended_offers=domain.ended_offers.items(),
        outcomes=outcomes,
        cursors=tuple(
            _cursor(queue) for queue in queues if queue.cursor is not None and queue.cursor.after is not None
        ),
        closed_queues=tuple((queue.id, queue.closed) for queue in queues if queue.closed is not None),
        last_agents=domain.last_agents.items(),
        estimates=tuple((queue.id, queue.estimate_us) for queue in queues if queue.estimate_us != UNKNOWN),
        devices=tuple(_device(agent.vetoes[name]) for agent in agents if agent.vetoes for name in sorted(agent.vetoes)),
        alarms=tuple(queue.alarms[kind] for queue in queues if queue.alarms for kind in sorted(queue.alarms)),
    )


def _agent(agent: Agent) -> AgentState:
    return AgentState(
        agent.id,
        agent.presence,
        agent.reason,
        agent.next_presence,
        agent.next_reason,
        agent.idle_since,
        agent.idle_seq,
        agent.retired,
    )


def _device(veto: Veto) -> DeviceState:
    assert veto.deadline is not None, veto.agent.id
    return DeviceState(veto.agent.id, veto.channel, veto.state, veto.deadline.key, veto.deadline.seq)


def _interaction(interaction: Interaction) -> InteractionState:
    patience = None if interaction.patience is None else interaction.patience.deadline
    held = None if interaction.held is None else interaction.held.deadline
    due = None if interaction.appointment is None else interaction.appointment.deadline
    opening = None if interaction.opening is None else interaction.opening.deadline
    call = None if interaction.reaching is None else interaction.reaching.deadline
    step = None if interaction.next_step is None else interaction.next_step.deadline
    return InteractionState(
        interaction.request,
        interaction.state,
        interaction.enqueued_at,
        interaction.key,
        interaction.seq,
        interaction.offers,
        _exclusions(interaction),
        interaction.entered_at,
        interaction.place_at,
        interaction.priority,
        interaction.queue.id,
        preferred=interaction.preferred,
        held_until_us=0 if held is None else held.key,
        held_seq=0 if held is None else held.seq,
        hops=interaction.hops,
        overdue_us=0 if patience is None else patience.key,
        overdue_seq=0 if patience is None else patience.seq,
        overdue=interaction.patience is not None and patience is None,
        reach=interaction.reach,
        opening_us=0 if opening is None else opening.key,
        opening_seq=0 if opening is None else opening.seq,
        relaxed=interaction.relaxed,
        step_at_us=0 if step is None else step.key,
        step_seq=0 if step is None else step.seq,
        attempts=interaction.attempts,
        due_us=0 if interaction.appointment is None else interaction.appointment.at_us,
        due_seq=0 if due is None else due.seq,
        preferred_by=interaction.preferred_by,
        ended_with=interaction.ended_with,
        asking=interaction.asking,
        reached=interaction.reached,
        reaching_since_us=0 if interaction.reaching is None else interaction.reaching.since_us,
        reaching_us=0 if call is None else call.key,
        reaching_seq=0 if call is None else call.seq,
        participants=tuple(work.offer_id for work in interaction.participants or ()),
        uncalled=interaction.uncalled,
    )


def _exclusions(interaction: Interaction) -> tuple[ExclusionState, ...]:
    """Those that end some time; the others follow from the work items."""
    return tuple(
        [
            ExclusionState(each.agent_id, each.deadline.key, each.deadline.seq)
            for each in (interaction.exclusions or {}).values()
            if each.deadline is not None
        ]
    )


def _work(work: Work) -> WorkState:
    deadline = work.deadline
    return WorkState(
        work.offer_id,
        work.interaction.id,
        work.agent.id,
        work.state,
        work.cost,
        work.offered_at,
        work.since,
        0 if deadline is None else deadline.key,
        0 if deadline is None else deadline.seq,
        work.excused,
        work.wants_wrap_up,
        work.disposition,
        "" if work.former is None else work.former.id,
    )


def _cursor(queue: Queue) -> CursorState:
    assert queue.cursor is not None
    assert queue.cursor.after is not None
    return CursorState(queue.id, *queue.cursor.after)
