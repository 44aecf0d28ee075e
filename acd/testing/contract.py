"""The contract that every channel adapter must pass, as checks to run against its own far end.

Owns what a channel has to do; must not know any channel, nor a test framework. An adapter's tests write a
`Driver`, which moves the far end (a lab PBX, a fake gateway), and run every check:

    @pytest.mark.parametrize("check", ChannelContract.checks())
    async def test_contract(check: str) -> None:
        async with MyDriver() as driver:
            await ChannelContract(driver).run(check)

Each check gets a driver, and a world, of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

from acd.core.messages import (
    AcceptOffer,
    ConnectInteraction,
    DisconnectAgent,
    EndInteraction,
    FailOffer,
    OfferInteraction,
    ParkInteraction,
    ReleaseInteraction,
    RevokeOffer,
)
from acd.errors import ChannelError
from acd.ports.channel import Channel, Desired
from acd.testing.recording_host import PATIENCE_SECONDS, ContractViolation, RecordingHost

START_SECONDS: Final = 3.0
"""How long `start` may take when the far end is away."""

POLL_SECONDS: Final = 0.01
"""How often the far end is asked how it stands."""

FAR_FUTURE_US: Final = 2**52

Standing = Literal["absent", "waiting", "ringing", "connected"]


class Driver(Protocol):
    """A channel with its far end in the hands of a test. `agent_id` has a device there."""

    agent_id: str

    async def make(self, *, far_end: bool = True) -> Channel:
        """The channel, not started, with the far end there or away. Called again to restart: the world stays."""
        ...

    def address(self, agent_id: str, channel: str) -> str:
        """What the host is to answer when asked for an address."""
        ...

    async def customer_arrives(self) -> str:
        """A customer is at the far end, known to it, of the id that is returned."""
        ...

    async def customer_leaves(self, interaction_id: str) -> None:
        """The customer hangs up."""
        ...

    async def device_answers(self, offer_id: str) -> None:
        """The agent's device, which rings, is picked up."""
        ...

    async def device_dies(self, offer_id: str) -> None:
        """The agent's device stops ringing by itself, and answers nothing."""
        ...

    async def standing(self, interaction_id: str) -> Standing:
        """How the customer stands at the far end: `ringing` when an agent's device rings or was picked up for them."""
        ...

    async def rings(self, offer_id: str) -> int:
        """How many devices have ever rung for the offer."""
        ...


