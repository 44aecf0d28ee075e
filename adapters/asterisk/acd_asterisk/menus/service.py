"""Callers in menus: what they hear and press on the PBX, until they are handed to the engine or let go.

Owns who is in a menu, and the way between a `Visit` and the PBX. Must not know what a key leads to (`visit`), nor how
anything is played (`prompts`). The engine knows nothing of a caller in a menu. Where somebody is stands in a variable
of their channel, so that another process goes on there; what was entered is in nobody's hands but this one's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
from msgspec import structs

from acd.core.messages import EnqueueInteraction
from acd.errors import PersonalStoreError
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.menus.handover import enqueue, person
from acd_asterisk.menus.plan import MENU_PREFIX, Action
from acd_asterisk.menus.visit import Turn, Visit
from acd_asterisk.orders import Orders
from acd_asterisk.prompts import MAX_KEYS
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.variables import MENU_TRAIL

SERVED: Final = "-"
"""Noted instead of a place in the menus: the caller has been handed to the engine."""

HandIn = Callable[[Call, EnqueueInteraction], Awaitable[None]]
"""Gives a caller to the engine, or lets them go on in the dialplan with the reason."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Stay:
    """One caller in the menus. `is_found`: they were there before this process, or this connection, was."""

    call: Call
    command: EnqueueInteraction
    visit: Visit
    is_found: bool
    task: "asyncio.Task[None] | None" = None
    noted: str = ""
    keys: "asyncio.Queue[str]" = field(default_factory=lambda: asyncio.Queue(MAX_KEYS))

    def heard(self, key: str) -> None:
        """Somebody who presses more keys than can wait is not heard; that they have gone is."""
        if not key and self.keys.full():
            self.keys.get_nowait()
        if not self.keys.full():
            self.keys.put_nowait(key)


