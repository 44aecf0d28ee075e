"""One life of the engine's process: what it may still reach, and when it dies.

Owns the gates between a life and the world, and the simulated clock and machine that the router is given. Must not
know the router. Once `alive` is false nothing that belongs to this life has any effect: its threads raise, its
channels and senders refuse. Whatever its coroutines still do as they are torn down happens in a sealed box.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeVar

from acd.testing.simulator.faults import Faults
from acd.testing.simulator.loop import SimulatedLoop

MAX_CALLS: Final = 10_000
"""Calls that may wait for one simulated thread."""

DISKS_US: Final = (1_500, 50_000, 1_500_000)
"""The longest an ordinary write takes, by the life's luck."""

T = TypeVar("T")
_Call = tuple[Callable[[], object], "asyncio.Future[Any]"]


class ProcessDied(Exception):
    """Raised inside a process that is no more."""


class Wall:
    """The wall clock, which survives processes and can be set."""

    def __init__(self, loop: SimulatedLoop, begin_us: int) -> None:
        self.loop = loop
        self.offset_us = begin_us

    def now_us(self) -> int:
        """Microseconds since 1970, as the machine believes."""
        return self.loop.now_us + self.offset_us


class Process:
    """`number` counts lives. `on_death` is told the crash point, at once."""

    def __init__(
        self,
        number: int,
        loop: SimulatedLoop,
        wall: Wall,
        faults: Faults,
        dice: Random,
        on_death: Callable[[str], None],
    ) -> None:
        self.number = number
        self.loop = loop
        self.wall = wall
        self.faults = faults
        self.dice = dice
        self.alive = True
        self.stalled_until_us = 0
        # A slow disk makes large batches.
        self.disk_us = dice.choice(DISKS_US)
        self._on_death = on_death

    def point(self, name: str) -> None:
        """A crash point. Raises `ProcessDied` if the process dies here, or has died before."""
        if self.alive and self.faults.crash_here(name):
            self.die(name)
        if not self.alive:
            raise ProcessDied(name)

    def die(self, where: str) -> None:
        """Nothing of this life counts any more."""
        if self.alive:
            self.alive = False
            self._on_death(where)

    def stall(self, us: int) -> None:
        """Stand still: whatever comes in for this process is noticed afterwards."""
        self.stalled_until_us = max(self.stalled_until_us, self.loop.now_us + us)

    def enter(self, callback: Callable[[], None]) -> None:
        """Something comes into the process from outside: now, or when it no longer stands still."""
        if self.stalled_until_us > self.loop.now_us:
            self.loop.at(self.stalled_until_us, self.enter, callback)
        else:
            callback()

    # ---- acd.runtime.clock.Clock

    def wall_us(self) -> int:
        """Microseconds since 1970."""
        return self.wall.now_us()

    def monotonic_us(self) -> int:
        """Microseconds since the simulation began."""
        return self.loop.now_us

    def call_at(self, monotonic_us: int, callback: Callable[[], None]) -> "ProcessTimer":
        """Call once, not before that moment; later if the process stands still."""
        return ProcessTimer(self, monotonic_us, callback)

    # ---- acd.ports.machine.Machine

    def worker(self, name: str) -> "SimulatedThread":
        """A thread that runs on the loop."""
        return SimulatedThread(self, name)

    def token(self) -> str:
        """20 hexadecimal digits, from the seed."""
        return f"{self.dice.getrandbits(80):020x}"

    def chance(self) -> float:
        """From the seed."""
        return self.dice.random()


class ProcessTimer:
    """`acd.runtime.clock.Timer` of a process."""

    def __init__(self, process: Process, monotonic_us: int, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback
        self._handle = process.loop.at(monotonic_us, process.enter, self._fire)

    def cancel(self) -> None:
        """Do not call. Idempotent."""
        self._callback = None
        self._handle.cancel()

    def _fire(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class SimulatedThread:
    """`acd.ports.machine.Worker` on the loop: one call after another, each lasting a while.

    A call has its effect in the middle of its time: whoever dies before it leaves no trace, and after it all of it.
    """

    def __init__(self, process: Process, name: str) -> None:
        self._process = process
        self._writes = name == "acd-journal"
        self._calls: deque[_Call] = deque()
        self._busy = False
        self._closed = False

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - whatever it takes
        """Run it in its turn."""
        if not self._process.alive:
            raise ProcessDied("its threads are no more")
        if self._closed or len(self._calls) >= MAX_CALLS:
            raise RuntimeError("cannot schedule new calls on this thread")
        future: asyncio.Future[T] = self._process.loop.create_future()
        self._calls.append((lambda: function(*args), future))
        if not self._busy:
            self._begin()
        return await future

    def close(self) -> None:
        """No more calls. Those that wait are made."""
        self._closed = True

    def _begin(self) -> None:
        self._busy = bool(self._calls)
        if self._busy:
            self._process.loop.after(self._lasts_us(), self._execute)

    def _lasts_us(self) -> int:
        process = self._process
        if self._writes and process.faults.strikes("slow-write"):
            return process.faults.dice("slow-write").randrange(200_000, 8_000_000)
        return process.dice.randrange(50, process.disk_us if self._writes else 1_500)

    def _execute(self) -> None:
        function, future = self._calls.popleft()
        try:
            if not self._process.alive:
                raise ProcessDied("in its thread")
            result = function()
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits it
            failure = error
            deliver = lambda: None if future.done() else future.set_exception(failure)  # noqa: E731
        else:
            deliver = lambda: None if future.done() else future.set_result(result)  # noqa: E731
        process = self._process
        process.loop.after(process.dice.randrange(20, 300), process.enter, deliver)
        self._begin()
