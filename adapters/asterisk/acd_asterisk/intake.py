"""From what has happened on the PBX to what the engine is told, in the order in which it happened to each call.

Owns the reaction to every happening. Must not know how events arrive, nor what the engine decides.
`handle` is synchronous: it notes what is certain at once, and leaves the rest to the call's lane.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final, assert_never

import structlog
from msgspec import structs

from acd.core.messages import (
    AcceptOffer,
    EndInteraction,
    EnqueueInteraction,
    HoldWork,
    ResumeWork,
)
from acd.errors import PersonalStoreError
from acd.ports.channel import Personal
from acd_asterisk import translate
from acd_asterisk.call import Call, Leg
from acd_asterisk.confirming import Confirming
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.happenings import (
    BesideArrived,
    BesideLeft,
    CallerArrived,
    CallerHangupRequested,
    CallerLeft,
    CodeDialled,
    CustomerAnswered,
    CustomerGone,
    Happening,
    KeyPressed,
    LegAnswered,
    LegDestroyed,
    LegHeld,
    LegLeft,
    PlaybackChanged,
    RecordingEnded,
    Referred,
    Replaced,
    StrayArrived,
    TalkEntered,
)
from acd_asterisk.menus.service import Menus
from acd_asterisk.names import MAX_VISITS, visit_of
from acd_asterisk.orders import Orders
from acd_asterisk.passing import header_expression, named
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel, Party

PARKED_SECONDS: Final = 0.5
"""How long to wait for word that a caller who has left in the middle of a talk was parked."""

_log = structlog.get_logger(__name__)


class Intake:
    """Tells the engine, for one channel instance."""

    def __init__(self, desk: Desk, switchboard: Switchboard, orders: Orders) -> None:
        """`desk` has the calls."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        self._confirming = Confirming(desk, orders)
        self.menus = Menus(desk, switchboard, orders, self._hand_in)

    def handle(self, what: Happening) -> None:
        """React to something that has just happened; what other parts of the adapter see to is left alone."""
        match what:
            case CallerArrived():
                self._arrived(what)
            case CallerHangupRequested():
                if (call := self._desk.by_channel.get(what.channel_id)) is not None:
                    call.hangup_requested = True
            case CallerLeft():
                self._caller_left(what.channel_id)
            case LegAnswered():
                self._leg_answered(what.offer_id)
            case LegLeft() | LegDestroyed():
                self._leg_ended(what)
            case LegHeld():
                self._leg_held(what)
            case TalkEntered():
                self._talk_entered(what)
            case BesideArrived() | BesideLeft() | CodeDialled() | KeyPressed() | PlaybackChanged() | RecordingEnded():
                pass
            case StrayArrived() | Referred() | Replaced() | CustomerAnswered() | CustomerGone():
                pass
            case _:
                assert_never(what)

    # ---- callers

    async def prepare(self, call: Call, arrived: CallerArrived) -> EnqueueInteraction:
        """Gather what the engine needs to know of a caller. Raises `NotTaken` when the queue's name is none."""
        variables = await self._brought(arrived)
        customer = await self._remember(call, arrived.channel.caller)
        call.after = variables.get("AFTER", "")
        command = translate.enqueue(
            arrived,
            variables,
            command_id=self._desk.host.new_id(),
            interaction_id=call.interaction_id,
            default_queue=self._desk.options.way_in,
            customer=customer,
            instance=self._desk.name,
        )
        if not translate.is_queue_name(command.queue):
            raise NotTaken("unknown-queue")
        return command

    async def _brought(self, arrived: CallerArrived) -> Mapping[str, str]:
        """Variables and headers that came with a caller, by one request at most, if any."""
        options = self._desk.options
        headers = options.data.headers
        wanted = options.variables if arrived.variables is None and options.fetch_variables else ()
        names = (*wanted, *map(header_expression, headers))
        found = await self._switchboard.variables(arrived.channel.id, names) if names else {}
        return {**named(headers, found), **(arrived.variables or {})}

    async def enqueue(self, call: Call, command: EnqueueInteraction) -> str:
        """Hand a caller in; returns the code of a refusal, empty when there was none. Raises `NotTaken`."""
        outcome = await self._desk.submit(command)
        if outcome.refusal is not None:
            return outcome.refusal.code
        call.is_enqueued = True
        _log.debug("call taken in", instance=self._desk.name, queue=command.queue, **call.keys)
        return ""

    def _arrived(self, what: CallerArrived) -> None:
        known = self._desk.by_channel.get(what.channel.id)
        if known is not None and known.is_present:
            return  # The comparison after a reconnect has seen this caller already.
        visit = self._desk.next_visit(what.channel.id)
        if known is not None:
            visit = max(visit, visit_of(known.interaction_id) + 1)  # The earlier visit has not been released yet.
        try:
            call = self._desk.add(self._desk.names.interaction(what.channel.id, visit), what.channel)
        except NotTaken as error:
            self._desk.spawn(self._turn_away(what.channel, error.code))
            return
        self._desk.in_lane(call, partial(self._take_in, call, what))

    async def _take_in(self, call: Call, what: CallerArrived) -> None:
        await self._desk.newcomers_in()
        try:
            command = await self.prepare(call, what)
            if self.menus.take(call, command, language=what.channel.language):
                return
        except NotTaken as error:
            await self._orders.dismissal.refuse(call, error.code)
            return
        await self._hand_in(call, command)

    async def _hand_in(self, call: Call, command: EnqueueInteraction) -> None:
        """To the engine, or back to the dialplan."""
        visit = visit_of(call.interaction_id)
        try:
            code = await self.enqueue(call, command)
            while code == "duplicate-interaction" and visit < MAX_VISITS:
                # The channel has been here in an earlier process's time, and has come back from the dialplan.
                visit += 1
                self._desk.visit_again(call, visit)
                command_id = self._desk.host.new_id()
                code = await self.enqueue(call, translate.renamed(command, call.interaction_id, command_id))
        except NotTaken as error:
            code = error.code
        if code:
            await self._orders.dismissal.refuse(call, code)

    async def _turn_away(self, channel: AriChannel, code: str) -> None:
        await self._switchboard.send_back(channel.id, {"ACD_REFUSAL": code, "ACD_RESULT": "refused"})

    async def _remember(self, call: Call, party: Party) -> str:
        """The opaque reference to a caller; a caller without one is better than no caller."""
        if not party.number and not party.name:
            return ""
        try:
            # The caller need not wait for a second disk write: who it was is written while the engine decides.
            return await self._desk.host.remember(Personal(number=party.number, name=party.name), durable=False)
        except PersonalStoreError:
            _log.warning("the personal store did not take a caller", instance=self._desk.name, **call.keys)
            return ""

    def _caller_left(self, channel_id: str) -> None:
        call = self._desk.by_channel.get(channel_id)
        if call is None or call.lost or not call.is_reached:
            return
        call.lost = True
        self._desk.in_lane(call, partial(self._end_for_caller, call))

    async def _end_for_caller(self, call: Call) -> None:
        if call.is_ended or not call.is_enqueued:
            return
        if call.is_talking and not call.hangup_requested and await _is_in_lot(call):
            return  # The transfer, which comes behind this, says so.
        end = EndInteraction(self._desk.host.new_id(), call.interaction_id, by="customer", reason="caller-hung-up")
        if not call.hangup_requested:
            # Taken out of the application by the dialplan (the dead-man's switch) or by a transfer.
            end = structs.replace(end, by="system", reason="left-stasis")
        outcome = await self._desk.tell(end)
        if outcome is not None and outcome.refusal is not None:
            await self._orders.release(call)

    # ---- agents' legs

    def _leg_answered(self, offer_id: str) -> None:
        found = self._desk.find(offer_id)
        if found is None or not found[1].is_live:
            self._desk.spawn(self._switchboard.hang_up_leg(offer_id))
        elif found[1].state == "dialling":
            self.accept(*found)

    def accept(self, call: Call, leg: Leg) -> None:
        """The agent's telephone has been picked up; where a key is needed, it was not yet the agent who did it."""
        if self.needs_key(leg):
            self._confirming.begin(leg, self._confirmed)
        else:
            self._confirmed(call, leg)

    def needs_key(self, leg: Leg) -> bool:
        """Whether nobody has said yet by a key that it was the agent who picked up, and that is needed."""
        return self._confirming.is_needed(leg)

    def _confirmed(self, call: Call, leg: Leg) -> None:
        leg.state = "answered"
        self._desk.in_lane(call, partial(self._accept, call, leg))

    async def _accept(self, call: Call, leg: Leg) -> None:
        if leg.accepted:
            await self._orders.join(call, leg)  # Accepted at the agent's desk, before the telephone was picked up.
            return
        self._orders.make_bridge(call)
        outcome = await self._desk.tell(AcceptOffer(self._desk.host.new_id(), leg.offer_id, leg.agent_id))
        if outcome is None:
            return
        if outcome.refusal is None or leg.accepted or self._is_connected(leg):
            leg.accepted = True
            return
        await self._orders.end_leg(leg)

    def _is_connected(self, leg: Leg) -> bool:
        """Whether the acceptance came in by another way, and the order to join is about to come."""
        return any(wish.state == "connected" and leg.offer_id in wish.offers() for wish in self._desk.host.desired())

    def _leg_ended(self, what: LegLeft | LegDestroyed) -> None:
        if isinstance(what, LegDestroyed):
            self._orders.devices.freed(what.offer_id)
        found = self._desk.find(what.offer_id)
        if found is None or not found[1].is_live:
            return
        call, leg = found
        was_answered = leg.state == "answered"
        if was_answered and isinstance(what, LegDestroyed):
            return  # `LegLeft` has said so, or is about to.
        cause = what.cause if isinstance(what, LegDestroyed) else 0
        if leg.state == "confirming":
            cause = translate.REJECTED  # Whoever picked up has hung up without a word.
        leg.end()
        if not leg.revoked:
            self._orders.devices.freed(leg.offer_id)  # It was the device that has hung up.
        self._desk.in_lane(call, partial(self._end_for_leg, call, leg, cause, was_answered=was_answered))

    async def _end_for_leg(self, call: Call, leg: Leg, cause: int, *, was_answered: bool) -> None:
        if leg.revoked or leg.reported or call.is_ended:
            return
        if leg.accepted:
            await self._orders.lose_leg(call, leg)
        elif not was_answered:
            verdict = translate.leg_verdict(cause)
            await self._desk.tell(
                translate.leg_command(
                    verdict, command_id=self._desk.host.new_id(), offer_id=leg.offer_id, agent_id=leg.agent_id
                )
            )

    def _talk_entered(self, what: TalkEntered) -> None:
        call = self._desk.calls.get(what.interaction_id)
        if call is None or call.channel_id not in what.channel_ids:
            return
        for leg in call.legs.values():
            if not leg.joined and self._desk.names.leg(leg.offer_id) in what.channel_ids:
                leg.joined = True
                _log.debug("call joined", instance=self._desk.name, agent=leg.agent_id, offer=leg.offer_id, **call.keys)
            call.has_talked = call.has_talked or leg.joined

    def _leg_held(self, what: LegHeld) -> None:
        found = self._desk.find(what.offer_id)
        if found is not None and found[1].joined and not found[1].away:
            call, leg = found
            leg.held_by_phone = what.held
            kind = HoldWork if what.held else ResumeWork
            command = kind(self._desk.host.new_id(), leg.agent_id, call.interaction_id)

            async def tell() -> None:
                await self._desk.tell(command)

            self._desk.in_lane(call, tell)


async def _is_in_lot(call: Call) -> bool:
    """Of the two events of a parking, that the caller has left may come first."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PARKED_SECONDS):
            await call.in_lot.wait()
    return call.in_lot.is_set()
