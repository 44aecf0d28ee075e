"""The naive model of what waits without standing in line: scheduled interactions, and callbacks."""

import msgspec

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_consult import Consult
from tests.core.naive_rules import Refused
from tests.core.naive_state import Appointment, Interaction, Queue


class Callbacks(Consult):
    """Setting aside, coming in when due, and callers' places."""

    def miss(self, interaction: Interaction, reason: str, *, called: bool = True) -> None:
        """An attempt has reached nobody, or there was none."""
        settings, name = interaction.queue.settings, interaction.request.interaction_id
        interaction.reaching = None
        if not called and interaction.uncalled < limits.MAX_UNCALLED:
            seconds = min(10 * 2**interaction.uncalled, 600)
            interaction.uncalled += 1
            self.schedule(interaction, self.now + seconds * 1_000_000)
            self.effects.append(m.ReleaseInteraction(name, interaction.request.instance, "callback-put-off"))
            return
        interaction.attempts, interaction.uncalled = interaction.attempts + 1, 0
        if interaction.attempts < settings.callback_attempts:
            self.schedule(interaction, self.now + settings.callback_retry_us)
        else:
            interaction.state = "failed"
            interaction.exclusions = []
            interaction.opening = None
            self.events.append(m.InteractionFailed(name, interaction.attempts, reason))
        self.effects.append(m.ReleaseInteraction(name, interaction.request.instance, "callback-failed"))
        self.forget_if_done(interaction)

    def set_aside(self, command: m.EnqueueInteraction, queue: Queue) -> None:
        if command.kind == "callback" and self.callback_of(command.customer, queue) is not None:
            raise Refused("duplicate-callback")
        if command.kind == "callback":
            instance = command.instance or called_by(command, queue)
            command = msgspec.structs.replace(command, instance=instance)
        interaction = self.admit(command, queue)
        if command.not_before_us > self.now or queue.closed is not None:
            self.schedule(interaction, max(command.not_before_us, self.now))
        else:
            self.begin_stay(interaction)
            self.place(interaction)

    def callback_of(self, customer: str, queue: Queue) -> Interaction | None:
        """Which callback the customer has in the queue that was asked for."""
        for each in self.interactions:
            asked = (each.request.kind, each.request.customer, each.request.queue)
            alive = each.state in {"queued", "offered", "active", "scheduled", "reaching"}
            if alive and customer and asked == ("callback", customer, queue.settings.id):
                return each
        return None

    def schedule(self, interaction: Interaction, at: int) -> None:
        interaction.state = "scheduled"
        interaction.reached = False
        interaction.hold = interaction.patience = interaction.opening = interaction.step = None
        interaction.steps_until, interaction.instead, interaction.own_dropped, interaction.wider = 0, "", False, []
        interaction.reach = limits.MAX_LEVEL
        name = interaction.request.interaction_id
        self.events.append(m.InteractionScheduled(name, at, interaction.attempts, interaction.uncalled))
        queue = interaction.queue
        waits_for_the_queue = at <= self.now and queue.closed is not None and not queue.retired
        deadline = None if waits_for_the_queue else (at, self.next_seq())
        interaction.appointment = Appointment(interaction, at, deadline)

    def fall_due(self, appointment: Appointment) -> None:
        appointment.deadline = None
        queue = appointment.interaction.queue
        if queue.closed is None or queue.retired:
            self.come_in(appointment.interaction)

    def let_in(self, queue: Queue) -> None:
        due = [
            each.appointment
            for each in self.interactions
            if each.queue is queue and each.appointment is not None and each.appointment.deadline is None
        ]
        for appointment in sorted(due, key=lambda each: (each.at, each.interaction.seq)):
            self.come_in(appointment.interaction)

    def come_in(self, interaction: Interaction) -> None:
        interaction.appointment = None
        interaction.state = "queued"
        interaction.entered_at = interaction.enqueued_at = self.now
        if interaction.uncalled == 0:
            interaction.place_at = self.now
        request = interaction.request
        interaction.priority = request.priority
        self.events.append(m.InteractionDue(request.interaction_id, interaction.place_at, request.priority))
        if request.kind == "live":
            self.effects.append(m.ParkInteraction(request.interaction_id, request.instance))
        self.begin_stay(interaction)
        self.place(interaction)

    def admit(self, request: m.EnqueueInteraction, queue: Queue, caller: Interaction | None = None) -> Interaction:
        interaction = Interaction(request, queue, self.now, self.next_seq())
        if caller is not None:
            interaction.place_at, interaction.priority = caller.place_at, caller.priority
        interaction.preferred = request.preferred_agent
        self.interactions.append(interaction)
        self.events.append(
            m.InteractionQueued(
                request.interaction_id,
                request.channel,
                queue.settings.id,
                request.requirement,
                interaction.priority,
                request.attributes,
                request.customer,
                request.instance,
                0 if caller is None else caller.place_at,
                request.parent,
                request.kind,
            )
        )
        return interaction

    def is_known(self, interaction_id: str) -> bool:
        alive = [each.request.interaction_id for each in self.interactions]
        begun = [work.offer_id.rpartition(".")[0] for work in self.work]
        return interaction_id in [*alive, *begun] or interaction_id in self.ended_interactions


def called_by(request: m.EnqueueInteraction, queue: Queue) -> str:
    """Which channel calls whoever asked, if any does."""
    fits = queue.settings.callback_medium in {"", request.channel}
    return queue.settings.callback_channel if fits else ""
