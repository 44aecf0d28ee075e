"""The channels in Python and JavaScript keep the contract: real processes, against a real server."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import pytest

from acd.api.external.proving import ProvingGround
from acd.ports.channel import Channel
from acd.testing.contract import ChannelContract, Standing
from acd.testing.contract_consult import ConsultContract
from tests.examples.chats import COMMANDS, Chat


class ChatDriver:
    """Moves the people of a chat."""

    agent_id = "anna"
    adviser_id = "ben"

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._ground = ProvingGround("web", "chat")
        self._chat: Chat | None = None

    async def __aenter__(self) -> Self:
        await self._ground.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._chat is not None:
            await self._chat.kill()
        await self._ground.__aexit__(kind, error, trace)

    @property
    def chat(self) -> Chat:
        assert self._chat is not None
        return self._chat

    async def make(self, *, far_end: bool = True) -> Channel:
        channel = self._ground.open()
        if far_end and self._chat is None:
            self._chat = await Chat(self._command, self._ground.url).__aenter__()
        return channel

    def address(self, agent_id: str, channel: str) -> str:
        return f"{channel}:{agent_id}"

    async def customer_arrives(self) -> str:
        name, _ = await self.chat.arrive()
        return name

    async def customer_leaves(self, interaction_id: str) -> None:
        await self.chat.customers[interaction_id].close()

    async def device_answers(self, offer_id: str) -> None:
        self.chat.desk_that_rings(offer_id).type(f"answer {offer_id}")

    async def device_dies(self, offer_id: str) -> None:
        await self.chat.desk_that_rings(offer_id).close()

    async def standing(self, interaction_id: str) -> Standing:
        desks = self.chat.desks.values()
        customer = self.chat.customers.get(interaction_id)
        if not any(desk.is_in(interaction_id, "asking") for desk in desks) and not (customer and customer.is_open):
            return "absent"
        if await self.talking(interaction_id):
            return "connected"
        rings = any(offer.startswith(f"{interaction_id}.") for desk in desks for offer in desk.rings())
        return "ringing" if rings else "waiting"

    async def talking(self, interaction_id: str) -> frozenset[str]:
        return frozenset(agent for agent, desk in self.chat.desks.items() if desk.is_in(interaction_id))

    async def rings(self, offer_id: str) -> int:
        return sum(desk.count(f"ring {offer_id}") for desk in self.chat.desks.values())


@pytest.fixture(params=COMMANDS)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[ChatDriver]:
    async with ChatDriver(COMMANDS[str(request.param)]()) as moved:
        yield moved


@pytest.mark.parametrize("check", ChannelContract.checks())
async def test_it_keeps_the_contract(driver: ChatDriver, check: str) -> None:
    await ChannelContract(driver).run(check)


@pytest.mark.parametrize("check", ConsultContract.checks())
async def test_it_keeps_the_contract_of_consults(driver: ChatDriver, check: str) -> None:
    await ConsultContract(driver).run(check)
