"""Transfers that agents make with their own telephones, by SIP REFER: followed, so that it is known who has whom.

Owns what a number means that an agent transfers to, and what the telephone is told. Must not know SIP, nor how a call
is moved. Asterisk has put a channel of its own in the leg's place, and told the telephone: that channel is ended. Or it
leaves the REFER to us (`PJSIP_TRANSFER_HANDLING`), does nothing by itself, and tells the telephone what we say.

- to an agent (their telephone, or `addresses.number`): the customer is offered to that agent first;
- to a queue (`number` of `[channels.NAME.queues.QUEUE]`): the customer waits there, with everything that is known;
- to any other number: out of the engine, into the dialplan's `context` (else that which Asterisk has chosen); refused
  where there is none;
- to a number where calls are parked: Asterisk has taken the customer away, and has them; they are left alone;
- attended: likewise, to whoever the agent talks with, or has called, on the other line, which ends; not outside;
- a telephone that puts itself in the agent's place (an INVITE with Replaces): likewise, to whose telephone it is.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

import structlog

from acd.core.messages import Command, EndInteraction, LeaveInteraction, RequeueInteraction, TransferInteraction
from acd.ports.channel import TRANSFERRED_OUT
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.dismissal import Dismissal
from acd_asterisk.happenings import CallerLeft, Happening, Referred, StrayArrived
from acd_asterisk.mending import NOT_FOLLOWED
from acd_asterisk.ringing import PJSIP
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.telephones import agents_at, agents_with
from acd_asterisk.translate import clean_number, is_endpoint

PATIENCE_SECONDS: Final = 1.0
"""How long to wait for the other line's end, and how long Asterisk has for a transfer of its own."""

LOOK_SECONDS: Final = 0.02

TOLD_SECONDS: Final = 0.2
"""How long Asterisk has to tell a telephone that its blind transfer is done, of which it tells nobody else.

It sees so when its own channel takes the agent's place, and says "failed" if that channel is ended before it has seen.
"""

LINES_KEPT: Final = 64
"""So many lines that Asterisk has taken out of the application are remembered, with the queues in which they waited."""

BY: Final = "BLINDTRANSFER"
"""The variable by which Asterisk knows who has transferred a channel: if the number is one where calls are parked, they
come back to that telephone."""

_log = structlog.get_logger(__name__)


class _Target(NamedTuple):
    """Where to; all empty: nowhere."""

    agent: str = ""
    queue: str = ""
    outside: str = ""
    """`NUMBER@CONTEXT`."""


