"""What the run beside the naive model shows in passing only: how far an interaction overflows, what stays closed."""

import acd.core.messages as m
from acd.core import invariants, limits
from acd.core.engine import Engine


def engine_with(*queues: m.QueueSettings, agents: tuple[m.AgentSettings, ...] = ()) -> Engine:
    engine = Engine()
    outcome = engine.apply(m.ApplyConfig("config", m.CoreSettings(agents, queues)), 0)
    assert outcome.refusal is None
    return engine


def test_an_interaction_overflows_into_so_many_queues_and_no_more() -> None:
    chain = limits.MAX_HOPS + 2
    queues = tuple(
        m.QueueSettings(f"q{number}", when_closed=m.Action("queue", f"q{(number + 1) % chain}"))
        for number in range(chain)
    )
    engine = engine_with(*queues)
    for number in range(chain):
        engine.apply(m.CloseQueue(f"close-{number}", f"q{number}"), 1)
    looping = engine.apply(m.EnqueueInteraction("c1", "i1", "voice", "q0"), 2).events
    assert [type(event).__name__ for event in looping] == [
        "InteractionQueued",
        *["InteractionMoved"] * limits.MAX_HOPS,
        "InteractionOverflowed",
    ]
    engine.apply(m.OpenQueue("open", f"q{limits.MAX_HOPS}"), 3)
    arriving = engine.apply(m.EnqueueInteraction("c2", "i2", "voice", "q0"), 4).events
    assert [type(event).__name__ for event in arriving] == [
        "InteractionQueued",
        *["InteractionMoved"] * limits.MAX_HOPS,
    ]
    invariants.check(engine)
    (row,) = engine.state().interactions
    assert (row.queue, row.hops, row.request.queue) == (f"q{limits.MAX_HOPS}", limits.MAX_HOPS, "q0")


def test_a_refusal_further_on_changes_nothing_at_all() -> None:
    engine = engine_with(
        m.QueueSettings("q0", when_closed=m.Action("queue", "q1")),
        m.QueueSettings("q1", when_closed=m.Action("refuse")),
    )
    engine.apply(m.CloseQueue("close-0", "q0"), 1)
    engine.apply(m.CloseQueue("close-1", "q1"), 1)
    before = engine.state()
    outcome = engine.apply(m.EnqueueInteraction("c1", "i1", "voice", "q0"), 1)
    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.detail) == ("queue-closed", "queue q1 is closed (closed)")
    assert engine.state().seq == before.seq
    assert engine.state().interactions == ()


def test_a_queue_stays_closed_through_a_new_configuration_and_a_snapshot() -> None:
    engine = engine_with(m.QueueSettings("q0"))
    engine.apply(m.CloseQueue("close", "q0", ""), 1)
    engine.apply(m.ApplyConfig("again", m.CoreSettings((), (m.QueueSettings("q0", wrap_up_us=1),))), 2)
    restored = Engine.from_state(engine.state())
    for each in (engine, restored):
        refusal = each.apply(m.EnqueueInteraction("c1", "i1", "voice", "q0"), 3).refusal
        assert refusal is not None
        assert (refusal.code, refusal.detail) == ("queue-closed", "queue q0 is closed")
    engine.apply(m.ApplyConfig("gone", m.CoreSettings()), 4)
    engine.apply(m.ApplyConfig("back", m.CoreSettings((), (m.QueueSettings("q0"),))), 5)
    assert engine.apply(m.EnqueueInteraction("c2", "i2", "voice", "q0"), 6).refusal is None
