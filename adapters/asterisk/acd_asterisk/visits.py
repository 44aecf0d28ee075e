"""How often each caller's channel has been here: one may come back from the dialplan, and is another interaction then.

Owns that memory. Must not know calls. Nobody tells us when a channel that has left is gone for good, so that the last
`MAX_VISITS_KEPT` are remembered, whoever they were: as numbers, all of whose room is taken from the beginning. So the
process does not grow for the hours until it is full.

Visits of channels whose marks fall into one chain are linked, newest first, by their places, which count up for ever.
A link to a place whose room has been taken by a later visit is the end of its chain.
"""

from array import array
from typing import Final

MAX_VISITS_KEPT: Final = 32_768
"""At 20 calls a second those of the last 27 minutes, in 850 KB. Of an older one the engine may still know, which then
refuses its interaction's id; beyond that it is a new caller to everybody."""

_NOWHERE: Final = -1


class Visits:
    """Of the callers of one channel instance."""

    def __init__(self, kept: int = MAX_VISITS_KEPT) -> None:
        """Nobody has been here. `kept`: see `MAX_VISITS_KEPT`."""
        self._kept = kept
        # Filled, not zeroed: what is only promised by the system would be taken later, page by page.
        self._marks = array("q", [_NOWHERE]) * kept
        self._counts = array("h", [_NOWHERE]) * kept
        self._before = array("q", [_NOWHERE]) * kept
        """By room: the place before it in its chain."""
        self._newest = array("q", [_NOWHERE]) * kept
        """By chain."""
        self._next = 0

    def next_of(self, channel_id: str) -> int:
        """1 for a channel that has not been here before, as far as is known. O(1): a caller waits for it."""
        mark, latest = hash(channel_id), 0
        place, oldest = self._newest[mark % self._kept], max(0, self._next - self._kept)
        while place >= oldest:
            room = place % self._kept
            if self._marks[room] == mark:
                latest = max(latest, self._counts[room])
            place = self._before[room]
        return latest + 1

    def note(self, channel_id: str, visit: int) -> None:
        """This visit of the channel, 1 or more, is over."""
        mark, room = hash(channel_id), self._next % self._kept
        chain = mark % self._kept
        self._marks[room], self._counts[room] = mark, visit
        self._before[room], self._newest[chain] = self._newest[chain], self._next
        self._next += 1
