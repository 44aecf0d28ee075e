"""A contact centre that is timed while it is played: for sizes at which a script would not fit, and nobody competes.

Owns the clock around `Engine.apply`. Must not know which sizes are compared.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter_ns, thread_time_ns

from acd.core.messages import Command, Outcome
from bench.contest import Cost, undisturbed
from bench.recorder import Recorder
from bench.workload import Centre


class LiveCentre(Recorder):
    """Plays, and times every command. Use `reach`, then `play_timed` as often as wanted."""

    def __init__(self, centre: Centre, seed: int, *, evenly: bool = False) -> None:
        """As `Recorder`, without policies."""
        super().__init__(centre, seed, evenly=evenly)
        self._taken = array("q")
        self._worked = array("q")

    def play_timed(self, cycles: int) -> list[Cost]:
        """So many life cycles: what each command cost, as in `take_turn`."""
        self._taken, self._worked = array("q"), array("q")
        steps = self.play(cycles)
        undisturbed(self._taken, self._worked)
        return [Cost(step.kind, ns) for step, ns in zip(steps, self._taken, strict=True)]

    def waiting_classes(self) -> int:
        """Different queues in which somebody waits."""
        return len({row.request.queue for row in self.engine.state().interactions if row.state == "queued"})

    def _apply(self, command: Command) -> Outcome:
        free = thread_time_ns()
        begun = perf_counter_ns()
        outcome = self.engine.apply(command, self._at_us)
        self._taken.append(perf_counter_ns() - begun)
        self._worked.append(thread_time_ns() - free)
        return outcome

    def _keep(self, command: Command) -> None:
        """Nobody will be given a script."""


@contextmanager
def frozen() -> Iterator[None]:
    """What is there now is left alone by the collector, as `acd serve` does at its start."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.collect()
