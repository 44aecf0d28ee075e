"""What must always hold. Owns `check`, which recounts everything the slow way; for tests and simulations.

Must not change anything, and shares nothing with matching but the predicate `offerable`.
"""

from typing import Final

from acd.core import limits
from acd.core.consulting import consulting_agent, talking
from acd.core.domain import Domain
from acd.core.eligibility import offerable
from acd.core.engine import Engine
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
    Veto,
    Work,
)
from acd.core.lines import NOBODY
from acd.core.queue_entity import Queue
from acd.core.relaxing import upcoming
from acd.core.states import interaction as interaction_states

_OWNERS: Final[dict[str, list[str]]] = {
    "queued": [],
    "scheduled": [],
    "reaching": [],
    "offered": ["offered"],
    "active": ["active", "held"],
}
"""By the state of an interaction: what the state of the work of those who have it may be."""


def check(engine: Engine) -> None:
    """Raise AssertionError, naming the first rule that is broken. O(agents × waiting)."""
    domain = engine._domain  # noqa: SLF001 - checking from outside is the point
    _owners(domain)
    _capacity(domain)
    _presence(domain)
    _counters(domain)
    _bars(domain)
    _consults(domain)
    _deadlines(domain)
    _tickets(domain)
    _holds(domain)
    _levels(domain)
    _steps(domain)
    _callbacks(domain)
    _reserves(domain)
    _nobody_waits_in_vain(domain)


def _owners(domain: Domain) -> None:
    by_interaction: dict[str, list[Work]] = {}
    for work in domain.work.values():
        assert domain.interactions.get(work.interaction.id) is work.interaction, f"{work.offer_id}: stray interaction"
        assert domain.agents.get(work.agent.id) is work.agent, f"{work.offer_id}: stray agent"
        assert work.agent.work.get(work.offer_id) is work, f"{work.offer_id}: the agent does not know"
        by_interaction.setdefault(work.interaction.id, []).append(work)
    for interaction in domain.interactions.values():
        items = by_interaction.get(interaction.id, [])
        current = [work for work in items if work.state in ("offered", "active", "held")]
        _conference(interaction, current)
        assert len({work.agent.id for work in items}) == len(items), f"{interaction.id}: an agent is on it twice"
        assert interaction.open_work == len(items), f"{interaction.id}: {interaction.open_work} work items"
        expected = _OWNERS.get(interaction.state)
        if expected is None:
            assert items, f"{interaction.id} has ended and was not forgotten"
            assert not current, f"{interaction.id} has ended with an owner"
        else:
            states = [work.state for work in current]
            assert states == [] if not expected else states[0] in expected, f"{interaction.id}: {states}"


def _conference(interaction: Interaction, current: list[Work]) -> None:
    """`current`: the work that is offered, active or held, in the order of the offers."""
    guests = interaction.participants or []
    assert interaction.participants is None or guests, f"{interaction.id}: a conference of nobody"
    assert len(guests) < limits.MAX_CONFERENCE, f"{interaction.id}: too many in a conference"
    assert all(guest in current and guest.state != "offered" for guest in guests), f"{interaction.id}: who is a guest"
    assert [work.since for work in guests] == sorted(work.since for work in guests), f"{interaction.id}: not by age"
    others = [work for work in current if work not in guests]
    several = len(others) > 1
    assert not several or {work.state for work in others} == {"offered"}, f"{interaction.id} has two owners"
    assert others or not guests, f"{interaction.id}: a conference without an owner"
    assert interaction.current is (others[0] if others else None), f"{interaction.id}: wrong current work"
    assert interaction.pending == (others if several else None), f"{interaction.id}: wrong pending offers"


def _capacity(domain: Domain) -> None:
    for agent in domain.agents.values():
        assert agent.used == sum(work.cost for work in agent.work.values()), f"{agent.id}: units in use"
        for work in agent.work.values():
            assert domain.work.get(work.offer_id) is work, f"{agent.id}: ghost work {work.offer_id}"


def _presence(domain: Domain) -> None:
    for agent in domain.agents.values():
        assert (agent.presence == "draining") == bool(agent.next_presence), f"{agent.id}: next presence"
        if agent.presence in ("signed-out", "not-ready"):
            assert not agent.work, f"{agent.id} is {agent.presence} with work in hand"
        if agent.presence == "draining":
            assert agent.work, f"{agent.id} drains without work"
        if agent.retired:
            assert agent.presence == "draining", f"{agent.id} is retired and {agent.presence}"


