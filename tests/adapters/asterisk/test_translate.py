"""What ARI events mean, what goes into a command, and what a caller may say where."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import limits
from acd.core.messages import DeclineOffer, EnqueueInteraction, FailOffer
from acd.core.messages.codec import decode_command, encode
from acd_asterisk import translate
from acd_asterisk.names import Names
from acd_asterisk.translate import (
    CallerArrived,
    CallerHangupRequested,
    CallerLeft,
    Happening,
    LegAnswered,
    LegDestroyed,
    LegHeld,
    LegLeft,
    Replaced,
    TalkEntered,
)
from acd_asterisk.wire import AriBridge, AriChannel, AriEvent, DialplanPlace, Party, decode_event

NAMES = Names("pbx1", "acd")
CALLER = "1795254033.0"
LEG = NAMES.leg("pbx1-1795254033.0.1")
TALK = NAMES.talk("pbx1-1795254033.0")

START = b"""{"type": "StasisStart", "timestamp": "2026-11-21T09:40:33.428+0000", "args": ["sales", "tier=gold"],
 "channel": {"id": "1795254033.0", "name": "PJSIP/trunk-00000000", "state": "Ring", "protocol_id": "1-1@127.0.0.1",
 "caller": {"name": "Anna", "number": "10001"}, "connected": {"name": "", "number": ""}, "accountcode": "",
 "dialplan": {"context": "in", "exten": "4000", "priority": 4, "app_name": "Stasis", "app_data": "acd,sales"},
 "creationtime": "2026-11-21T09:40:33.427+0000", "language": "en"}, "asterisk_id": "x", "application": "acd"}"""
"""As Asterisk 22 sends it."""


def event(kind: str, channel_id: str = CALLER, cause: int = 0) -> AriEvent:
    return AriEvent(kind, AriChannel(channel_id), cause=cause)


def entered(bridge_id: str, channel_id: str, *others: str) -> AriEvent:
    """As Asterisk sends it: who has entered, and all who are in the bridge."""
    return AriEvent("ChannelEnteredBridge", AriChannel(channel_id), bridge=AriBridge(bridge_id, (*others, channel_id)))


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
    return translate.arrival(AriChannel(CALLER, dialplan=place, channelvars=channelvars or {}), args)


def test_caller_arrives() -> None:
    what = translate.happening(decode_event(START), NAMES)
    assert isinstance(what, CallerArrived)
    assert (what.channel.id, what.channel.caller, what.queue) == (CALLER, Party("Anna", "10001"), "sales")
    assert what.variables == {"TIER": "gold"}


@pytest.mark.parametrize(
    ("given_event", "expected"),
    [
        (event("StasisEnd"), CallerLeft(CALLER)),
        (event("ChannelHangupRequest"), CallerHangupRequested(CALLER)),
        (event("ChannelDestroyed", cause=16), None),
        (event("ChannelHold"), None),
        (event("ChannelVarset"), None),
        (event("StasisStart", LEG), LegAnswered("pbx1-1795254033.0.1")),
        (event("StasisEnd", LEG), LegLeft("pbx1-1795254033.0.1")),
        (event("ChannelDestroyed", LEG, 17), LegDestroyed("pbx1-1795254033.0.1", 17)),
        (event("ChannelHold", LEG), LegHeld("pbx1-1795254033.0.1", held=True)),
        (event("ChannelUnhold", LEG), LegHeld("pbx1-1795254033.0.1", held=False)),
        (event("ChannelHangupRequest", LEG), None),
        (event("StasisStart", f"{LEG};2"), None),
        (entered(TALK, CALLER), TalkEntered("pbx1-1795254033.0", frozenset({CALLER}))),
        (entered(TALK, LEG, CALLER), TalkEntered("pbx1-1795254033.0", frozenset({CALLER, LEG}))),
        (entered(NAMES.hold, CALLER), None),
        (entered("somebody-else's", LEG), None),
        (event("ChannelEnteredBridge", LEG), None),
        (AriEvent("ApplicationReplaced"), Replaced()),
        (AriEvent("SomethingElse"), None),
    ],
)
def test_happenings(given_event: AriEvent, expected: Happening | None) -> None:
    assert translate.happening(given_event, NAMES) == expected


def test_every_event_that_means_something_is_asked_for() -> None:
    kinds = {"StasisStart", "StasisEnd", "ChannelHangupRequest", "ChannelDestroyed", "ChannelHold", "ChannelUnhold"}
    assert {*kinds, "ChannelEnteredBridge", "ApplicationReplaced"} == set(translate.EVENTS)


@pytest.mark.parametrize(
    ("args", "queue", "variables"),
    [
        ((), "", None),
        (("sales",), "sales", None),
        ((" sales ",), "sales", None),
        (("sales", "tier=gold"), "sales", {"TIER": "gold"}),
        (("", "X-ACD-Queue=support", "X_ACD_TIER=%E9%87%91,%2C+"), "", {"QUEUE": "support", "TIER": "金,,+"}),
        (("sales", "no pair"), "sales", {}),
        (("sales", "a=b=c"), "sales", {"A": "b=c"}),
    ],
)
def test_stasis_arguments(args: tuple[str, ...], queue: str, variables: dict[str, str] | None) -> None:
    what = arrived(*args)
    assert (what.queue, what.variables) == (queue, variables)


def test_channelvars_make_fetching_unnecessary() -> None:
    found = arrived("sales", channelvars={"X_ACD_TIER": "gold", "X_ACD_EMPTY": "", "OTHER": "x"})
    assert found.variables == {"TIER": "gold"}
    assert arrived("sales", channelvars={"X_ACD_TIER": "", "OTHER": "x"}).variables is None


def test_arguments_of_a_caller_found_waiting() -> None:
    channel = AriChannel(CALLER, dialplan=DialplanPlace("4000", "Stasis", "acd,sales,tier=%2C"))
    assert translate.arrival_of_waiting(channel) == CallerArrived(channel, "sales", {"TIER": ","})
    bare = AriChannel(CALLER, dialplan=DialplanPlace("4000", "Stasis", "acd"))
    assert translate.arrival_of_waiting(bare) == CallerArrived(bare, "", None)


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
    found = translate.arrival(AriChannel(CALLER, dialplan=place), args)
    made = command(msgspec.structs.replace(found, queue="sales"), **{**(found.variables or {}), "REQUIREMENT": ""})
    assert decode_command(encode(made)) == made
    assert len(made.attributes) <= limits.MAX_ATTRIBUTES


def test_variables_by_one_expression() -> None:
    names = ("X_ACD_QUEUE", "X_ACD_TIER")
    expression = "EVAL(${URIENCODE(${X_ACD_QUEUE})}&${URIENCODE(${X_ACD_TIER})})"
    assert translate.variables_expression(names) == expression
    assert translate.read_variables(names, "sales&%E9%87%91%26") == {"QUEUE": "sales", "TIER": "金&"}
    assert translate.read_variables(names, "&") == {}
    assert translate.read_variables(names, "") == {}


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


@pytest.mark.parametrize(
    ("party", "shown"),
    [
        (Party("", ""), ""),
        (Party("", "10001"), "10001"),
        (Party("Anna B.", "+49 (30) 100-1"), '"Anna B." <+4930100-1>'),
        (Party("王小明", "10001"), '"王小明" <10001>'),
        (Party("Anna", ""), '"Anna" <>'),
        (Party('A" <666>', "1&PJSIP/x"), '"A 666" <1PJSIPx>'),
        (Party("a\r\nX: 1", "1\r\n2"), '"a X 1" <12>'),
        (Party("${SHELL(x)},|;", "${X}"), '"SHELL x" <X>'),
    ],
)
def test_caller_id(party: Party, shown: str) -> None:
    assert translate.caller_id(party) == shown


@given(st.text(max_size=300), st.text(max_size=300))
def test_caller_id_of_anybody_is_harmless(name: str, number: str) -> None:
    shown = translate.caller_id(Party(name, number))
    assert len(shown) <= translate.MAX_CALLER_NAME + translate.MAX_CALLER_NUMBER + len('"" <>')
    assert shown.count('"') in {0, 2}
    assert not set(shown) & set("&,|;${}\\()\r\n\x00")
