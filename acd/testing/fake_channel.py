"""A channel for tests: it records, does as the test says, and fails on demand.

Owns the recording, the test's handles on the world, and the faults. Must not know any engine: what it
submits goes through its host like any other channel's.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Literal, TypeVar

from acd.core.messages import (
    AcceptOffer,
    DeclineOffer,
    Effect,
    EndInteraction,
    Outcome,
)
from acd.errors import ChannelError
from acd.ports.channel import ChannelHost, Desired
from acd.testing.world_channel import Call, WorldChannel

EXPECT_SECONDS: Final = 5.0
"""How long `expect` waits before it gives up."""

MAX_RECORDED: Final = 100_000
"""Effects that are recorded; further ones are performed only."""

Operation = Literal["start", "perform", "reconcile", "stop"]
E = TypeVar("E", bound=Effect)


class FakeChannel(WorldChannel):
    """`acd.ports.channel.Channel` with a world that the test moves.

    `effects` are those performed, in order; `attempted` those that were begun; `reconciles` what was desired each
    time. In the test: `arrive`, `answer`, `decline`, `hang_up` tell the host; with `silently=True` the world changes
    and nobody is told, as when an event is missed.
    """

    def __init__(self, name: str = "fake", media: str = "voice") -> None:
        """`media` is the channel that interactions are enqueued for."""
        super().__init__(name, media)
        self.effects: list[Effect] = []
        self.attempted: list[Effect] = []
        self.lost: list[Effect] = []
        self.reconciles: list[tuple[Desired, ...]] = []
        self.starts = 0
        self.stops = 0
        self._expected = 0
        self._news = asyncio.Event()
        self._failures: dict[Operation, int] = {}
        self._hanging: dict[Operation, asyncio.Event] = {}
        self._to_lose = 0

    # ---- faults

    def fail(self, operation: Operation, times: int = 1) -> None:
        """Let the next calls of that operation raise `ChannelError`."""
        self._failures[operation] = times

    def hang(self, operation: Operation) -> None:
        """Let every call of that operation hang until `resume`."""
        self._hanging[operation] = asyncio.Event()

    def resume(self, operation: Operation) -> None:
        """Hang no more; what hangs goes on."""
        gate = self._hanging.pop(operation, None)
        if gate is not None:
            gate.set()

    def lose(self, effects: int = 1) -> None:
        """Let the next effects seem performed and do nothing."""
        self._to_lose = effects

    # ---- the test's side of the world

    async def arrive(self, queue: str, interaction_id: str = "", *, priority: int = 0, requirement: str = "") -> str:
        """A customer calls; returns the interaction's id. Raises `ChannelError` when the engine refuses."""
        call = Call(interaction_id or self.hosted().new_id())
        await self.announce(call, queue, priority=priority, requirement=requirement)
        return call.interaction_id

    def appear(self, interaction_id: str) -> Call:
        """A customer is there, and nobody has been told."""
        call = self.calls[interaction_id] = Call(interaction_id)
        return call

    async def answer(self, offer_id: str, *, silently: bool = False) -> Outcome:
        """The agent picks up."""
        call, agent_id = self._offered(offer_id)
        call.standing, call.offer_id, call.agent_id = "answered", offer_id, agent_id
        if silently:
            return Outcome()
        host = self.hosted()
        return await host.submit(AcceptOffer(host.new_id(), offer_id, agent_id))

    async def decline(self, offer_id: str) -> Outcome:
        """The agent refuses."""
        _, agent_id = self._offered(offer_id)
        host = self.hosted()
        return await host.submit(DeclineOffer(host.new_id(), offer_id, agent_id))

    def stop_ringing(self, offer_id: str) -> None:
        """The device has stopped ringing by itself, and nobody is told."""
        call, _ = self._offered(offer_id)
        call.ended_offer = offer_id
        self._silence(call, offer_id)

    async def hang_up(
        self, interaction_id: str, by: Literal["customer", "agent"] = "customer", *, silently: bool = False
    ) -> Outcome:
        """Customer or agent hangs up."""
        self._release(interaction_id)
        if silently:
            return Outcome()
        host = self.hosted()
        return await host.submit(EndInteraction(host.new_id(), interaction_id, by=by))

    async def expect(self, kind: type[E], where: Callable[[E], bool] | None = None) -> E:
        """The next performed effect of that kind after the last expected one; waits for it. Raises `TimeoutError`."""
        async with asyncio.timeout(EXPECT_SECONDS):
            while True:
                for index in range(self._expected, len(self.effects)):
                    effect = self.effects[index]
                    if isinstance(effect, kind) and (where is None or where(effect)):
                        self._expected = index + 1
                        return effect
                await self.news()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds, looking whenever something has happened to this channel. Raises `TimeoutError`."""
        async with asyncio.timeout(EXPECT_SECONDS):
            while not condition():
                await self.news()

    async def news(self) -> None:
        """Wait until something happens to this channel."""
        self._news.clear()
        await self._news.wait()

    def rings(self, agent_id: str) -> tuple[str, ...]:
        """Offers that ring at the agent's."""
        return tuple(
            offer_id
            for call in self.calls.values()
            for offer_id, rung in call.ringing.items()
            if rung == agent_id and (call.standing == "ringing" or call.offer_id != offer_id)
        )

    def performed(self, kind: type[E]) -> list[E]:
        """Effects of that kind, in order."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    # ---- acd.ports.channel.Channel

    async def start(self, host: ChannelHost) -> None:
        """Begin, or hang or fail as told."""
        self.starts += 1
        self._news.set()
        await self._obey("start")
        await super().start(host)

    async def perform(self, effect: Effect) -> None:
        """Perform and record, or hang, fail or lose it as told."""
        if len(self.attempted) < MAX_RECORDED:
            self.attempted.append(effect)
        self._news.set()
        await self._obey("perform")
        if self._to_lose:
            self._to_lose -= 1
            self.lost.append(effect)
            return
        await super().perform(effect)
        if len(self.effects) < MAX_RECORDED:
            self.effects.append(effect)
        self._news.set()

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Reconcile and record, or hang or fail as told."""
        self.reconciles.append(desired)
        self._news.set()
        await self._obey("reconcile")
        await super().reconcile(desired)
        self._news.set()

    async def stop(self) -> None:
        """End, or hang or fail as told."""
        self.stops += 1
        self._news.set()
        await self._obey("stop")
        await super().stop()

    async def _obey(self, operation: Operation) -> None:
        gate = self._hanging.get(operation)
        if gate is not None:
            await gate.wait()
        if self._failures.get(operation, 0):
            self._failures[operation] -= 1
            raise ChannelError(f"channel {self.name}: told to fail {operation}")

    def _offered(self, offer_id: str) -> tuple[Call, str]:
        """The call of an offer that rings or was picked up, and the agent."""
        for call in self.calls.values():
            if offer_id in call.ringing:
                return call, call.ringing[offer_id]
            if call.offer_id == offer_id:
                return call, call.agent_id
        raise ChannelError(f"channel {self.name} has no offer {offer_id}")
