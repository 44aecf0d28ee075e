"""Making an interaction out of a request. Owns what a new one counts in, and what it has from one whose place it takes.

Must not know where it goes then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acd.core.entities import Interaction
from acd.core.messages import EnqueueInteraction, InteractionQueued, Refusal
from acd.core.queue_entity import Queue

if TYPE_CHECKING:
    from acd.core.classes import Class
    from acd.core.domain import Domain

_WAIT: Final = ("queued", "offered")


def predecessor(domain: Domain, request: EnqueueInteraction, queue: Queue) -> Interaction | None:
    """Whose place in line a live request takes: that of its own customer, who waits in the queue that it asks for."""
    found = domain.interactions.get(request.place_of)
    if found is None or found.queue is not queue or found.state not in _WAIT or request.parent:
        return None
    return found if request.customer and found.request.customer == request.customer else None


def not_replaced(request: EnqueueInteraction, before: Interaction | None, now_us: int) -> Refusal | None:
    """Why a request that is to put an end to the one whose place it takes cannot: else there would be two, or none."""
    named = f"interaction {request.place_of}" if request.place_of else "no interaction"
    wrong = ""
    if request.kind == "callback" or request.not_before_us > now_us:
        wrong = "whoever is to wait aside takes nobody's place"
    elif before is None:
        wrong = f"{named} of this customer's waits in queue {request.queue}"
    elif before.state != "queued":
        wrong = f"{named} is {before.state}, and waits no more"
    return Refusal("no-such-place", f"place_of: {wrong}") if wrong else None


def go_on_from(domain: Domain, interaction: Interaction, before: Interaction) -> None:
    """A new one, not in the line yet, has been in the queue for as long as the one whose place it takes.

    Steps that are done stay done: with their priority it would be ahead of others, had it theirs a second time.
    """
    interaction.entered_at = before.entered_at
    if before.relaxed is not None:
        interaction.relaxed = before.relaxed
        domain.reclassify(interaction)


def admit(
    domain: Domain, request: EnqueueInteraction, queue: Queue, cls: Class, caller: Interaction | None = None
) -> Interaction:
    """A new interaction, queued and not in the line yet; with the place of `caller` if it takes theirs."""
    now_us = domain.now_us
    priority = request.priority if caller is None else caller.priority
    place_at = now_us if caller is None else caller.place_at
    key_us = queue.key_us(place_at, priority)
    domain.seq = seq = domain.seq + 1
    interaction_id = request.interaction_id
    interaction = Interaction(interaction_id, request, queue, cls, now_us, key_us, seq, now_us, place_at, priority)
    interaction.preferred = request.preferred_agent
    domain.interactions[interaction_id] = interaction
    cls.users += 1
    queue.live += 1
    queue.unanswered += 1
    if request.kind == "callback" and request.customer:
        domain.callbacks[request.customer, queue.id] = interaction_id
    if interaction.calls_first:
        domain.reclassify(interaction)
    domain.events.append(
        InteractionQueued(
            interaction_id,
            request.channel,
            queue.id,
            request.requirement,
            priority,
            request.attributes,
            request.customer,
            request.instance,
            0 if caller is None else place_at,
            request.parent,
            request.kind,
        )
    )
    return interaction
