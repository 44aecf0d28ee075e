"""Heals the differences that `adopt` has found.

Owns the order of healing, and what is known of every call afterwards. Must not know how differences are found.
While this runs no event is handled and no effect performed, so that everything here speaks of one moment. Only callers
who came while nobody listened are handed in beside what follows: an agent who picks up is not to wait for them.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Final, assert_never

import structlog

from acd.core.messages import (
    Command,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    LeaveInteraction,
    RequeueInteraction,
)
from acd.errors import ChannelError
from acd.ports.channel import Desired
from acd_asterisk import adopt, mending, snapshot
from acd_asterisk.abreast import abreast
from acd_asterisk.adopt import KnownBack
from acd_asterisk.call import Call, Leg
from acd_asterisk.conversations import Conversations
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.differences import KINDS, Differences, interaction_of
from acd_asterisk.happenings import arrival_of_waiting
from acd_asterisk.intake import Intake
from acd_asterisk.looking import Looks
from acd_asterisk.mending import Repair
from acd_asterisk.names import is_nameable
from acd_asterisk.orders import Orders
from acd_asterisk.snapshot import World
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel

MAX_NAMED: Final = 5
"""Calls that one line of the log names."""

LANES_PATIENCE_SECONDS: Final = 1.0
"""How long to wait for what is being done about single calls to be done."""

_log = structlog.get_logger(__name__)


class Healer:
    """Brings one PBX to where the engine wants it."""

    def __init__(
        self, desk: Desk, switchboard: Switchboard, orders: Orders, intake: Intake, conversations: Conversations
    ) -> None:
        """Nothing is known of the PBX yet."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        self._intake = intake
        self._conversations = conversations
        self._identity: tuple[str, str] | None = None
        self.is_new = False
        """This Asterisk has been started since anybody waited in it, which a new engine knows from nothing else."""
        self.was_restarted = False
        """The last comparison was with another Asterisk than the one before."""
        self.version = ""
        """Asterisk's, once it is known."""
        self.differences = Differences()
        self.look = Looks(desk, switchboard, orders, partial(self._found, was_restarted=False)).look

    async def heal(self) -> None:
        """Look around, compare, and heal every difference. Raises `AriUnavailable` when the PBX does not answer."""
        try:
            async with asyncio.timeout(LANES_PATIENCE_SECONDS):
                await self._desk.lanes_idle()
        except TimeoutError:
            busy_calls = [call.interaction_id for call in self._desk.calls.values() if not call.lane.is_idle]
            _log.warning("some calls are still being seen to", instance=self._desk.name, calls=busy_calls[:MAX_NAMED])
        # One that is neither known to the engine nor being seen to has failed to be handed in: it is a caller anew.
        calls = self._desk.calls.values()
        busy = {call.channel_id for call in calls if call.in_menu or not (call.is_enqueued or call.lane.is_idle)}
        busy |= self._desk.attended
        world = await self._switchboard.look_around()
        repairs = self._compare(world, self._desk.host.desired(), busy)
        self._know(repairs, busy)
        for call in self._desk.calls.values():
            call.hold = world.held.get(call.channel_id, call.hold)
        await self._take_over_prompts(world)
        await self._act(repairs)
        self._desk.spawn(self._orders.music.resume())
        await self._tell(repairs)
        self._intake.menus.compared(world.callers, was_restarted=self.was_restarted)
        self._take_in([repair.channel for repair in repairs if isinstance(repair, mending.Enqueue)])

    async def _take_over_prompts(self, world: World) -> None:
        """An earlier process may have begun to say something: whoever waits, waits on with music."""
        prompts = self._orders.prompts
        await prompts.take_over(world.spoken_to)
        ours = (*world.legs.values(), *world.backs.values())
        present = {*world.held, *world.callers, *world.codes, *(channel.id for channel in ours)}
        for channel_id in world.spoken_to.values():
            if channel_id not in present:
                prompts.forget(channel_id)  # It has gone while nobody looked.
            call = self._desk.by_channel.get(channel_id)
            if call is not None and call.is_waiting and not prompts.is_playing(channel_id):
                self._orders.park(call)

    def _compare(self, world: World, desired: tuple[Desired, ...], busy: set[str]) -> list[Repair]:
        known, identity = self._identity, world.info.identity
        was_restarted = self.was_restarted = self.is_new or (known is not None and known != identity)
        self._identity, self.is_new = identity, False
        self.version = self._desk.version = world.info.system.version
        repairs = self._found(world, desired, busy, was_restarted=was_restarted)
        differences = self.differences.note(repairs)
        _log.info("compared with the PBX", instance=self._desk.name, live=len(desired), differences=differences)
        for repair in repairs:
            if (interaction_id := interaction_of(self._desk.names, repair)) and type(repair) in KINDS:
                about = self._desk.keys(interaction_id)
                _log.debug("call differs", instance=self._desk.name, kind=KINDS[type(repair)], **about)
        return repairs

    def _found(
        self, world: World, desired: tuple[Desired, ...], busy: set[str], *, was_restarted: bool
    ) -> list[Repair]:
        repairs = adopt.compare(
            self._desk.names,
            world,
            desired,
            backs=self._backs(desired),
            has_rung=self._desk.offered.has_rung,
            is_held=self._desk.is_held,
            busy=busy,
            handed_in={call.channel_id for call in self._desk.calls.values() if call.is_enqueued},
            was_restarted=was_restarted,
        )
        return [repair for repair in repairs if not (_is_of_nothing(repair) or self._is_under_way(repair))]

    def _is_under_way(self, repair: Repair) -> bool:
        return isinstance(repair, mending.Destroy) and self._switchboard.is_going(repair.interaction_id)

    def _backs(self, desired: Iterable[Desired]) -> dict[str, KnownBack]:
        """The callbacks among them."""
        callbacks, names = self._orders.callbacks, [wish.interaction_id for wish in desired]
        return {} if callbacks is None else {each: callbacks.known(each) for each in names if callbacks.is_back(each)}

    def _know(self, repairs: Iterable[Repair], busy: set[str]) -> None:
        """Take over what is there; forget what is not."""
        kept: set[str] = set()
        self._orders.devices.forget_all()
        for repair in repairs:
            if isinstance(repair, mending.Keep):
                kept.add(repair.desired.interaction_id)
                self._take_over(repair)
            elif isinstance(repair, mending.LetGo):
                if (call := self._desk.by_channel.get(repair.channel_id)) is not None:
                    kept.add(call.interaction_id)
            elif isinstance(repair, mending.End) and repair.by == "agent":
                # The caller is done, and must not be taken for one who was never served.
                self._desk.calls[repair.interaction_id].has_talked = True
        for call in tuple(self._desk.calls.values()):
            if call.interaction_id not in kept and call.channel_id not in busy:
                self._desk.forget(call)

    def _take_over(self, repair: mending.Keep) -> None:
        wish = repair.desired
        call = self._known(repair)
        call.is_enqueued = call.greeted = True
        call.lost = call.hangup_requested = False
        # That of an unusable callback stays ended: nothing is to ring for it until the engine has ended it, too.
        call.is_ended = repair.is_back and not is_nameable(wish.interaction_id)
        call.has_bridge = call.has_bridge or repair.has_bridge
        call.beat_due = 0.0
        before = dict(call.legs)
        call.legs.clear()
        for kept in repair.legs:
            earlier = before.get(kept.offer_id)
            by_phone = earlier is not None and earlier.held_by_phone
            leg = Leg(
                kept.offer_id,
                kept.agent_id,
                state="answered" if snapshot.is_answered(kept.channel) else "dialling",
                accepted=wish.state == "connected",
                joining=kept.talking,
                joined=repair.met,
                held=self._desk.is_held(kept.agent_id, wish.interaction_id) and not by_phone,
                held_by_phone=by_phone,
            )
            self._orders.devices.taken(self._desk.add_guest(call, leg))
        if repair.met and call.parent is None:
            call.has_talked = True
            call.switch_off = self._desk.options.heartbeat_us > 0

    def _known(self, repair: mending.Keep) -> Call:
        """A consult comes after its parent, whose legs are known by then."""
        wish = repair.desired
        is_new = wish.interaction_id not in self._desk.calls
        if repair.is_back and self._orders.callbacks is not None:
            return self._orders.callbacks.take_over(repair)
        if wish.parent:
            parent = self._desk.calls[wish.parent]
            return self._desk.add_consult(wish.interaction_id, parent, parent.legs[repair.asking])
        call = self._desk.add(wish.interaction_id, repair.channel)
        if is_new:
            call.music = None
        return call

    async def _act(self, repairs: list[Repair]) -> None:
        """What the PBX must do. What ends, ends first: no telephone is to ring beside a call that is being ended.

        And nobody is joined whose own telephone still rings, nor moved while the bridge goes in which they are.
        """
        ending = [repair for repair in repairs if isinstance(repair, mending.HangUp)]
        first = [repair for repair in repairs if isinstance(repair, mending.HangUp | mending.Answer)]
        last = [repair for repair in repairs if isinstance(repair, mending.Destroy)]
        apart = mending.HangUp | mending.Answer | mending.Destroy
        await abreast(self._act_on, first)
        offers = (self._desk.names.offer_of(repair.channel_id) for repair in ending)
        await abreast(self._orders.devices.until_gone, [offer_id for offer_id in offers if offer_id is not None])
        # Telephones before whoever waits: of those there may be many.
        rest = (repair for repair in repairs if not isinstance(repair, apart))
        await abreast(self._act_on, sorted(rest, key=lambda repair: isinstance(repair, mending.Park)))
        await abreast(self._act_on, last)

    async def _act_on(self, repair: Repair) -> None:
        calls = self._desk.calls
        match repair:
            case mending.HangUp(channel_id):
                if not await self._orders.dismissal.lead_on(channel_id):
                    await self._switchboard.hang_up(channel_id)
            case mending.Destroy(interaction_id):
                if (call := calls.get(interaction_id)) is not None and call.parking is not None:
                    await asyncio.wait((call.parking,))
                self._desk.spawn(self._switchboard.demolish(interaction_id))  # It waits for events, which come later.
            case mending.Park(interaction_id):
                await self._park(calls[interaction_id])
            case mending.CallBack(interaction_id):
                if self._orders.callbacks is not None:
                    await self._orders.callbacks.resume(calls[interaction_id])
            case mending.Welcome(interaction_id):
                if self._orders.callbacks is not None:
                    self._orders.callbacks.welcome(calls[interaction_id])
            case mending.Answer(interaction_id):
                await self._orders.answering.when_due(calls[interaction_id])
            case mending.Ring(interaction_id, offer_id, agent_id):
                await self._ring(calls[interaction_id], offer_id, agent_id)
            case mending.Join(interaction_id):
                await self._join(calls[interaction_id])
            case mending.Hold(interaction_id, offer_id):
                await self._hold(calls[interaction_id], offer_id)
            case mending.Keep():
                call = calls[repair.desired.interaction_id]
                if repair.desired.state == "connected":
                    self._desk.in_lane(call, partial(self._orders.tune, call))
                await self._orders.clear_switch(call)
                if self._orders.callbacks is not None:
                    self._orders.callbacks.accompany(call)
            case mending.Accept(interaction_id, offer_id):
                self._accept(calls[interaction_id], offer_id)
            case mending.LetGo(channel_id):
                await self._let_go(channel_id)
            case mending.End() | mending.Fail() | mending.Leave() | mending.Requeue() | mending.Enqueue():
                pass  # The engine's business, see below.
            case _:
                assert_never(repair)

    async def _ring(self, call: Call, offer_id: str, agent_id: str) -> None:
        """An offer that has never rung rings now, so that the caller keeps the turn; one that has rung has failed.

        What an earlier process did stands in a variable of the caller's channel.
        """
        has_rung = self._desk.offered.expires_at_us(offer_id) is None and (
            not call.channel_id or await self._switchboard.is_noted(call.channel_id, offer_id)
        )
        if has_rung:
            await self._desk.tell(FailOffer(self._desk.host.new_id(), offer_id, reason="failed"))
            return
        try:
            await self._orders.ring(call, offer_id, agent_id)
        except ChannelError:
            self._desk.reconcile_soon()  # The end of an earlier call there comes after this comparison.

    async def _hold(self, call: Call, offer_id: str) -> None:
        leg = call.leg_for(offer_id)
        if leg is not None and leg.held:
            await self._conversations.put(call, leg)

    async def _park(self, call: Call) -> None:
        if call.parent is None:
            self._orders.park(call)
            if call.parking is not None:
                await asyncio.wait((call.parking,))
        else:
            await self._conversations.wait(call)

    async def _join(self, call: Call) -> None:
        """That an agent has accepted does not say who has picked up: whoever has a key to press is not joined yet."""
        for leg in call.live_legs():
            if leg.state != "answered" or leg.joining or ((leg.away or leg.held) and leg.joined):
                continue
            if self._intake.needs_key(leg):
                self._intake.accept(call, leg)
            else:
                await self._orders.join(call, leg)

    async def _let_go(self, channel_id: str) -> None:
        if (call := self._desk.by_channel.get(channel_id)) is not None:
            await self._orders.release(call)

    def _accept(self, call: Call, offer_id: str) -> None:
        leg = call.leg_for(offer_id)
        if leg is not None:
            self._intake.accept(call, leg)

    async def _tell(self, repairs: Iterable[Repair]) -> None:
        """What the engine must know."""
        commands = [command for repair in repairs if (command := self._command(repair)) is not None]
        await abreast(self._desk.tell, commands)

    def _command(self, repair: Repair) -> Command | None:
        new_id = self._desk.host.new_id
        match repair:
            case mending.End(interaction_id, by, reason):
                return EndInteraction(new_id(), interaction_id, by=by, reason=reason)
            case mending.Fail(offer_id):
                return FailOffer(new_id(), offer_id, reason="failed")
            case mending.Leave(interaction_id, agent_id):
                return LeaveInteraction(new_id(), interaction_id, agent_id, reason="agent-hung-up")
            case mending.Requeue(interaction_id, reason):
                return RequeueInteraction(new_id(), interaction_id, reason=reason)
            case _:
                return None

    # ---- callers who came while nobody listened

    def _take_in(self, channels: list[AriChannel]) -> None:
        """Begin to hand them in. They are known at once; what happens to them meanwhile waits in their lanes."""
        newcomers: list[tuple[Call, AriChannel]] = []
        for channel in channels:
            with suppress(NotTaken):
                newcomers.append((self._desk.add(self._desk.names.interaction(channel.id), channel), channel))
        if newcomers:
            self._desk.newcomers = self._desk.spawn(self._enqueue(newcomers, self._desk.newcomers))
            for call, _ in newcomers:
                self._desk.in_lane(call, self._desk.newcomers_in)

    async def _enqueue(self, newcomers: list[tuple[Call, AriChannel]], earlier: "asyncio.Task[None] | None") -> None:
        """In the order in which they came: made ready side by side, handed in one after another without waiting."""
        if earlier is not None:
            await asyncio.wait((earlier,))
        commands = await abreast(self._make_ready, newcomers)
        await asyncio.gather(*map(self._hand_in, newcomers, commands))

    async def _make_ready(self, newcomer: tuple[Call, AriChannel]) -> EnqueueInteraction | None:
        call, channel = newcomer
        try:
            return await self._intake.prepare(call, arrival_of_waiting(channel))
        except NotTaken as error:
            await self._orders.dismissal.refuse(call, error.code)
            return None

    async def _hand_in(self, newcomer: tuple[Call, AriChannel], command: EnqueueInteraction | None) -> None:
        if command is None:
            return
        call, channel = newcomer
        try:
            if self._intake.menus.take(call, command, language=channel.language, is_found=True):
                return
            code = await self._intake.enqueue(call, command)
        except NotTaken as error:
            code = error.code
        if code == "duplicate-interaction":
            # The engine is done with this caller, and died before it could let go.
            self._desk.forget(call)
            await self._orders.dismissal.cancel_again(call)
        elif code:
            await self._orders.dismissal.refuse(call, code)


def _is_of_nothing(repair: Repair) -> bool:
    """Whether a callback is kept that nobody is offered, and whose customer nobody has called.

    Nothing of it is on the PBX, and there may be any number of them: they must not take callers' room.
    """
    if not isinstance(repair, mending.Keep):
        return False
    return repair.is_back and repair.desired.state == "waiting" and not repair.channel.id
