"""Every strategy's pool gives tickets in exactly the order that its definition sorts them into."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core.entities import Agent
from acd.core.lane import Ticket
from acd.core.messages import AgentSettings
from acd.core.pools import POOLS, Bucket

WEIGHT_US = 7

Key = Callable[[int, int, int, int], tuple[int, ...]]

DEFINITIONS: dict[str, Key] = {
    "longest-idle": lambda load, _fit, since, seq: (load, since, seq),
    "best-fit": lambda load, fit, since, seq: (-fit, load, since, seq),
    "weighted": lambda load, fit, since, seq: (load, since - WEIGHT_US * fit, seq),
}


def test_every_strategy_is_defined_here() -> None:
    assert DEFINITIONS.keys() == POOLS.keys()


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 2), st.integers(-3, 6), st.integers(0, 40)),
        st.tuples(st.just("take"), st.just(0), st.just(0), st.just(0)),
        st.tuples(st.just("kill"), st.just(0), st.just(0), st.integers(0, 1_000)),
    ),
    max_size=200,
)


@pytest.mark.parametrize("strategy", DEFINITIONS)
@given(steps=Steps)
def test_a_pool_agrees_with_its_definition(strategy: str, steps: list[tuple[str, int, int, int]]) -> None:
    pool = POOLS[strategy](WEIGHT_US)
    define = DEFINITIONS[strategy]
    living: list[tuple[tuple[int, ...], Ticket[Agent]]] = []
    for seq, (step, load, fit, number) in enumerate(steps):
        if step == "add":
            ticket = Ticket(number, seq, Agent(AgentSettings(f"a{seq}")))
            bucket: Bucket = pool.bucket(load, fit)
            bucket.add(ticket)
            living.append((define(load, fit, number, seq), ticket))
            living.sort(key=lambda pair: pair[0])
        elif step == "take":
            best = pool.best()
            assert best is (living[0][1] if living else None)
            if best is not None:
                living.pop(0)[1].alive = False
        elif living:
            living.pop(number % len(living))[1].alive = False
        assert list(pool.ordered()) == [ticket for _, ticket in living]
    assert pool.best() is (living[0][1] if living else None)


def test_a_weighted_pools_heap_is_bounded_by_its_buckets() -> None:
    pool = POOLS["weighted"](WEIGHT_US)
    bucket = pool.bucket(0, 1)
    for since in range(10_000, 0, -1):
        bucket.add(Ticket(since, since, Agent(AgentSettings("a"))))
    heap = pool._heap  # type: ignore[attr-defined]  # the bound is the point of this test
    assert len(heap) <= 70
    best = pool.best()
    assert best is not None
    assert best.key == 1
