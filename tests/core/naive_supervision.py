# ruff: noqa: N802 - each on_… carries the name of its command
"""The naive model of what supervisors order: another priority, another queue, away from this agent."""

import acd.core.messages as m
from tests.core.naive_relaxation import Relaxing
from tests.core.naive_rules import Interaction, Queue, Refused


class Supervision(Relaxing):
    """The commands, and the move to another queue."""

    def unanswered(self, interaction_id: str) -> Interaction:
        interaction = self.interaction(interaction_id)
        if interaction.state == "active":
            raise Refused("interaction-active")
        if interaction.state == "scheduled":
            raise Refused("interaction-scheduled")
        if interaction.state == "reaching":
            raise Refused("interaction-reaching")
        return interaction

    def on_ReprioritizeInteraction(self, command: m.ReprioritizeInteraction) -> None:
        interaction = self.unanswered(command.interaction_id)
        interaction.priority = command.priority
        self.events.append(m.InteractionReprioritized(command.interaction_id, command.priority))

    def on_MoveInteraction(self, command: m.MoveInteraction) -> None:
        interaction = self.unanswered(command.interaction_id)
        queue = self.queue(command.queue)
        pending = self.pending(interaction)
        for work in pending:
            self.revoke(work, "moved")
            self.settle(work.agent)
        if pending:
            interaction.state = "queued"
            self.events.append(m.InteractionRequeued(command.interaction_id, "moved"))
        self.move_to_queue(interaction, queue, command.reason, keep_place=command.keep_place)
        self.begin_stay(interaction)
        self.place(interaction)
        for work in pending:
            self.serve(work.agent)

    def on_CallBackInteraction(self, command: m.CallBackInteraction) -> None:
        interaction = self.unanswered(command.interaction_id)
        why_not = self.no_callback(interaction)
        if why_not:
            raise Refused(why_not)
        pending = self.pending(interaction)
        for work in pending:
            self.revoke(work, "called-back")
            self.settle(work.agent)
        if pending:
            interaction.state = "queued"
            self.events.append(m.InteractionRequeued(command.interaction_id, "called-back"))
        self.call_back(interaction, command.reason)
        for work in pending:
            self.serve(work.agent)

    def no_callback(self, interaction: Interaction) -> str:
        """Why there can be none; empty when there can."""
        raise NotImplementedError

    def call_back(self, interaction: Interaction, reason: str) -> None:
        """Of `naive_entry`."""
        raise NotImplementedError

    def on_RecallInteraction(self, command: m.RecallInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        if interaction.state != "offered":
            raise Refused("interaction-not-offered")
        pending = self.pending(interaction)
        for work in pending:
            self.revoke(work, "recalled")
            self.exclude(interaction, work.agent)
            self.settle(work.agent)
        self.back_to_the_line(interaction, pending[0].agent, "recalled")
        for work in pending[1:]:
            self.serve(work.agent)

    def move_to_queue(self, interaction: Interaction, queue: Queue, reason: str, *, keep_place: bool) -> None:
        left = interaction.queue
        interaction.hold = interaction.patience = None
        interaction.steps_until, interaction.instead, interaction.own_dropped, interaction.wider = 0, "", False, []
        interaction.queue = queue
        interaction.entered_at = self.now
        if not keep_place:
            interaction.place_at = self.now
            interaction.priority = interaction.request.priority
        self.events.append(
            m.InteractionMoved(
                interaction.request.interaction_id,
                left.settings.id,
                queue.settings.id,
                reason,
                interaction.place_at,
                interaction.priority,
            )
        )
        self.forget_if_empty(left)
