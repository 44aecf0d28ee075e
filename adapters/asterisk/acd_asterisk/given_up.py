"""Attempts to connect that were given up without an answer: Asterisk may still carry them out, for nobody.

Owns how many of them may be under way yet. Must not know how a connection is made, nor what follows from it.
"""

import time
from collections import deque
from typing import Final

GIVEN_UP_SECONDS: Final = 60.0
"""For so long after an attempt was given up Asterisk may still carry it out."""

MAX_GIVEN_UP: Final = 64
"""Such attempts that are remembered, the latest: more cannot be made in this time."""


class GivenUp:
    """Those of one client."""

    def __init__(self) -> None:
        """None."""
        self._when: deque[float] = deque(maxlen=MAX_GIVEN_UP)

    def note(self) -> None:
        """One has just been given up."""
        self._when.append(time.monotonic())

    @property
    def lately(self) -> bool:
        """Whether an attempt may yet be carried out, of which nobody here will know."""
        while self._when and time.monotonic() - self._when[0] >= GIVEN_UP_SECONDS:
            self._when.popleft()
        return bool(self._when)

    def count_one_as_carried_out(self) -> None:
        """One of them has been carried out, and is over."""
        if self._when:
            self._when.popleft()
