"""The naive model's reserve: of the agents who could take an interaction now, the last few are for other queues."""

from tests.core.naive_calling import Calling
from tests.core.naive_state import Agent, Interaction


class Reserving(Calling):
    """The rules, and the reserve."""

    def offerable(self, interaction: Interaction, agent: Agent) -> bool:
        if agent.presence != "ready":
            return False
        reserve = interaction.queue.settings.reserve
        return super().offerable(interaction, agent) and (reserve == 0 or len(self.free_for(interaction)) > reserve)

    def free_for(self, interaction: Interaction) -> list[Agent]:
        """Whoever is there with room and satisfies the requirement; exclusions, levels and holds do not count."""
        return [
            agent
            for agent in self.agents
            if agent.presence == "ready"
            and not agent.retired
            and self.satisfies(agent, interaction)
            and self.has_room(agent, interaction.request.channel)
            and not self.is_vetoed(agent, interaction.request.channel)
        ]

    def open_up(self) -> None:
        """After every command, and every deadline: nobody waits for an agent who is not kept free any more."""
        while True:
            found = [
                each
                for each in self.interactions
                if each.state == "queued"
                and (each.queue.settings.reserve > 0 or self.calls_first(each))
                and any(self.offerable(each, agent) for agent in self.agents)
            ]
            if not found:
                return
            self.place(min(found, key=self.place_in_line))
