"""The engine does exactly what the naive model says, over two hundred thousand random commands.

After every command: refusal, events, effects, next deadline and sequence number are compared and every invariant is
checked; now and then the whole state. After every episode: two replays, one of them restored mid-way from an
encoded snapshot, give the same bytes.

The seed is printed first. To replay a failure:

    ACD_SEED=<seed> pytest tests/core/test_state_machine.py -k hundred_thousand -s

`ACD_SEED=random` takes a new one.
"""

import os
import random as randomness
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from acd.core import invariants, limits
from acd.core.engine import Engine
from acd.core.messages import Event
from acd.core.messages.outcome import RefusalCode
from acd.core.state import EngineState
from acd.core.states import TABLES
from tests.core.own_strategies import OWN
from tests.core.side_by_side import (
    Mismatch,
    Pair,
    Tally,
    fails,
    replay_is_identical,
    run,
    seeded,
    shrink,
    tell,
)
from tests.core.traffic import Traffic

TINY: Final = {
    "OUTCOME_WINDOW": 10,
    "ENDED_WINDOW": 6,
    "AFFINITY_WINDOW": 2,
    "MAX_EXCLUSIONS": 1,
    "TICK_EXPIRIES": 2,
    "SCANNED_CLASSES": 1,
    "MAX_CONSULTS": 1,
}
"""Limits so small that everything behind them happens all the time."""


class Shape(NamedTuple):
    """Some episodes of one kind."""

    episodes: int
    length: int
    agents: int | None = None
    tiny: bool = False
    disorder: float = 0.1


SHAPES: Final = (
    Shape(90, 1_000),
    Shape(45, 1_000, agents=12, disorder=0.03),  # strategies have something to choose from
    Shape(35, 1_000, tiny=True),
    Shape(17, 1_000, disorder=0.02),
    Shape(1, 3_000, agents=30, disorder=0.02),
    Shape(1, 10_000, agents=6),  # more commands than the windows remember
)


def test_two_hundred_thousand_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = os.environ.get("ACD_SEED", "20260801")
    seed = randomness.SystemRandom().randrange(10**9) if wanted == "random" else int(wanted)
    print(f"\nseed {seed}")  # noqa: T201 - the seed is printed first
    tally = Tally()
    with recorded_transitions() as seen:
        number = 0
        for shape in SHAPES:
            for _ in range(shape.episodes):
                with monkeypatch.context() as patch:
                    _episode(seed + number, shape, tally, patch, seed)
                number += 1
    print(tally)  # noqa: T201 - the counts are part of the result
    assert tally.commands >= 200_000
    assert tally.accepted >= 0.6 * tally.commands
    assert tally.refusals.keys() == set(get_args(RefusalCode))
    assert tally.events.keys() == {kind.__name__ for kind in get_args(Event)}
    ends = {
        "Accepted": "accept",
        "Declined": "decline",
        "Expired": "expire",
        "Revoked": "revoke",
        "Rescinded": "rescind",
    }
    seen.update(("offer", "offered", trigger) for end, trigger in ends.items() if tally.events[f"Offer{end}"])
    assert sorted(_transitions() - seen.keys()) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, 80))
def test_a_short_run_shrinks(random: randomness.Random, length: int) -> None:
    """The same traffic, drawn by Hypothesis, which finds short counter-examples."""
    traffic = Traffic(random)
    try:
        steps = run(traffic, Pair(Engine(), traffic.trees, invariants.check), length)
    except Mismatch as mismatch:
        note(tell(mismatch.steps))
        raise
    replay_is_identical(steps, Engine, Engine.from_state)


def _episode(seed: int, shape: Shape, tally: Tally, patch: pytest.MonkeyPatch, first: int) -> None:
    for name, value in TINY.items() if shape.tiny else ():
        patch.setattr(limits, name, value)
    most = 3 if shape.tiny else limits.MAX_CLASSES

    def make() -> Engine:
        return Engine(max_classes=most, strategies=OWN)

    def restore(state: EngineState) -> Engine:
        return Engine.from_state(state, max_classes=most, strategies=OWN)

    traffic = seeded(seed, agents=shape.agents, disorder=shape.disorder, scores=Engine(strategies=OWN).scores)
    try:
        steps = run(traffic, Pair(make(), traffic.trees, invariants.check), shape.length, tally)
    except Mismatch as mismatch:
        short = shrink(mismatch.steps, make, traffic.trees, invariants.check)
        pytest.fail(
            f"{mismatch}\n\nseed {seed}, after {len(mismatch.steps)} commands; fewer will do:\n{tell(short)}\n"
            f"{fails(short, make, traffic.trees, invariants.check)}\n\n"
            f"replay: ACD_SEED={first} pytest tests/core/test_state_machine.py -k hundred_thousand -s"
        )
    replay_is_identical(steps, make, restore)


class _Recording(dict[str, str]):
    """A state's row in a table, which notes the triggers that were looked up."""

    def __init__(self, row: dict[str, str], where: tuple[str, str], seen: Counter[tuple[str, str, str]]) -> None:
        super().__init__(row)
        self._where = where
        self._seen = seen

    def __getitem__(self, trigger: str) -> str:
        self._seen[(*self._where, trigger)] += 1
        return super().__getitem__(trigger)


@contextmanager
def recorded_transitions() -> Iterator[Counter[tuple[str, str, str]]]:
    """Count every look-up in the engine's state tables, as (machine, state, trigger)."""
    seen: Counter[tuple[str, str, str]] = Counter()
    kept: list[tuple[dict[str, Any], dict[str, dict[str, str]]]] = []
    for name, (_, table) in TABLES.items():
        kept.append((table, dict(table)))
        table.update({state: _Recording(row, (name, state), seen) for state, row in table.items()})
    try:
        yield seen
    finally:
        for table, rows in kept:
            table.update(rows)


def _transitions() -> set[tuple[str, str, str]]:
    return {
        (name, state, trigger) for name, (_, table) in TABLES.items() for state, row in table.items() for trigger in row
    }
