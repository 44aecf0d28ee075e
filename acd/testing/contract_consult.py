"""The part of the contract for channels on which agents can ask each other for advice, and talk to a customer together.

Owns what such a channel has to do beyond `acd.testing.contract`. Must not know any channel, nor a test framework. A
channel that cannot do it ignores `OpenConsult` and `JoinAgent`, and does not run these checks; the next reconcile
finds no such conversation and ends the consult.
"""

from typing import Protocol

from acd.core.messages import (
    ConnectInteraction,
    DisconnectAgent,
    EndInteraction,
    JoinAgent,
    OfferInteraction,
    OpenConsult,
    ReleaseInteraction,
)
from acd.ports.channel import Channel, Desired
from acd.testing.contract import FAR_FUTURE_US, ChannelContract, Driver, require, until


class ConsultDriver(Driver, Protocol):
    """A driver whose far end has a device of `adviser_id`, too."""

    adviser_id: str

    async def talking(self, interaction_id: str) -> frozenset[str]:
        """Who talks in this conversation at the far end, apart from the customer (or whoever asks, in a consult)."""
        ...


class ConsultContract(ChannelContract):
    """The checks, one method each, over one driver."""

    def __init__(self, driver: ConsultDriver) -> None:
        """A driver whose world is empty."""
        super().__init__(driver)
        self._far_end = driver

    async def check_a_consult_comes_and_goes(self) -> None:
        """It is opened beside the customer's conversation, which stays, and ends without it; both twice, too."""
        channel, customer = await self._talking()
        consult = await self._consult(channel, customer)
        await self._talk(customer, self.driver.agent_id)
        await self._talk(consult, self._far_end.adviser_id)
        release = ReleaseInteraction(consult, channel.name, "completed")
        await channel.perform(release)
        await channel.perform(release)
        await self._stands(consult, "absent")
        await self._talk(customer, self.driver.agent_id)

    async def check_a_consult_becomes_a_conference(self) -> None:
        """The adviser joins, and nothing is left of the consult; twice is as good as once. Then they leave again."""
        channel, customer = await self._talking()
        consult = await self._consult(channel, customer)
        join = self._join(channel, customer, consult)
        await channel.perform(join)
        await channel.perform(join)
        await self._talk(customer, self.driver.agent_id, self._far_end.adviser_id)
        await self._stands(consult, "absent")
        leave = DisconnectAgent(join.offer_id, customer, join.agent_id, channel.name)
        await channel.perform(leave)
        await channel.perform(leave)
        await self._talk(customer, self.driver.agent_id)

    async def check_a_consult_becomes_a_transfer(self) -> None:
        """The adviser joins, and the first agent is let go; the customer never waits."""
        channel, customer = await self._talking()
        consult = await self._consult(channel, customer)
        await channel.perform(self._join(channel, customer, consult))
        await channel.perform(DisconnectAgent(f"{customer}.1", customer, self.driver.agent_id, channel.name))
        await self._talk(customer, self._far_end.adviser_id)
        await self._stands(consult, "absent")

    async def check_reconcile_opens_a_consult(self) -> None:
        """A consult that the world does not have is opened, as long as the customer of its parent is there."""
        channel, customer = await self._talking()
        await self._reconcile(
            channel,
            Desired(customer, "connected", f"{customer}.1", self.driver.agent_id),
            Desired("question", "waiting", parent=customer, asking=self.driver.agent_id),
        )
        await self._stands("question", "waiting")
        lost = [each for each in self.host.commands if isinstance(each, EndInteraction)]
        require(not lost, f"a consult that can be opened is not lost, yet: {lost}")
        await self._talk(customer, self.driver.agent_id)

    async def check_reconcile_reports_a_consult_about_nobody(self) -> None:
        """Without the customer there is nothing to ask about."""
        channel = await self._started()
        await self._reconcile(channel, Desired("question", "waiting", parent="nobody", asking=self.driver.agent_id))
        await self._ended("question")

    async def check_reconcile_joins_everybody(self) -> None:
        """Who should talk does, and nobody else: a conference is made of a consult, and ended, by comparing alone."""
        channel, customer = await self._talking()
        consult = await self._consult(channel, customer)
        adviser = (f"{consult}.1", self._far_end.adviser_id)
        owner = (f"{customer}.1", self.driver.agent_id)
        await self._reconcile(channel, Desired(customer, "connected", *owner, (adviser,)))
        await self._talk(customer, self.driver.agent_id, self._far_end.adviser_id)
        await self._stands(consult, "absent")
        await self._reconcile(channel, Desired(customer, "connected", *adviser))
        await self._talk(customer, self._far_end.adviser_id)

    # ---- steps

    async def _talking(self) -> tuple[Channel, str]:
        channel = await self._started()
        customer = await self._parked(channel)
        await self._connected(channel, customer)
        return channel, customer

    async def _consult(self, channel: Channel, customer: str) -> str:
        """An adviser has answered."""
        consult, asking = f"about-{customer}", self.driver.agent_id
        opened = OpenConsult(consult, channel.name, customer, asking)
        self.host.wished[consult] = Desired(consult, "waiting", parent=customer, asking=asking)
        await channel.perform(opened)
        await channel.perform(opened)
        await self._stands(consult, "waiting")
        offer = OfferInteraction(f"{consult}.1", consult, self._far_end.adviser_id, channel.name, FAR_FUTURE_US)
        parts = offer.offer_id, offer.agent_id
        self.host.wished[consult] = Desired(consult, "offered", *parts, parent=customer, asking=asking)
        await channel.perform(offer)
        await self._stands(consult, "ringing")
        await self.driver.device_answers(offer.offer_id)
        self.host.wished[consult] = Desired(consult, "connected", *parts, parent=customer, asking=asking)
        await channel.perform(ConnectInteraction(offer.offer_id, consult, offer.agent_id, channel.name))
        await self._talk(consult, offer.agent_id)
        return consult

    def _join(self, channel: Channel, customer: str, consult: str) -> JoinAgent:
        del self.host.wished[consult]
        adviser = self._far_end.adviser_id
        return JoinAgent(f"{consult}.1", customer, adviser, channel.name, consult)

    async def _talk(self, interaction_id: str, *agents: str) -> None:
        """These agents talk there, and nobody else."""

        async def holds() -> bool:
            return await self._far_end.talking(interaction_id) == frozenset(agents)

        await until(holds, f"{', '.join(agents)} and nobody else to talk in {interaction_id}")
