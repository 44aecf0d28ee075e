"""Names and values that go with a call: none is more than text, and none is left from an earlier visit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.ports.channel import InteractionStanding
from acd_asterisk.options.data import DataOptions
from acd_asterisk.passing import (
    MAX_VALUE,
    clean,
    for_agent,
    header_expression,
    named,
    outcome,
    unanswered,
    variable_of,
)

ASKED = DataOptions(
    attributes=("order_number", "menu.main"),
    agent_variables=("interaction", "queue", "agent", "attribute.tier"),
    agent_headers=(("X-Queue", "queue"), ("X-Order", "attribute.order_number")),
)
STANDING = InteractionStanding(
    "pbx1-1.0",
    "completed",
    "sales",
    (("order_number", "4711\r\nX-Evil: 1"), ("tier", "金")),
    "anna",
    7_900_000,
    "agent",
)


def test_outcome() -> None:
    assert outcome(ASKED, STANDING, "pbx1-1.0", "completed") == {
        "ACD_RESULT": "completed",
        "ACD_INTERACTION": "pbx1-1.0",
        "ACD_QUEUE": "sales",
        "ACD_AGENT": "anna",
        "ACD_WAIT": "7",
        "ACD_REASON": "agent",
        "ACD_MENU": "",
        "ACD_DATA_ORDER_NUMBER": "4711 X-Evil: 1",
        "ACD_DATA_MENU_MAIN": "",
    }


def test_outcome_of_a_call_that_the_engine_never_had() -> None:
    unknown = outcome(ASKED, None, "pbx1-1.0", "refused")
    assert set(unknown) == set(outcome(ASKED, STANDING, "pbx1-1.0", "completed"))
    assert (unknown["ACD_RESULT"], unknown["ACD_QUEUE"], unknown["ACD_WAIT"]) == ("refused", "", "0")


def test_for_agent() -> None:
    assert for_agent(ASKED, STANDING, "ben", "PJSIP/ben") == {
        "__ACD_INTERACTION": "pbx1-1.0",
        "__ACD_QUEUE": "sales",
        "__ACD_AGENT": "ben",
        "__ACD_DATA_TIER": "金",
        "PJSIP_HEADER(add,X-Queue)": "sales",
        "PJSIP_HEADER(add,X-Order)": "4711 X-Evil: 1",
    }
    assert for_agent(ASKED, None, "ben", "PJSIP/ben") == {}
    assert for_agent(DataOptions(), STANDING, "ben", "PJSIP/ben") == {}
    assert not any("HEADER" in name for name in for_agent(ASKED, STANDING, "ben", "Local/ben@desk"))
    without = InteractionStanding("i", "offered", "sales")
    assert "PJSIP_HEADER(add,X-Order)" not in for_agent(ASKED, without, "ben", "PJSIP/ben")


def test_names() -> None:
    assert variable_of("queue") == "ACD_QUEUE"
    assert variable_of("attribute.menu.main") == "ACD_DATA_MENU_MAIN"
    key = "PJSIP_HEADER_READ_X_CUSTOMER_ID_"
    assert named(["X-Customer-Id"], {key: "4711", "TIER": "gold"}) == {"X_CUSTOMER_ID": "4711", "TIER": "gold"}
    assert header_expression("X-A") == "PJSIP_HEADER(read,X-A)"


@given(st.text(max_size=400))
def test_clean(text: str) -> None:
    """No control character, no sign of any dialplan, header or shell; and clean already is clean."""
    cleaned = clean(text)
    assert len(cleaned) <= MAX_VALUE
    assert not set(cleaned) & set("&,|;${}\"'`<>()[]\\%!?^~\r\n\t\0")
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(("state", "result"), [("overflowed", "released"), ("cancelled", "cancelled")])
def test_let_go_by_the_queue_or_by_somebody(state: str, result: str) -> None:
    assert unanswered(InteractionStanding("i", state, "sales")) == result


def test_unknown_to_the_engine_is_cancelled() -> None:
    assert unanswered(None) == "cancelled"
