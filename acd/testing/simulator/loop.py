"""An asyncio event loop without a machine: time passes when nothing is left to do, threads run in turn.

Owns simulated time. Must not know what runs on it. The same coroutines on two of these take the same turns: nothing
here waits, reads a clock, or starts a thread.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

MAX_TURNS: Final = 1_000_000
"""Turns of the loop at one moment; more mean that somebody runs in circles."""

CALL_US: Final = 50
"""How long a call in the default executor takes."""

_MICROSECONDS: Final = 1_000_000

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class SimulationStuck(Exception):
    """Nothing will ever happen again, or too much at one moment."""


class _Selector:
    """What asyncio asks when it would wait for the network: here, time passes instead."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None) -> list[object]:
        """Jump to the next timer; no event ever comes from outside."""
        if timeout is None:
            raise SimulationStuck("everybody waits, and no timer is set")
        self._turns += 1
        if timeout > 0:
            self._loop.pass_time()
            self._turns = 0
        elif self._turns > MAX_TURNS:
            raise SimulationStuck(f"{MAX_TURNS} turns of the loop without time passing")
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """`now_us` begins at 0. Use `run_until_complete`, then `close`."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = 0
        self._selector = _Selector(self)
        # A timer never fires early: whoever set it would find that it is not yet time.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Simulated seconds."""
        return self.now_us / _MICROSECONDS

    def at(self, us: int, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:  # noqa: ANN401
        """Call at that moment of simulated time, or now if it is past."""
        return self.call_at(max(us, self.now_us) / _MICROSECONDS, callback, *args)

    def after(self, us: int, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:  # noqa: ANN401
        """Call so much later."""
        return self.at(self.now_us + us, callback, *args)

    def pass_time(self) -> None:
        """Jump to the next timer."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined] # asyncio's heap of timers
        when = scheduled[0].when()
        self.now_us = max(self.now_us, round(when * _MICROSECONDS))

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """There is but one thread."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: object, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> "asyncio.Future[T]":
        """Call it here, a moment later. Cancelled or not, it is called."""
        del executor
        future: asyncio.Future[T] = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 - handed to whoever awaits it
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        self.after(CALL_US, work)
        return future

    # Named by asyncio: its base class calls them.

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken."""
