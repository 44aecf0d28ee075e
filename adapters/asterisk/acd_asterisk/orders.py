"""Carries out what the engine wants: park, ring, revoke, join, release.

Owns the way from an effect to the verbs of the switchboard. Must not know events, nor how the connection
stands. Nothing is done twice for the same wish, and what is gone already is fine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
from msgspec import structs

from acd.core.messages import EndInteraction, FailOffer, LeaveInteraction, RequeueInteraction
from acd.errors import ChannelError
from acd_asterisk.answering import Answering
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.devices import Devices
from acd_asterisk.dismissal import Dismissal
from acd_asterisk.dispositions import Dispositions
from acd_asterisk.music import Music
from acd_asterisk.parking import Parking
from acd_asterisk.passing import for_agent
from acd_asterisk.prompts import Prompts
from acd_asterisk.ring_first import RingFirst
from acd_asterisk.ringing import Presentation, leg_variables, presentation, ring_seconds
from acd_asterisk.survey import Survey
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.translate import is_endpoint

if TYPE_CHECKING:
    from acd_asterisk.callbacks import Callbacks

LONGEST_BRIEFING_SECONDS: Final = 8.0
"""What an agent hears before the caller is cut off there."""

_log = structlog.get_logger(__name__)


class Orders:
    """The verbs of one call, on the switchboard of one PBX. All raise `AriUnavailable`."""

    def __init__(self, desk: Desk, switchboard: Switchboard, prompts: Prompts) -> None:
        """`desk` has the calls, `prompts` what callers hear besides."""
        self._desk = desk
        self._switchboard = switchboard
        self.prompts = prompts
        self.music = Music(desk, switchboard)
        self.devices = Devices(switchboard)
        self.answering = Answering(desk, switchboard)
        self._ring_first = RingFirst()
        self.parking = Parking(desk, self.music, prompts, self.answering, self._ring_first)
        self.dismissal = Dismissal(desk, switchboard, prompts)
        self.dispositions: Dispositions | None = None
        """Asks agents before their telephones are hung up, likewise."""
        self.callbacks: Callbacks | None = None
        """Calls the customers of callbacks, likewise."""
        self.survey: Survey | None = None
        """Asks callers before they are let go, if anything is to be asked."""
        self.put: Callable[[Call, Leg], Awaitable[None]] = _stays
        """Puts a leg where it belongs that has met the caller, and is not with them: `Conversations.put`."""

    def park(self, call: Call) -> None:
        """Answer and let the caller hear music; begun, not waited for, so that ringing need not wait either.

        Nobody talks with them any more.
        """
        self._wait_again(call)
        if call.music:
            self._desk.spawn(self.tune(call))
        call.is_enqueued = True
        self.parking.begin(call)

    async def ring(self, call: Call, offer_id: str, agent_id: str) -> None:
        """Dial the agent's device for an offer. Raises `ChannelError`: an earlier call there is to be ended before."""
        call.is_enqueued = True
        if call.leg_for(offer_id) is not None or not call.is_present:
            return
        if self.devices.is_taken(agent_id) and not self._desk.is_wanted(offer_id):
            return  # The engine has taken it back already, and the agent has another one.
        leg = call.add_leg(Leg(offer_id, agent_id))
        endpoint = self._desk.host.address(agent_id, "voice")
        if not is_endpoint(endpoint):
            what = "an agent has no usable address for voice; set addresses.voice, like PJSIP/anna"
            _log.error(what, instance=self._desk.name, agent=agent_id, **call.keys)
            self._desk.offered.note_rung(offer_id)
            self._fail(call, leg, "unreachable")
            return
        self.devices.taken(leg)
        if not await self.devices.until_free(leg, self._desk.is_wanted):
            call.legs.pop(offer_id, None)
            self.devices.freed(offer_id)
            raise ChannelError(f"{agent_id} has an earlier call that nobody has ended")
        self._desk.offered.note_rung(offer_id)
        if self.callbacks is not None:
            await self.callbacks.recall(call)
        if not call.is_present or not self._is_still_wanted(call, offer_id):
            leg.end()
            self.devices.freed(offer_id)
            return
        # Dialled in this turn of the loop: a task would come after whatever else waits for its turn.
        noting = self._desk.spawn(self._note_offer(call, offer_id))
        shown, seconds = self._shown(call, leg, endpoint), self._ring_seconds(offer_id)
        try:
            with self._ring_first.asking():
                dialled = await self._switchboard.dial(offer_id, endpoint, shown, call.channel_id, seconds)
        except AriUnavailable:
            # It may ring all the same: the comparison that follows sees to it.
            leg.end()
            raise
        finally:
            await asyncio.wait((noting,))
        _log.debug("agent dialled", instance=self._desk.name, agent=agent_id, offer=offer_id, how=dialled, **call.keys)
        if dialled != "ringing":
            self._fail(call, leg, dialled)

    async def revoke(self, call: Call, offer_id: str) -> None:
        """Let an agent's device stop ringing."""
        leg = call.leg_for(offer_id)
        if leg is not None and leg.is_live:
            await self.end_leg(leg)

    async def part(self, call: Call, offer_id: str) -> None:
        """Let one agent's leg go out of a talk; the others go on. Without any, the caller is about to wait again."""
        leg = call.legs.pop(offer_id, None)
        if leg is None:
            return
        self._desk.guests.pop(offer_id, None)
        if leg.is_talking and not call.is_talking:
            _guard_anew(call)
        if leg.is_live:
            await self.end_leg(leg)
        if not any(each.is_talking for each in call.live_legs()):
            self._wait_again(call)

    async def let_go(self, call: Call) -> None:
        """Nobody talks in this call any more, apart from the caller."""
        for leg in call.live_legs():
            if leg.is_talking:
                await self.part(call, leg.offer_id)

    async def end_leg(self, leg: Leg) -> None:
        """End an agent's leg, whatever state it is in: no fault of the agent's."""
        leg.revoked = True
        if leg.refers:
            leg.refers = False
            with suppress(AriUnavailable):
                await self._switchboard.accept_transfer(leg.offer_id)
        await self._switchboard.hang_up_leg(leg.offer_id)
        leg.end()

    async def connect(self, call: Call, offer_id: str) -> None:
        """Join caller and agent, as soon as the agent has picked up."""
        leg = call.leg_for(offer_id)
        if leg is None:
            raise ChannelError("the leg of an accepted offer is not known")
        leg.accepted = True
        if leg.state == "gone":
            await self.lose_leg(call, leg)
        elif leg.state == "answered":
            await self.join(call, leg)

    async def join(self, call: Call, leg: Leg) -> None:
        """Put the caller and this agent into the talk bridge, and switch the dead-man's switch off.

        That they are in it is for an event to say: Asterisk reports success even when one of them has just hung up, and
        an agent who hangs up at once may be gone again before its answer is here.
        """
        if leg.joining or not call.is_present:
            return
        if not leg.briefed and (briefing := self._briefing(call)):
            leg.briefed = True
            self._desk.spawn(self._brief(call, leg, briefing))
            return
        if self.callbacks is not None and not call.is_reached:
            await self.callbacks.dial(call, leg)
            return
        leg.joining = True
        call.hold = ""
        # The caller may still be on the way into the hold bridge; they must not arrive there afterwards.
        await self.parking.call_off(call)
        if call.bridging is not None:
            await asyncio.wait((call.bridging,))
        call.switch_off = self._desk.options.heartbeat_us > 0 and call.parent is None
        call.has_bridge = True
        try:
            await self.answering.now(call)  # Not beside the join: nobody talks to a telephone that still rings.
            async with call.moving:
                channels = self._who_joins(call, leg)
                are_there, *_ = await asyncio.gather(
                    self._switchboard.join(call.interaction_id, channels),
                    self.clear_switch(call),
                    self.tune(call),
                    *(self.prompts.hush(each) for each in channels if each == call.channel_id),
                    self.dismissal.tell_channel(call, "connected"),
                )
            for each in channels:
                self.prompts.moved(each)
        except AriUnavailable:
            leg.joining = False
            raise
        if are_there and (leg.away or leg.held):
            await self.put(call, leg)  # Its agent has asked for advice, or holds, before the two had met.
        if not are_there:
            leg.joining = False
            if call.is_present and leg.state == "answered":
                # One of the two has just gone, and an event will say so; or else a comparison will find out.
                self._desk.reconcile_soon()

    async def clear_switch(self, call: Call) -> None:
        """Switch the dead-man's switch off; `call.switch_off` stays set until that is certain."""
        if not call.switch_off:
            return
        try:
            await self._switchboard.set_dead_mans_switch(call.channel_id, 0)
        except AriUnavailable:
            return  # The heartbeat tries again.
        call.switch_off = False

    def make_bridge(self, call: Call) -> None:
        """Have a talk bridge made while the engine commits the acceptance."""
        if not call.has_bridge:
            call.has_bridge = True
            call.bridging = self._desk.spawn(self._switchboard.make_talk_bridge(call.interaction_id))

    async def tune(self, call: Call) -> None:
        """Music for a caller with whom nobody is at the moment, and none for any other."""
        if call.parent is not None:
            return
        async with call.tuning:
            wanted = call.is_left_alone and call.is_present
            if call.music is wanted or call.lost:
                return
            call.music = None
            if wanted:
                await self._switchboard.play_music(call.channel_id, self.music.of(call))
            else:
                await self._switchboard.stop_music(call.channel_id)
            call.music = wanted

    async def lose_leg(self, call: Call, leg: Leg) -> None:
        """Tell the engine that an accepted offer's leg is gone, once."""
        if leg.reported:
            return
        leg.reported = True
        new_id, interaction_id = self._desk.host.new_id, call.interaction_id
        if any(each.accepted for each in call.live_legs()):
            leave = LeaveInteraction(new_id(), interaction_id, leg.agent_id, reason="agent-hung-up")
            outcome = await self._desk.tell(leave)
            if outcome is None or outcome.refusal is None or outcome.refusal.code != "last-agent":
                return
        if leg.joined:
            await self._desk.tell(EndInteraction(new_id(), interaction_id, by="agent", reason="agent-hung-up"))
        else:
            await self._desk.tell(RequeueInteraction(new_id(), interaction_id, reason="agent-leg-lost"))

    async def release(self, call: Call) -> None:
        """Let go of everything that belongs to a caller."""
        call.is_ended = True
        await asyncio.sleep(0)  # Offers that came with it are made in this turn of the loop: the agent is free now.
        await self._ring_first.others()
        if call.music:
            await self.tune(call)
        asks = self.survey is not None and self.survey.takes(call)
        asked = None if self.dispositions is None else self.dispositions.takes(call)
        try:
            await self._end(call, asked, asks=asks)
        except BaseException:
            # Nobody asks them now: the comparison that follows has to see to them.
            self._desk.attended -= {call.channel_id, *map(self._desk.names.leg, call.legs)}
            raise
        self._desk.forget(call)
        if asks and self.survey is not None:
            self._desk.spawn(self._survey(call, self.survey))
        if asked is not None and self.dispositions is not None:
            self._desk.spawn(self.dispositions.ask(call, asked, partial(self.end_leg, asked)))

    async def _survey(self, call: Call, survey: Survey) -> None:
        """Ask, under the dead-man's switch again, whose way out learns that the caller has been served."""

        async def let_go() -> None:
            call.lingers, call.switch_off = False, self._desk.options.heartbeat_us > 0
            await self.clear_switch(call)
            await self.dismissal.let_go(call)

        options = self._desk.options
        call.lingers, call.switch_off, call.beat_due = True, False, 0.0
        self._desk.lingering[call.channel_id] = call
        try:
            with suppress(AriUnavailable):
                await self.dismissal.note(call, "completed")
                if options.heartbeat_us:
                    await self._switchboard.set_dead_mans_switch(call.channel_id, options.dead_man_us / 1e6)
            await survey.ask(call, let_go)
        finally:
            call.lingers = False
            self._desk.lingering.pop(call.channel_id, None)

    async def _end(self, call: Call, asked: Leg | None, *, asks: bool) -> None:
        """End all legs but those of whoever is asked something, and the talk."""
        work = [self.end_leg(leg) for leg in call.live_legs() if leg is not asked]
        if not asks:
            work.append(self.dismissal.dismiss(call))
        await self.parking.call_off(call)
        await asyncio.gather(*work)
        if call.bridging is not None:
            await asyncio.wait((call.bridging,))
        if call.has_bridge:
            staying = [call.channel_id] * asks + [self._desk.names.leg(each.offer_id) for each in (asked,) if each]
            self._desk.spawn(await self._switchboard.vacate(call.interaction_id, staying))

    def _who_joins(self, call: Call, leg: Leg) -> tuple[str, ...]:
        """Whoever is in the bridge already is left there: to be added again is to be taken out for a moment.

        An adviser may be there before the agent who asks, who has yet to pick up, or hears a briefing: that agent comes
        when they have met the customer.
        """
        agent = self._desk.names.leg(leg.offer_id)
        is_inside = any(each.joined and each.is_live for each in call.legs.values())
        asking = None if call.parent is None else call.parent.leg_for(call.asking)
        is_to_come = asking is not None and not asking.is_talking
        return (agent,) if is_inside or is_to_come else (call.channel_id, agent)

    def _wait_again(self, call: Call) -> None:
        """Whoever has talked with the caller does so no more: the caller waits under the dead-man's switch."""
        talked = [leg for leg in call.legs.values() if leg.joining or leg.joined]
        for leg in talked:
            del call.legs[leg.offer_id]
            if leg.is_live:
                self._desk.spawn(self.end_leg(leg))
        if talked:
            _guard_anew(call)

    def _fail(self, call: Call, leg: Leg, reason: str) -> None:
        leg.end()
        self.devices.freed(leg.offer_id)
        command = FailOffer(
            self._desk.host.new_id(), leg.offer_id, reason="unreachable" if reason == "unreachable" else "failed"
        )

        async def tell() -> None:
            await self._desk.tell(command)

        self._desk.in_lane(call, tell)

    def _shown(self, call: Call, leg: Leg, endpoint: str) -> Presentation:
        options, standing = self._desk.options, self._desk.host.interaction(call.interaction_id)
        shown = presentation(
            options,
            call.party,
            queue=self._desk.host.queue_of(call.interaction_id),
            agent_id=leg.agent_id,
            endpoint=endpoint,
        )
        told = for_agent(options.data, standing, leg.agent_id, endpoint)
        transfers = leg_variables(options, endpoint, self._desk.version, leg.offer_id)
        return structs.replace(shown, variables={**shown.variables, **transfers, **told})

    async def _note_offer(self, call: Call, offer_id: str) -> None:
        """Of a callback there is nothing to leave word at: an offer without a leg has failed, as far as is known."""
        if call.channel_id:
            await self._switchboard.note_offer(call.channel_id, offer_id)

    def _briefing(self, call: Call) -> tuple[str, ...]:
        """What an agent hears of a caller of this queue before they meet."""
        queues = self._desk.options.queues
        own = queues.get(self._desk.host.queue_of(call.interaction_id)) if queues and call.parent is None else None
        return () if own is None else own.briefing

    async def _brief(self, call: Call, leg: Leg, media: tuple[str, ...]) -> None:
        """Say it to the agent alone, while the caller goes on hearing music; then let them meet."""
        channel_id = self._desk.names.leg(leg.offer_id)
        await self.prompts.play(channel_id, media, longest_seconds=LONGEST_BRIEFING_SECONDS)
        if call.leg_for(leg.offer_id) is leg and leg.state == "answered":
            await self.join(call, leg)

    def _is_still_wanted(self, call: Call, offer_id: str) -> bool:
        """The engine may have taken it back while the device was still in use: it must not ring then for nobody."""
        wish = self._desk.host.wish(call.interaction_id)
        return wish is not None and offer_id in wish.offers()

    def _ring_seconds(self, offer_id: str) -> float:
        expires_at_us = self._desk.offered.expires_at_us(offer_id)
        left = None if expires_at_us is None else (expires_at_us - self._desk.host.now_us()) / 1e6
        return ring_seconds(left, self._desk.options.ring_margin_us / 1e6)


def _guard_anew(call: Call) -> None:
    """The caller waits again: the dead-man's switch, which was off, is to be wound up at once."""
    call.switch_off = False
    call.beat_due = 0.0


async def _stays(_call: Call, _leg: Leg) -> None:
    """Until somebody knows another place."""
