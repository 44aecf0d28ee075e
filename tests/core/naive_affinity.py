"""The naive model of whom an interaction prefers whose request names nobody."""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_consult import Consult
from tests.core.naive_state import Agent, Interaction, Queue


class Affinity(Consult):
    """Dedicated agents, and last agents. `last_agents`: (customer, agent's id, when), oldest first."""

    last_agents: list[tuple[str, str, int]]

    def begin_hold(self, interaction: Interaction) -> None:
        if not interaction.preferred:
            self.prefer(interaction, interaction.queue)
        super().begin_hold(interaction)

    def prefer(self, interaction: Interaction, queue: Queue) -> None:
        out = [each.agent_id for each in interaction.exclusions]
        out += [work.agent.settings.id for work in self.work if work.interaction is interaction]
        out += [agent.settings.id for agent in self.who_talks_about(interaction)]
        there = [agent.settings.id for agent in self.agents if not agent.retired and agent.settings.id not in out]
        for because, agent_id in (
            ("dedicated", self.dedicated(interaction, queue)),
            ("last-agent", self.last(interaction, queue)),
        ):
            if agent_id in there:
                interaction.preferred, interaction.preferred_by = agent_id, because
                self.events.append(m.AgentPreferred(interaction.request.interaction_id, agent_id, because))
                return

    def dedicated(self, interaction: Interaction, queue: Queue) -> str:
        values = [value for name, value in interaction.request.attributes if name == queue.settings.dedicated_attribute]
        return values[0] if values else ""

    def last(self, interaction: Interaction, queue: Queue) -> str:
        for customer, agent_id, at in self.last_agents:
            if customer == interaction.request.customer and self.now - at < queue.settings.affinity_us:
                return agent_id
        return ""

    def remember_last_agent(self, customer: str, agent: Agent) -> None:
        if customer and self.somebody_asks():
            others = [each for each in self.last_agents if each[0] != customer]
            self.last_agents = [*others, (customer, agent.settings.id, self.now)][-limits.AFFINITY_WINDOW :]

    def somebody_asks(self) -> bool:
        return any(queue.affinity_us for queue in self.settings.queues)
