"""Entry and overflow: what a queue does with whoever comes in, and with whoever has waited too long.

Owns the situations in which a queue cannot take an interaction (closed, unstaffed, full) or keep it (overdue), what its
settings say about them, and the way out. Must not know commands, nor who gets whom; moving is `moving`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from acd.core import callbacks, limits, patience
from acd.core.admission import admit
from acd.core.classes import Class
from acd.core.entities import Interaction
from acd.core.messages import (
    Action,
    EnqueueInteraction,
    InteractionOverflowed,
    Refusal,
    ReleaseInteraction,
)
from acd.core.messages.outcome import RefusalCode
from acd.core.moving import begin_stay, move_to_queue
from acd.core.queue_entity import Queue

if TYPE_CHECKING:
    from acd.core.domain import Domain


class Way(NamedTuple):
    """Where an interaction goes: through these queues, each with why the one before it could not take it.

    In the last of them it waits, unless `released` says why it is let go; then, if `called_back`, a callback takes its
    place.
    """

    hops: tuple[tuple[Queue, str], ...] = ()
    released: str = ""
    called_back: bool = False


class Situation(NamedTuple):
    """Why a queue cannot take an interaction just now, what its settings say about that, and the refusal."""

    name: str
    action: Action
    code: RefusalCode
    detail: str


def find_way(
    domain: Domain, request: EnqueueInteraction, queue: Queue, hops_before: int, before: Interaction | None = None
) -> Way | Refusal:
    """What becomes of a request that asks for `queue`. Changes nothing.

    `hops_before`: queues that it has overflowed into already; its life holds `limits.MAX_HOPS`. `before`: whose place
    in line it takes, who is in already, be that queue full or closed since. One that is over by the request is over
    for a place in a line only.
    """
    stays = before is not None and bool(request.end_reason)
    hops: list[tuple[Queue, str]] = []
    while True:
        cls = domain.classes.class_of(queue, request.channel, request.requirement, request.preferences)
        situation = _situation(domain, queue, cls, is_in=before is not None and not hops)
        if situation is None:
            return Way(tuple(hops))
        action = situation.action
        refusal = Refusal(situation.code, situation.detail)
        if action.kind == "refuse" or (stays and action.kind != "queue"):
            return refusal
        reason = action.reason or situation.name
        if action.kind == "release":
            return Way(tuple(hops), reason)
        if action.kind == "callback":
            return Way(tuple(hops), action.reason or "callback", called_back=True)
        target = _target(domain, action, hops_before + len(hops))
        if isinstance(target, str):
            return refusal if stays else Way(tuple(hops), target)
        hops.append((target, reason))
        queue = target


def follow(domain: Domain, interaction: Interaction, way: Way) -> bool:
    """Take an unanswered interaction, which is not in the line, along its way; False if it was let go at the end."""
    for queue, reason in way.hops:
        interaction.hops += 1
        move_to_queue(domain, interaction, queue, reason)
    if way.called_back:
        call_back(domain, interaction, way.released)
        return False
    if way.released:
        overflow(domain, interaction, way.released)
        return False
    return True


def leave_overdue(domain: Domain, interaction: Interaction) -> None:
    """Its queue has kept a queued interaction, which is not in the line, for as long as it keeps any."""
    patience.drop(interaction)
    action = interaction.queue.settings.when_overdue
    reason = action.reason or "overdue"
    if action.kind == "wait":
        # The configuration has changed since it came.
        domain.place(interaction)
        return
    if action.kind == "callback":
        call_back(domain, interaction, action.reason or "callback")
        return
    target = reason if action.kind == "release" else _target(domain, action, interaction.hops)
    if isinstance(target, str):
        overflow(domain, interaction, target)
        return
    found = find_way(domain, interaction.request, target, interaction.hops + 1)
    if isinstance(found, Refusal):
        overflow(domain, interaction, found.code)
    elif follow(domain, interaction, Way(((target, reason), *found.hops), *found[1:])):
        begin_stay(domain, interaction)
        domain.place(interaction)


def call_back(domain: Domain, interaction: Interaction, reason: str) -> None:
    """Let a queued interaction, which is not in the line, go, and put a callback in its place if there can be one."""
    request = callbacks.replacement(domain, interaction)
    if isinstance(request, str):
        overflow(domain, interaction, request)
        return
    # The callback is made first: a retired queue lasts as long as there is anything in it.
    queue = interaction.queue
    cls = domain.classes.class_of(queue, request.channel, request.requirement, request.preferences)
    callback = admit(domain, request, queue, cls, interaction)
    overflow(domain, interaction, reason)
    callbacks.take_place(domain, callback, interaction)


def overflow(domain: Domain, interaction: Interaction, reason: str) -> None:
    """Let a queued interaction, which is not in the line, go without an answer."""
    domain.close(interaction, "overflow")
    domain.events.append(InteractionOverflowed(interaction.id, domain.now_us - interaction.enqueued_at, reason))
    domain.effects.append(ReleaseInteraction(interaction.id, interaction.request.instance, reason))
    domain.forget_if_done(interaction)


def _target(domain: Domain, action: Action, hops: int) -> Queue | str:
    """The queue that an action names, for what has overflowed so often; or the reason to let go instead."""
    if hops >= limits.MAX_HOPS:
        return "overflow-loop"
    target = domain.queues.get(action.queue)
    # Only a retired queue's settings can name one that is gone: ApplyConfig refuses it otherwise.
    return "queue-gone" if target is None or target.retired else target


def _situation(domain: Domain, queue: Queue, cls: Class, *, is_in: bool) -> Situation | None:
    """The first thing that keeps the queue from taking it, and that its settings do not overlook."""
    settings = queue.settings
    if not is_in and queue.closed is not None and settings.when_closed.kind != "wait":
        why = f" ({queue.closed})" if queue.closed else ""
        detail = f"queue {queue.id} is closed{why}"
        return Situation(queue.closed or "closed", settings.when_closed, "queue-closed", detail)
    if settings.when_unstaffed.kind != "wait" and not domain.classes.staff(cls.crew):
        detail = f"nobody who could serve it is signed in (queue {queue.id})"
        return Situation("unstaffed", settings.when_unstaffed, "queue-unstaffed", detail)
    most = settings.max_waiting
    if not is_in and queue.unanswered >= most and settings.when_full.kind != "wait":
        detail = f"{most} interactions wait in queue {queue.id} already (max_waiting)"
        return Situation("full", settings.when_full, "queue-full", detail)
    return None
