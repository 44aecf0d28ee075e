"""Whose effects come next, of those who wait."""

import pytest

from acd.core.messages import ConnectInteraction, OfferInteraction, ParkInteraction, ReleaseInteraction
from acd.runtime.effect_turns import SHARE, EffectTurns


def order(turns: EffectTurns) -> list[str]:
    return list(turns.drain())


def test_who_waits_on_the_line_goes_first_each_in_its_order() -> None:
    turns = EffectTurns()
    turns.add(ParkInteraction("new-1", "pbx"))
    turns.add(OfferInteraction("new-2.1", "new-2", "anna", "pbx", 0))
    turns.add(ConnectInteraction("met.1", "met", "ben", "pbx"))
    turns.add(ReleaseInteraction("done", "pbx", "agent-hung-up"))
    assert len(turns) == 4
    assert order(turns) == ["met", "done", "new-1", "new-2"]
    assert not turns


def test_nobody_starves() -> None:
    turns = EffectTurns()
    turns.add(ParkInteraction("new", "pbx"))
    for number in range(2 * SHARE):
        turns.add(ReleaseInteraction(f"done-{number}", "pbx", "agent-hung-up"))
    assert order(turns).index("new") == SHARE - 1


def test_nobody_waits() -> None:
    with pytest.raises(IndexError):
        EffectTurns().take()
