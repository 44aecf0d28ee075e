"""A channel whose far end is a few objects in this process: what the fake and the simulated channel share.

Owns the world (who waits, whose device rings, who talks) and how effects and reconciling change it. Must not
know who answers or hangs up, and when: subclasses do.
"""

from collections.abc import Mapping
from typing import Any, Literal, assert_never

from msgspec import Struct

from acd.core.messages import (
    AcceptOffer,
    ConnectInteraction,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    OfferInteraction,
    ParkInteraction,
    ReleaseInteraction,
    RevokeOffer,
)
from acd.errors import ChannelError
from acd.ports.channel import ChannelHost, Desired

Standing = Literal["waiting", "ringing", "answered", "connected"]


class Call(Struct):
    """One customer in this world. `rings`: devices that have rung for the offer.

    `ended_offer`: the last offer that stopped ringing by itself. `announcing`: being enqueued just now; nobody can
    desire what has not been committed, so a reconcile leaves it alone.
    """

    interaction_id: str
    standing: Standing = "waiting"
    offer_id: str = ""
    agent_id: str = ""
    rings: int = 0
    ended_offer: str = ""
    announcing: bool = False


class WorldChannel:
    """`acd.ports.channel.Channel` over `calls`, by interaction."""

    def __init__(self, name: str, media: str = "voice") -> None:
        """`name` is the instance's, which interactions carry; `media` the channel that they are enqueued for."""
        self.name = name
        self.media = media
        self.calls: dict[str, Call] = {}
        self.host: ChannelHost | None = None

    async def start(self, host: ChannelHost) -> None:
        """The far end is always there."""
        self.host = host

    async def perform(self, effect: Effect) -> None:
        """Bring the world there; twice is as good as once."""
        match effect:
            case ParkInteraction():
                self._wait(self._call(effect.interaction_id))
            case OfferInteraction():
                self._ring(self._call(effect.interaction_id), effect.offer_id, effect.agent_id)
            case RevokeOffer():
                call = self.calls.get(effect.interaction_id)
                if call is not None and call.offer_id == effect.offer_id:
                    self._wait(call)
            case ConnectInteraction():
                self._connect(self._call(effect.interaction_id), effect.offer_id, effect.agent_id)
            case ReleaseInteraction():
                self._release(effect.interaction_id)
            case _:
                assert_never(effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Compare and heal."""
        wanted = {each.interaction_id for each in desired}
        unwanted = [key for key, call in self.calls.items() if key not in wanted and not call.announcing]
        for interaction_id in unwanted:
            self._release(interaction_id)
        for each in desired:
            call = self.calls.get(each.interaction_id)
            if call is None:
                await self._report_lost(each.interaction_id)
            elif each.state == "waiting":
                self._wait(call)
            elif each.state == "connected":
                self._connect(call, each.offer_id, each.agent_id)
            else:
                await self._heal_offer(call, each)

    async def stop(self) -> None:
        """The world stays."""
        self.host = None

    def health(self) -> Mapping[str, str | int | bool]:
        """Connected from start to stop."""
        return {"connected": self.host is not None, "calls": len(self.calls)}

    # ---- for subclasses

    def rang(self, call: Call) -> None:
        """A device has begun to ring."""

    def rested(self, call: Call) -> None:
        """The customer waits; nothing rings."""

    def joined(self, call: Call) -> None:
        """Customer and agent have begun to talk."""

    def left(self, call: Call) -> None:
        """The customer is gone."""

    async def announce(self, call: Call, queue: str, **more: Any) -> None:  # noqa: ANN401 - a message's fields
        """Enqueue the customer; `more` as in `EnqueueInteraction`. Raises `ChannelError` when the engine refuses."""
        host = self.hosted()
        self.calls[call.interaction_id] = call
        call.announcing = True
        try:
            outcome = await host.submit(
                EnqueueInteraction(host.new_id(), call.interaction_id, self.media, queue, instance=self.name, **more)
            )
        except BaseException:
            self._release(call.interaction_id)
            raise
        finally:
            call.announcing = False
        if outcome.refusal is not None:
            self._release(call.interaction_id)
            raise ChannelError(f"channel {self.name}: {outcome.refusal.detail} ({outcome.refusal.code})")

    def hosted(self) -> ChannelHost:
        """The host. Raises `ChannelError` before the start and after the stop."""
        if self.host is None:
            raise ChannelError(f"channel {self.name} has not been started")
        return self.host

    # ---- the world

    def _call(self, interaction_id: str) -> Call:
        call = self.calls.get(interaction_id)
        if call is None:
            raise ChannelError(f"channel {self.name} has no interaction {interaction_id}")
        return call

    def _wait(self, call: Call) -> None:
        if call.standing != "waiting":
            call.standing, call.offer_id, call.agent_id = "waiting", "", ""
            self.rested(call)

    def _ring(self, call: Call, offer_id: str, agent_id: str) -> None:
        if offer_id in (call.offer_id, call.ended_offer):
            return
        call.standing, call.offer_id, call.agent_id = "ringing", offer_id, agent_id
        call.rings = 1
        self.rang(call)

    def _connect(self, call: Call, offer_id: str, agent_id: str) -> None:
        if call.standing == "connected" and call.offer_id == offer_id:
            return
        call.standing, call.offer_id, call.agent_id = "connected", offer_id, agent_id
        self.joined(call)

    def _release(self, interaction_id: str) -> None:
        call = self.calls.pop(interaction_id, None)
        if call is not None:
            self.left(call)

    async def _heal_offer(self, call: Call, wanted: Desired) -> None:
        host = self.hosted()
        if call.offer_id == wanted.offer_id and call.standing in ("answered", "connected"):
            await host.submit(AcceptOffer(host.new_id(), wanted.offer_id, wanted.agent_id))
        elif call.ended_offer == wanted.offer_id:
            await host.submit(FailOffer(host.new_id(), wanted.offer_id, "failed"))
        else:
            self._ring(call, wanted.offer_id, wanted.agent_id)

    async def _report_lost(self, interaction_id: str) -> None:
        host = self.hosted()
        await host.submit(EndInteraction(host.new_id(), interaction_id, by="system", reason="lost by the channel"))
