"""Talks to callers while they wait: greeting, position, expected wait, announcements; and hears the keys they press.

Owns when somebody is spoken to, and who is not: nobody whose agent's telephone rings, nobody who talks. Must not know
wording (`announcements`), sounds (`voice`) or what a key leads to (`exits`).

One task for each caller who waits in a queue with anything to say; it sleeps until it is time.
"""

import asyncio
import time
from functools import partial
from typing import Final

from acd.ports.channel import Place
from acd_asterisk.announcements import Told
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.exits import Exits
from acd_asterisk.media import SOUND, media_of
from acd_asterisk.options.waiting import Waiting
from acd_asterisk.orders import Orders
from acd_asterisk.voice import Voice

LEAST_SECONDS: Final = 0.25
"""How soon it is tried again to say what could not be said: the agent's telephone rang, or something was being said."""

LOOK_SECONDS: Final = 5.0
"""How often it is looked whether a caller has come to another queue."""


class Announcer:
    """Speaks to the callers of one channel instance."""

    def __init__(self, desk: Desk, orders: Orders, voice: Voice, exits: Exits) -> None:
        """Nobody waits yet. `exits` are told of keys."""
        self._desk = desk
        self._orders = orders
        self._voice = voice
        self._exits = exits
        self._speaks = any(queue.waiting != Waiting() for queue in desk.options.queues.values())
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By interaction; each removes itself."""

    def wait(self, call: Call) -> None:
        """A caller waits from now on, where music is, and is spoken to. Begun, not waited for."""
        self._orders.park(call)
        self.begin(call)

    def begin(self, call: Call) -> None:
        """A caller waits, for the first time or again. Returns at once; twice for one caller is once."""
        running = self._tasks.get(call.interaction_id)
        if not self._speaks or call.parent is not None or (running is not None and not running.done()):
            return
        task = self._tasks[call.interaction_id] = self._desk.spawn(self._accompany(call))
        task.add_done_callback(partial(self._ended, call.interaction_id))

    def take_over(self) -> None:
        """After a comparison: whoever waits is spoken to, whoever has put them there. A greeting is not repeated."""
        for call in self._desk.calls.values():
            if call.is_waiting:
                self.begin(call)

    async def announce(self, call: Call, name: str) -> None:
        """Tell a caller who waits something by its name: what is configured for it, else the sound of that name.

        Begun, not waited for. It takes the place of what is being said; nobody is told anything who talks.
        """
        media = self._voice.named(call, name)
        if not media and (plain := media_of(name)) is not None and plain.startswith(SOUND):
            media = (plain,)
        if call.is_waiting:
            self._desk.spawn(self._say(call, media))

    def _ended(self, interaction_id: str, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(interaction_id) is task:
            del self._tasks[interaction_id]

    async def _accompany(self, call: Call) -> None:
        """Until the caller does not wait any more."""
        heard = partial(self._pressed, call)
        self._voice.prompts.listen(call.channel_id, heard)
        try:
            await self._speak(call)
        finally:
            self._voice.prompts.unlisten(call.channel_id, heard)

    async def _speak(self, call: Call) -> None:
        waiting = self._voice.waiting(call)
        if not call.greeted:
            call.greeted = True
            await self._say(call, waiting.greeting)
        told = Told(waiting, _now_us())
        while call.is_waiting:
            await asyncio.sleep(_pause_seconds(told))
            if self._orders.music.is_misplaced(call) and call.is_waiting:
                self._orders.park(call)
            if self._may_be_spoken_to(call):
                waiting, place = self._voice.waiting(call), self._place(call, told)
                await self._say(call, told.say(waiting, self._voice.sounds(call), place, _now_us()))

    def _may_be_spoken_to(self, call: Call) -> bool:
        """Nobody is whose agent's telephone rings, nor anybody to whom something is being said."""
        return call.is_waiting and not call.live_legs() and not self._voice.prompts.is_playing(call.channel_id)

    def _place(self, call: Call, told: Told) -> Place | None:
        """Looked up only when something is due: it costs a look at everybody in the queue."""
        due_us = told.due_us()
        if due_us is None or due_us > _now_us():
            return None
        return self._desk.host.place(call.interaction_id)

    async def _say(self, call: Call, media: tuple[str, ...]) -> None:
        if call.is_waiting:
            await self._voice.say(call, media)

    def _pressed(self, call: Call, key: str) -> None:
        if key:
            self._exits.pressed(call, key)


def _pause_seconds(told: Told) -> float:
    """What was due and could not be said is looked at again a moment later."""
    due_us = told.due_us()
    until_due = LOOK_SECONDS if due_us is None else (due_us - _now_us()) / 1e6
    return max(min(until_due, LOOK_SECONDS), LEAST_SECONDS)


def _now_us() -> int:
    return time.monotonic_ns() // 1_000
