"""How often somebody may do something: token buckets. Owns the counting; must not know what is counted."""

from collections import OrderedDict
from typing import Final

MAX_NAMES: Final = 10_000
"""Names that are remembered; whoever was not seen for longest is forgotten, and starts with a full bucket."""

_MICROSECONDS: Final = 1_000_000


class Bucket:
    """One: `burst` at once, and `per_second` for ever."""

    __slots__ = ("_burst", "_level", "_per_second", "_since_us")

    def __init__(self, per_second: float, burst: int) -> None:
        """Full."""
        self._per_second = per_second
        self._burst = self._level = float(burst)
        self._since_us = 0

    def take(self, now_us: int, count: int = 1) -> float:
        """0 when it may be done now so many times, and that is counted; else the seconds until it may."""
        level = self._level + max(0, now_us - self._since_us) / _MICROSECONDS * self._per_second
        self._since_us = max(self._since_us, now_us)
        self._level = level = min(self._burst, level)
        if level < count:
            return (count - level) / self._per_second
        self._level = level - count
        return 0.0


class Rates:
    """A bucket for each name."""

    def __init__(self, per_second: float, burst: int) -> None:
        """Full buckets for everybody."""
        self._per_second = per_second
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Names that are remembered."""
        return len(self._buckets)

    def take(self, name: str, now_us: int) -> float:
        """As `Bucket.take`, of this name's."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(self._per_second, self._burst)
            if len(self._buckets) > MAX_NAMES:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        return bucket.take(now_us)
