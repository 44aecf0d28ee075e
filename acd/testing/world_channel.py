"""A channel whose far end is a few objects in this process: what the fake and the simulated channel share.

Owns the world (who waits, whose device rings, who talks) and how effects and reconciling change it. Must not
know who answers or hangs up, and when: subclasses do.
"""

from collections.abc import Mapping
from typing import Any, Literal, assert_never

from msgspec import Struct, field

from acd.core.messages import (
    AcceptOffer,
    AnnounceInteraction,
    ConnectInteraction,
    DisconnectAgent,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    FailCallback,
    FailOffer,
    JoinAgent,
    OfferInteraction,
    OpenConsult,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
    RevokeOffer,
)
from acd.errors import ChannelError
from acd.ports.channel import ChannelHost, Desired

Standing = Literal["waiting", "ringing", "answered", "connected"]


class Call(Struct):
    """One customer in this world. `rings`: devices that have rung for the offer.

    `ringing`: the offers whose devices ring or have just been picked up, with their agents; several in a broadcast.
    `offer_id`, `agent_id`: the one that was picked up or is connected, else the one that has rung longest.
    `ended_offer`: the last offer that stopped ringing by itself. `told`: what was announced
    last. `others`: in a conference, who talks beside them. `announcing`: being enqueued just now; nobody can
    desire what has not been committed, so a reconcile leaves it alone.
    """

    interaction_id: str
    standing: Standing = "waiting"
    offer_id: str = ""
    agent_id: str = ""
    rings: int = 0
    ended_offer: str = ""
    announcing: bool = False
    ringing: dict[str, str] = field(default_factory=dict)
    told: str = ""
    others: dict[str, str] = field(default_factory=dict)

    @property
    def talking(self) -> dict[str, str]:
        """Everybody who talks with the customer: offer → agent."""
        return {self.offer_id: self.agent_id, **self.others} if self.standing == "connected" else {}


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
            case ReachCustomer():
                await self.reach(effect.interaction_id)
            case OpenConsult():
                self._open_consult(effect.interaction_id, effect.parent_id)
            case OfferInteraction():
                self._ring(self._call(effect.interaction_id), effect.offer_id, effect.agent_id)
            case RevokeOffer() | DisconnectAgent():
                call = self.calls.get(effect.interaction_id)
                if call is not None:
                    self._silence(call, effect.offer_id)
            case ConnectInteraction():
                self._connect(self._call(effect.interaction_id), effect.offer_id, effect.agent_id)
            case JoinAgent():
                call = self._call(effect.interaction_id)
                self._release(effect.consult_id)
                self._join(call, effect.offer_id, effect.agent_id)
            case ReleaseInteraction():
                self._release(effect.interaction_id)
            case AnnounceInteraction():
                call = self.calls.get(effect.interaction_id)
                if call is not None:
                    call.told = effect.name
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
            if call is None and each.parent in self.calls:
                call = self._open_consult(each.interaction_id, each.parent)
            if each.state == "reaching":
                await self.reach(each.interaction_id)
            elif call is None:
                await self._report_lost(each.interaction_id)
            elif each.state == "waiting":
                self._wait(call)
            elif each.state == "connected":
                self._heal_talk(call, {each.offer_id: each.agent_id, **dict(each.others)})
            else:
                await self._heal_offers(call, dict(each.ringing()))

    async def stop(self) -> None:
        """The world stays."""
        self.host = None

    def health(self) -> Mapping[str, str | int | bool]:
        """Connected from start to stop."""
        return {"connected": self.host is not None, "calls": len(self.calls)}

    # ---- for subclasses

    def rang(self, call: Call, offer_id: str, agent_id: str) -> None:
        """A device has begun to ring."""

    def silenced(self, call: Call, offer_id: str) -> None:
        """A device no longer rings: it was picked up and connected, or nobody wants it any more."""

    def rested(self, call: Call) -> None:
        """The customer waits; nothing rings."""

    def joined(self, call: Call) -> None:
        """Customer and agent have begun to talk."""

    def left(self, call: Call) -> None:
        """The customer is gone."""

    async def reach(self, interaction_id: str) -> None:
        """The customer of a callback is to be called: those of this world call, and are not called."""
        host = self.hosted()
        await host.submit(FailCallback(host.new_id(), interaction_id, "unreachable"))

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

    def _open_consult(self, interaction_id: str, parent_id: str) -> Call:
        """The agent who talks in the parent waits for advice."""
        self._call(parent_id)
        return self.calls.setdefault(interaction_id, Call(interaction_id))

    def _join(self, call: Call, offer_id: str, agent_id: str) -> None:
        if offer_id not in call.talking:
            call.others[offer_id] = agent_id

    def _heal_talk(self, call: Call, wanted: Mapping[str, str]) -> None:
        """Whoever should talk does, and nobody else; nothing rings."""
        for offer_id in list(call.talking):
            if offer_id not in wanted:
                self._silence(call, offer_id)
        for offer_id, agent_id in wanted.items():
            if call.standing != "connected":
                self._connect(call, offer_id, agent_id)
            else:
                self._join(call, offer_id, agent_id)
        for offer_id in list(call.ringing):
            self._silence(call, offer_id)

    def _wait(self, call: Call) -> None:
        self._silence_all(call)
        call.others.clear()
        if call.standing != "waiting":
            call.standing, call.offer_id, call.agent_id = "waiting", "", ""
            self.rested(call)

    def _ring(self, call: Call, offer_id: str, agent_id: str) -> None:
        if offer_id in call.ringing or offer_id in (call.offer_id, call.ended_offer):
            return
        call.ringing[offer_id] = agent_id
        call.rings = 1
        if call.standing in ("waiting", "connected"):
            call.standing, call.offer_id, call.agent_id = "ringing", offer_id, agent_id
        self.rang(call, offer_id, agent_id)

    def _silence(self, call: Call, offer_id: str) -> None:
        """One device is to ring no more; the customer waits when it was the last."""
        if call.ringing.pop(offer_id, None) is not None:
            self.silenced(call, offer_id)
        if call.others.pop(offer_id, None) is not None or call.offer_id != offer_id:
            return
        if call.others:
            call.offer_id = next(iter(call.others))
            call.agent_id = call.others.pop(call.offer_id)
        elif call.ringing and call.standing != "connected":
            call.standing = "ringing"
            call.offer_id, call.agent_id = next(iter(call.ringing.items()))
        else:
            self._wait(call)

    def _silence_all(self, call: Call) -> None:
        ringing, call.ringing = call.ringing, {}
        for offer_id in ringing:
            self.silenced(call, offer_id)

    def _connect(self, call: Call, offer_id: str, agent_id: str) -> None:
        if call.standing == "connected" and call.offer_id == offer_id:
            return
        call.standing, call.offer_id, call.agent_id = "connected", offer_id, agent_id
        if call.ringing.pop(offer_id, None) is not None:
            self.silenced(call, offer_id)
        self.joined(call)

    def _release(self, interaction_id: str) -> None:
        call = self.calls.pop(interaction_id, None)
        if call is not None:
            self._silence_all(call)
            self.left(call)

    async def _heal_offers(self, call: Call, wanted: Mapping[str, str]) -> None:
        host = self.hosted()
        for offer_id in (*call.ringing, call.offer_id):
            if offer_id and offer_id not in wanted:
                self._silence(call, offer_id)
        for offer_id, agent_id in wanted.items():
            if call.offer_id == offer_id and call.standing in ("answered", "connected"):
                await host.submit(AcceptOffer(host.new_id(), offer_id, agent_id))
            elif call.ended_offer == offer_id:
                await host.submit(FailOffer(host.new_id(), offer_id, "failed"))
            else:
                self._ring(call, offer_id, agent_id)

    async def _report_lost(self, interaction_id: str) -> None:
        host = self.hosted()
        await host.submit(EndInteraction(host.new_id(), interaction_id, by="system", reason="lost by the channel"))