def _counters(domain: Domain) -> None:
    everyone = domain.interactions.values()
    assert domain.waiting == sum(each.state == "queued" for each in everyone), "count of waiting"
    for queue in domain.queues.values():
        mine = [each for each in everyone if each.queue is queue]
        wrap_ups = sum(work.former is queue for work in domain.work.values())
        assert queue.live == len(mine) + wrap_ups, f"{queue.id}: live"
        assert queue.unanswered == sum(each.state in ("queued", "offered") for each in mine), f"{queue.id}: unanswered"
        assert queue.live or not queue.retired, f"{queue.id} is retired and empty"
        _turns(domain, queue)
    for cls in {each.cls for each in everyone}:
        members = domain.classes.members(cls.crew)
        staff = sum(agent.presence != "signed-out" and not agent.retired for agent in members)
        assert cls.crew.staff in (-1, staff), f"{cls.key}: {cls.crew.staff} signed in"
    for each in everyone:
        if each.patience is not None and each.patience.deadline is None:
            assert each.state == "offered", f"{each.id} is overdue and {each.state}"
        assert not each.cls.evicted, f"{each.id}: its class was evicted"
        waits = [ticket.owner for ticket in each.cls.line()].count(each)
        aside = (each.cls.aside or {}).get(each.id) is each
        assert waits == (each.state == "queued" and each.held is None), f"{each.id} stands {waits} times in line"
        assert aside == (each.held is not None), f"{each.id} is aside: {aside}"


def _turns(domain: Domain, queue: Queue) -> None:
    cursor = queue.cursor
    assert (cursor is not None) == (queue.settings.strategy == "round-robin"), f"{queue.id}: a cursor out of place"
    if cursor is not None:
        for agent in domain.agents.values():
            had = cursor.after is not None and (agent.settings.position, agent.id) <= cursor.after
            assert (agent.row < cursor.row) == had, f"{queue.id}: the turn of {agent.id}"


def _bars(domain: Domain) -> None:
    for each in domain.interactions.values():
        if not interaction_states.TABLE[each.state]:
            continue
        standing = {agent_id for agent_id, found in (each.exclusions or {}).items() if found.standing}
        wrapping = {
            work.agent.id for work in domain.work.values() if work.interaction is each and work.state == "wrap-up"
        }
        if each.parent is not None:
            wrapping.update(agent.id for agent in talking(each.parent))
            assert each.asking == consulting_agent(each).id, f"{each.id}: {each.asking} does not ask any more"
        assert standing == wrapping, f"{each.id}: {standing} are barred, {wrapping} wrap up or ask for advice"


def _consults(domain: Domain) -> None:
    children: dict[str, list[Interaction]] = {}
    for each in sorted(domain.interactions.values(), key=lambda each: each.seq):
        lives = bool(each.request.parent) and bool(interaction_states.TABLE[each.state])
        assert (each.parent is not None) == lives, f"{each.id} is {each.state}: a consult of {each.parent}"
        if each.parent is not None:
            assert each.parent.id == each.request.parent, f"{each.id}: a consult of another"
            assert each.parent.state == "active", f"{each.id}: nobody asks for advice any more"
            assert each.parent.parent is None, f"{each.id}: a consult about a consult"
            children.setdefault(each.parent.id, []).append(each)
    for each in domain.interactions.values():
        assert (each.consults or []) == children.get(each.id, []), f"{each.id}: wrong consults"
        assert len(each.consults or ()) <= limits.MAX_CONSULTS, f"{each.id}: too many consults"


