"""What goes into a command, and what a caller may say where."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import limits
from acd.core.messages import DeclineOffer, EnqueueInteraction, FailOffer
from acd.core.messages.codec import decode_command, encode
from acd_asterisk import translate
from acd_asterisk.happenings import CallerArrived, arrival
from acd_asterisk.wire import AriChannel, DialplanPlace

CALLER = "1795254033.0"


def command(arrived: CallerArrived, **variables: str) -> EnqueueInteraction:
    return translate.enqueue(
        arrived,
        variables,
        command_id="c1",
        interaction_id="i1",
        default_queue="fallback",
        customer="cu_1",
        instance="pbx1",
    )


def arrived(*args: str, channelvars: dict[str, str] | None = None) -> CallerArrived:
    place = DialplanPlace("4000", "Stasis", "acd")
    return arrival(AriChannel(CALLER, dialplan=place, channelvars=channelvars or {}), args)


def test_enqueue() -> None:
    made = command(arrived("sales"), REQUIREMENT="skills.a >= 1", PRIORITY="-7", AFTER="continue", CUSTOMER_TIER="金")
    assert made == EnqueueInteraction(
        "c1",
        "i1",
        "voice",
        "sales",
        requirement="skills.a >= 1",
        priority=-7,
        attributes=(("customer_tier", "金"), ("did", "4000")),
        customer="cu_1",
        instance="pbx1",
    )


@pytest.mark.parametrize(
    ("arg", "variable", "expected"), [("a", "b", "a"), ("", "b", "b"), ("", " b ", "b"), ("", "", "fallback")]
)
def test_queue_by_argument_variable_or_default(arg: str, variable: str, expected: str) -> None:
    assert command(arrived(arg), QUEUE=variable).queue == expected


@pytest.mark.parametrize(
    ("text", "priority"),
    [("", 0), ("5", 5), (" 5 ", 5), ("+5", 5), ("-5", -5), ("99999", 1_000), ("-99999", -1_000), ("1e3", 0), ("٣", 0)],
)
def test_priority(text: str, priority: int) -> None:
    assert command(arrived("sales"), PRIORITY=text).priority == priority


@given(st.dictionaries(st.text(max_size=200), st.text(max_size=600), max_size=80), st.text(max_size=40))
def test_whatever_the_dialplan_says_is_a_valid_command(variables: dict[str, str], extension: str) -> None:
    place = DialplanPlace(extension, "Stasis", "acd")
    args = ["sales", *(f"{name}={value}" for name, value in variables.items())]
    found = arrival(AriChannel(CALLER, dialplan=place), args)
    made = command(msgspec.structs.replace(found, queue="sales"), **{**(found.variables or {}), "REQUIREMENT": ""})
    assert decode_command(encode(made)) == made
    assert len(made.attributes) <= limits.MAX_ATTRIBUTES


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [
        (17, "busy"),
        (21, "decline"),
        *((cause, "unreachable") for cause in (1, 2, 3, 18, 19, 20, 22, 27, 28, 102)),
        *((cause, "failed") for cause in (0, 16, 26, 34, 38, 41, 58, 88, 127, 999)),
    ],
)
def test_causes(cause: int, verdict: str) -> None:
    assert translate.leg_verdict(cause) == verdict


def test_commands_for_a_leg_that_ended() -> None:
    names = {"command_id": "c1", "offer_id": "i1.1", "agent_id": "anna"}
    assert translate.leg_command("decline", **names) == DeclineOffer("c1", "i1.1", "anna")
    assert translate.leg_command("busy", **names) == FailOffer("c1", "i1.1", "busy")
    assert translate.leg_command("unreachable", **names) == FailOffer("c1", "i1.1", "unreachable")
    assert translate.leg_command("failed", **names) == FailOffer("c1", "i1.1", "failed")


@pytest.mark.parametrize(
    "address",
    ["PJSIP/anna", "PJSIP/100@trunk", "PJSIP/trunk/sip:100@pbx.example:5061", "Local/100@agents/n", "SIP/a_b-c"],
)
def test_endpoints(address: str) -> None:
    assert translate.is_endpoint(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "PJSIP/",
        "PJSIP/anna&PJSIP/ben",
        "PJSIP/anna,20",
        "PJSIP/a|b",
        "PJSIP/a;b",
        "PJSIP/${EXTEN}",
        'PJSIP/"a"',
        "PJSIP/a b",
        "PJSIP/a\r\nAction: x",
        "PJSIP/a\n",
        "PJSIP/金",
        "PJSIP/" + "a" * 200,
    ],
)
def test_not_endpoints(address: str) -> None:
    assert not translate.is_endpoint(address)
