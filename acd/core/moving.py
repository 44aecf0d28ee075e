"""From one queue to another: the move that supervisors, overflow and transfer share.

Owns what changes when an interaction leaves a queue and what begins when it enters one. Must not know
commands, nor why anything moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.core import affinity, holding, levels, limits, patience, relaxing
from acd.core.entities import Interaction
from acd.core.messages import InteractionMoved
from acd.core.queue_entity import Queue

if TYPE_CHECKING:
    from acd.core.domain import Domain


def move_to_queue(
    domain: Domain, interaction: Interaction, queue: Queue, reason: str, *, keep_place: bool = True
) -> None:
    """Move an interaction, which is unanswered and not in the line, to a queue, and say so.

    With `keep_place` its place is computed from what it was before, and its priority stays; else both begin anew.
    What began when it entered the queue that it leaves is over. The caller goes on with `begin_stay` and `place`.
    """
    left = interaction.queue
    domain.end_stay(interaction)
    left.live -= 1
    left.unanswered -= 1
    queue.live += 1
    queue.unanswered += 1
    interaction.queue = queue
    interaction.entered_at = domain.now_us
    if not keep_place:
        interaction.place_at = domain.now_us
        interaction.priority = interaction.request.priority
    interaction.reach = limits.MAX_LEVEL
    interaction.relaxed = None
    domain.reclassify(interaction)
    domain.rekey(interaction)
    moved = InteractionMoved(interaction.id, left.id, queue.id, reason, interaction.place_at, interaction.priority)
    domain.events.append(moved)
    domain.forget_if_empty(left)


def begin_stay(domain: Domain, interaction: Interaction) -> None:
    """Begin whatever counts from the entry into the queue. The interaction is queued, and not in the line yet."""
    if interaction.queue.first_reach != limits.MAX_LEVEL:
        levels.begin(domain, interaction)
    settings = interaction.queue.settings
    if settings.steps:
        relaxing.schedule(domain, interaction)
    if not interaction.preferred and (settings.affinity_us or settings.dedicated_attribute):
        affinity.prefer(domain, interaction)
    if interaction.preferred:
        holding.begin(domain, interaction, settings.hold_for_us)
    patience.begin(domain, interaction)