class Menus:
    """The menus of one channel instance."""

    def __init__(self, desk: Desk, switchboard: Switchboard, orders: Orders, hand_in: HandIn) -> None:
        """`hand_in` is for those whose key leads to a queue."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        self._hand_in = hand_in
        self._menus = {menu.name: menu for menu in desk.options.menus}
        self._stays: dict[str, _Stay] = {}
        """By channel."""
        self.hangups = 0
        """Callers who have hung up in a menu."""

    @property
    def callers(self) -> int:
        """How many are in a menu now."""
        return len(self._stays)

    def take(self, call: Call, command: EnqueueInteraction, *, language: str, is_found: bool = False) -> bool:
        """Begin a menu for a caller whose queue is one (`menu:main`); False when it is a queue.

        `is_found`: the caller may have begun it earlier. Raises `NotTaken` when nobody may enter there.
        """
        if not command.queue.startswith(MENU_PREFIX):
            return False
        name = command.queue.removeprefix(MENU_PREFIX)
        menu = self._menus.get(name)
        if menu is None or not (menu.entry or name == self._desk.options.menu):
            raise NotTaken("unknown-menu")
        stay = _Stay(call, command, Visit(self._menus, name, language), is_found)
        call.in_menu = True
        self._stays[call.channel_id] = stay
        self._begin(stay)
        return True

    def compared(self, present: Container[str], *, was_restarted: bool) -> None:
        """The PBX has been looked at: `present` are the callers' channels. Forget who has gone; go on with the rest.

        `was_restarted`: then nobody has hung up, and everybody is gone.
        """
        for channel_id, stay in tuple(self._stays.items()):
            if channel_id not in present:
                self._gone(stay, has_hung_up=not was_restarted)
            elif stay.task is None and stay.call.lane.is_idle:
                self._begin(stay)

    # ---- one caller

    def _begin(self, stay: _Stay) -> None:
        stay.task = self._desk.spawn(self._stay(stay))

    async def _stay(self, stay: _Stay) -> None:
        """From the first prompt to the last key. What the PBX does not answer is begun again after a comparison."""
        try:
            if stay.is_found and not await self._take_up(stay):
                return
            action = await self._talk(stay)
        except AriUnavailable as error:
            self._desk.report(error)
            return
        finally:
            stay.task = None
        if action is None:
            self._gone(stay)
        else:
            self._desk.in_lane(stay.call, partial(self._leave, stay, action))

    async def _take_up(self, stay: _Stay) -> bool:
        """Go on where the caller was; False when there is nothing to go on with."""
        call = stay.call
        trail = (await self._switchboard.variables(call.channel_id, (MENU_TRAIL,))).get(MENU_TRAIL, "")
        if trail == SERVED:
            # The engine is done with this caller, and died before it could let go.
            self._forget(stay)
            await self._orders.dismissal.cancel(call.channel_id, call.interaction_id)
            return False
        stay.visit.follow(trail)
        stay.is_found = False
        return True

    async def _talk(self, stay: _Stay) -> Action | None:
        """Ask until a key, or none, leads somewhere; None when the caller is gone."""
        channel_id, prompts = stay.call.channel_id, self._orders.prompts
        await self._orders.answering.now(stay.call)  # Telephones may send no keys before.
        prompts.listen(channel_id, stay.heard)
        line = _Line(self._orders, channel_id)
        try:
            turn = stay.visit.begin()
            # Whoever has left before somebody listened is told by no key.
            while turn.leave is None and not stay.call.lost:
                await self._note(stay)
                await line.carry_out(turn, stay.visit.language)
                key, said = await line.wait(stay.keys)
                if key == "":
                    return None
                # That a prompt could not be played says nothing of the caller: if they are gone, an event says so.
                turn = (
                    stay.visit.press(key) if key is not None else stay.visit.said() if said else stay.visit.time_out()
                )
            if turn.leave is not None:
                await self._note(stay)
                await line.carry_out(turn, stay.visit.language)
            return turn.leave
        finally:
            line.close()
            prompts.unlisten(channel_id, stay.heard)

    async def _note(self, stay: _Stay) -> None:
        """Leave word at the channel of where the caller is, and in which language everybody is to speak with them."""
        trail, language = stay.visit.trail(), stay.visit.chosen
        words = f"{trail} {language}"
        if words != stay.noted:
            stay.noted = words
            chosen = {"CHANNEL(language)": language} if language else {}
            await self._switchboard.set_variables(stay.call.channel_id, {MENU_TRAIL: trail, **chosen})

    # ---- the end

    async def _leave(self, stay: _Stay, action: Action) -> None:
        call = stay.call
        if call.lost:
            self._gone(stay)
            return
        if action.queue:
            command = await self._command(stay, action.queue)
            self._stays.pop(call.channel_id, None)
            await self._hand_in(call, command)
            call.in_menu = False
            if call.is_enqueued:
                with suppress(AriUnavailable):
                    await self._switchboard.set_variables(call.channel_id, {MENU_TRAIL: SERVED})
            return
        self._forget(stay)
        if action.dialplan:
            if self._desk.options.heartbeat_us:
                await self._switchboard.set_dead_mans_switch(call.channel_id, 0)
            await self._orders.dismissal.send_back(call, "menu", place=action.dialplan)
        else:
            await self._switchboard.hang_up(call.channel_id)

    async def _command(self, stay: _Stay, queue: str) -> EnqueueInteraction:
        """What the engine is told; secrets go to the personal store on the way, and nowhere else."""
        command, handles = stay.command, {each: self._desk.host.new_id() for each in stay.visit.secrets}
        if handles:
            try:
                customer = await self._desk.host.remember(person(stay.call.party, stay.visit, handles))
                command = structs.replace(command, customer=customer)
            except PersonalStoreError:
                handles = {}
                about = stay.call.keys
                _log.warning("the personal store did not take what a caller entered", instance=self._desk.name, **about)
        return enqueue(command, stay.visit, queue, handles)

    def _gone(self, stay: _Stay, *, has_hung_up: bool = True) -> None:
        # Taken out of the application by the dead-man's switch or a transfer is not having hung up.
        if has_hung_up and (stay.call.hangup_requested or not stay.call.lost):
            self.hangups += 1
        if stay.task is not None:
            stay.task.cancel()
        self._forget(stay)

    def _forget(self, stay: _Stay) -> None:
        if self._stays.get(stay.call.channel_id) is stay:
            del self._stays[stay.call.channel_id]
        stay.call.in_menu = False
        self._desk.forget(stay.call)


class _Line:
    """One channel's prompt and timer."""

    def __init__(self, orders: Orders, channel_id: str) -> None:
        self._prompts = orders.prompts
        self._channel_id = channel_id
        self._playing: asyncio.Task[str] | None = None
        self._due: float | None = None

    async def carry_out(self, turn: Turn, language: str) -> None:
        """Hush, say, and set the timer."""
        if turn == Turn():
            return
        self._due = None
        if turn.hush:
            await self._prompts.hush(self._channel_id)
            self.close()
        if turn.say:
            self._playing = asyncio.create_task(self._prompts.play(self._channel_id, turn.say, language=language))
        if turn.wait_us:
            self._due = asyncio.get_running_loop().time() + turn.wait_us / 1e6

    async def wait(self, keys: "asyncio.Queue[str]") -> tuple[str | None, str]:
        """The next key, or how the prompt has ended, or (None, "") when the timer has run out."""
        pressing = asyncio.create_task(keys.get())
        awaited: set[asyncio.Task[str]] = {pressing} if self._playing is None else {pressing, self._playing}
        left = None if self._due is None else max(self._due - asyncio.get_running_loop().time(), 0.0)
        try:
            await asyncio.wait(awaited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if pressing.done():
                return pressing.result(), ""
            if self._playing is not None and self._playing.done():
                try:
                    return None, self._playing.result()
                finally:
                    self._playing = None
            return None, ""
        finally:
            pressing.cancel()
            del pressing, awaited  # No circle of a task, its error and this frame.

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._playing is not None:
            self._playing.add_done_callback(lambda task: task.cancelled() or task.exception())  # Of no interest now.
            self._playing.cancel()
            self._playing = None
