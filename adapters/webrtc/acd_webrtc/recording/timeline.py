"""Where in a recording a piece of sound belongs, and what both sides sound like together. Pure; time is an argument.

Owns placing and mixing. Must not know files, packets or clocks. What comes late, as from a busy machine, is written
where it was said, within a window; memory is bounded by that.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
"""Samples a second, of one channel, 16 bits each."""

WINDOW_SECONDS: Final = 10.0
"""For so long what comes late finds its place."""
LAG_SECONDS: Final = 0.5
"""So long everything waits for whoever may come late."""
JOINED_SECONDS: Final = 0.06
"""Gaps that are shorter are none: clocks run apart, and packets come one by one."""
GUARD_SECONDS: Final = 0.5
"""After a pause, of what was said before its end some is still under way; so nothing of that time is written."""

Samples = NDArray[np.int16]


class Placing:
    """When the frames of one connection were said, from when they came, and their own time."""

    def __init__(self) -> None:
        """None has come."""
        self._base: float | None = None

    def said(self, stamp: float, arrived: float) -> float:
        """The moment of a frame, by the clock of `arrived`; `stamp`: its own, in seconds.

        The one that was under way shortest says how the clocks compare.
        """
        base = arrived - stamp
        self._base = base if self._base is None else min(self._base, base)
        return self._base + stamp


class Track:
    """One file's sound: pieces are put where they belong, and come out in order. Places are in samples."""

    def __init__(self) -> None:
        """Nothing has come."""
        self.start = 0
        """The place of the first sample that has not come out."""
        self._pending: NDArray[np.int32] = np.zeros(0, np.int32)
        self._ends: dict[str, int] = {}

    def put(self, leg: str, at: int, samples: Samples) -> None:
        """Add what one side said. What is too late is left out."""
        end = self._ends.get(leg)
        if end is not None and at - end < JOINED_SECONDS * RATE:
            at = end
        if at < self.start:
            samples, at = samples[self.start - at :], self.start
        at = min(at, self.start + int(WINDOW_SECONDS * RATE))
        first, last = at - self.start, at - self.start + len(samples)
        if last > len(self._pending):
            self._pending = np.concatenate((self._pending, np.zeros(last - len(self._pending), np.int32)))
        self._pending[first:last] += samples
        self._ends[leg] = at + len(samples)

    def take(self, now: int) -> bytes:
        """What may come out at this place in time."""
        edge = min((now - int(LAG_SECONDS * RATE), *self._ends.values()))
        return self._out(max(edge, now - int(WINDOW_SECONDS * RATE)))

    def finish(self, now: int) -> bytes:
        """All the rest, until `now`."""
        return self._out(now)

    def forget(self, leg: str) -> None:
        """Nothing more is to be expected of this side."""
        self._ends.pop(leg, None)

    def _out(self, edge: int) -> bytes:
        count = edge - self.start
        if count <= 0:
            return b""
        found = self._pending[:count]
        if len(found) < count:
            found = np.concatenate((found, np.zeros(count - len(found), np.int32)))
        self._pending = self._pending[count:].copy()
        self.start = edge
        return np.clip(found, -32_768, 32_767).astype("<i2").tobytes()
