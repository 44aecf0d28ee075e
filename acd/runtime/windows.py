"""The last so many numbers, in order of size. Owns the window; must not know what is observed."""

from array import array
from bisect import bisect_left, insort


class Window:
    """The last `kept` numbers."""

    __slots__ = ("_at", "_kept", "_latest", "ordered")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._latest = array("d")
        self._at = 0
        self.ordered = array("d")
        """In order of size; for reading."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.ordered)

    def add(self, number: float) -> None:
        """One more; the oldest goes when there are too many. O(log kept) and a move of memory."""
        if len(self._latest) < self._kept:
            self._latest.append(number)
        else:
            del self.ordered[bisect_left(self.ordered, self._latest[self._at])]
            self._latest[self._at] = number
            self._at = (self._at + 1) % self._kept
        insort(self.ordered, number)

    def quantile(self, share: float) -> float:
        """Between 0 and 1 interpolated; beyond, as far out as the furthest is from the middle, for each whole one."""
        ordered = self.ordered
        if share < 0 or share > 1:
            edge = ordered[0] if share < 0 else ordered[-1]
            return edge + (edge - ordered[len(ordered) // 2]) * (-share if share < 0 else share - 1)
        at = share * (len(ordered) - 1)
        below = int(at)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (at - below) * (ordered[above] - ordered[below])
