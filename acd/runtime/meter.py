"""How long decisions and commits take, in histograms of fixed buckets.

Owns the counting. Must not know Prometheus or HTTP: `acd.api` exposes what is counted here. Each
histogram has one writer (decisions: the event loop; commits: whoever awaits the journal), so plain
integers suffice; a reader in another thread sees a count that is at most one observation behind.
"""

from bisect import bisect_left
from typing import Final

SECONDS_BOUNDS: Final = (
    0.000_01,
    0.000_025,
    0.000_05,
    0.000_1,
    0.000_25,
    0.000_5,
    0.001,
    0.002_5,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    5.0,
)
"""Upper bounds in seconds; a last bucket without bound follows."""

ROWS_BOUNDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Upper bounds in rows per commit."""


class Histogram:
    """Counts of observations by bucket, with their number and sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """`bounds` ascend; `counts` has one more place than `bounds`."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value; a value equal to a bound belongs to that bound's bucket."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def cumulative(self) -> tuple[tuple[str, int], ...]:
        """(upper bound, values not above it) per bucket, ending in `+Inf`: the form in which Prometheus wants it."""
        running = 0
        rows = []
        for bound, count in zip((*map(repr, self.bounds), "+Inf"), self.counts, strict=True):
            running += count
            rows.append((bound, running))
        return tuple(rows)


class Meter:
    """What the Router reports about itself: `decisions`, `commits` in seconds, `batches` in rows."""

    __slots__ = ("batches", "commits", "decisions")

    def __init__(self) -> None:
        """All at zero."""
        self.decisions = Histogram(SECONDS_BOUNDS)
        self.commits = Histogram(SECONDS_BOUNDS)
        self.batches = Histogram(ROWS_BOUNDS)

    def decision(self, seconds: float) -> None:
        """One `Engine.apply` took this long."""
        self.decisions.observe(seconds)

    def commit(self, seconds: float, rows: int) -> None:
        """One batch of `rows` became durable in this time."""
        self.commits.observe(seconds)
        self.batches.observe(float(rows))
