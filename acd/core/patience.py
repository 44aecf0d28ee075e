"""How long a queue keeps an unanswered interaction: when that begins, and when it is over.

Owns `Interaction.patience`. Must not know what becomes of an interaction that has waited too long (`entry`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.core.entities import Interaction, Patience

if TYPE_CHECKING:
    from acd.core.matching import Matching


def begin(domain: Matching, interaction: Interaction) -> None:
    """The queue keeps the interaction for its `max_wait` from now on, if it has one and says what happens then.

    A callback may wait for as long as it takes: nobody listens to music.
    """
    length_us = interaction.queue.keeps_us
    if not length_us or interaction.request.kind == "callback":
        return
    patience = interaction.patience = Patience(interaction)
    domain.seq = seq = domain.seq + 1
    patience.deadline = domain.deadlines.register(domain.now_us + length_us, seq, patience, length_us)


def drop(interaction: Interaction) -> None:
    """It is answered, has ended or left the queue: nothing is overdue any more."""
    patience = interaction.patience
    if patience is None:
        return
    interaction.patience = None
    if patience.deadline is not None:
        patience.deadline.alive = False
