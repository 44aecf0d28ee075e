"""How interactions end, by the letter of ARCHITECTURE.md; a part of the naive model."""

import acd.core.messages as m
from tests.core.naive_affinity import Affinity
from tests.core.naive_state import Interaction
from tests.core.naive_transfer import Transfer


class Ending(Transfer, Affinity):
    """Completed, or given up before anybody has answered."""

    def complete(self, interaction: Interaction, by: str, reason: str) -> None:
        work = self.current(interaction)
        assert work is not None
        self.end_consults(interaction)
        interaction.state = "completed"
        interaction.exclusions = []
        interaction.opening = None
        interaction.parent = None
        agent_id = work.agent.settings.id
        talked = self.now - work.since
        name, instance = interaction.request.interaction_id, interaction.request.instance
        self.events.append(m.InteractionCompleted(name, agent_id, by, reason, talked))
        self.effects.append(m.ReleaseInteraction(name, instance, "completed"))
        if not interaction.request.parent:
            self.remember_last_agent(interaction.request.customer, work.agent)
        guests, interaction.guests = interaction.guests, []
        self.finish_talk(work)
        for guest in guests:
            self.events.append(m.AgentLeft(name, guest.agent.settings.id, agent_id, reason, self.now - guest.since))
            if self.end_part(guest):
                self.forget_if_done(interaction)
                self.serve(guest.agent)

    def give_up(self, interaction: Interaction, reason: str, *, abandoned: bool, instead: str = "") -> None:
        pending = self.pending(interaction)
        for work in pending:
            self.revoke(work, "customer-left" if abandoned else "cancelled")
        interaction.state = "abandoned" if abandoned else "cancelled"
        interaction.exclusions = []
        interaction.hold = interaction.patience = interaction.opening = interaction.step = None
        interaction.appointment = interaction.parent = interaction.reaching = None
        name, waited = interaction.request.interaction_id, self.now - interaction.enqueued_at
        cancelled = m.InteractionCancelled(name, waited, reason, instead)
        self.events.append(m.InteractionAbandoned(name, waited, reason) if abandoned else cancelled)
        self.effects.append(m.ReleaseInteraction(name, interaction.request.instance, interaction.state))
        self.forget_if_done(interaction)
        for work in pending:
            self.settle(work.agent)
            self.serve(work.agent)
