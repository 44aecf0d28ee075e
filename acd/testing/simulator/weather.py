"""Faults that come over time rather than at an occasion: crashes, stalls, cut lines, clocks that are set, restarts.

Owns how often. Must not know how they are brought about: `Targets` does. Nothing happens any more once the faults rest.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from acd.testing.simulator.faults import STARTING, Faults
from acd.testing.simulator.loop import SimulatedLoop

SECOND: Final = 1_000_000

EVERY_US: Final = {
    "crash": (3 * SECOND, 20 * SECOND),
    "planned-restart": (60 * SECOND, 240 * SECOND),
    "stall": (30 * SECOND, 90 * SECOND),
    "clock-step": (20 * SECOND, 90 * SECOND),
    "link-down": (40 * SECOND, 120 * SECOND),
}
"""Least and most time between two of a kind."""

STALL_US: Final = (2 * SECOND, 20 * SECOND)
CUT_US: Final = (SECOND, 15 * SECOND)
STEP_US: Final = (-1_800 * SECOND, 1_800 * SECOND)


class Targets(Struct):
    """What can be done: to the process, its wall clock, its line."""

    die: Callable[[str], None]
    restart: Callable[[], None]
    stall: Callable[[int], None]
    step: Callable[[int], None]
    cut: Callable[[int], None]


class Weather:
    """Begins with `begin`."""

    def __init__(self, loop: SimulatedLoop, faults: Faults, targets: Targets) -> None:
        self._loop = loop
        self._faults = faults
        self._targets = targets

    def begin(self) -> None:
        """Let every kind come when its time comes."""
        for name in EVERY_US:
            self._later(name)

    def _later(self, name: str) -> None:
        if self._faults.on(name):
            self._loop.after(self._faults.dice(name).randrange(*EVERY_US[name]), self._comes, name)

    def _comes(self, name: str) -> None:
        if not self._faults.on(name):
            return
        self._later(name)
        if name == "crash":
            self._crash()
            return
        self._faults.note(name)
        dice, targets = self._faults.dice(name), self._targets
        match name:
            case "planned-restart":
                targets.restart()
            case "stall":
                targets.stall(dice.randrange(*STALL_US))
            case "clock-step":
                targets.step(dice.randrange(*STEP_US))
            case _:
                targets.cut(dice.randrange(*CUT_US))

    def _crash(self) -> None:
        """Arm the next crash; where nobody passes by, go there."""
        self._faults.arm_crash()
        point = self._faults.armed()
        if point == "any-moment":
            while not self._faults.crash_here(point):
                continue
            self._targets.die(point)
        elif point in STARTING:
            self._targets.die("before a crash in the next start")
