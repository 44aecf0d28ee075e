"""The view against the engine once more, under the core's own random traffic: every command, setting and event."""

from collections import Counter

import pytest

from acd.core.engine import Engine
from acd.runtime.view import View
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded
from tests.runtime.test_view import facts

LENGTH = 1_200


@pytest.mark.parametrize("seed", range(6))
def test_folding_leads_to_what_the_state_says_and_goes_on_from_there(seed: int) -> None:
    engine, folded = Engine(), View()
    restored = View.from_state(engine.state(), 0)
    traffic = seeded(seed, disorder=0.02)
    model = Model(traffic.trees)
    seen: Counter[str] = Counter()
    for number in range(LENGTH):
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        if engine.recorded(command.id) is not None:
            continue
        outcome = engine.apply(command, now_us)
        seen.update(type(event).__name__ for event in outcome.events)
        folded.fold(now_us, outcome)
        restored.fold(now_us, outcome)
        if number % 100 == 99:
            assert facts(restored) == facts(folded)
            restored = View.from_state(engine.state(), now_us)
            assert facts(restored) == facts(folded)
    assert seen["OfferAccepted"]
