"""The naive model of what counts from the moment that an interaction enters a queue: steps and holds."""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_rules import Refused, Rules
from tests.core.naive_state import Interaction, NextStep


class Relaxing(Rules):
    """Timed steps and holds."""

    def begin_stay(self, interaction: Interaction) -> None:
        self.schedule_step(interaction)
        super().begin_stay(interaction)

    def check_steps(self, settings: m.CoreSettings) -> None:
        """As ApplyConfig checks them, queue by queue and step by step."""
        names = [queue.id for queue in settings.queues]
        for queue in settings.queues:
            before = 0
            for step in queue.steps:
                if step.after_us <= before:
                    raise Refused("steps-out-of-order")
                before = step.after_us
                if step.requirement.strip() and step.requirement not in self.trees:
                    raise Refused("bad-requirement")
                if any(each not in names for each in step.queues):
                    raise Refused("unknown-queue")

    def next_step(self, interaction: Interaction) -> m.Step | None:
        later = [each for each in interaction.queue.settings.steps if each.after_us > interaction.steps_until]
        return later[0] if later else None

    def schedule_step(self, interaction: Interaction) -> None:
        step = self.next_step(interaction)
        interaction.step = None
        if step is not None:
            deadline = (interaction.entered_at + step.after_us, self.next_seq())
            interaction.step = NextStep(interaction, step, deadline)

    def change_steps(self) -> None:
        """After a configuration, in the order of arrival: wait for the step that is the next now."""
        for interaction in sorted(self.interactions, key=lambda each: each.seq):
            if interaction.state not in {"queued", "offered"}:
                continue
            step = self.next_step(interaction)
            due = None if step is None else interaction.entered_at + step.after_us
            if due != (None if interaction.step is None else interaction.step.deadline[0]):
                self.schedule_step(interaction)

    def take_step(self, interaction: Interaction) -> None:
        step = self.next_step(interaction)
        assert step is not None
        interaction.steps_until = step.after_us
        found = self.found(interaction, step.when)
        if step.when is not None and not holds_for(step.when, found):
            name, after = interaction.request.interaction_id, step.after_us
            told = (name, after, "", False, (), interaction.priority, "", False, step.when, found)
            self.events.append(m.InteractionRelaxed(*told))
            self.schedule_step(interaction)
            return
        interaction.instead = step.requirement or interaction.instead
        interaction.own_dropped = interaction.own_dropped or step.drop_own
        interaction.wider += [each for each in dict.fromkeys(step.queues) if each not in interaction.wider]
        most = limits.MAX_PRIORITY
        interaction.priority = min(most, max(-most, interaction.priority + step.priority))
        request = interaction.request
        self.events.append(
            m.InteractionRelaxed(
                request.interaction_id,
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
        if step.announce:
            self.effects.append(m.AnnounceInteraction(request.interaction_id, request.instance, step.announce))
        self.schedule_step(interaction)
        self.reconsider_hold(interaction)
        self.place(interaction)

    def found(self, interaction: Interaction, when: m.Condition | None) -> int:
        """What the condition is about, for an interaction whose step is due."""
        if when is None:
            return 0
        if when.kind == "estimated_wait":
            return interaction.queue.estimate
        if when.kind == "eligible_agents":
            return sum(self.is_worth_waiting_for(agent, interaction) for agent in self.agents)
        others = [each for each in self.interactions if each.queue is interaction.queue and each.state == "queued"]
        own = self.place_in_line(interaction)
        return 1 + sum(self.place_in_line(each) < own for each in others if each is not interaction)

    def reconsider_hold(self, interaction: Interaction) -> None:
        preferred = [each for each in self.agents if each.settings.id == interaction.preferred]
        if interaction.hold and not any(self.is_worth_waiting_for(each, interaction) for each in preferred):
            self.end_hold(interaction, "unavailable")


def holds_for(when: m.Condition, found: int) -> bool:
    """Whether what was found is as the condition wants it; what is not known never is."""
    if found == -1:
        return False
    if when.op in {">", ">="}:
        return found > when.value or (when.op == ">=" and found == when.value)
    if when.op in {"<", "<="}:
        return found < when.value or (when.op == "<=" and found == when.value)
    return (found == when.value) == (when.op == "==")
