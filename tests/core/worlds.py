"""Worlds for random runs: how many agents, how long, how disorderly, under which limits; and one played to its end.

Owns what makes a world, so that a seed and a shape repeat it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from random import Random
from time import process_time
from typing import Final, NamedTuple

import pytest

from acd.core import invariants, limits
from acd.core.engine import Engine
from acd.core.state import EngineState
from acd.testing.simulator.coverage import transitions
from tests.core.own_strategies import OWN
from tests.core.side_by_side import Check, Mismatch, Pair, Steps, fails, replay_is_identical, run, seeded, shrink, tell
from tests.core.tally import Tally
from tests.core.wind_down import wind_down

TINY: Final = {
    "OUTCOME_WINDOW": 10,
    "ENDED_WINDOW": 6,
    "AFFINITY_WINDOW": 2,
    "MAX_EXCLUSIONS": 1,
    "TICK_EXPIRIES": 2,
    "SCANNED_CLASSES": 1,
    "CREWS_PER_AGENT": 3,
    "MAX_CONSULTS": 1,
    "MAX_CONFERENCE": 2,
    "MAX_VETOES": 1,
}
"""Limits so small that everything behind them happens all the time."""

TINY_CLASSES: Final = 3
"""Classes that an engine remembers then."""


LAST: Final = 30
"""Steps that are shown of a run whose end is wrong only as a whole."""

SCORES: Final = Engine(strategies=OWN).scores


class Shape(NamedTuple):
    """What worlds of one kind are like. `agents` None: one to seven."""

    length: int
    agents: int | None = None
    tiny: bool = False
    disorder: float = 0.1


def play(seed: int, shape: Shape, check_every: int) -> Tally:
    """Play one world to its end, then again from a snapshot. Raises `Mismatch`, with `steps` and `trees`.

    Invariants are checked at every `check_every`th step.
    """
    tally, begun = Tally(worlds=1), process_time()
    traffic = seeded(seed, agents=shape.agents, disorder=shape.disorder, scores=SCORES)
    with _limits(shape), transitions() as coverage:
        coverage.counting = True
        pair = Pair(_make(shape), traffic.trees, _every(check_every))
        steps: Steps = []
        try:
            run(traffic, pair, shape.length, tally, steps)
            wind_down(pair, steps, tally)
            coverage.counting = False
            at = Random(seed).randrange(len(steps))  # noqa: S311 - any place will do
            replay_is_identical(steps, pair, partial(_make, shape), partial(_restore, shape), at)
        except Mismatch as mismatch:
            mismatch.steps, mismatch.trees = steps, traffic.trees
            raise
    tally.took(coverage.taken)
    tally.seconds = process_time() - begun
    return tally


def shortest(mismatch: Mismatch, shape: Shape) -> str:
    """What was done, for a person: few steps that fail, too, where any do by themselves; else the last ones."""
    with _limits(shape):
        make, check = partial(_make, shape), invariants.check
        if fails(mismatch.steps, make, mismatch.trees, check) is None:
            return f"{tell(mismatch.steps[-LAST:])}\n{mismatch}"
        short = shrink(mismatch.steps, make, mismatch.trees, check)
        return f"{tell(short)}\n{fails(short, make, mismatch.trees, check)}"


def _make(shape: Shape) -> Engine:
    return Engine(max_classes=TINY_CLASSES if shape.tiny else limits.MAX_CLASSES, strategies=OWN)


def _restore(shape: Shape, state: EngineState) -> Engine:
    return Engine.from_state(state, max_classes=TINY_CLASSES if shape.tiny else limits.MAX_CLASSES, strategies=OWN)


def _every(number: int) -> Check:
    """Check the invariants of every so manyth state."""
    steps = count(1)

    def check(engine: Engine) -> None:
        if next(steps) % number == 0:
            invariants.check(engine)

    return check


@contextmanager
def _limits(shape: Shape) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in TINY.items() if shape.tiny else ():
            patch.setattr(limits, name, value)
        yield
