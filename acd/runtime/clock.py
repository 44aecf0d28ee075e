"""Time for the runtime: a wall that is looked at once, a monotonic clock ever after.

Owns the clock port, the system's clock, the engine's timeline and deadlines on awaits. Must not know
the engine: the timeline only turns one sort of microseconds into another.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import TracebackType
from typing import Final, Protocol

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Do not call. Idempotent, also after the call."""
        ...


class Clock(Protocol):
    """What the runtime needs to know of time. Calls come on the event loop."""

    def wall_us(self) -> int:
        """Microseconds since 1970; may jump in either direction."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some moment; never goes back."""
        ...

    def call_at(self, monotonic_us: int, callback: Callable[[], None]) -> Timer:
        """Call once, not before that moment."""
        ...


class Time(Protocol):
    """The engine's time."""

    def now_us(self) -> int:
        """Now."""
        ...

    def call_at(self, at_us: int, callback: Callable[[], None]) -> Timer:
        """Call once, not before that moment."""
        ...


class SystemClock:
    """The machine's clocks and the running event loop's timers."""

    def wall_us(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1_000

    def monotonic_us(self) -> int:
        """Microseconds of the machine's monotonic clock."""
        return time.monotonic_ns() // 1_000

    def call_at(self, monotonic_us: int, callback: Callable[[], None]) -> Timer:
        """As a timer of the running loop, and a further one if that has been too early."""
        return _NotBefore(self.monotonic_us, monotonic_us, callback)


class _NotBefore:
    """A timer that keeps to its word: a loop's own may be early by the resolution of the loop's clock.

    uvloop's is a millisecond. Whoever waits for a moment, and is woken before it, would wait for good.
    """

    __slots__ = ("_at_us", "_callback", "_handle", "_now_us")

    def __init__(self, now_us: Callable[[], int], at_us: int, callback: Callable[[], None]) -> None:
        self._now_us = now_us
        self._at_us = at_us
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = self._arm()

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _arm(self) -> asyncio.TimerHandle:
        delay_us = max(0, self._at_us - self._now_us())
        return asyncio.get_running_loop().call_later(delay_us / 1_000_000, self._ring)

    def _ring(self) -> None:
        self._handle = None  # It knows us: a circle would stay until the collector comes, which is seldom.
        if self._now_us() < self._at_us:
            self._handle = self._arm()
        else:
            self._callback()


class Timeline:
    """The engine's time: begins at the later of wall and journal, then follows the monotonic clock.

    So it never goes back, neither when the wall clock is set nor when the last run's was ahead, and it never
    stands still waiting for a wall clock to catch up.
    """

    def __init__(self, clock: Clock, least_us: int) -> None:
        """`least_us` is the time of the last journaled command, 0 if there is none."""
        self._clock = clock
        self._offset_us = max(clock.wall_us(), least_us) - clock.monotonic_us()

    def now_us(self) -> int:
        """The engine's time now."""
        return self._clock.monotonic_us() + self._offset_us

    def call_at(self, at_us: int, callback: Callable[[], None]) -> Timer:
        """Call once, not before `at_us` of the engine's time."""
        return self._clock.call_at(at_us - self._offset_us, callback)


class Deadline:
    """`async with Deadline(clock, us):` raises `TimeoutError` when the block takes longer; `None` never does.

    As `asyncio.timeout`, but on any clock.
    """

    def __init__(self, clock: Clock, us: int | None) -> None:
        self._clock = clock
        self._us = us
        self._timer: Timer | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._expired = False

    async def __aenter__(self) -> None:
        """Start the timer."""
        if self._us is None:
            return
        self._task = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a deadline needs a task")
        self._cancelling = self._task.cancelling()
        self._timer = self._clock.call_at(self._clock.monotonic_us() + self._us, self._expire)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it; a cancellation of our own becomes `TimeoutError`."""
        # The timer knows us: a circle would keep it, and the task with all that it has, until the collector comes.
        timer, self._timer = self._timer, None
        task, self._task = self._task, None
        if timer is not None:
            timer.cancel()
        if not self._expired or task is None:
            return
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self._expired = True
        if self._task is not None:
            self._task.cancel()


class Backoff:
    """Growing pauses between attempts: `first_us`, doubled each time, at most `most_us`. No randomness."""

    def __init__(self, first_us: int, most_us: int) -> None:
        self._first_us = first_us
        self._most_us = most_us
        self.attempts = 0

    def next_us(self) -> int:
        """The pause after one more failure."""
        pause_us = min(self._most_us, self._first_us << min(self.attempts, 32))
        self.attempts += 1
        return pause_us

    def reset(self) -> None:
        """After a success."""
        self.attempts = 0


async def pause(clock: Clock, us: int) -> None:
    """Wait on that clock."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = clock.call_at(clock.monotonic_us() + us, lambda: None if future.done() else future.set_result(None))
    try:
        await future
    finally:
        timer.cancel()


def moment(at_us: int) -> str:
    """µs since 1970 → RFC 3339 in UTC: `2025-01-31T08:30:00.000000Z`."""
    second, micros = divmod(at_us, 1_000_000)
    return f"{_to_the_second(second)}.{micros:06d}Z"


@lru_cache(512)
def _to_the_second(second: int) -> str:
    """Most moments of a page of agents or events share a few seconds."""
    return (_EPOCH + timedelta(seconds=second)).isoformat(timespec="seconds").removesuffix("+00:00")
