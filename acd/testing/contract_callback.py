"""The part of the contract for channels that call customers back before any agent is asked.

Owns what such a channel has to do beyond `acd.testing.contract`. Must not know any channel, nor a test framework. A
channel that calls nobody answers `ReachCustomer` with `FailCallback`, and does not run these checks. What they do not
look at: one whose line is down says so (`FailCallback.called`), and is given the same attempt again.
"""

from typing import Final, Protocol

from msgspec import structs

from acd.core.messages import (
    FailCallback,
    NoteInteraction,
    NoteReached,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
)
from acd.ports.channel import Channel, Desired, InteractionStanding, Personal
from acd.testing.contract import FAR_FUTURE_US, ChannelContract, Driver, require, until

CALLBACK: Final = "callback"
"""The interaction of every check."""


class CallbackDriver(Driver, Protocol):
    """A driver whose far end has a telephone of `customer_number`."""

    customer_number: str

    async def is_called(self, interaction_id: str) -> bool:
        """Whether the customer's telephone rings for the callback at the moment."""
        ...

    async def calls(self, interaction_id: str) -> int:
        """How often it has ever rung for the callback."""
        ...

    async def customer_answers(self, interaction_id: str) -> None:
        """The customer, whose telephone rings, picks up, and is somebody."""
        ...

    async def customer_refuses(self, interaction_id: str) -> None:
        """The customer's telephone rings no more, and nobody has answered."""
        ...


class CallbackContract(ChannelContract):
    """The checks, one method each, over one driver."""

    def __init__(self, driver: CallbackDriver) -> None:
        """A driver whose world is empty."""
        super().__init__(driver)
        self._far_end = driver

    async def check_a_customer_is_called_and_waits(self) -> None:
        """Called once however often that is ordered; who is there is told, waits, and talks like any caller."""
        channel = await self._started()
        await self._called(channel)
        await channel.perform(self._reach(channel))
        await self._far_end.customer_answers(CALLBACK)
        await self._there()
        await self._parks(channel)
        await self._connected(channel, CALLBACK)
        await self._rang(1)

    async def check_a_customer_who_does_not_answer(self) -> None:
        """The attempt has failed, and is named: the engine may be at another one by then."""
        channel = await self._started()
        await self._called(channel, attempts=1)
        await self._far_end.customer_refuses(CALLBACK)
        failed = await self.host.expect(FailCallback, lambda command: command.interaction_id == CALLBACK)
        require(failed.attempt == 2, f"FailCallback must name attempt 2, not {failed.attempt}")  # noqa: PLR2004

    async def check_nobody_wants_it_any_more(self) -> None:
        """The telephone stops."""
        channel = await self._started()
        await self._called(channel)
        self.host.wished = {}
        release = ReleaseInteraction(CALLBACK, channel.name, "cancelled")
        await channel.perform(release)
        await channel.perform(release)
        await until(self._is_silent, "the customer's telephone to stop")

    async def check_reconcile_calls_whose_turn_it_is(self) -> None:
        """A customer who should be called and is not is called now; who is called goes on being called."""
        channel = await self._started()
        await self._due()
        for _ in range(2):
            await self._reconcile(channel, Desired(CALLBACK, "reaching"))
            await until(self._is_called, "the customer's telephone to ring")
        await self._rang(1)
        await self._reconcile(channel)
        await until(self._is_silent, "the customer's telephone to stop")

    async def check_another_process_finds_a_telephone_that_rings(self) -> None:
        """Nobody is called twice, and who answers then is told."""
        channel = await self._started()
        await self._called(channel)
        await channel.stop()
        self._remembered()
        again = await self._started()
        await self._reconcile(again, Desired(CALLBACK, "reaching"))
        await until(self._is_called, "the customer's telephone to go on ringing")
        await self._far_end.customer_answers(CALLBACK)
        await self._there()
        await self._rang(1)

    async def check_another_process_finds_nobody(self) -> None:
        """What came of the call nobody heard: it has failed, and nobody is called again for this attempt."""
        channel = await self._started()
        await self._called(channel)
        await channel.stop()
        self._remembered()
        await self._far_end.customer_refuses(CALLBACK)
        again = await self._started()
        await self._reconcile(again, Desired(CALLBACK, "reaching"))
        failed = await self.host.expect(FailCallback, lambda command: command.interaction_id == CALLBACK)
        require(failed.attempt in (0, 1), f"FailCallback must name attempt 1, not {failed.attempt}")
        await self._rang(1)

    # ---- steps

    async def _due(self, attempts: int = 0) -> None:
        customer = await self.host.remember(Personal(number=self._far_end.customer_number))
        self.host.interactions[CALLBACK] = InteractionStanding(
            CALLBACK, "reaching", "sales", kind="callback", customer=customer, attempts=attempts
        )
        self.host.wished[CALLBACK] = Desired(CALLBACK, "reaching")

    def _reach(self, channel: Channel) -> ReachCustomer:
        attempt = self.host.interactions[CALLBACK].attempts + 1
        return ReachCustomer(CALLBACK, channel.name, attempt, FAR_FUTURE_US)

    async def _called(self, channel: Channel, attempts: int = 0) -> None:
        await self._due(attempts)
        await channel.perform(self._reach(channel))
        await until(self._is_called, "the customer's telephone to ring")

    async def _there(self) -> None:
        reached = await self.host.expect(NoteReached, lambda command: command.interaction_id == CALLBACK)
        require(reached.attempt == 1, f"NoteReached must name attempt 1, not {reached.attempt}")

    async def _parks(self, channel: Channel) -> None:
        self._remembered(state="queued")
        self.host.wished[CALLBACK] = Desired(CALLBACK, "waiting")
        await channel.perform(ParkInteraction(CALLBACK, channel.name))
        await self._stands(CALLBACK, "waiting")

    def _remembered(self, state: str = "reaching") -> None:
        """What was noted with the interaction is known from now on, as the engine would have it."""
        standing = self.host.interactions[CALLBACK]
        known = dict(standing.attributes)
        for each in self.host.commands:
            if isinstance(each, NoteInteraction):
                known.update(each.attributes)
        changed = structs.replace(standing, state=state, attributes=tuple(known.items()))
        self.host.interactions[CALLBACK] = changed

    async def _is_called(self) -> bool:
        return await self._far_end.is_called(CALLBACK)

    async def _is_silent(self) -> bool:
        return not await self._far_end.is_called(CALLBACK)

    async def _rang(self, times: int) -> None:
        found = await self._far_end.calls(CALLBACK)
        require(found == times, f"the customer's telephone must ring {times} times; it rang {found} times")
