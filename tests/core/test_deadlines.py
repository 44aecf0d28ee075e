"""Deadlines keep nothing in memory that has ended."""

import gc

import acd.core.messages as m
from acd.core.engine import Engine
from acd.core.entities import Work

SETTINGS = m.CoreSettings((m.AgentSettings("a"),), (m.QueueSettings("q", wrap_up_us=30_000_000),))
CYCLES = 40
"""Fewer than it takes to compact a lane."""


def test_a_deadline_that_is_over_keeps_no_work_in_memory() -> None:
    engine = Engine()
    engine.apply(m.ApplyConfig("c", SETTINGS), 0)
    engine.apply(m.SignInAgent("s", "a", ready=True), 0)
    queue = engine._domain.queues["q"]
    for number in range(CYCLES):
        interaction = f"i{number}"
        for command in (
            m.EnqueueInteraction(f"q{number}", interaction, "voice", "q"),
            m.AcceptOffer(f"a{number}", f"{interaction}.1", "a"),
            m.EndInteraction(f"e{number}", interaction),
            m.EndWrapUp(f"w{number}", "a", interaction),
        ):
            assert engine.apply(command, number).refusal is None
    assert not [each.offer_id for each in gc.get_objects() if isinstance(each, Work) and each.queue is queue]
