"""A clock that a test moves. Owns wall, monotonic time and the timers on it; must not know who asks."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Final

DEFAULT_WALL_US: Final = 1_750_000_000_000_000
"""A moment in June 2025."""


class ManualTimer:
    """One call that is due later."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Do not call. Idempotent."""
        self._callback = None

    def fire(self) -> None:
        """Call, once, unless cancelled."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    @property
    def pending(self) -> bool:
        """Whether the call is still to come."""
        return self._callback is not None


class ManualClock:
    """`acd.runtime.clock.Clock` that stands still until `advance`.

    The wall can be set without the monotonic clock noticing, as an administrator or a time server would.
    """

    def __init__(self, wall_us: int = DEFAULT_WALL_US, monotonic_us: int = 1_000_000) -> None:
        self._wall_us = wall_us
        self._monotonic_us = monotonic_us
        self._timers: list[tuple[int, int, ManualTimer]] = []
        self._order = count()

    def wall_us(self) -> int:
        """Microseconds since 1970."""
        return self._wall_us

    def monotonic_us(self) -> int:
        """Microseconds since some moment."""
        return self._monotonic_us

    def call_at(self, monotonic_us: int, callback: Callable[[], None]) -> ManualTimer:
        """Call when the clock has been advanced that far; what is due already, at the next advance."""
        timer = ManualTimer(callback)
        heapq.heappush(self._timers, (monotonic_us, next(self._order), timer))
        return timer

    def set_wall(self, wall_us: int) -> None:
        """Set the wall clock, forward or back."""
        self._wall_us = wall_us

    def advance(self, us: int) -> None:
        """Let that much time pass; timers fire at their moments, in order."""
        until_us = self._monotonic_us + us
        while self._timers and self._timers[0][0] <= until_us:
            due_us, _, timer = heapq.heappop(self._timers)
            self._move(max(due_us, self._monotonic_us))
            timer.fire()
        self._move(until_us)

    def stall(self, us: int) -> None:
        """Let time pass with nobody looking: every timer is late, and fires at the next `advance`."""
        self._move(self._monotonic_us + us)

    def timers(self) -> int:
        """How many calls are still to come."""
        return sum(timer.pending for _, _, timer in self._timers)

    def _move(self, to_us: int) -> None:
        self._wall_us += to_us - self._monotonic_us
        self._monotonic_us = to_us
