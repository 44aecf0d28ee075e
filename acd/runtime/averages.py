"""Averages that forget. Owns the decayed mean; must not know what is averaged."""

from typing import Final

WINDOW: Final = 200
"""Observations after which an old one counts for about a third."""


class Decayed:
    """A mean in which each new observation makes all earlier ones count a little less.

    Until `window` observations have come all count alike.
    """

    __slots__ = ("_keep", "_sum", "weight")

    def __init__(self, window: int = WINDOW) -> None:
        self._keep = 1.0 - 1.0 / window
        self._sum = 0.0
        self.weight = 0.0
        """How many observations it is worth, `window` at most."""

    def add(self, value: float) -> None:
        """One observation."""
        self._sum = self._sum * self._keep + value
        self.weight = self.weight * self._keep + 1.0

    def mean(self) -> float | None:
        """The mean; None before the first observation."""
        return self._sum / self.weight if self.weight else None
