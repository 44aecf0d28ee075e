"""Music while callers wait: of which class, in which bridge, and that there is any.

Owns who waits in which of the bridges, each with the music of some queues. Must not know prompts, nor when a caller is
put there. A bridge's music ends for good when the last who hears it leaves (measured: the channel that plays it goes,
too); so whoever comes first begins it anew.
"""

import asyncio
from typing import Final

from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.switchboard import Switchboard

AFTER_SECONDS: Final = 0.3
"""How long a caller has waited before it is seen to that there is music: whoever is answered at once needs none."""


class Music:
    """For the callers of one channel instance."""

    def __init__(self, desk: Desk, switchboard: Switchboard) -> None:
        """`desk` has the calls."""
        self._desk = desk
        self._switchboard = switchboard

    def of(self, call: Call) -> str:
        """The class that a caller is to hear, by the queue in which they stand."""
        return self._desk.options.music_in(self._desk.host.queue_of(call.interaction_id))

    def is_misplaced(self, call: Call) -> bool:
        """Whether a caller waits with the music of another queue than the one in which they stand by now."""
        return bool(call.hold) and call.hold != self._switchboard.hold_bridge(self.of(call))

    async def hold(self, call: Call) -> None:
        """Put a caller where they hear it."""
        music_class = self.of(call)
        hold = self._switchboard.hold_bridge(music_class)
        is_first = self._is_empty(hold, call)
        call.hold = hold
        await self._switchboard.hold(call.channel_id, music_class)
        # Whoever was there before may have left meanwhile.
        if is_first or self._is_empty(hold, call):
            self._desk.spawn(self._begin_anew(music_class))

    def _is_empty(self, hold: str, but_for: Call | None = None) -> bool:
        """Whether nobody else waits there."""
        calls = self._desk.calls.values()
        return not any(each.hold == hold and each.is_waiting for each in calls if each is not but_for)

    async def _begin_anew(self, music_class: str) -> None:
        """For whoever is there by then: the first one may be gone, and those who came meanwhile were not first."""
        await asyncio.sleep(AFTER_SECONDS)
        if not self._is_empty(self._switchboard.hold_bridge(music_class)):
            await self._switchboard.play_on_hold(music_class)
