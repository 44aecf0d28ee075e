"""What random runs beside the naive model have covered: commands, refusals, events, effects, transitions.

Owns the counts and the list of what was not reached. Must not know how commands come about.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

import acd.core.messages as m
from acd.core.messages.outcome import RefusalCode
from acd.core.states import TABLES

TRANSITIONS: Final = frozenset(
    f"{name}: {state}, {trigger}"
    for name, (_, table) in TABLES.items()
    for state, row in table.items()
    for trigger in row
)

OFFERS_END: Final = {
    "OfferAccepted": "accept",
    "OfferDeclined": "decline",
    "OfferExpired": "expire",
    "OfferRevoked": "revoke",
    "OfferRescinded": "rescind",
}
"""How an offer ends is told by an event; the engine looks up nothing in the table."""

MIN_ACCEPTED: Final = 0.6
"""Least share of commands that the engine takes: refusals alone try little."""


@dataclass
class Tally:
    """Counters by name. `transitions` are "table: state, trigger"."""

    commands: int = 0
    accepted: int = 0
    worlds: int = 0
    seconds: float = 0.0
    """Of a processor's time."""
    kinds: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)

    def count(self, command: m.Command, outcome: m.Outcome) -> None:
        """One command and what came of it."""
        self.commands += 1
        self.kinds[type(command).__name__] += 1
        if outcome.refusal is None:
            self.accepted += 1
        else:
            self.refusals[outcome.refusal.code] += 1
        for event in outcome.events:
            self.events[type(event).__name__] += 1
        for effect in outcome.effects:
            self.effects[type(effect).__name__] += 1

    def took(self, transitions: Mapping[tuple[str, str, str], int]) -> None:
        """Look-ups of the engine in its tables."""
        for (name, state, trigger), count in transitions.items():
            self.transitions[f"{name}: {state}, {trigger}"] += count

    def add(self, other: "Tally") -> None:
        """What another has counted."""
        self.commands += other.commands
        self.accepted += other.accepted
        self.worlds += other.worlds
        self.seconds += other.seconds
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))

    def unreached(self) -> list[str]:
        """What there is, and never happened."""
        seen = {name for name, count in self.transitions.items() if count}
        seen |= {f"offer: offered, {trigger}" for event, trigger in OFFERS_END.items() if self.events[event]}
        named = [f"transition {name}" for name in sorted(TRANSITIONS - seen)]
        for what, counts, union in (
            ("command", self.kinds, m.Command),
            ("event", self.events, m.Event),
            ("effect", self.effects, m.Effect),
        ):
            named += [f"{what} {kind.__name__}" for kind in get_args(union) if not counts[kind.__name__]]
        named += [f"refusal {code}" for code in get_args(RefusalCode) if not self.refusals[code]]
        return named

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"commands     {self.commands:,} in {self.worlds:,} worlds, {self.share:.1%} accepted"
        yield f"speed        {self.speed:,.0f} a second of one core"
        for name in _COUNTERS:
            counts = sorted(getattr(self, name).items())
            yield f"{name:<12} " + ", ".join(f"{key} {count:,}" for key, count in counts if count)
        yield "not reached  " + (", ".join(self.unreached()) or "nothing: everything was")

    @property
    def share(self) -> float:
        """Of commands that were accepted."""
        return self.accepted / max(1, self.commands)

    @property
    def speed(self) -> float:
        """Commands in a second of one processor."""
        return self.commands / max(1e-9, self.seconds)


_COUNTERS: Final = ("kinds", "refusals", "events", "effects", "transitions")
