# ruff: noqa: N802 - each on_… carries the name of its command
"""The naive model of customers who are called before any agent is asked."""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_conference import Conference
from tests.core.naive_rules import Refused
from tests.core.naive_state import Agent, Interaction, Queue, Reaching


class Calling(Conference):
    """Whose turn it is to be called, and what comes of it."""

    def calls_first(self, interaction: Interaction) -> bool:
        first = interaction.queue.settings.callback_first == "customer"
        request = interaction.request
        return first and request.kind == "callback" and request.instance != "" and not interaction.reached

    def called(self, queue: Queue) -> int:
        return sum(each.queue is queue and each.state == "reaching" for each in self.interactions)

    def offerable(self, interaction: Interaction, agent: Agent) -> bool:
        enough = interaction.queue.settings.callback_ahead
        if self.calls_first(interaction) and self.called(interaction.queue) >= enough:
            return False
        return super().offerable(interaction, agent)

    def place(self, interaction: Interaction) -> None:
        if interaction.state != "queued" or not self.calls_first(interaction):
            super().place(interaction)
        elif any(self.offerable(interaction, agent) for agent in self.agents):
            self.call(interaction)

    def offer(self, interaction: Interaction, agent: Agent, sought: str) -> None:
        if self.calls_first(interaction):
            self.call(interaction)
        else:
            super().offer(interaction, agent, sought)

    def call(self, interaction: Interaction) -> None:
        interaction.state = "reaching"
        interaction.hold = interaction.opening = interaction.step = None
        interaction.steps_until, interaction.instead, interaction.own_dropped, interaction.wider = 0, "", False, []
        interaction.reach = limits.MAX_LEVEL
        until = self.now + interaction.queue.settings.callback_reach_us
        interaction.reaching = Reaching(interaction, self.now, (until, self.next_seq()))
        name, attempt = interaction.request.interaction_id, interaction.attempts + 1
        self.events.append(m.CustomerCalled(name, attempt, until))
        self.effects.append(m.ReachCustomer(name, interaction.request.instance, attempt, until))

    def on_NoteReached(self, command: m.NoteReached) -> None:
        interaction = self.interaction(command.interaction_id)
        reaching = interaction.reaching
        if reaching is None:
            raise Refused("interaction-not-reaching")
        if command.attempt != interaction.attempts + 1:
            raise Refused("other-attempt")
        interaction.reaching = None
        interaction.state = "queued"
        interaction.reached = True
        interaction.entered_at = interaction.enqueued_at = self.now
        name = command.interaction_id
        self.events.append(m.CustomerReached(name, command.attempt, self.now - reaching.since))
        self.effects.append(m.ParkInteraction(name, interaction.request.instance))
        self.begin_stay(interaction)
        self.place(interaction)

    def on_FailCallback(self, command: m.FailCallback) -> None:
        interaction = self.interaction(command.interaction_id)
        if interaction.request.kind != "callback":
            raise Refused("not-a-callback")
        work = self.current(interaction)
        if interaction.state != "reaching" and (interaction.state != "active" or work is None):
            raise Refused("interaction-not-active")
        if command.attempt not in {0, interaction.attempts + 1}:
            raise Refused("other-attempt")
        self.end_consults(interaction)
        for guest in list(interaction.guests):
            self.step_out(guest, command.reason)
            self.end_work(guest)
            self.serve(guest.agent)
        if work is not None:
            self.end_work(work)
        self.miss(interaction, command.reason, called=command.called)
        if work is not None:
            self.serve(work.agent)
