"""What the parts of one channel instance share: its calls, its tasks, and the way to hand in a command.

Owns the registry of calls and what happens when the engine takes no command. Must not know ARI.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from traceback import extract_tb
from typing import Any, Final

import structlog
from structlog.contextvars import bind_contextvars

from acd.core.messages import Command, EndInteraction, Outcome
from acd.errors import AcdError, CommandInvalid, CommandQuarantined, RouterClosed, RouterOverloaded
from acd.ports.channel import ChannelHost
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Back, Call, Lane, LaneFull, Leg, Step
from acd_asterisk.names import Names, first_visit, interaction_of_offer, visit_of
from acd_asterisk.offered import Offered
from acd_asterisk.options import Options
from acd_asterisk.visits import Visits
from acd_asterisk.wire import AriChannel, Party

MAX_CALLS: Final = 20_000
"""Callers of one PBX in the application at a time; further ones go on in the dialplan."""

RECONCILE_DELAY_SECONDS: Final = 1.0
LONGEST_DELAY_SECONDS: Final = 10.0
"""How long after a command that was not taken the world is compared anew: twice as long as the last comparison took,
between these two. Where there is more to do than the machine can, each leads to the next, in the way of all else:
one that is wanted as another begins has to come well after its end."""

_log = structlog.get_logger(__name__)


class NotTaken(Exception):
    """The engine did not take a command; `code` says why, in kebab-case."""

    def __init__(self, code: str) -> None:
        """`code` is for the dialplan and the log."""
        self.code = code
        super().__init__(code)


class Desk:
    """One channel instance's calls and tasks. `host` is set by `start`."""

    def __init__(self, name: str, options: Options, names: Names) -> None:
        """Empty."""
        self.name = name
        self.options = options
        self.names = names
        self.calls: dict[str, Call] = {}
        """By interaction id."""
        self.by_channel: dict[str, Call] = {}
        """By the caller's channel id."""
        self.offered = Offered(lambda interaction_id: self.host.wish(interaction_id) is not None)
        """What this process was told of offers, and for which it has dialled."""
        self.guests: dict[str, Call] = {}
        """By offer: calls that a leg has come to out of a consult; its offer is another interaction's."""
        self.attended: set[str] = set()
        """Channels in the application that are nobody's call, and that some part of this process sees to."""
        self.lingering: dict[str, Call] = {}
        """By the caller's channel id: calls that are over, and whose callers are still asked something."""
        self.performing: dict[asyncio.Task[None], str] = {}
        """Effects that are being performed, each with its interaction."""
        self.newcomers: asyncio.Task[None] | None = None
        """The handing in of callers who came while nobody listened; those who come now are behind them."""
        self.version = ""
        """Asterisk's, once it is known."""
        self.comparison_seconds = 0.0
        """What the last comparison took."""
        self._visits = Visits()
        self._host: ChannelHost | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked = False

    @property
    def host(self) -> ChannelHost:
        """The runtime's side. Raises `RuntimeError` before `start`."""
        if self._host is None:
            raise RuntimeError("the channel has not been started")
        return self._host

    def start(self, host: ChannelHost) -> None:
        """Remember the runtime's side."""
        self._host = host

    # ---- calls

    def add(self, interaction_id: str, channel: AriChannel) -> Call:
        """A call for a caller's channel, or the one that there is already. Raises `NotTaken` beyond the bound."""
        call = self.calls.get(interaction_id)
        if call is None:
            if len(self.calls) >= MAX_CALLS:
                raise NotTaken("too-many-calls")
            call = Call(interaction_id, channel.id, channel.caller, Lane(self.spawn, self.report))
            self.calls[interaction_id] = call
        self.by_channel[channel.id] = call
        call.is_up = call.is_up or channel.is_up
        return call

    def add_consult(self, interaction_id: str, parent: Call, leg: Leg) -> Call:
        """The call in which the agent of `leg` asks for advice, or the one that there is. Raises `NotTaken`."""
        call = self.calls.get(interaction_id)
        if call is None:
            if len(self.calls) >= MAX_CALLS:
                raise NotTaken("too-many-calls")
            channel_id = self.names.leg(leg.offer_id)
            call = Call(interaction_id, channel_id, parent.party, Lane(self.spawn, self.report), moving=parent.moving)
            call.is_up = call.is_enqueued = True
            call.parent, call.asking = parent, leg.offer_id
            self.calls[interaction_id] = call
        if interaction_id not in leg.away:
            leg.away.append(interaction_id)
        return call

    def add_back(self, interaction_id: str, back: Back) -> Call:
        """The call of a callback, whose customer nobody has called yet. Raises `NotTaken` beyond the bound."""
        if len(self.calls) >= MAX_CALLS:
            raise NotTaken("too-many-calls")
        call = Call(interaction_id, "", Party(), Lane(self.spawn, self.report), back=back)
        call.is_enqueued = call.greeted = True
        call.after = ""
        self.calls[interaction_id] = call
        return call

    def add_guest(self, call: Call, leg: Leg) -> Leg:
        """A leg of a call, whatever interaction its offer was made for."""
        if interaction_of_offer(leg.offer_id) != call.interaction_id:
            self.guests[leg.offer_id] = call
        return call.add_leg(leg)

    def next_visit(self, channel_id: str) -> int:
        """1 for a channel that has not been here before, as far as this process knows."""
        return self._visits.next_of(channel_id)

    def visit_again(self, call: Call, visit: int) -> None:
        """The call turns out to be a further visit of its channel."""
        del self.calls[call.interaction_id]
        call.interaction_id = self.names.interaction(call.channel_id, visit)
        self.calls[call.interaction_id] = call

    def forget(self, call: Call) -> None:
        """It is over. What still comes of its channels is of no interest."""
        call.is_ended = True
        _log.debug("call over", instance=self.name, **call.keys)
        if call.parent is None and call.back is None:
            self._visits.note(call.channel_id, visit_of(call.interaction_id))
        self.offered.forget(call.interaction_id)
        for offer_id in [offer_id for offer_id, its in self.guests.items() if its is call]:
            del self.guests[offer_id]
        if self.calls.get(call.interaction_id) is call:
            del self.calls[call.interaction_id]
        if self.by_channel.get(call.channel_id) is call:
            del self.by_channel[call.channel_id]

    def in_lane(self, call: Call, step: Step) -> None:
        """Do something about a call when all that came before it is done."""
        try:
            call.lane.put(partial(_about, call, step))
        except LaneFull:
            _log.error("too much at once for one call", instance=self.name, **call.keys)
            self.reconcile_soon()

    def keys(self, interaction_id: str) -> dict[str, str]:
        """By which log lines about an interaction are found, whether its call is still known or not.

        Both keys every time: a task may have begun for another call, and what is logged in it bears that one's else.
        """
        call = self.calls.get(interaction_id)
        if call is not None:
            return call.keys
        caller = self.names.caller(interaction_id)
        return {"interaction": interaction_id, "channel": "" if caller == first_visit(interaction_id) else caller}

    def is_seen_to(self, interaction_id: str) -> bool:
        """Whether something is being done about it on the PBX, which has an end: an effect, or the way to the music."""
        call = self.calls.get(interaction_id)
        is_on_the_way = call is not None and call.is_being_parked
        return is_on_the_way or interaction_id in self.performing.values()

    def is_wanted(self, offer_id: str) -> bool:
        """Whether the engine wants this offer's leg: to ring, or to talk."""
        return any(offer_id in wish.offers() for wish in self.host.desired())

    def is_held(self, agent_id: str, interaction_id: str) -> bool:
        """Whether this agent has put the customer on hold, by the engine's word."""
        standing = self.host.agent(agent_id)
        return standing is not None and (interaction_id, "held") in standing.work

    def find(self, offer_id: str) -> tuple[Call, Leg] | None:
        """The leg of an offer and the call that it belongs to; None when neither is known."""
        call = self.guests.get(offer_id) or self.calls.get(interaction_of_offer(offer_id))
        leg = None if call is None else call.leg_for(offer_id)
        return None if call is None or leg is None else (call, leg)

    async def lanes_idle(self) -> None:
        """Wait until nothing is being done about any call."""
        await asyncio.gather(*(call.lane.idle() for call in tuple(self.calls.values())))

    async def newcomers_in(self) -> None:
        """Wait until those who came while nobody listened are handed in."""
        while (task := self.newcomers) is not None and not task.done():
            await asyncio.wait((task,))

    # ---- the engine

    async def submit(self, command: Command) -> Outcome:
        """Hand in a command; returns its committed outcome, which may be a refusal. Raises `NotTaken`."""
        try:
            return await self.host.submit(command)
        except RouterOverloaded:
            raise NotTaken("overloaded") from None
        except RouterClosed:
            raise NotTaken("engine-stopped") from None
        except CommandInvalid as error:
            kind = type(command).__name__
            _log.error("a command was invalid", instance=self.name, kind=kind, reason=str(error), **self._keys(command))
            raise NotTaken("command-invalid") from None
        except CommandQuarantined:
            raise NotTaken("command-quarantined") from None
        except AcdError as error:
            raise NotTaken("engine-unavailable") from error

    async def tell(self, command: Command) -> Outcome | None:
        """Hand in what has happened; None when it was not taken. Then the world is compared again a little later."""
        try:
            outcome = await self.submit(command)
        except NotTaken as error:
            kind = type(command).__name__
            _log.warning("not taken", instance=self.name, kind=kind, code=error.code, **self._keys(command))
            if error.code != "engine-stopped":
                self.reconcile_soon()
            return None
        if outcome.refusal is not None:
            kind, code = type(command).__name__, outcome.refusal.code
            _log.debug("refused", instance=self.name, kind=kind, code=code, **self._keys(command))
        return outcome

    def _keys(self, command: Command) -> dict[str, str]:
        """Those of what a command is about; none when it is about an agent."""
        offer_id = getattr(command, "offer_id", "")
        interaction_id = getattr(command, "interaction_id", "") or interaction_of_offer(offer_id)
        return self.keys(interaction_id) if interaction_id else {}

    async def end_unusable(self, interaction_id: str) -> None:
        """End what no channel can be named after."""
        _log.error(
            "a consult's or callback's id cannot name a channel; use letters, digits and ._:@+~-, at most 100",
            instance=self.name,
        )
        await self.tell(EndInteraction(self.host.new_id(), interaction_id, by="system", reason="unusable-id"))

    async def carry_out(self, command: Command, **keys: str) -> bool:
        """Hand in what somebody has asked for by their telephone; whether it was done. They hear when it was not."""
        kind = type(command).__name__
        try:
            outcome = await self.submit(command)
        except NotTaken as error:
            _log.warning("not taken", instance=self.name, kind=kind, code=error.code, **keys)
            return False
        if outcome.refusal is not None:
            _log.info("refused", instance=self.name, kind=kind, code=outcome.refusal.code, **keys)
        return outcome.refusal is None

    def reconcile_soon(self) -> None:
        """Ask for a comparison after a pause, once however often it is wanted."""
        if not self._asked:
            self._asked = True
            self.spawn(self._ask_to_reconcile())

    # ---- tasks

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something beside; it is ended by `stop`, and what it raises is logged and leads to a comparison."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def stop(self) -> None:
        """End all tasks."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        try:
            task.result()
        except BaseException as error:  # noqa: BLE001 - told, and looked up
            if isinstance(error, Exception):
                self.report(error)
            # A call knows its tasks, a task its error, that the frames, and those the call: nobody needs them now.
            error.__traceback__ = None

    def report(self, error: Exception) -> None:
        """Something raised that should not have: say so, and look up what is true."""
        if isinstance(error, AriUnavailable):
            _log.warning("the PBX did not answer", instance=self.name, reason=str(error))
        else:
            # Where, and of what kind; its text might hold a caller's number.
            frames = extract_tb(error.__traceback__)
            where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
            _log.error("a step failed", instance=self.name, error=type(error).__name__, where=where)
        self.reconcile_soon()

    async def _ask_to_reconcile(self) -> None:
        try:
            await asyncio.sleep(min(max(2 * self.comparison_seconds, RECONCILE_DELAY_SECONDS), LONGEST_DELAY_SECONDS))
        finally:
            self._asked = False
        self.host.request_reconcile()


async def _about(call: Call, step: Step) -> None:
    """A step of a call's lane: whatever is logged from now on in the lane's task is about this call."""
    bind_contextvars(**call.keys)
    await step()
