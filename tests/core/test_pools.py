"""Every strategy's pool gives tickets in exactly the order that its definition sorts them into."""

from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core.cursor import Cursor
from acd.core.entities import Agent, Work
from acd.core.lane import Ticket
from acd.core.messages import AgentSettings
from acd.core.messages.settings import STRATEGIES
from acd.core.pools import POOLS, Bucket, Terms

WEIGHT_US = 7
NEXT_ROW = 2_600

Key = Callable[[Agent, int, int, int, int], tuple[int, ...]]

DEFINITIONS: dict[str, Key] = {
    "longest-idle": lambda _agent, load, _fit, since, seq: (load, since, seq),
    "best-fit": lambda _agent, load, fit, since, seq: (-fit, load, since, seq),
    "weighted": lambda _agent, load, fit, since, seq: (load, since - WEIGHT_US * fit, seq),
    "least-skilled": lambda agent, load, _fit, since, seq: (len(agent.skills), load, since, seq),
    "least-loaded": lambda agent, load, _fit, since, seq: (len(agent.work), load, since, seq),
    "linear": lambda agent, _load, _fit, _since, _seq: (agent.row,),
    "round-robin": lambda agent, _load, _fit, _since, _seq: (agent.row < NEXT_ROW, agent.row),
    "broadcast": lambda _agent, load, _fit, since, seq: (load, since, seq),
}

Steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 2), st.integers(-3, 6), st.integers(0, 40)),
        st.tuples(st.just("take"), st.just(0), st.just(0), st.just(0)),
        st.tuples(st.just("kill"), st.just(0), st.just(0), st.integers(0, 1_000)),
    ),
    max_size=200,
)


def test_every_strategy_has_a_pool_and_a_definition() -> None:
    assert tuple(POOLS) == STRATEGIES
    assert tuple(DEFINITIONS) == STRATEGIES


@pytest.mark.parametrize("strategy", DEFINITIONS)
@given(steps=Steps)
def test_a_pool_agrees_with_its_definition(strategy: str, steps: list[tuple[str, int, int, int]]) -> None:
    pool = POOLS[strategy](_terms())
    define = DEFINITIONS[strategy]
    living: list[tuple[tuple[int, ...], Ticket[Agent]]] = []
    for seq, (step, load, fit, number) in enumerate(steps):
        if step == "add":
            agent = _agent(seq, number)
            if any(ticket.owner.row == agent.row for _, ticket in living):
                continue
            ticket = Ticket(number, seq, agent)
            bucket: Bucket = pool.bucket(agent, len(agent.work), load, fit)
            bucket.add(ticket)
            living.append((define(agent, load, fit, number, seq), ticket))
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
    pool = POOLS["weighted"](_terms())
    agent = _agent(0, 0)
    bucket = pool.bucket(agent, 0, 0, 1)
    for since in range(10_000, 0, -1):
        bucket.add(Ticket(since, since, agent))
    heap = pool._heap  # type: ignore[attr-defined]  # the bound is the point of this test
    assert len(heap) <= 70
    best = pool.best()
    assert best is not None
    assert best.key == 1


def _terms() -> Terms:
    cursor = Cursor()
    cursor.row = NEXT_ROW
    return Terms(WEIGHT_US, cursor)


def _agent(seq: int, number: int) -> Agent:
    """Somebody of some skills, some work in hand and a row, all of which follow from the numbers."""
    skills = tuple((f"s{index}", 1) for index in range(seq * 7 % 4))
    agent = Agent(AgentSettings(f"a{seq}", skills))
    agent.row = (seq * 1_500 + number) % 5_000
    agent.work = dict.fromkeys((f"w{index}" for index in range(number % 3)), cast("Work", None))
    return agent
