"""The view against the engine under random traffic with every policy switched on."""

import pytest

from acd.core.engine import Engine
from acd.core.state import EngineState
from acd.runtime.view import View
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded

LENGTH = 700


def facts(view: View) -> dict[str, object]:
    """What policies change about interactions, agents and queues."""
    interactions = {
        row.id: (row.queue, row.priority, row.place_at_us, row.state, row.held_for, row.offer_id)
        for row in view.interactions.values()
        if not row.ended_at_us
    }
    queues = {
        row.id: (row.retired, row.waiting, row.offered, row.active, row.waiting_by_channel, sorted(row.line))
        for row in view.queues.values()
    }
    return {"interactions": interactions, "queues": queues}


def restored(state: EngineState) -> View:
    """A view that begins with the state."""
    return View.from_state(state, state.now_us)


@pytest.mark.parametrize("seed", range(6))
def test_folding_leads_to_what_the_state_says(seed: int) -> None:
    engine, traffic = Engine(), seeded(seed, disorder=0.05)
    model = Model(traffic.trees)
    view = later = View()
    commands = set()
    for number in range(LENGTH):
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        outcome = engine.apply(command, now_us)
        if command.id not in commands:
            view.fold(now_us, outcome)
            if later is not view:
                later.fold(now_us, outcome)
        commands.add(command.id)
        if number == LENGTH // 2:
            later = restored(engine.state())
        if number % 20 == 0:
            assert facts(view) == facts(restored(engine.state()))
    assert facts(later) == facts(view) == facts(restored(engine.state()))
