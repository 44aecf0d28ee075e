"""A host that records what a channel submits: the engine's stand-in while a channel is put to the test.

Owns the recording. Must not know what is right.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeVar

from acd.core.messages import Command, Outcome
from acd.ports.channel import AgentStanding, Desired, InteractionStanding, Personal, Place

PATIENCE_SECONDS: Final = 10.0
"""How long is waited for the far end."""

C = TypeVar("C", bound=Command)


class ContractViolation(AssertionError):
    """The channel does not keep the contract; says what was expected."""


class RecordingHost:
    """`acd.ports.channel.ChannelHost` that records commands and accepts all of them."""

    def __init__(self, address: Callable[[str, str], str]) -> None:
        """`address` answers where agents are."""
        self.address = address
        self.commands: list[Command] = []
        self.wished: dict[str, Desired] = {}
        self.staff: dict[str, AgentStanding] = {}
        self.interactions: dict[str, InteractionStanding] = {}
        self.queues: dict[str, str] = {}
        self.places: dict[str, Place] = {}
        self.reconciles = 0
        self.ahead_us = 0
        self._people: dict[str, Personal] = {}
        self._ids = 0
        self._news = asyncio.Event()

    async def submit(self, command: Command) -> Outcome:
        """Record."""
        self.commands.append(command)
        self._news.set()
        return Outcome()

    def now_us(self) -> int:
        """The wall clock's time, and however far the engine's is ahead of it."""
        return time.time_ns() // 1_000 + self.ahead_us

    def new_id(self) -> str:
        """Count."""
        self._ids += 1
        return f"contract-{self._ids}"

    async def remember(self, person: Personal, *, durable: bool = True) -> str:  # noqa: ARG002 - nothing is slow here
        """Keep in memory."""
        reference = f"person-{person.number or len(self._people)}"
        self._people[reference] = person
        return reference

    async def recall(self, customer: str) -> Personal | None:
        """From memory."""
        return self._people.get(customer)

    def desired(self) -> tuple[Desired, ...]:
        """What the check wishes."""
        return tuple(self.wished.values())

    def wish(self, interaction_id: str) -> Desired | None:
        """Likewise."""
        return self.wished.get(interaction_id)

    def recorded(self, command_id: str) -> Outcome | None:
        """All were accepted."""
        return Outcome() if any(command.id == command_id for command in self.commands) else None

    def queue_of(self, interaction_id: str) -> str:
        """What the check says."""
        return self.queues.get(interaction_id, "")

    def interaction(self, interaction_id: str) -> InteractionStanding | None:
        """Likewise."""
        return self.interactions.get(interaction_id)

    def place(self, interaction_id: str) -> Place | None:
        """Likewise."""
        return self.places.get(interaction_id)

    def agent(self, agent_id: str) -> AgentStanding | None:
        """Likewise."""
        return self.staff.get(agent_id)

    def agents(self) -> tuple[AgentStanding, ...]:
        """Likewise."""
        return tuple(self.staff.values())

    async def watch_agents(self) -> AsyncGenerator[tuple[AgentStanding, ...], None]:
        """As they are; nobody changes."""
        yield self.agents()

    def request_reconcile(self) -> None:
        """Count."""
        self.reconciles += 1
        self._news.set()

    async def expect(self, kind: type[C], where: Callable[[C], bool]) -> C:
        """A recorded command of that kind; waits for it."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    for command in self.commands:
                        if isinstance(command, kind) and where(command):
                            return command
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            known = ", ".join(type(command).__name__ for command in self.commands) or "nothing"
            raise ContractViolation(f"expected the channel to submit {kind.__name__}; it submitted {known}") from None
