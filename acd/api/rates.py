"""How often somebody may do something: token buckets by name. Owns the counting; must not know what is counted."""

from collections import OrderedDict
from typing import Final

MAX_NAMES: Final = 10_000
"""Names that are remembered; whoever was not seen for longest is forgotten, and starts with a full bucket."""

_MICROSECONDS: Final = 1_000_000


class Rates:
    """A bucket for each name: `burst` at once, and `per_second` for ever."""

    def __init__(self, per_second: float, burst: int) -> None:
        """Full buckets for everybody."""
        self._per_second = per_second
        self._burst = float(burst)
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, name: str, now_us: int) -> float:
        """0 when it may be done now, and that is counted; else the seconds until it may."""
        level, since_us = self._buckets.pop(name, (self._burst, now_us))
        level = min(self._burst, level + max(0, now_us - since_us) / _MICROSECONDS * self._per_second)
        allowed = level >= 1
        self._buckets[name] = (level - 1 if allowed else level, now_us)
        if len(self._buckets) > MAX_NAMES:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._per_second
