"""Deadlines keep nothing in memory that has ended, and finding the first does not take longer for many lengths."""

import gc
from random import Random

import pytest

import acd.core.messages as m
from acd.core.deadlines import MAX_LANES, Deadlines
from acd.core.engine import Engine
from acd.core.entities import Appointment, Work

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


def test_appointments_at_any_time_share_a_lane() -> None:
    """With a lane for each, everything that looks for the next deadline would look at every appointment."""
    engine = Engine()
    engine.apply(m.ApplyConfig("c", SETTINGS), 0)
    for number in range(500):
        due_us = 1_000_000 + number * number
        engine.apply(m.EnqueueInteraction(f"q{number}", f"i{number}", "voice", "q", not_before_us=due_us), number)
    assert len(engine._domain.deadlines._lanes) == 1
    assert engine.next_deadline() == 1_000_000


@pytest.mark.parametrize("seed", range(3))
def test_however_many_lengths_there_are_the_first_is_found_among_few_lanes(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - traffic, not secrecy
    deadlines, pending = Deadlines(), []
    engine = Engine()
    engine.apply(m.ApplyConfig("c", SETTINGS), 0)
    engine.apply(m.EnqueueInteraction("q", "i", "voice", "q"), 0)
    owner = Appointment(engine._domain.interactions["i"], 0)
    for seq in range(1_000):
        length_us = random.randrange(5_000)
        pending.append(deadlines.register(seq + length_us, seq, owner, length_us))
        if random.random() < 0.4:
            random.choice(pending).alive = False
        living = [(each.key, each.seq) for each in pending if each.alive]
        first = deadlines.first()
        assert (None if first is None else (first.key, first.seq)) == min(living, default=None)
        assert len(deadlines._lanes) <= MAX_LANES + 1
