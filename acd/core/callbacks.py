"""Interactions that wait without standing in line: scheduled ones, and callbacks in place of a caller.

Owns the state `scheduled`, the callbacks' tokens, and what a callback takes over. Must not know commands, nor why a
queue hands an interaction on (`entry`).

No caller starves for them: a place in line never becomes better after the interaction has come into the line, one that
falls due gets its place from then on, and so does every further attempt. One that nobody could make keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from acd.core import calling, limits
from acd.core.deadlines import ANY_LENGTH
from acd.core.entities import Appointment, Interaction
from acd.core.messages import (
    EnqueueInteraction,
    InteractionDue,
    InteractionFailed,
    InteractionScheduled,
    ReleaseInteraction,
)
from acd.core.moving import begin_stay
from acd.core.queue_entity import Queue
from acd.core.states import interaction as interaction_states

if TYPE_CHECKING:
    from acd.core.domain import Domain

_INTERACTION: Final = interaction_states.TABLE

SUFFIX: Final = "~cb"
"""What the id of a callback that takes a caller's place adds to the caller's."""


def schedule(domain: Domain, interaction: Interaction, at_us: int) -> None:
    """Put an interaction, which is not in the line and with nobody, aside: until `at_us`, and until its queue opens."""
    if interaction.state == "queued":
        interaction.queue.unanswered -= 1
    interaction.state = _INTERACTION[interaction.state]["schedule"]
    interaction.reached = False
    domain.end_stay(interaction)
    interaction.reach = limits.MAX_LEVEL
    interaction.relaxed = None
    domain.reclassify(interaction)
    domain.events.append(InteractionScheduled(interaction.id, at_us, interaction.attempts, interaction.uncalled))
    appointment = interaction.appointment = Appointment(interaction, at_us)
    queue = interaction.queue
    if at_us > domain.now_us or queue.closed is None or queue.retired:
        appointment.deadline = domain.deadlines.register(at_us, domain.next_seq(), appointment, ANY_LENGTH)


def miss(domain: Domain, interaction: Interaction, reason: str, *, called: bool = True) -> None:
    """An attempt has reached nobody, and nobody is with it any more: once more later, or never again.

    Where nobody could call the customer it was none, and it is made soon.
    """
    calling.stop(domain, interaction)
    if not called and interaction.uncalled < limits.MAX_UNCALLED:
        _put_off(domain, interaction)
        return
    interaction.attempts += 1
    interaction.uncalled = 0
    settings = interaction.queue.settings
    release = ReleaseInteraction(interaction.id, interaction.request.instance, "callback-failed")
    if interaction.attempts < settings.callback_attempts:
        schedule(domain, interaction, domain.now_us + settings.callback_retry_us)
        domain.effects.append(release)
    else:
        domain.close(interaction, "fail")
        domain.events.append(InteractionFailed(interaction.id, interaction.attempts, reason))
        domain.effects.append(release)
        domain.forget_if_done(interaction)


def fall_due(domain: Domain, interaction: Interaction) -> None:
    """The moment has come: into the line, with a place from now on; while the queue is closed, it stays aside."""
    appointment = interaction.appointment
    assert appointment is not None, interaction.id
    appointment.deadline = None
    if interaction.queue.closed is None or interaction.queue.retired:
        _enter(domain, interaction)


def let_in(domain: Domain, queue: Queue) -> None:
    """The queue has opened, or will never open: whatever fell due meanwhile comes in, in the order of the appointments.

    O(interactions of the domain): administrative.
    """
    due = [
        (each.appointment.at_us, each.seq, each)
        for each in domain.interactions.values()
        if each.queue is queue and each.appointment is not None and each.appointment.deadline is None
    ]
    for _, _, interaction in sorted(due, key=lambda entry: entry[:2]):
        _enter(domain, interaction)


def drop(interaction: Interaction) -> None:
    """It ends: nothing is due any more."""
    appointment = interaction.appointment
    if appointment is not None:
        interaction.appointment = None
        if appointment.deadline is not None:
            appointment.deadline.alive = False


def replacement(domain: Domain, interaction: Interaction) -> EnqueueInteraction | str:
    """The request of the callback that takes a caller's place, or why there can be none."""
    request, queue = interaction.request, interaction.queue
    name = request.interaction_id + SUFFIX
    if token(domain, request.customer, queue) is not None:
        return "duplicate-callback"
    if request.kind != "live" or request.parent or not request.customer or len(name) > limits.MAX_INTERACTION_ID:
        return "callback-impossible"
    if domain.is_taken(name):
        return "callback-impossible"
    return msgspec.structs.replace(
        request,
        interaction_id=name,
        queue=queue.id,
        kind="callback",
        instance=_caller_back(request, queue),
        not_before_us=0,
    )


def with_channel(request: EnqueueInteraction, queue: Queue) -> EnqueueInteraction:
    """The request of an interaction that waits aside: a callback for which none is named has its queue's channel."""
    instance = _caller_back(request, queue)
    if request.kind != "callback" or request.instance or not instance:
        return request
    return msgspec.structs.replace(request, instance=instance)


def take_place(domain: Domain, callback: Interaction, caller: Interaction) -> None:
    """A new callback, not in the line yet, waits where the caller has waited; aside while the queue is closed."""
    callback.preferred, callback.preferred_by = caller.preferred, caller.preferred_by
    if callback.queue.closed is None:
        begin_stay(domain, callback)
        domain.place(callback)
    else:
        schedule(domain, callback, domain.now_us)


def token(domain: Domain, customer: str, queue: Queue) -> str | None:
    """The callback that the customer has in the queue, if there is one."""
    return domain.callbacks.get((customer, queue.id)) if customer else None


def _put_off(domain: Domain, interaction: Interaction) -> None:
    pause_us = min(limits.UNCALLED_FIRST_US << interaction.uncalled, limits.UNCALLED_MOST_US)
    interaction.uncalled += 1
    schedule(domain, interaction, domain.now_us + pause_us)
    domain.effects.append(ReleaseInteraction(interaction.id, interaction.request.instance, "callback-put-off"))


def _caller_back(request: EnqueueInteraction, queue: Queue) -> str:
    """The channel that calls the customer. Empty: none can, as for a chat where telephones are rung."""
    settings = queue.settings
    if settings.callback_medium and settings.callback_medium != request.channel:
        return ""
    return settings.callback_channel


def _enter(domain: Domain, interaction: Interaction) -> None:
    drop(interaction)
    interaction.state = _INTERACTION[interaction.state]["enter"]
    interaction.queue.unanswered += 1
    interaction.entered_at = domain.now_us
    # Nobody has waited for an agent until now.
    interaction.enqueued_at = domain.now_us
    if not interaction.uncalled:
        interaction.place_at = domain.now_us
    interaction.priority = interaction.request.priority
    domain.rekey(interaction)
    domain.events.append(InteractionDue(interaction.id, interaction.place_at, interaction.priority))
    if interaction.request.kind == "live":
        domain.park(interaction)
    begin_stay(domain, interaction)
    domain.place(interaction)