def _deadlines(domain: Domain) -> None:
    pending = domain.deadlines.pending()
    owners = [id(ticket.owner) for ticket in pending]
    for ticket in pending:
        owner = ticket.owner
        assert owner is not None, "a deadline of nobody"
        assert owner.deadline is ticket, "a deadline that its owner does not know"
        if isinstance(owner, Exclusion):
            exclusions = owner.interaction.exclusions or {}
            assert exclusions.get(owner.agent_id) is owner, "a deadline of a lifted exclusion"
            assert domain.interactions.get(owner.interaction.id) is owner.interaction, "an exclusion of the dead"
        elif isinstance(owner, Patience):
            assert owner.interaction.patience is owner, "a deadline of patience that is over"
            assert owner.interaction.state in ("queued", "offered"), (
                f"{owner.interaction.id} is answered and may be late"
            )
        elif isinstance(owner, Appointment):
            assert owner.interaction.appointment is owner, "an appointment that is over"
            assert (owner.at_us, owner.interaction.state) == (ticket.key, "scheduled"), f"{owner.interaction.id}: due"
        elif isinstance(owner, Reaching):
            assert owner.interaction.reaching is owner, "a deadline of a customer who is not called any more"
            assert owner.interaction.state == "reaching", f"{owner.interaction.id}: the customer is called"
        elif isinstance(owner, Hold):
            assert owner.interaction.held is owner, "a deadline of a hold that is over"
            assert domain.interactions.get(owner.interaction.id) is owner.interaction, "a hold of the dead"
        elif isinstance(owner, Opening):
            assert owner.interaction.opening is owner, "a level opens twice"
            assert domain.interactions.get(owner.interaction.id) is owner.interaction, "a level opens to the dead"
        elif isinstance(owner, NextStep):
            assert owner.interaction.next_step is owner, "a deadline of a step that is done"
            assert domain.interactions.get(owner.interaction.id) is owner.interaction, "a step of the dead"
        elif isinstance(owner, Veto):
            assert domain.agents.get(owner.agent.id) is owner.agent, "a veto on nobody"
            assert (owner.agent.vetoes or {}).get(owner.channel) is owner, f"{owner.agent.id}: a veto that is over"
        else:
            assert domain.work.get(owner.offer_id) is owner, f"a deadline of ended work {owner.offer_id}"
            assert owner.state in ("offered", "wrap-up"), f"{owner.offer_id}: a deadline while {owner.state}"
    for agent in domain.agents.values():
        assert agent.vetoes is None or agent.vetoes, f"{agent.id}: vetoes of nothing"
        for veto in (agent.vetoes or {}).values():
            assert owners.count(id(veto)) == 1, f"{agent.id}: {veto.channel} is vetoed without end"
    for work in domain.work.values():
        # After-call work has one unless the queue lets it last until the agent ends it.
        timed = work.state == "offered" or (work.state == "wrap-up" and work.deadline is not None)
        assert owners.count(id(work)) == timed, f"{work.offer_id}: {work.state}, deadline pending: {not timed}"


def _callbacks(domain: Domain) -> None:
    tokens = []
    for each in domain.interactions.values():
        request = each.request
        assert (each.state == "scheduled") == (each.appointment is not None), f"{each.id}: appointment"
        if each.appointment is not None and each.appointment.deadline is None:
            assert each.queue.closed is not None, f"{each.id} is due, and its queue is open"
            assert not each.queue.retired, f"{each.id} is due, and its queue will never open"
        assert (each.state == "reaching") == (each.reaching is not None), f"{each.id}: reaching"
        assert each.uncalled <= (limits.MAX_UNCALLED if request.kind == "callback" else 0), f"{each.id}: uncalled"
        assert each.reaching is None or not each.reached, f"{each.id}: called, and there"
        assert each.cls.calls == each.calls_first, f"{each.id}: the customer comes first: {each.cls.calls}"
        assert not (each.calls_first and each.state == "active"), f"{each.id}: nobody has called"
        if request.kind == "callback" and request.customer and interaction_states.TABLE[each.state]:
            tokens.append(((request.customer, request.queue), each.id))
    for queue in domain.queues.values():
        called = sum(each.queue is queue and each.reaching is not None for each in domain.interactions.values())
        assert queue.reaching == called, f"{queue.id}: {called} customers are called"
        for cls in {each.cls for each in domain.interactions.values() if each.queue is queue and each.cls.calls}:
            assert cls.full == (called >= queue.settings.callback_ahead), f"{cls.key}: full while {called} are called"
    assert sorted(tokens) == sorted(domain.callbacks.items()), "callbacks of customers"


def _levels(domain: Domain) -> None:
    for each in domain.interactions.values():
        lives = bool(interaction_states.TABLE[each.state])
        delays_us = each.queue.settings.level_delays_us
        assert 1 <= each.reach <= limits.MAX_LEVEL, f"{each.id}: reach {each.reach}"
        assert (each.opening is not None) == (lives and each.reach < limits.MAX_LEVEL), f"{each.id}: opening"
        if each.opening is not None:
            due = each.opening.deadline
            assert due is not None, f"{each.id}: no level ever opens"
            assert due.alive, f"{each.id}: no level ever opens"
            assert due.key == each.entered_at + delays_us[each.reach - 1], f"{each.id}: opens at {due.key}"
        for agent in [ticket.owner for ticket in each.cls.pool.ordered()]:
            assert agent.level(each.queue.id) <= each.reach, f"{each.id} reaches {agent.id}"