class Transfers:
    """Those of one PBX."""

    def __init__(self, desk: Desk, switchboard: Switchboard, dismissal: Dismissal) -> None:
        """`desk` has the calls."""
        self._desk = desk
        self._dismissal = dismissal
        self._switchboard = switchboard
        numbers = {each.number: queue for queue, each in desk.options.queues.items() if each.number}
        self._queues = numbers
        self._taken_out: OrderedDict[str, str] = OrderedDict()
        """By channel: the queue."""

    def handle(self, what: Happening) -> None:
        """See to a telephone that transfers; all else is none of this part's business."""
        if isinstance(what, StrayArrived):
            self._desk.spawn(self._end_stray(what.channel_id))
        if isinstance(what, CallerLeft):
            self._note_line(what.channel_id)
        if not isinstance(what, Referred):
            return
        found = self._desk.find(what.offer_id)
        if found is None or not found[1].is_live or not found[1].is_talking:
            self._desk.spawn(self._refuse(what))
            return
        call, leg = found
        if what.parked and call.parent is None:
            call.in_lot.set()
            call.lost = True
            self._desk.in_lane(call, partial(self._park, call, leg))
        else:
            # What is known of the other line is known now: it may be gone when its turn has come.
            self._desk.in_lane(call, partial(self._transfer, call, leg, what, self._waited_in(what.other_line)))

    async def _end_stray(self, channel_id: str) -> None:
        """Not at once: the telephone would be told that its transfer has failed."""
        await asyncio.sleep(PATIENCE_SECONDS)
        await self._switchboard.hang_up(channel_id)

    def _note_line(self, channel_id: str) -> None:
        """Asterisk takes a line that transfers out first, and tells of the transfer after that: any time after."""
        line = self._desk.by_channel.get(channel_id)
        if line is not None and not line.hangup_requested and (queue := self._waited_in(channel_id)):
            self._taken_out[channel_id] = queue
            while len(self._taken_out) > LINES_KEPT:
                self._taken_out.popitem(last=False)

    def _waited_in(self, channel_id: str) -> str:
        """The queue in which an agent's other line waits, or has waited, like any caller's."""
        if channel_id in self._taken_out:
            return self._taken_out[channel_id]
        line = self._desk.by_channel.get(channel_id)
        standing = None if line is None else self._desk.host.interaction(line.interaction_id)
        return "" if standing is None else standing.queue

    async def _park(self, call: Call, leg: Leg) -> None:
        """The customer is out of our hands, and nothing is to be done to them; whoever fetches them has an own call."""
        leg.reported = True
        end = EndInteraction(self._desk.host.new_id(), call.interaction_id, by="agent", reason=TRANSFERRED_OUT)
        outcome = await self._desk.tell(end)
        if outcome is None or outcome.refusal is not None:
            leg.reported = False

    async def _transfer(self, call: Call, leg: Leg, what: Referred, waited_in: str) -> None:
        target = self._target(call, leg, what, waited_in)
        is_attended = bool(what.other_line or what.other_endpoint)
        command = self._command(call, leg, target, "attended-transfer" if is_attended else "blind-transfer")
        is_done_already = bool(what.replaced_by)
        if is_done_already:
            leg.reported = True
            if not is_attended:
                await self._wait_until_told(leg)
            await self._switchboard.hang_up(what.replaced_by)
        if command is not None and what.other_line:
            await self._end_other_line(what)
        leg.refers = not is_done_already
        if command is not None and await self._is_done(call, command, target, what.by):
            leg.reported = True  # Its end is the transfer's, and no hanging up.
            return
        leg.refers = False
        if is_done_already:
            await self._keep_customer(call, leg)
        else:
            await self._refuse(what)

    async def _refuse(self, what: Referred) -> None:
        if what.replaced_by:
            await self._switchboard.hang_up(what.replaced_by)
        else:
            await self._switchboard.refuse_transfer(what.offer_id)

    async def _keep_customer(self, call: Call, leg: Leg) -> None:
        """The agent is no longer there, and nobody else is: the customer waits again, or has the others."""
        new_id, interaction_id = self._desk.host.new_id, call.interaction_id
        if any(each.accepted for each in call.live_legs() if each is not leg):
            await self._desk.tell(LeaveInteraction(new_id(), interaction_id, leg.agent_id, reason=NOT_FOLLOWED))
        else:
            await self._desk.tell(RequeueInteraction(new_id(), interaction_id, reason=NOT_FOLLOWED))

    async def _wait_until_told(self, leg: Leg) -> None:
        """Most telephones hang up when they are: then there is nothing more to wait for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TOLD_SECONDS):
                await leg.ended.wait()

    async def _end_other_line(self, what: Referred) -> None:
        """So that the other agent's telephone is free when the customer comes."""
        await self._switchboard.hang_up(what.other_line)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while what.other_end and await self._switchboard.has_channel(what.other_end):  # noqa: ASYNC110 - not ours, so no event tells
                    await asyncio.sleep(LOOK_SECONDS)

    def _target(self, call: Call, leg: Leg, what: Referred, waited_in: str) -> _Target:
        host = self._desk.host
        is_alone = not any(each.accepted for each in call.live_legs() if each is not leg)
        if not is_alone:
            return _Target()  # Who leaves a conference hangs up, and takes nobody along.
        found = agents_at(host, what.other_endpoint) if what.other_endpoint else []
        if not found and (queue := waited_in or self._queues.get(what.number, "")):
            return _Target(queue=queue)
        if not found and what.number:
            found = agents_with(host, what.number) or agents_at(host, f"{PJSIP}{what.number}")
        if len(found) == 1 and found[0].agent_id != leg.agent_id:
            return _Target(agent=found[0].agent_id)
        number, is_blind = what.number, not what.other_line
        context = self._desk.options.transfers.context or what.context
        if not found and is_blind and call.parent is None and context and number and clean_number(number) == number:
            return _Target(outside=f"{number}@{context}")
        _log.info(
            "a telephone transfers to nobody known",
            instance=self._desk.name,
            agent=leg.agent_id,
            **call.keys,
            attended=bool(what.other_line),
        )
        return _Target()

    def _command(self, call: Call, leg: Leg, target: _Target, how: str) -> Command | None:
        new_id, interaction_id = self._desk.host.new_id, call.interaction_id
        if target.outside:
            return EndInteraction(new_id(), interaction_id, by="agent", reason=TRANSFERRED_OUT)
        if not target.agent and not target.queue:
            return None
        return TransferInteraction(
            new_id(), interaction_id, leg.agent_id, to_queue=target.queue, to_agent=target.agent, reason=how
        )

    async def _is_done(self, call: Call, command: Command, target: _Target, by: str) -> bool:
        if target.outside:
            call.onward = target.outside
            with suppress(AriUnavailable):
                await self._dismissal.leave_word(call, target.outside)
                if is_endpoint(by):
                    await self._switchboard.set_variables(call.channel_id, {BY: by})
        if await self._desk.carry_out(command, **call.keys):
            return True
        call.onward = ""
        return False
