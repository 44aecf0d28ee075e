"""How often each caller's channel has been here: one may come back from the dialplan, and is another interaction then.

Owns that memory. Must not know calls. Nobody tells us when a channel that has left is gone for good, so that the last
`MAX_VISITS_KEPT` are remembered, whoever they were: as numbers, all of whose room is taken from the beginning. So the
process does not grow for the hours until it is full.
"""

from typing import Final

import numpy as np

MAX_VISITS_KEPT: Final = 32_768
"""At 20 calls a second those of the last 27 minutes: 300 KB, and 20 µs for a look. Of an older one the engine may still
know, which then refuses its interaction's id; beyond that it is a new caller to everybody."""


class Visits:
    """Of the callers of one channel instance."""

    def __init__(self, kept: int = MAX_VISITS_KEPT) -> None:
        """Nobody has been here. `kept`: see `MAX_VISITS_KEPT`."""
        # Filled, not zeroed: what is only promised by the system would be taken later, page by page.
        self._marks = np.full(kept, -1, np.int64)
        self._counts = np.full(kept, 0, np.int16)
        self._next = 0

    def next_of(self, channel_id: str) -> int:
        """1 for a channel that has not been here before, as far as is known."""
        return int(self._counts.max(where=self._marks == hash(channel_id), initial=0)) + 1

    def note(self, channel_id: str, visit: int) -> None:
        """This visit of the channel, 1 or more, is over."""
        self._marks[self._next] = hash(channel_id)
        self._counts[self._next] = visit
        self._next = (self._next + 1) % len(self._marks)
