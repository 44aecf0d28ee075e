"""Agents configured one by one: the configuration that applying all of it would have made, and nothing left behind."""

from random import Random

import msgspec
import pytest

from acd.core import invariants, limits
from acd.core.engine import Engine
from acd.core.messages import (
    AgentSettings,
    ApplyConfig,
    ConfigureAgents,
    CoreSettings,
    EnqueueInteraction,
    QueueSettings,
    SignInAgent,
)
from tests.core.side_by_side import Pair, run, seeded

QUEUES = (QueueSettings("sales", "skills.english >= 3", reserve=1), QueueSettings("support"))
SECOND = 1_000_000


def agent(number: int, proficiency: int = 5) -> AgentSettings:
    return AgentSettings(f"a{number:02}", (("english", proficiency),))


def staffed(count: int) -> Engine:
    engine = Engine()
    engine.apply(ApplyConfig("c", CoreSettings(tuple(agent(number) for number in range(count)), QUEUES)), 0)
    return engine


def test_the_configuration_in_force_is_the_one_that_was_never_applied_as_a_whole() -> None:
    engine = staffed(5)
    before = engine.settings_hash
    assert engine.apply(ConfigureAgents("e1", (agent(9), agent(2, 7)), ("a04",)), 1).refusal is None
    whole = Engine()
    agents = (agent(0), agent(1), agent(2, 7), agent(3), agent(9))
    whole.apply(ApplyConfig("c", CoreSettings(agents, QUEUES)), 0)
    assert engine.settings_hash == whole.settings_hash != before
    assert engine.state().settings == whole.state().settings
    engine.apply(ConfigureAgents("e2", (agent(2), agent(4)), ("a09",)), 2)
    assert engine.settings_hash == before


@pytest.mark.parametrize("seed", range(6))
def test_what_is_restored_in_between_goes_on_alike(seed: int) -> None:
    traffic = seeded(seed, disorder=0.02)
    pair = Pair(Engine(), traffic.trees)
    for _ in range(8):
        run(traffic, pair, 40)
        state = pair.engine.state()
        again = Engine.from_state(state)
        assert again.digest() == pair.engine.digest()
        assert again.settings_hash == state.settings_hash
        pair.engine = again


def test_coming_and_going_leaves_nothing_behind() -> None:
    engine = staffed(3)
    now_us = 0
    for number in range(4 * limits.SPARE_ROWS):
        now_us += SECOND
        engine.apply(ConfigureAgents(f"in{number}", (agent(50),)), now_us)
        engine.apply(SignInAgent(f"here{number}", "a50", ready=True), now_us)
        engine.apply(EnqueueInteraction(f"ask{number}", f"i{number}", "voice", "sales"), now_us)
        engine.apply(ConfigureAgents(f"out{number}", (), ("a50",)), now_us)
        invariants.check(engine)
    rows = engine._domain.classes._agents
    assert len(rows) < 3 + 2 * limits.SPARE_ROWS
    assert sorted(each.id for each in rows if each is not None) == ["a00", "a01", "a02"]


def test_many_changes_at_once_are_as_good_as_one_after_the_other() -> None:
    dice = Random(7)  # noqa: S311 - traffic, not secrecy
    edits = [agent(number, dice.randint(1, 9)) for number in range(20)]
    at_once, singly = staffed(20), staffed(20)
    at_once.apply(ConfigureAgents("e", tuple(edits)), 1)
    for each in edits:
        singly.apply(ConfigureAgents(f"e{each.id}", (each,)), 1)
    states = [msgspec.structs.replace(engine.state(), outcomes=()) for engine in (at_once, singly)]
    assert states[0] == states[1]
