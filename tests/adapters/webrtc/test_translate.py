"""What becomes of a talk's end, and of figures."""

from typing import get_args

import pytest

from acd.core.messages import EndInteraction, RequeueInteraction
from acd.ports.pages import Heard, Side
from acd_webrtc.signals import Reason
from acd_webrtc.translate import end_of_talk, interaction_id, quality_attributes


@pytest.mark.parametrize(
    ("reason", "by", "expected"),
    [
        ("ended", None, None),
        ("hung-up", "customer", EndInteraction("c", "i", "customer", "hung-up")),
        ("hung-up", "agent", EndInteraction("c", "i", "agent", "hung-up")),
        ("declined", "agent", EndInteraction("c", "i", "agent", "declined")),
        ("failed", "customer", EndInteraction("c", "i", "system", "media-failed")),
        ("lost", "customer", EndInteraction("c", "i", "customer", "page-lost")),
        ("unjoined", "customer", EndInteraction("c", "i", "customer", "page-lost")),
        ("lost", "agent", RequeueInteraction("c", "i", "agent-page-lost")),
        ("unjoined", "agent", RequeueInteraction("c", "i", "agent-page-lost")),
        ("unanswered", "agent", RequeueInteraction("c", "i", "agent-page-lost")),
        ("overrun", "agent", RequeueInteraction("c", "i", "agent-page-lost")),
    ],
)
def test_what_follows_from_an_end(
    reason: Reason, by: Side | None, expected: EndInteraction | RequeueInteraction | None
) -> None:
    assert end_of_talk("c", "i", reason, by) == expected


@pytest.mark.parametrize("reason", [each for each in get_args(Reason) if each != "ended"])
def test_no_end_is_forgotten(reason: Reason) -> None:
    assert end_of_talk("c", "i", reason, None) is not None


def test_a_call_has_an_id_of_its_visitor_s_and_key_s() -> None:
    found = {interaction_id(visitor, key) for visitor in ("cv_a", "cv_b") for key in ("1", "2")}
    assert len(found) == 4
    assert interaction_id("cv_a", "1") in found


def test_what_nobody_knows_is_no_attribute() -> None:
    sides = (Heard("customer", 9.0, 4.123, 0.25, 3.4, 80.0), Heard("agent", 0.0))
    assert quality_attributes(sides) == (
        ("call.score.customer", "4.12"),
        ("call.loss.customer", "0.2"),
        ("call.jitter.customer", "3"),
        ("call.round_trip.customer", "80"),
    )
