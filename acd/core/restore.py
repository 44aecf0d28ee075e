"""From the state as a message to the engine's memory. Owns that direction; `snapshot` owns the other."""

from collections.abc import Callable

from acd.core import limits
from acd.core.consulting import link
from acd.core.deadlines import ANY_LENGTH
from acd.core.domain import Domain
from acd.core.entities import (
    Agent,
    Appointment,
    Exclusion,
    Hold,
    Interaction,
    NextStep,
    Opening,
    Patience,
    Reaching,
    Timed,
    Veto,
    Work,
)
from acd.core.handlers.settings import check_strategies, rebuild
from acd.core.queue_entity import Queue
from acd.core.state import EngineState, InteractionState
from acd.core.states import interaction as interaction_states
from acd.errors import StrategyError


def restore(domain: Domain, state: EngineState) -> None:
    """Fill an empty domain. Raises `StrategyError` when a strategy of the state's is not there or has changed."""
    refusal = check_strategies(domain.strategies, state.settings)
    if refusal is not None:
        raise StrategyError(refusal.detail)
    domain.scores = state.settings.scores
    domain.now_us = state.now_us
    domain.seq = state.seq
    domain.settings = state.settings
    domain.settings_hash = state.settings_hash
    _queues(domain, state)
    _agents(domain, state)
    # Deadlines are registered in the order they fall due, so that each lane is filled in order.
    pending: list[tuple[int, int, Callable[[], None]]] = []
    _devices(domain, state, pending)
    _interactions(domain, state, pending)
    _work(domain, state, pending)
    _conferences(domain, state)
    _consults(domain)
    for _, _, register in sorted(pending, key=lambda entry: entry[:2]):
        register()
    for interaction_id, ended in state.ended_interactions:
        domain.ended_interactions.remember(interaction_id, ended)
    for offer_id, ended in state.ended_offers:
        domain.ended_offers.remember(offer_id, ended)
    domain.last_agents.configure(state.settings.queues)
    for customer, agent_id, at_us in state.last_agents:
        domain.last_agents.remember(customer, agent_id, at_us)
    rebuild(domain)


def _queues(domain: Domain, state: EngineState) -> None:
    for settings in state.settings.queues:
        domain.queues[settings.id] = Queue(settings)
    for settings in state.retired_queues:
        queue = domain.queues[settings.id] = Queue(settings)
        queue.retired = True
    for saved in state.cursors:
        cursor = domain.queues[saved.queue].cursor
        assert cursor is not None, saved.queue
        cursor.after = (saved.position, saved.agent_id)
    for queue_id, reason in state.closed_queues:
        domain.queues[queue_id].close(reason)
    for queue_id, estimate_us in state.estimates:
        domain.queues[queue_id].estimate_us = estimate_us
    for alarm in state.alarms:
        domain.queues[alarm.queue].alarms[alarm.alarm] = alarm


def _agents(domain: Domain, state: EngineState) -> None:
    settings = {each.id: each for each in (*state.settings.agents, *state.retired_agents)}
    for saved in state.agents:
        agent = domain.agents[saved.id] = Agent(settings[saved.id])
        agent.presence = saved.presence
        agent.reason = saved.reason
        agent.next_presence = saved.next_presence
        agent.next_reason = saved.next_reason
        agent.idle_since = saved.idle_since_us
        agent.idle_seq = saved.idle_seq
        agent.retired = saved.retired


def _devices(domain: Domain, state: EngineState, pending: list[tuple[int, int, Callable[[], None]]]) -> None:
    for saved in state.devices:
        agent = domain.agents[saved.agent_id]
        veto = Veto(agent, saved.channel, saved.state)
        agent.vetoes = {**(agent.vetoes or {}), saved.channel: veto}
        due = (saved.until_us, saved.seq)
        pending.append((*due, _registration(domain, veto, *due)))


