"""Relaxation: what a queue's timed steps change about an interaction that waits.

Owns `Interaction.relaxed` and `Interaction.next_step`. Must not know commands, nor who gets whom: a step changes the
class, priority and key of one interaction, and the caller places it.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, assert_never

import msgspec

from acd.core import holding, limits
from acd.core.entities import NextStep
from acd.core.messages import AnnounceInteraction, InteractionRelaxed, Step
from acd.core.queue_entity import UNKNOWN
from acd.core.state import Relaxation

if TYPE_CHECKING:
    from acd.core.classes import Class
    from acd.core.domain import Domain
    from acd.core.entities import Interaction
    from acd.core.matching import Matching
    from acd.core.messages import Condition, ConditionKind, QueueSettings

UNRELAXED = Relaxation()

_COMPARE: Final = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def upcoming(interaction: Interaction) -> Step | None:
    """The first step of its queue that has not been taken or passed over, or None."""
    steps = interaction.queue.settings.steps
    done_us = 0 if interaction.relaxed is None else interaction.relaxed.after_us
    for step in steps:
        if step.after_us > done_us:
            return step
    return None


def schedule(domain: Domain, interaction: Interaction) -> None:
    """Wait for the next step, if there is one; a step whose time has passed is due at once."""
    step = upcoming(interaction)
    if step is None:
        interaction.next_step = None
        return
    pending = interaction.next_step = NextStep(interaction)
    after_us = step.after_us
    domain.seq = seq = domain.seq + 1
    pending.deadline = domain.deadlines.register(interaction.entered_at + after_us, seq, pending, after_us)


def unschedule(interaction: Interaction) -> None:
    """Wait for no step any more."""
    pending = interaction.next_step
    if pending is not None and pending.deadline is not None:
        pending.deadline.alive = False
    interaction.next_step = None


def reschedule(domain: Domain, interaction: Interaction) -> None:
    """The queue's steps may have changed: wait for the one that is the next now."""
    step = upcoming(interaction)
    due_us = None if step is None else interaction.entered_at + step.after_us
    pending = interaction.next_step
    if due_us == (None if pending is None or pending.deadline is None else pending.deadline.key):
        return
    unschedule(interaction)
    schedule(domain, interaction)


def take_step(domain: Domain, interaction: Interaction) -> None:
    """The next step is due: take or skip it, and wait for the one after.

    The interaction is unanswered and not in the line.
    """
    step = upcoming(interaction)
    assert step is not None, interaction.id
    found = 0 if step.when is None else _found(domain, interaction, step.when.kind)
    if step.when is not None and not holds(step.when, found):
        _skip(domain, interaction, step, found)
        return
    widens = bool(step.requirement or step.drop_own or step.queues)
    before = interaction.relaxed or UNRELAXED
    interaction.relaxed = _and(before, step) if widens else msgspec.structs.replace(before, after_us=step.after_us)
    most = limits.MAX_PRIORITY
    interaction.priority = max(-most, min(most, interaction.priority + step.priority))
    domain.rekey(interaction)
    domain.events.append(
        InteractionRelaxed(
            interaction.id,
            step.after_us,
            step.requirement,
            step.drop_own,
            step.queues,
            interaction.priority,
            step.announce,
            when=step.when,
            found=found,
        )
    )
    if widens:
        domain.reclassify(interaction)
    if step.announce:
        domain.effects.append(AnnounceInteraction(interaction.id, interaction.request.instance, step.announce))
    schedule(domain, interaction)
    holding.reconsider(domain, interaction)


def _and(before: Relaxation, step: Step) -> Relaxation:
    """What earlier steps have changed, and this one."""
    return Relaxation(
        step.after_us,
        step.requirement or before.requirement,
        before.drop_own or step.drop_own,
        tuple(dict.fromkeys((*before.queues, *step.queues))),
    )


def asks_for(settings: QueueSettings, kind: ConditionKind) -> bool:
    """Whether any step of a queue has a condition of this kind."""
    return any(step.when is not None and step.when.kind == kind for step in settings.steps)


def holds(condition: Condition, found: int) -> bool:
    """Whether a condition holds, given what it is about; never while that is `UNKNOWN`."""
    return found != UNKNOWN and _COMPARE[condition.op](found, condition.value)


def class_for(domain: Matching, interaction: Interaction) -> Class:
    """The class that the interaction is of, given its queue, its reach and what steps have changed."""
    request = interaction.request
    reach = interaction.reach
    queue = interaction.queue
    relaxed = interaction.relaxed
    calls = interaction.calls_first
    if relaxed is None:
        return domain.classes.class_of(
            queue, request.channel, request.requirement, request.preferences, reach, (), calls=calls
        )
    own = "" if relaxed.drop_own else request.requirement
    instead: tuple[str, ...] = ()
    if relaxed.requirement or relaxed.queues:
        others = [domain.queues.get(each) for each in relaxed.queues]
        wider = [each.settings.requirement for each in others if each is not None and not each.retired]
        instead = (relaxed.requirement or queue.settings.requirement, *wider)
    return domain.classes.class_of(queue, request.channel, own, request.preferences, reach, instead, calls=calls)


def _skip(domain: Domain, interaction: Interaction, step: Step, found: int) -> None:
    """Its condition does not hold: the step is over, and has changed nothing."""
    interaction.relaxed = msgspec.structs.replace(interaction.relaxed or UNRELAXED, after_us=step.after_us)
    nothing = Step(step.after_us)
    domain.events.append(
        InteractionRelaxed(
            interaction.id,
            nothing.after_us,
            nothing.requirement,
            nothing.drop_own,
            nothing.queues,
            interaction.priority,
            nothing.announce,
            applied=False,
            when=step.when,
            found=found,
        )
    )
    schedule(domain, interaction)


def _found(domain: Domain, interaction: Interaction, kind: ConditionKind) -> int:
    """What a condition is about, now. The interaction is not in the line."""
    match kind:
        case "estimated_wait":
            return interaction.queue.estimate_us
        case "eligible_agents":
            return domain.classes.staff(interaction.cls.crew)
        case "position":
            standing = interaction.queue.standing
            assert standing is not None, interaction.queue.id
            return 1 + bisect_left(standing, (interaction.key, interaction.seq))
        case _:
            assert_never(kind)
