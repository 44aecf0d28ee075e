"""Levels: how far an interaction reaches among agents with a level for its queue, and when it reaches further.

Owns `Interaction.reach` and `Interaction.opening`. Must not know commands. An interaction begins with level 1; a
queue's `level_delays_us` say how long after it entered the queue levels 2, 3, … open to it, and all further ones
open with the last. Who is of which class follows from the reach, so that it costs nothing when agents are sought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.core import limits
from acd.core.entities import Interaction, Opening
from acd.core.messages import LevelOpened
from acd.core.reaching import reach_after

if TYPE_CHECKING:
    from acd.core.matching import Matching


def begin(domain: Matching, interaction: Interaction) -> None:
    """The interaction, which is not in the line, has entered its queue: its reach, its class, and its next opening."""
    reach = interaction.queue.first_reach
    elapsed_us = domain.now_us - interaction.entered_at
    if elapsed_us:  # it has taken the place of one that has been there before
        reach = reach_after(interaction.queue.settings.level_delays_us, elapsed_us)
        if reach != interaction.queue.first_reach:
            domain.events.append(LevelOpened(interaction.id, reach))
    _reach(domain, interaction, reach)
    _watch(domain, interaction)


def drop(interaction: Interaction) -> None:
    """No more level opens to the interaction."""
    opening = interaction.opening
    if opening is not None:
        interaction.opening = None
        if opening.deadline is not None:
            opening.deadline.alive = False


def open_next(domain: Matching, interaction: Interaction) -> None:
    """The time of the next level has come; the caller places the interaction, which is not in the line."""
    drop(interaction)
    delays_us = interaction.queue.settings.level_delays_us
    reach = reach_after(delays_us, delays_us[interaction.reach - 1], interaction.reach)
    domain.events.append(LevelOpened(interaction.id, reach))
    _reach(domain, interaction, reach)
    _watch(domain, interaction)


def revise(domain: Matching, interaction: Interaction) -> None:
    """The queue's delays have changed: what is open stays open, the rest follows. The caller renews the classes."""
    drop(interaction)
    elapsed_us = domain.now_us - interaction.entered_at
    reach = reach_after(interaction.queue.settings.level_delays_us, elapsed_us, interaction.reach)
    if reach != interaction.reach:
        interaction.reach = reach
        domain.events.append(LevelOpened(interaction.id, reach))
    _watch(domain, interaction)


def _reach(domain: Matching, interaction: Interaction, reach: int) -> None:
    """Let an interaction, which is not in the line, reach so far; its class is another if its crew goes by levels."""
    interaction.reach = reach
    cls = interaction.cls
    siblings = cls.crew.reaching
    if siblings or cls.calls:
        found = None if cls.calls else siblings.get(reach)
        if found is None:
            domain.reclassify(interaction)
            return
        found.last_used = cls.last_used
        found.users += 1
        cls.users -= 1
        interaction.cls = found


def _watch(domain: Matching, interaction: Interaction) -> None:
    """Register the next opening, if there is one."""
    reach = interaction.reach
    if reach == limits.MAX_LEVEL:
        return
    delay_us = interaction.queue.settings.level_delays_us[reach - 1]
    opening = interaction.opening = Opening(interaction)
    domain.seq = seq = domain.seq + 1
    opening.deadline = domain.deadlines.register(interaction.entered_at + delay_us, seq, opening, delay_us)
