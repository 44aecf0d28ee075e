"""What can go wrong, by name: how often it does, from a seed, and how often it did.

Owns the names and the dice. Must not know how a fault is brought about: whoever can fail asks here first. Each fault
has dice of its own, so that switching one off leaves the others' as they were.
"""

from collections import Counter
from random import Random
from typing import Final

from msgspec import Struct

SECOND: Final = 1_000_000


class Fault(Struct, frozen=True):
    """`share`: of the occasions on which it could strike."""

    share: float
    what: str


FAULTS: Final[dict[str, Fault]] = {
    "crash": Fault(0.0, "the engine's process dies at a crash point"),
    "planned-restart": Fault(0.0, "the engine is stopped and started in good order"),
    "rejected": Fault(0.01, "a journal write fails, for certain"),
    "outage": Fault(0.004, "for some seconds no journal write succeeds"),
    "unreadable": Fault(0.02, "the journal cannot be read just now"),
    "unknown-lost": Fault(0.006, "a commit's fate is unknown: it was not written"),
    "unknown-written": Fault(0.006, "a commit's fate is unknown: it was written"),
    "fenced": Fault(0.0008, "another engine takes over the journal"),
    "slow-write": Fault(0.01, "a journal write takes seconds"),
    "stall": Fault(0.0, "the whole process stands still for seconds"),
    "clock-step": Fault(0.0, "the wall clock is set back or forward"),
    "poison": Fault(0.001, "the engine raises half-way through a command"),
    "effect-failed": Fault(0.01, "an effect fails at once"),
    "effect-lost": Fault(0.01, "an effect is lost, and nobody is told"),
    "effect-timeout": Fault(0.006, "an effect is lost, and the channel waits for an answer in vain"),
    "effect-doubled": Fault(0.03, "an effect is carried out twice"),
    "effect-delayed": Fault(0.05, "an effect takes seconds, and those of other interactions overtake it"),
    "event-lost": Fault(0.02, "what happened in the world is not reported"),
    "event-doubled": Fault(0.03, "it is reported twice"),
    "event-delayed": Fault(0.05, "it is reported late, after what happened later"),
    "link-down": Fault(0.0, "the line between engine and exchange is cut for a while"),
    "snapshot-damaged": Fault(0.2, "a snapshot is cut off on the disk"),
    "person-failed": Fault(0.02, "the personal store fails, or is slow"),
    "delivery-failed": Fault(0.1, "an outward message cannot be delivered, or nobody knows whether it was"),
}
"""Every fault. Those with share 0 are events of their own, spread over time by `acd.testing.simulator.weather`."""

CRASH_POINTS: Final = (
    "opening",
    "replaying",
    "opened",
    "before-recover",
    "after-recover",
    "before-append",
    "torn-append",
    "after-append",
    "after-commit",
    "after-publish",
    "before-effect",
    "after-effect",
    "reconciling",
    "reconciled",
    "before-snapshot",
    "during-snapshot",
    "after-snapshot",
    "before-delivery",
    "after-delivery",
    "any-moment",
)
"""Where the process can die. `acd.testing.simulator.process.Process.point` is called at each with its name.

`opening`, `replaying`, `opened`, `before-recover`, `after-recover`: while starting. `before-append`: nothing is
written. `torn-append`: a part of the batch is. `after-append`: all of it, and the writer does not know.
`after-commit`: the writer knows, nothing has been told. `after-publish`: told, and nothing carried out.
"""

STARTING: Final = frozenset({"opening", "replaying", "opened", "before-recover", "after-recover"})
"""Crash points that are only passed while the engine starts: somebody has to stop it first."""


class ArmedCrash:
    """One crash to come: at `point`, after it has been passed `passes` times."""

    def __init__(self, point: str, passes: int) -> None:
        self.point = point
        self.passes = passes


class Faults:
    """The dice of one run. `active` until the simulation lets them rest for good."""

    def __init__(
        self, seed: int, enabled: frozenset[str], intensity: float = 1.0, crash_points: tuple[str, ...] = CRASH_POINTS
    ) -> None:
        """`enabled` are names of `FAULTS`; `intensity` multiplies every share."""
        self.crash_points = crash_points if "crash" in enabled else ()
        self.enabled = enabled
        self.active = True
        self.struck: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()
        self._intensity = intensity
        self._dice = {name: Random(f"{seed}/fault/{name}") for name in FAULTS}  # noqa: S311 - no secret
        self._armed: ArmedCrash | None = None

    def dice(self, name: str) -> Random:
        """That fault's dice, for whoever brings it about: how long, how much."""
        return self._dice[name]

    def on(self, name: str) -> bool:
        """Whether it may strike at all."""
        return self.active and name in self.enabled

    def strikes(self, name: str) -> bool:
        """Whether it strikes now. Counted if so."""
        if not self.on(name) or self._dice[name].random() >= FAULTS[name].share * self._intensity:
            return False
        self.struck[name] += 1
        return True

    def note(self, name: str) -> None:
        """A fault that somebody else's dice brought about."""
        self.struck[name] += 1

    def arm_crash(self) -> None:
        """Choose one of the least used crash points; the next crash is there."""
        dice = self._dice["crash"]
        least = min(self.crashed[point] for point in self.crash_points)
        behind = [point for point in self.crash_points if self.crashed[point] <= least + dice.randrange(2)]
        point = dice.choice(behind)
        # A start passes each of its points but once.
        self._armed = ArmedCrash(point, 0 if point in STARTING else dice.randrange(4))

    def armed(self) -> str:
        """The crash point that is armed; empty for none."""
        return self._armed.point if self._armed is not None and self.on("crash") else ""

    def crash_here(self, point: str) -> bool:
        """Whether the process dies at this crash point, now. Counted if so."""
        armed = self._armed
        if armed is None or armed.point != point or not self.on("crash"):
            return False
        if armed.passes:
            armed.passes -= 1
            return False
        self._armed = None
        self.crashed[point] += 1
        self.struck["crash"] += 1
        return True

    def rest(self) -> None:
        """No more faults."""
        self.active = False
        self._armed = None