def _interactions(domain: Domain, state: EngineState, pending: list[tuple[int, int, Callable[[], None]]]) -> None:
    for saved in state.interactions:
        queue = domain.queues[saved.queue or saved.request.queue]
        request = saved.request
        # A class without agents for the moment: `rebuild` gives everybody their real one.
        cls = domain.classes.class_of(
            queue, request.channel, request.requirement, request.preferences, limits.MAX_LEVEL
        )
        interaction = Interaction(
            request.interaction_id,
            request,
            queue,
            cls,
            saved.enqueued_at_us,
            saved.key_us,
            saved.seq,
            saved.enqueued_at_us if saved.entered_at_us is None else saved.entered_at_us,
            saved.enqueued_at_us if saved.place_at_us is None else saved.place_at_us,
            request.priority if saved.priority is None else saved.priority,
            saved.state,
            saved.offers,
            preferred=saved.preferred,
            hops=saved.hops,
            reach=saved.reach,
            relaxed=saved.relaxed,
            attempts=saved.attempts,
            preferred_by=saved.preferred_by,
            ended_with=saved.ended_with,
            asking=saved.asking,
            reached=saved.reached,
            uncalled=saved.uncalled,
        )
        domain.interactions[interaction.id] = interaction
        queue.live += 1
        queue.unanswered += saved.state in ("queued", "offered")
        _stay(domain, saved, interaction, pending)
        if saved.state == "scheduled":
            appointment = interaction.appointment = Appointment(interaction, saved.due_us)
            due = (saved.due_us, saved.due_seq)
            if saved.due_seq:
                pending.append((*due, _registration(domain, appointment, *due)))
        if request.kind == "callback" and request.customer and interaction_states.TABLE[saved.state]:
            domain.callbacks[request.customer, request.queue] = interaction.id
        for each in saved.exclusions:
            exclusion = Exclusion(interaction, each.agent_id)
            if interaction.exclusions is None:
                interaction.exclusions = {}
            interaction.exclusions[each.agent_id] = exclusion
            pending.append((each.until_us, each.seq, _registration(domain, exclusion, each.until_us, each.seq)))


def _stay(
    domain: Domain,
    saved: InteractionState,
    interaction: Interaction,
    pending: list[tuple[int, int, Callable[[], None]]],
) -> None:
    """What counts from the entry into the queue."""
    if saved.held_seq:
        hold = interaction.held = Hold(interaction)
        agent = domain.agents[saved.preferred]
        agent.holds = {**(agent.holds or {}), interaction.id: interaction}
        due = (saved.held_until_us, saved.held_seq)
        pending.append((*due, _registration(domain, hold, *due)))
    if saved.overdue_seq or saved.overdue:
        patience = interaction.patience = Patience(interaction)
        due = (saved.overdue_us, saved.overdue_seq)
        if saved.overdue_seq:
            pending.append((*due, _registration(domain, patience, *due)))
    if saved.opening_seq:
        opening = interaction.opening = Opening(interaction)
        due = (saved.opening_us, saved.opening_seq)
        pending.append((*due, _registration(domain, opening, *due)))
    if saved.reaching_seq:
        reaching = interaction.reaching = Reaching(interaction, saved.reaching_since_us)
        interaction.queue.reaching += 1
        due = (saved.reaching_us, saved.reaching_seq)
        pending.append((*due, _registration(domain, reaching, *due)))
    if saved.step_seq:
        step = interaction.next_step = NextStep(interaction)
        due = (saved.step_at_us, saved.step_seq)
        pending.append((*due, _registration(domain, step, *due)))


def _work(domain: Domain, state: EngineState, pending: list[tuple[int, int, Callable[[], None]]]) -> None:
    aside = {offer_id for each in state.interactions for offer_id in each.participants}
    for saved in sorted(state.work, key=lambda work: (work.offered_at_us, work.deadline_seq)):
        interaction = domain.interactions[saved.interaction_id]
        agent = domain.agents[saved.agent_id]
        work = Work(saved.offer_id, interaction, agent, saved.cost, saved.offered_at_us, saved.since_us, saved.state)
        work.excused = saved.excused
        work.wants_wrap_up = saved.wants_wrap_up
        work.disposition = saved.disposition
        if saved.queue:
            work.former = domain.queues[saved.queue]
            work.former.live += 1
            if interaction_states.TABLE[interaction.state]:
                domain.bar(interaction, agent)
        domain.work[work.offer_id] = work
        began_in = saved.offer_id.rpartition(".")[0]
        if began_in != interaction.id:
            domain.lend(work, began_in)
        agent.take_on(work.offer_id, work)
        interaction.open_work += 1
        if work.state == "wrap-up" or work.offer_id in aside:
            pass
        elif interaction.current is None:
            interaction.current = work
        else:
            interaction.pending = [*(interaction.pending or (interaction.current,)), work]
        if saved.deadline_seq:
            due = (saved.deadline_us, saved.deadline_seq)
            pending.append((*due, _registration(domain, work, *due)))


def _consults(domain: Domain) -> None:
    for child in sorted(domain.interactions.values(), key=lambda each: each.seq):
        if child.request.parent and interaction_states.TABLE[child.state]:
            link(domain, child, domain.interactions[child.request.parent])


def _conferences(domain: Domain, state: EngineState) -> None:
    for saved in state.interactions:
        if saved.participants:
            interaction = domain.interactions[saved.request.interaction_id]
            interaction.participants = [domain.work[offer_id] for offer_id in saved.participants]


def _registration(domain: Domain, owner: Timed, due_us: int, seq: int) -> Callable[[], None]:
    def register() -> None:
        # One lane for all that was restored: they come in order, and lanes only matter for speed.
        owner.deadline = domain.deadlines.register(due_us, seq, owner, ANY_LENGTH)

    return register
