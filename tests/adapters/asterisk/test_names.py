"""Names are derived, can be read back, and fit into Asterisk and the engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import limits
from acd_asterisk.names import MAX_APP, MAX_RENEWED, MAX_VISITS, Names, first_visit, interaction_of_offer, visit_of

LONGEST_CHANNEL_ID = 149
NAMES = Names("pbx1", "acd")


def test_interaction_and_offer() -> None:
    assert NAMES.interaction("1795254033.0") == "pbx1-1795254033.0"
    assert NAMES.interaction("1795254033.0", 3) == "pbx1-1795254033.0~3"
    assert interaction_of_offer("pbx1-1795254033.0~3.12") == "pbx1-1795254033.0~3"
    assert first_visit("pbx1-1795254033.0~3") == first_visit("pbx1-1795254033.0") == "pbx1-1795254033.0"
    assert [visit_of(each) for each in ("a-1.0", "a-1.0~3", "a-1.0~x")] == [1, 3, 1]


@pytest.mark.parametrize("strange", ["a b", "a~2", "金", "", "x" * 200, "a/b", "a;2"])
def test_strange_channel_ids_get_safe_names(strange: str) -> None:
    assert NAMES.interaction(strange) == NAMES.interaction(strange)
    assert NAMES.interaction(strange) != NAMES.interaction(f"{strange}x")
    assert NAMES.interaction(strange).isascii()
    assert "~" not in NAMES.interaction(strange)


@given(st.text(min_size=1, max_size=128), st.text(max_size=200), st.integers(1, MAX_VISITS), st.integers(1, 9_999))
def test_everything_fits(instance: str, channel_id: str, visit: int, number: int) -> None:
    names = Names(instance, "a" * MAX_APP)
    interaction_id = names.interaction(channel_id, visit)
    offer_id = f"{interaction_id}.{number}"
    assert len(interaction_id) <= limits.MAX_INTERACTION_ID
    assert len(names.leg(offer_id)) <= LONGEST_CHANNEL_ID
    assert names.offer_of(names.leg(offer_id)) == offer_id
    assert names.talk_of(names.talk(interaction_id)) == interaction_id
    assert interaction_of_offer(offer_id) == interaction_id
    assert len(names.back(offer_id)) <= LONGEST_CHANNEL_ID
    assert names.back_of(names.back(offer_id)) == offer_id


@given(st.integers(1, 9_999), st.integers(1, 9_999))
def test_no_legs_id_is_the_beginning_of_another_ones(one: int, other: int) -> None:
    """Asterisk 22 would refuse it as taken: `test_safety.py`."""
    first, second = NAMES.leg(f"pbx1-1795254033.0.{one}"), NAMES.leg(f"pbx1-1795254033.0.{other}")
    assert first == second or not (first.startswith(second) or second.startswith(first))


def test_a_leg_of_an_earlier_release_is_known() -> None:
    assert NAMES.offer_of("acd-acd:leg:x.1") == "x.1"


def test_own_and_others() -> None:
    assert NAMES.is_own(NAMES.leg("x.1"))
    assert NAMES.is_own(NAMES.talk("x"))
    assert NAMES.is_own(NAMES.hold)
    assert not NAMES.is_own("1795254033.0")
    assert NAMES.offer_of(NAMES.talk("x")) is None
    assert NAMES.talk_of(NAMES.leg("x.1")) is None
    assert NAMES.offer_of(f"{NAMES.leg('x.1')};2") is None
    assert NAMES.is_own(f"{NAMES.leg('x.1')};2")
    assert NAMES.is_own(NAMES.back("x.1"))
    assert NAMES.back_of(f"{NAMES.back('x.1')};2") is None
    assert NAMES.back_of(NAMES.leg("x.1")) is NAMES.offer_of(NAMES.back("x.1")) is None


def test_an_application_does_not_claim_what_is_another_ones() -> None:
    other = Names("pbx1", "acd-leg")
    assert not NAMES.is_own(other.leg("x.1"))
    assert not NAMES.is_own(other.hold)
    assert not other.is_own(NAMES.leg("x.1"))


def test_a_callers_channel_is_found_in_the_interaction() -> None:
    names = Names("pbx-1", "acd")
    for visit in (1, 2):
        assert names.caller(names.interaction("1700000000.17", visit)) == "1700000000.17"
    assert "\n" not in names.caller(names.interaction("1700\n.17"))


def test_a_talk_bridge_whose_id_asterisk_will_not_give_back_has_another() -> None:
    names = Names("pbx1", "acd")
    first = names.talk("pbx1-1795254033.0~2")
    names.renew_talk("pbx1-1795254033.0~2")
    second = names.talk("pbx1-1795254033.0~2")
    names.renew_talk("pbx1-1795254033.0~2")
    assert len({first, second, names.talk("pbx1-1795254033.0~2")}) == 3
    assert names.talk_of(first) == names.talk_of(second) == "pbx1-1795254033.0~2"
    assert names.talk("pbx1-1795254033.0") == "acd-acd:talk:pbx1-1795254033.0"
    for number in range(MAX_RENEWED):
        names.renew_talk(f"i{number}")
    assert names.talk("pbx1-1795254033.0~2") == first, "bounded"


def test_rooms_of_one_music() -> None:
    for music in ("", "jazz.2"):
        rooms = [NAMES.hold_for(music, room) for room in (1, 2, 12)]
        assert len(set(rooms)) == 3
        assert {NAMES.first_room(room) for room in rooms} == {NAMES.hold_for(music)}
        assert all(NAMES.is_hold(room) and NAMES.is_own(room) for room in rooms)
    assert not NAMES.is_hold(f"{NAMES.hold}s")
