"""What a run was, for people and for programs. Owns the counts' form; must not know how they came about."""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from acd.testing.simulator.faults import CRASH_POINTS

Mode = Literal["safety", "liveness"]


class Plan(Struct, frozen=True):
    """What is to be run: the same plan gives the same run, to the last command.

    It ends after `seconds` of simulated time or `commands` journaled ones, whichever comes first; 0 is no bound.
    `mode` liveness lets the faults rest after that, and asks whether everything comes to its end.
    """

    seed: int
    faults: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    seconds: int = 600
    commands: int = 0
    mode: Mode = "liveness"
    crash_points: tuple[str, ...] = CRASH_POINTS
    intensity: float = 1.0
    check_every: int = 1

    def command_line(self) -> str:
        """The one command that runs it again."""
        words = ["acd simulate", f"--seed {self.seed}", f"--faults {','.join(self.faults) or 'none'}"]
        words.append(f"--policies {','.join(self.policies) or 'none'}")
        if self.crash_points != CRASH_POINTS:
            words.append(f"--crash-points {','.join(self.crash_points)}")
        words.append(f"--commands {self.commands}" if self.commands else f"--seconds {self.seconds}")
        if self.commands and self.seconds:
            words.append(f"--seconds {self.seconds}")
        if self.mode != "liveness":
            words.append(f"--mode {self.mode}")
        if self.intensity != 1.0:
            words.append(f"--intensity {self.intensity}")
        if self.check_every != 1:
            words.append(f"--check-every {self.check_every}")
        return " ".join(words)


class Report(Struct, frozen=True):
    """What happened. `problem` is empty when every rule held.

    Counters by name. `transitions` are "table: state, trigger". `digest` is that of the last state, `chain` of the
    journal: two runs of one plan have the same.
    """

    plan: Plan
    problem: str
    simulated_seconds: float
    settled_seconds: float
    rows: int
    chain: str
    digest: str
    lives: dict[str, int]
    commands: dict[str, int]
    refusals: dict[str, int]
    events: dict[str, int]
    faults: dict[str, int]
    crashes: dict[str, int]
    transitions: dict[str, int]
    customers: dict[str, int]
    messages: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem

    @property
    def restarts(self) -> int:
        """Lives after the first."""
        return max(0, sum(self.lives.values()) - 1)

    def unreached(self) -> tuple[str, ...]:
        """What was possible and did not happen: faults and crash points switched on, and transitions."""
        missing = [f"fault {name}" for name in self.plan.faults if not self.faults.get(name)]
        missing += [f"crash point {name}" for name, count in self.crashes.items() if not count]
        missing += [f"transition {name}" for name, count in self.transitions.items() if not count]
        return tuple(missing)

    def json(self) -> str:
        """For programs: all of the above, and `unreached`, `restarts`, `replay`, `ok`."""
        more = {"ok": self.ok, "restarts": self.restarts, "unreached": self.unreached()}
        return msgspec.json.encode({**more, "replay": self.plan.command_line(), **msgspec.to_builtins(self)}).decode()

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"commands journaled      {self.rows:,} in {self.simulated_seconds:,.0f} simulated seconds"
        if self.plan.mode == "liveness" and self.ok:
            yield f"all at rest             {self.settled_seconds:,.0f} simulated seconds after the last fault"
        for name, counts in (
            ("commands", self.commands),
            ("refusals", self.refusals),
            ("customers", self.customers),
            ("outward messages", self.messages),
            ("lives, by their end", self.lives),
            ("faults", self.faults),
            ("crashes, by point", {point: count for point, count in self.crashes.items() if count}),
        ):
            yield f"{name:<23} " + (", ".join(f"{key} {count:,}" for key, count in counts.items() if count) or "none")
        taken = sum(bool(count) for count in self.transitions.values())
        yield f"transitions             {taken} of {len(self.transitions)} taken"
        missing = self.unreached()
        yield "not reached             " + (", ".join(missing) or "nothing: everything was")
        yield f"journal's chain         {self.chain[:32]}"
