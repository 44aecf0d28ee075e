"""The naive model's levels: how far an interaction reaches among the agents of its queue, and when further."""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_rules import Rules
from tests.core.naive_state import Interaction, Opening, Queue


class LevelRules(Rules):
    """The rules, and levels."""

    def reach_after(self, queue: Queue, elapsed: int, reach: int) -> int:
        """The level up to which agents may have it, that was open to those up to `reach` before."""
        delays = dict(enumerate(queue.settings.level_delays_us, 2))
        while reach + 1 in delays and delays[reach + 1] <= elapsed:
            reach += 1
        return reach if reach + 1 in delays else limits.MAX_LEVEL

    def begin_stay(self, interaction: Interaction) -> None:
        first = self.reach_after(interaction.queue, 0, 1)
        interaction.reach = self.reach_after(interaction.queue, self.now - interaction.entered_at, 1)
        if interaction.reach != first:
            self.events.append(m.LevelOpened(interaction.request.interaction_id, interaction.reach))
        self.watch_levels(interaction)
        super().begin_stay(interaction)

    def watch_levels(self, interaction: Interaction) -> None:
        interaction.opening = None
        if interaction.reach < limits.MAX_LEVEL:
            delay = interaction.queue.settings.level_delays_us[interaction.reach - 1]
            interaction.opening = Opening(interaction, (interaction.entered_at + delay, self.next_seq()))

    def open_level(self, interaction: Interaction) -> None:
        assert interaction.opening is not None
        elapsed = interaction.opening.deadline[0] - interaction.entered_at
        interaction.reach = self.reach_after(interaction.queue, elapsed, interaction.reach)
        self.events.append(m.LevelOpened(interaction.request.interaction_id, interaction.reach))
        self.watch_levels(interaction)
        self.place(interaction)

    def revise_levels(self, before: dict[str, tuple[int, ...]]) -> None:
        """Where a queue's delays are not what they were before."""
        for interaction in sorted(self.interactions, key=lambda each: each.seq):
            settings = interaction.queue.settings
            if interaction.state not in {"queued", "offered", "active"}:
                continue
            if before[settings.id] == settings.level_delays_us:
                continue
            reach = self.reach_after(interaction.queue, self.now - interaction.entered_at, interaction.reach)
            if reach != interaction.reach:
                interaction.reach = reach
                self.events.append(m.LevelOpened(interaction.request.interaction_id, reach))
            self.watch_levels(interaction)
