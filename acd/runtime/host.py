"""What a channel instance is given of the router: the `ChannelHost` of `acd.ports.channel`.

Owns which of the router's services go through as they are, and which are the instance's own. Must not know how an
instance is supervised, nor any channel.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Protocol

from acd.core.messages import Command, Outcome
from acd.ports.channel import AgentStanding, Desired, InteractionStanding, Personal, Place


class HostServices(Protocol):
    """What the router does for every channel alike; see `acd.ports.channel.ChannelHost`."""

    async def submit(self, command: Command) -> Outcome:
        """Hand in a command."""
        ...

    def new_id(self) -> str:
        """A fresh id."""
        ...

    def now_us(self) -> int:
        """The engine's time."""
        ...

    async def remember(self, person: Personal, *, durable: bool = True) -> str:
        """Keep a person."""
        ...

    async def recall(self, customer: str) -> Personal | None:
        """The person behind a reference."""
        ...

    def address(self, agent_id: str, channel: str) -> str:
        """Where the agent is reached."""
        ...

    def recorded(self, command_id: str) -> Outcome | None:
        """What a recent command of this id led to."""
        ...

    def queue_of(self, interaction_id: str) -> str:
        """Where an interaction stands."""
        ...

    def interaction(self, interaction_id: str) -> InteractionStanding | None:
        """How an interaction stands."""
        ...

    def place(self, interaction_id: str) -> Place | None:
        """Where an interaction stands in line."""
        ...

    def agent(self, agent_id: str) -> AgentStanding | None:
        """How an agent stands."""
        ...

    def agents(self) -> tuple[AgentStanding, ...]:
        """How every agent stands."""
        ...

    def watch_agents(self) -> AsyncGenerator[tuple[AgentStanding, ...], None]:
        """All agents, then those that have changed."""
        ...


class Host:
    """The `ChannelHost` of one instance."""

    def __init__(
        self, services: HostServices, wishes: Mapping[str, Desired], request_reconcile: Callable[[], None]
    ) -> None:
        """`wishes`: what the instance should have, by interaction; they are kept up to date elsewhere."""
        self.submit = services.submit
        self.new_id = services.new_id
        self.now_us = services.now_us
        self.remember = services.remember
        self.recall = services.recall
        self.address = services.address
        self.recorded = services.recorded
        self.queue_of = services.queue_of
        self.interaction = services.interaction
        self.place = services.place
        self.agent = services.agent
        self.agents = services.agents
        self.watch_agents = services.watch_agents
        self.request_reconcile = request_reconcile
        self._wishes = wishes

    def desired(self) -> tuple[Desired, ...]:
        """Committed desired state of this instance."""
        return tuple(self._wishes.values())

    def wish(self, interaction_id: str) -> Desired | None:
        """Committed desired state of one interaction of this instance."""
        return self._wishes.get(interaction_id)
