"""Music while callers wait: of which class, in which bridge, and that there is any.

Owns who waits in which of the bridges, each with the music of some queues. Must not know prompts, nor when a caller is
put there. A bridge's music ends for good when the last who hears it leaves (measured: the channel that plays it goes,
too); so whoever comes first begins it anew.

Whoever enters or leaves a bridge has Asterisk list all who are in it, and waits for its lock, which the music takes for
all of them fifty times a second. So that a thousand who wait cost no more per call than ten, they wait in several
rooms: bridges of one music, each with a bounded number of callers. One more is made where the others are well filled.
"""

import asyncio
from collections import Counter
from typing import Final

from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.switchboard import Switchboard

AFTER_SECONDS: Final = 0.3
"""How long a caller has waited before it is seen to that there is music: whoever is answered at once needs none."""


MAX_IN_ROOM: Final = 64
"""Callers in one bridge."""

ANOTHER_FROM: Final = MAX_IN_ROOM // 2
"""A room with so many gets no more, until it has fewer: so that they are counted once for as many who come."""


class Music:
    """For the callers of one channel instance."""

    def __init__(self, desk: Desk, switchboard: Switchboard) -> None:
        """`desk` has the calls."""
        self._desk = desk
        self._switchboard = switchboard
        self._places: dict[str, tuple[int, int]] = {}
        """By class of music: the room that is being filled, and how many places it has left."""

    def of(self, call: Call) -> str:
        """The class that a caller is to hear, by the queue in which they stand."""
        return self._desk.options.music_in(self._desk.host.queue_of(call.interaction_id))

    def is_misplaced(self, call: Call) -> bool:
        """Whether a caller waits with the music of another queue than the one in which they stand by now."""
        first = self._switchboard.hold_bridge(self.of(call))
        return bool(call.hold) and self._desk.names.first_room(call.hold) != first

    async def hold(self, call: Call) -> None:
        """Put a caller where they hear it."""
        music_class = self.of(call)
        room = self._room(music_class)
        hold = self._switchboard.hold_bridge(music_class, room)
        is_first = self._is_empty(hold, call)
        call.hold = hold
        await self._switchboard.hold(call.channel_id, music_class, room, patient=True)
        # Whoever was there before may have left meanwhile.
        if is_first or self._is_empty(hold, call):
            self._desk.spawn(self._begin_anew(music_class, room))

    async def resume(self) -> None:
        """After a comparison, in all rooms but the first ones: whether it was begun there, nobody may know."""
        held = {call.hold for call in self._desk.calls.values() if call.is_waiting and call.hold}
        rooms = {self._desk.names.room_of(each) for each in held if self._desk.names.is_hold(each)}
        for music_class, room in sorted(rooms):
            if room > 1:
                await self._switchboard.play_on_hold(music_class or self._desk.options.music_class, room)

    def _room(self, music_class: str) -> int:
        """One with a place for a caller. Over AMI nobody is in a bridge."""
        if self._desk.options.control == "ami":
            return 1
        room, left = self._places.get(music_class, (1, 0))
        if not left:
            room, left = self._count(music_class)
        self._places[music_class] = (room, left - 1)
        return room

    def _count(self, music_class: str) -> tuple[int, int]:
        """The first room that is not well filled, and how many places it has. O(calls)."""
        filled = Counter(call.hold for call in self._desk.calls.values() if call.hold and call.is_waiting)
        room = 1
        while (there := filled[self._switchboard.hold_bridge(music_class, room)]) >= ANOTHER_FROM:
            room += 1
        return room, MAX_IN_ROOM - there

    def _is_empty(self, hold: str, but_for: Call | None = None) -> bool:
        """Whether nobody else waits there. Those who have come last are looked at first: they are in the same room."""
        calls = reversed(self._desk.calls.values())
        return not any(each.hold == hold and each.is_waiting for each in calls if each is not but_for)

    async def _begin_anew(self, music_class: str, room: int) -> None:
        """For whoever is there by then: the first one may be gone, and those who came meanwhile were not first."""
        await asyncio.sleep(AFTER_SECONDS)
        if not self._is_empty(self._switchboard.hold_bridge(music_class, room)):
            await self._switchboard.play_on_hold(music_class, room)