def _tickets(domain: Domain) -> None:
    for agent in domain.agents.values():
        kept, agent.rooms = agent.rooms, None
        assert kept in (None, agent.find_rooms()), f"{agent.id}: room for {kept}"
        may = agent.presence == "ready" and any(agent.takes(share.channel) for share in agent.shares.values())
        ticket = agent.ticket
        if ticket is not None:
            assert ticket.alive, f"{agent.id}: a dead ticket"
            assert (ticket.key, ticket.seq) == (agent.idle_since, agent.idle_seq), f"{agent.id}: place among the idle"
        assert ticket is not None or not may, f"{agent.id} is ready with room and has no ticket"
        for bucket in agent.home or ():
            crew = bucket.crew
            stands = _stands(agent, [each.owner for each in crew.pool.ordered()])
            room = agent.presence == "ready" and agent.takes(crew.channel)
            assert stands == room, f"{agent.id} stands {stands} times in crew {crew.key}"


def _holds(domain: Domain) -> None:
    for each in domain.interactions.values():
        if each.held is None:
            continue
        assert each.state == "queued", f"{each.id} is {each.state} and held"
        assert each.held.deadline is not None, f"{each.id}: held without end"
        assert each.held.deadline.alive, f"{each.id}: held without end"
        agent = domain.agents[each.preferred]
        assert (agent.holds or {}).get(each.id) is each, f"{each.id}: {agent.id} does not know who waits"
        assert agent.presence != "signed-out", f"{each.id} waits for {agent.id}, who is signed out"
        assert not agent.retired, f"{each.id} waits for {agent.id}, who is retired"
    held = sum(each.held is not None for each in domain.interactions.values())
    assert sum(len(agent.holds or ()) for agent in domain.agents.values()) == held, "count of holds"


def _steps(domain: Domain) -> None:
    for queue in domain.queues.values():
        mine = [each for each in domain.interactions.values() if each.queue is queue and each.state == "queued"]
        asked = any(step.when is not None and step.when.kind == "position" for step in queue.settings.steps)
        standing = sorted((each.key, each.seq) for each in mine) if asked else None
        assert queue.standing == standing, f"{queue.id}: places in line"
    for each in domain.interactions.values():
        step = upcoming(each) if each.state in ("queued", "offered") else None
        pending = each.next_step
        assert (pending is None) == (step is None), f"{each.id}: {each.state}, next step {step}"
        if pending is not None and step is not None:
            assert pending.deadline is not None, f"{each.id}: a step without a time"
            assert pending.deadline.alive, f"{each.id}: a step that never comes"
            assert pending.deadline.key == each.entered_at + step.after_us, f"{each.id}: the wrong step"


def _reserves(domain: Domain) -> None:
    for cls in {each.cls for each in domain.interactions.values()}:
        first = next(cls.line(), None)
        assert cls.head is (None if cls.shut else first), f"{cls.key}: not the first in line"
        assert domain.classes.heads[cls.number] == (NOBODY if cls.head is None else cls.head.key), f"{cls.key}: head"
    for each in domain.interactions.values():
        gate, reserve = each.cls.gate, each.queue.settings.reserve
        assert (gate is None) == (reserve == 0), f"{each.id}: {reserve} agents are kept free"
        free = [agent for agent in domain.agents.values() if _is_free_for(each, agent)]
        assert each.cls.shut == (each.cls.kept or each.cls.full), f"{each.cls.key}: shut"
        assert each.cls.kept == (0 < reserve >= len(free)), f"{each.id}: {len(free)} are free, {reserve} are kept"
        assert gate is None or gate.free == len(free), f"{each.id}: the gate counts otherwise"
    for agent in domain.agents.values():
        for channel, counted in (agent.gates or {}).items():
            counts = agent.presence == "ready" and agent.takes(channel)
            assert counted.free == counts, f"{agent.id} counts as free for {channel}: {counted.free}"
    assert not domain.classes.risen, "classes have opened up, and nobody was placed"


def _is_free_for(interaction: Interaction, agent: Agent) -> bool:
    return (
        agent.presence == "ready"
        and not agent.retired
        and agent.takes(interaction.request.channel)
        and interaction.cls.requirement.matches(agent.skills, agent.labels, agent.queues)
    )


def _stands(agent: Agent, owners: list[Agent]) -> int:
    return sum(owner is agent for owner in owners)


def _nobody_waits_in_vain(domain: Domain) -> None:
    for interaction in domain.interactions.values():
        assert interaction_states.TABLE[interaction.state] or interaction.open_work
        if interaction.state != "queued":
            continue
        for agent in domain.agents.values():
            assert not offerable(interaction, agent), f"{interaction.id} waits while {agent.id} is offerable"
