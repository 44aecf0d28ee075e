"""Who is in which class, and where they stand."""

import gc

import pytest

from acd.core import invariants, limits
from acd.core.classes import Class
from acd.core.engine import Engine
from acd.core.messages import (
    AgentSettings,
    ApplyConfig,
    Capacity,
    ChannelShare,
    CoreSettings,
    EndInteraction,
    EnqueueInteraction,
    QueueSettings,
    SignInAgent,
)

CRAMPED = Capacity(50, (ChannelShare("voice", 100), ChannelShare("chat", 20, 2)))


def test_whoever_can_never_have_room_is_of_the_class_and_offered_nothing() -> None:
    engine = Engine()
    queues = (QueueSettings("q"),)
    engine.apply(ApplyConfig("c", CoreSettings((AgentSettings("a", capacity=CRAMPED),), queues)), 0)
    engine.apply(EnqueueInteraction("e1", "i1", "voice", "q"), 1)
    engine.apply(SignInAgent("s", "a", ready=True), 2)
    engine.apply(EnqueueInteraction("e2", "i2", "voice", "q"), 3)
    engine.apply(EnqueueInteraction("e3", "i3", "chat", "q"), 4)
    states = {each.request.interaction_id: each.state for each in engine.state().interactions}
    assert states == {"i1": "queued", "i2": "queued", "i3": "offered"}
    invariants.check(engine)


def test_forgotten_classes_leave_nobody_behind() -> None:
    """Many ad-hoc requirements, few classes: whoever is idle stands in those that are there, however often they go."""
    engine = Engine(max_classes=4)
    agents = tuple(AgentSettings(f"a{number}", (("s", number + 1),)) for number in range(8))
    engine.apply(ApplyConfig("c", CoreSettings(agents, (QueueSettings("q"),))), 0)
    for number in range(8):
        engine.apply(SignInAgent(f"s{number}", f"a{number}", ready=number % 2 == 0), number)
    for number in range(40):
        asked = EnqueueInteraction(f"e{number}", f"i{number}", "voice", "q", f"skills.s >= {number * 5 % 9 + 1}")
        engine.apply(asked, 10 + number)
        invariants.check(engine)


def test_requirements_that_are_over_cost_nobody_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every agent who comes free would stand in a line for each that was ever asked for, and memory would grow."""
    monkeypatch.setattr(limits, "CREWS_PER_AGENT", 16)
    engine = Engine()
    agents = tuple(AgentSettings(f"a{number}", (("s", number + 1),)) for number in range(8))
    engine.apply(ApplyConfig("c", CoreSettings(agents, (QueueSettings("q"),))), 0)
    for number in range(8):
        engine.apply(SignInAgent(f"s{number}", f"a{number}", ready=True), number)
    before = sum(isinstance(each, Class) for each in gc.get_objects())
    for number in range(300):
        asked = EnqueueInteraction(f"e{number}", f"i{number}", "voice", "q", f"skills.s >= 3 && skills.s != {number}")
        engine.apply(asked, 10 + number)
        engine.apply(EndInteraction(f"x{number}", f"i{number}"), 10 + number)
        assert sum(len(agent.home or ()) for agent in engine._domain.agents.values()) <= 17 * len(agents)
    gc.collect()
    assert sum(isinstance(each, Class) for each in gc.get_objects()) - before <= 17 * len(agents)
    invariants.check(engine)
