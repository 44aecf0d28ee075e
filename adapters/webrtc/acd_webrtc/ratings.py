"""How well both sides heard each other, over all calls that have ended. Owns the buckets; must not know any call."""

from typing import Final

from acd.ports.pages import Figure, Heard, Rated, Side
from acd.runtime.meter import Histogram

BOUNDS: Final[dict[Figure, tuple[float, ...]]] = {
    "score": (1.5, 2.0, 2.6, 3.1, 3.6, 4.0, 4.2, 4.3, 4.4),
    "loss": (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
    "jitter": (2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0),
    "round_trip": (10.0, 25.0, 50.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1_000.0),
}
"""Of the score those of ITU-T G.107's bands among others; percent; milliseconds."""

_SIDES: Final[tuple[Side, ...]] = ("customer", "agent")
_FIGURES: Final[tuple[Figure, ...]] = ("score", "loss", "jitter", "round_trip")


class Ratings:
    """Of one channel."""

    def __init__(self) -> None:
        """None yet."""
        self._histograms = {(name, side): Histogram(BOUNDS[name]) for name in _FIGURES for side in _SIDES}

    def add(self, heard: Heard) -> None:
        """One side of one call."""
        for name in _FIGURES:
            value: float | None = getattr(heard, name)
            if value is not None:
                self._histograms[name, heard.side].observe(value)

    def rated(self) -> tuple[Rated, ...]:
        """All of them."""
        return tuple(
            Rated(name, side, histogram.cumulative(), histogram.total)
            for (name, side), histogram in self._histograms.items()
        )
