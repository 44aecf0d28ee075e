"""What the passing of time does: Tick and Recover. Owns the order in which due deadlines are handled."""

from acd.core import callbacks, entry, holding, levels, limits, relaxing, vetoes
from acd.core.domain import Domain
from acd.core.entities import (
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
from acd.core.handlers.offers import expire
from acd.core.handlers.wrap_up import finish_wrap_up
from acd.core.lane import order
from acd.core.messages import EngineRecovered, Recover, Refusal, Tick
from acd.core.reserving import place_risen


def tick(domain: Domain, _command: Tick) -> Refusal | None:
    """Handle what is due, a bounded number, each wholly before the next."""
    for _ in range(limits.TICK_EXPIRIES):
        due = domain.deadlines.first()
        if due is None or due.key > domain.now_us:
            break
        due.alive = False
        owner = due.owner
        if isinstance(owner, Exclusion):
            domain.lift(owner.interaction, owner.agent_id)
            _place_again(domain, owner.interaction)
        elif isinstance(owner, Hold):
            holding.end(domain, owner.interaction, "timeout")
            _place_again(domain, owner.interaction)
        elif isinstance(owner, Appointment):
            callbacks.fall_due(domain, owner.interaction)
        elif isinstance(owner, Reaching):
            callbacks.miss(domain, owner.interaction, "unanswered")
        elif isinstance(owner, Patience):
            owner.deadline = None
            if owner.interaction.state == "queued":
                domain.leave(owner.interaction)
                entry.leave_overdue(domain, owner.interaction)
        elif isinstance(owner, Opening):
            _open_level(domain, owner.interaction)
        elif isinstance(owner, NextStep):
            _take_step(domain, owner.interaction)
        elif isinstance(owner, Veto):
            vetoes.lift(domain, owner.agent, owner.channel, "expired")
        elif owner is not None and owner.state == "wrap-up":
            finish_wrap_up(domain, owner)
        elif owner is not None:
            expire(domain, owner, domain.now_us - due.key)
        if domain.classes.risen:
            place_risen(domain)
    return None


def _open_level(domain: Domain, interaction: Interaction) -> None:
    waits = interaction.ticket is not None
    if waits:
        domain.leave(interaction)
    levels.open_next(domain, interaction)
    if waits:
        domain.place(interaction)


def recover(domain: Domain, command: Recover) -> Refusal | None:
    """Give every pending offer grace, and whoever is called if that is wanted, in the order of their deadlines."""
    pending = [work for work in domain.work.values() if work.state == "offered" and work.deadline is not None]
    deadlines = [work.deadline for work in pending if work.deadline is not None]
    called = [each.reaching for each in domain.interactions.values()] if command.customers else []
    deadlines += [each.deadline for each in called if each is not None and each.deadline is not None]
    least_us = domain.now_us + command.grace_us
    for deadline in sorted(deadlines, key=order):
        owner = deadline.owner
        assert isinstance(owner, Work | Reaching)
        if isinstance(owner, Work):
            owner.excused = True
        if deadline.key < least_us:
            deadline.alive = False
            owner.deadline = domain.deadlines.register(least_us, domain.next_seq(), owner, command.grace_us)
    domain.events.append(EngineRecovered(len(pending), least_us, len(deadlines) - len(pending)))
    return None


def _take_step(domain: Domain, interaction: Interaction) -> None:
    """A ringing offer is never taken back for it."""
    waits = interaction.state == "queued"
    if waits:
        domain.leave(interaction)
    relaxing.take_step(domain, interaction)
    if waits:
        domain.place(interaction)


def _place_again(domain: Domain, interaction: Interaction) -> None:
    """Something that kept an agent from it is over."""
    if interaction.state == "queued":
        domain.leave(interaction)
        domain.place(interaction)
