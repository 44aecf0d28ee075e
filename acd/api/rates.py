"""How often somebody may do something: token buckets. Owns the counting; must not know what is counted.

Whoever has not been seen for so long that their bucket is full again is forgotten: nothing is known of them that is not
true of a stranger, and on a public page strangers come by the thousand.
"""

from collections import OrderedDict
from typing import Final

MAX_NAMES: Final = 10_000
"""Names that are remembered; whoever was not seen for longest is forgotten, and starts with a full bucket."""

FORGOTTEN_AT_ONCE: Final = 4
"""Full buckets that are looked for with each new name: more than come, so that they do not pile up."""

_MICROSECONDS: Final = 1_000_000


class Bucket:
    """One: `burst` at once, and `per_second` for ever."""

    __slots__ = ("_burst", "_level", "_per_second", "_since_us")

    def __init__(self, per_second: float, burst: int) -> None:
        """Full."""
        self._per_second = per_second
        self._burst = self._level = float(burst)
        self._since_us = 0

    def is_full(self, now_us: int) -> bool:
        """Whether it is as a new one."""
        return self._level + (now_us - self._since_us) / _MICROSECONDS * self._per_second >= self._burst

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
            self._forget(now_us)
            bucket = self._buckets[name] = Bucket(self._per_second, self._burst)
            if len(self._buckets) > MAX_NAMES:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        return bucket.take(now_us)

    def _forget(self, now_us: int) -> None:
        """Some of those who have not been seen for longest, if their buckets are full."""
        for _ in range(FORGOTTEN_AT_ONCE):
            if not self._buckets:
                return
            name, bucket = next(iter(self._buckets.items()))
            if not bucket.is_full(now_us):
                return
            del self._buckets[name]