class ChannelContract:
    """The checks, one method each, over one driver."""

    def __init__(self, driver: Driver) -> None:
        """A driver whose world is empty."""
        self.driver = driver
        self.host = RecordingHost(driver.address)
        self._channels: list[Channel] = []

    @classmethod
    def checks(cls) -> tuple[str, ...]:
        """The names of all checks."""
        return tuple(name for name in vars(cls) if name.startswith("check_"))

    async def run(self, check: str) -> None:
        """Run one check and stop what it started. Raises `ContractViolation`, or what the channel raises."""
        try:
            await getattr(self, check)()
        finally:
            for channel in self._channels:
                await channel.stop()

    # ---- starting and stopping

    async def check_starts_without_far_end(self) -> None:
        """`start` returns although the far end is away, `health` says so, and `stop` ends it."""
        channel = await self.driver.make(far_end=False)
        self._channels.append(channel)
        try:
            async with asyncio.timeout(START_SECONDS):
                await channel.start(self.host)
        except TimeoutError:
            raise ContractViolation("start must not wait for the far end") from None
        require(channel.health().get("connected") is False, "health must say connected = False without a far end")

    async def check_connects(self) -> None:
        """With the far end there, `health` says `connected` before long."""
        await self._started()

    async def check_error_names_the_channel(self) -> None:
        """What cannot be done raises `ChannelError`, and its text names the channel."""
        channel = await self.driver.make(far_end=False)
        self._channels.append(channel)
        await channel.start(self.host)
        try:
            await channel.perform(self._offer("nowhere"))
        except ChannelError as error:
            require(channel.name in str(error), f"the error must name the channel {channel.name!r}; it says: {error}")
        else:
            raise ContractViolation("an offer without a far end must raise ChannelError")

    async def check_stop_leaves_the_world(self) -> None:
        """After `stop` customers still wait and talk; stopping twice does no harm."""
        channel = await self._started()
        waiting, talking = await self._parked(channel), await self._parked(channel)
        await self._connected(channel, talking)
        await channel.stop()
        await channel.stop()
        require(await self.driver.standing(waiting) == "waiting", "stop must leave waiting customers where they are")
        require(await self.driver.standing(talking) == "connected", "stop must leave conversations as they are")

    # ---- effects

    async def check_walk_of_one_interaction(self) -> None:
        """Park, offer, answer, connect, release: the world follows, the host hears of the answer."""
        channel = await self._started()
        customer = await self._parked(channel)
        await self._connected(channel, customer)
        await channel.perform(ReleaseInteraction(customer, channel.name, "completed"))
        await self._stands(customer, "absent")

    async def check_effects_are_idempotent(self) -> None:
        """Every effect twice is as good as once; no second device rings."""
        channel = await self._started()
        customer = await self._parked(channel)
        await channel.perform(ParkInteraction(customer, channel.name))
        await self._stands(customer, "waiting")
        offer = self._offer(customer)
        await channel.perform(offer)
        await self._stands(customer, "ringing")
        await channel.perform(offer)
        require(await self.driver.rings(offer.offer_id) == 1, "an offer that is performed twice must ring once")
        await self.driver.device_answers(offer.offer_id)
        await self.host.expect(AcceptOffer, lambda command: command.offer_id == offer.offer_id)
        connect = ConnectInteraction(offer.offer_id, customer, offer.agent_id, channel.name)
        await channel.perform(connect)
        await self._stands(customer, "connected")
        await channel.perform(connect)
        await self._stands(customer, "connected")
        release = ReleaseInteraction(customer, channel.name, "completed")
        await channel.perform(release)
        await self._stands(customer, "absent")
        await channel.perform(release)
        await channel.perform(RevokeOffer(offer.offer_id, customer, offer.agent_id, channel.name, "customer-left"))

    async def check_revoke_after_offer(self) -> None:
        """An offer that is revoked at once does not ring on, and the next one does ring."""
        channel = await self._started()
        customer = await self._parked(channel)
        first, second = self._offer(customer, 1), self._offer(customer, 2)
        await channel.perform(first)
        await channel.perform(RevokeOffer(first.offer_id, customer, first.agent_id, channel.name, "expired"))
        await self._stands(customer, "waiting")
        await channel.perform(second)
        await self._stands(customer, "ringing")
        require(await self.driver.rings(second.offer_id) == 1, "an offer after a revoked one must ring")

    async def check_disconnect_parks_the_customer(self) -> None:
        """An agent who hands the customer on is let go, the customer waits again, and the next offer rings."""
        channel = await self._started()
        customer = await self._parked(channel)
        first = await self._connected(channel, customer)
        self.host.wished[customer] = Desired(customer, "waiting")
        disconnect = DisconnectAgent(first.offer_id, customer, first.agent_id, channel.name)
        await channel.perform(disconnect)
        await channel.perform(ParkInteraction(customer, channel.name))
        await self._stands(customer, "waiting")
        await channel.perform(disconnect)
        second = self._offer(customer, 2)
        await channel.perform(second)
        await self._stands(customer, "ringing")
        require(await self.driver.rings(second.offer_id) == 1, "an offer after a disconnect must ring")

    async def check_customer_leaves(self) -> None:
        """A customer who hangs up is reported: `EndInteraction(by="customer")`."""
        channel = await self._started()
        customer = await self._parked(channel)
        await self.driver.customer_leaves(customer)
        ended = await self._ended(customer)
        require(ended.by == "customer", f"a customer who hangs up is reported by='customer', not by={ended.by!r}")

    # ---- reconciling

    async def check_reconcile_releases_what_nobody_desires(self) -> None:
        """What the world has and nobody desires is released; what is desired stays."""
        channel = await self._started()
        kept, extra = await self._parked(channel), await self._parked(channel)
        await self._reconcile(channel, Desired(kept, "waiting"))
        await self._stands(extra, "absent")
        await self._stands(kept, "waiting")

    async def check_reconcile_reports_what_is_missing(self) -> None:
        """A desired interaction that the world does not have is reported with `EndInteraction`."""
        channel = await self._started()
        for state in ("waiting", "offered", "connected"):
            customer = f"gone-{state}"
            await self._reconcile(channel, Desired(customer, state, f"{customer}.1", self.driver.agent_id))
            ended = await self._ended(customer)
            require(ended.by in ("system", "customer"), f"by={ended.by!r}: nobody knows that it was the agent")

    async def check_reconcile_reports_answered_meanwhile(self) -> None:
        """A device that was picked up while nobody listened is reported with `AcceptOffer`."""
        channel = await self._started()
        customer = await self._parked(channel)
        offer = self._offer(customer)
        await channel.perform(offer)
        await self._stands(customer, "ringing")
        await channel.stop()
        await self.driver.device_answers(offer.offer_id)
        again = await self._started()
        await self._reconcile(again, Desired(customer, "offered", offer.offer_id, offer.agent_id))
        accepted = await self.host.expect(AcceptOffer, lambda command: command.offer_id == offer.offer_id)
        require(accepted.agent_id == offer.agent_id, "AcceptOffer must name the agent whose device was picked up")

    async def check_reconcile_reports_ringing_that_was_lost(self) -> None:
        """A device that no longer rings is reported with `FailOffer`; the customer waits on."""
        channel = await self._started()
        customer = await self._parked(channel)
        offer = self._offer(customer)
        await channel.perform(offer)
        await self._stands(customer, "ringing")
        await channel.stop()
        await self.driver.device_dies(offer.offer_id)
        again = await self._started()
        await self._reconcile(again, Desired(customer, "offered", offer.offer_id, offer.agent_id))
        await self.host.expect(FailOffer, lambda command: command.offer_id == offer.offer_id)
        await self._stands(customer, "waiting")

    async def check_reconcile_stops_ringing_that_nobody_desires(self) -> None:
        """A device rings although the customer should only wait: it stops, and the customer stays."""
        channel = await self._started()
        customer = await self._parked(channel)
        await channel.perform(self._offer(customer))
        await self._stands(customer, "ringing")
        await self._reconcile(channel, Desired(customer, "waiting"))
        await self._stands(customer, "waiting")

    async def check_reconcile_joins_who_should_talk(self) -> None:
        """The device was picked up and accepted, but nobody joined the two: it is done now."""
        channel = await self._started()
        customer = await self._parked(channel)
        offer = self._offer(customer)
        await channel.perform(offer)
        await self._stands(customer, "ringing")
        await self.driver.device_answers(offer.offer_id)
        await self.host.expect(AcceptOffer, lambda command: command.offer_id == offer.offer_id)
        await self._reconcile(channel, Desired(customer, "connected", offer.offer_id, offer.agent_id))
        await self._stands(customer, "connected")

    async def check_reconcile_of_a_sound_world_changes_nothing(self) -> None:
        """Where all is as desired, nothing is reported and nothing moves."""
        channel = await self._started()
        waiting, talking = await self._parked(channel), await self._parked(channel)
        offer = await self._connected(channel, talking)
        before = len(self.host.commands)
        await self._reconcile(
            channel, Desired(waiting, "waiting"), Desired(talking, "connected", offer.offer_id, offer.agent_id)
        )
        require(len(self.host.commands) == before, f"nothing to report, yet: {self.host.commands[before:]}")
        await self._stands(waiting, "waiting")
        await self._stands(talking, "connected")

    # ---- steps

    async def _started(self) -> Channel:
        channel = await self.driver.make()
        self._channels.append(channel)
        await channel.start(self.host)
        await until(_is_connected(channel), "health to say connected = True")
        return channel

    async def _parked(self, channel: Channel) -> str:
        customer = await self.driver.customer_arrives()
        self.host.wished[customer] = Desired(customer, "waiting")
        await channel.perform(ParkInteraction(customer, channel.name))
        await self._stands(customer, "waiting")
        return customer

    async def _connected(self, channel: Channel, customer: str) -> OfferInteraction:
        offer = self._offer(customer)
        self.host.wished[customer] = Desired(customer, "offered", offer.offer_id, offer.agent_id)
        await channel.perform(offer)
        await self._stands(customer, "ringing")
        await self.driver.device_answers(offer.offer_id)
        accepted = await self.host.expect(AcceptOffer, lambda command: command.offer_id == offer.offer_id)
        require(accepted.agent_id == offer.agent_id, "AcceptOffer must name the agent whose device was picked up")
        self.host.wished[customer] = Desired(customer, "connected", offer.offer_id, offer.agent_id)
        await channel.perform(ConnectInteraction(offer.offer_id, customer, offer.agent_id, channel.name))
        await self._stands(customer, "connected")
        return offer

    async def _ended(self, customer: str) -> EndInteraction:
        return await self.host.expect(EndInteraction, lambda command: command.interaction_id == customer)

    async def _reconcile(self, channel: Channel, *desired: Desired) -> None:
        self.host.wished = {each.interaction_id: each for each in desired}
        await channel.reconcile(desired)

    def _offer(self, customer: str, number: int = 1) -> OfferInteraction:
        name = self._channels[-1].name
        offer_id, agent_id = f"{customer}.{number}", self.driver.agent_id
        # A channel may compare by itself, when it connects again, with what the host desires.
        self.host.wished[customer] = Desired(customer, "offered", offer_id, agent_id)
        return OfferInteraction(offer_id, customer, agent_id, name, FAR_FUTURE_US)

    async def _stands(self, customer: str, standing: Standing) -> None:
        async def holds() -> bool:
            return await self.driver.standing(customer) == standing

        await until(holds, f"{customer} to be {standing} at the far end")


def _is_connected(channel: Channel) -> Callable[[], Awaitable[bool]]:
    async def connected() -> bool:
        return channel.health().get("connected") is True

    return connected


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """For checks: ask the far end until it holds: it may be another process, which tells nobody."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise ContractViolation(f"expected {what} within {PATIENCE_SECONDS:g} s") from None


def require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """For checks: raise `ContractViolation` unless it holds."""
    if not holds:
        raise ContractViolation(otherwise)
