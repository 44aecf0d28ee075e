"""Pauses between attempts: doubled, and spread by chance. Owns their length; must not know what is attempted."""

import random
from typing import Final

FIRST_SECONDS: Final = 0.1
LONGEST_SECONDS: Final = 10.0
"""The first pause, and the most that it is doubled to."""

_HALF: Final = 0.5


class Pauses:
    """Counts failures in a row."""

    def __init__(self) -> None:
        """None yet."""
        self.failures = 0

    def next_seconds(self, least: float = 0.0) -> float:
        """Of another failure: a random half to whole of what is due, so that not everybody comes back at once."""
        whole = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return max(least, whole * (_HALF + _HALF * random.random()))  # noqa: S311 - nothing secret about it

    def reset(self) -> None:
        """It has worked."""
        self.failures = 0
