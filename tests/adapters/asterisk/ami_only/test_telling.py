"""AMI's events as ARI would have told them, and what the dialplan says; pure."""

import tracemalloc

import pytest
from panoramisk.message import Message

from acd_asterisk.ami_only import dialplan
from acd_asterisk.ami_only.telling import MAX_LEGS, NO_ROUTE, Telling, arguments
from acd_asterisk.names import Names

NAMES = Names("pbx1", "acd")
OFFER = "pbx1-1795301009.1.1"
LEG = NAMES.leg(OFFER)
CALLER = "1795301009.1"


def told(telling: Telling, event: str, **fields: str) -> list[str]:
    return [each.type for each in telling.events(Message({"Event": event, **fields}))]


@pytest.fixture
def telling() -> Telling:
    return Telling(NAMES, "acd", "mine")


def test_a_caller_comes_and_goes(telling: Telling) -> None:
    said = {"UserEvent": "AcdEnter", "App": "acd", "Uniqueid": CALLER, "Args": "sales&did=1%2C2&tier=a%26b"}
    (event,) = telling.events(Message({"Event": "UserEvent", **said}))
    assert (event.type, event.args) == ("StasisStart", ("sales", "did=1%2C2", "tier=a%26b"))
    assert told(telling, "UserEvent", **{**said, "App": "other"}) == []
    assert told(telling, "Hangup", Uniqueid=CALLER, Cause="16") == [
        "ChannelHangupRequest",
        "StasisEnd",
        "ChannelDestroyed",
    ]


def test_a_telephone_that_was_never_picked_up_has_not_left(telling: Telling) -> None:
    assert told(telling, "Hangup", Uniqueid=LEG, Cause="17", Context="default", Exten="s") == ["ChannelDestroyed"]
    ours = {"Context": dialplan.context_of("acd"), "Exten": dialplan.LEG}
    assert told(telling, "Hangup", Uniqueid=LEG, Cause="16", **ours) == ["StasisEnd", "ChannelDestroyed"]


def test_a_telephone_without_a_channel_is_told_of_once(telling: Telling) -> None:
    failed = {"Event": "OriginateResponse", "Response": "Failure", "ActionID": LEG, "Uniqueid": LEG}
    (event,) = telling.events(Message(failed))
    assert (event.type, event.cause) == ("ChannelDestroyed", NO_ROUTE)
    assert told(telling, "Newchannel", Uniqueid=LEG) == []
    assert telling.events(Message(failed)) == []
    assert telling.events(Message({**failed, "ActionID": "another's"})) == []


def test_of_telephones_that_have_rung_nothing_is_kept(telling: Telling) -> None:
    """It kept the last twenty thousand: only of those that could not be dialled it forgot that there was a channel."""
    answered = {"Event": "OriginateResponse", "Response": "Success", "Uniqueid": LEG}
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(5_000):
            leg = NAMES.leg(f"pbx1-1795301009.{number}.1")
            assert told(telling, "Newchannel", Uniqueid=leg) == []
            assert telling.events(Message({**answered, "ActionID": leg})) == []
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000


def test_a_failure_that_has_overtaken_its_channel(telling: Telling) -> None:
    """Asterisk sends it past the events of channels: whether there was one is not known before a moment has passed."""
    failed = Message({"Event": "OriginateResponse", "Response": "Failure", "ActionID": LEG, "Uniqueid": LEG})
    assert telling.is_early(failed)
    assert told(telling, "Newchannel", Uniqueid=LEG) == []
    (declined,) = telling.events(Message({"Event": "Hangup", "Uniqueid": LEG, "Cause": "21"}))
    assert declined.cause == 21
    assert not telling.is_early(failed)
    assert telling.events(failed) == []


def test_a_failure_is_early_once(telling: Telling) -> None:
    failed = Message({"Event": "OriginateResponse", "Response": "Failure", "ActionID": LEG, "Uniqueid": LEG})
    assert telling.is_early(failed)
    assert not telling.is_early(failed)
    assert [each.cause for each in telling.events(failed)] == [NO_ROUTE]
    for other in ({"Response": "Success"}, {"ActionID": "another's"}, {"Event": "Hangup"}):
        assert not telling.is_early(Message({**failed, **other}))


def test_who_talks_with_whom(telling: Telling) -> None:
    assert told(telling, "BridgeEnter", BridgeUniqueid="b", Uniqueid=CALLER) == []
    (event,) = telling.events(Message({"Event": "BridgeEnter", "BridgeUniqueid": "b", "Uniqueid": LEG}))
    assert event.bridge is not None
    assert event.bridge.id == NAMES.talk("pbx1-1795301009.1")
    assert set(event.bridge.channels) == {CALLER, LEG}
    told(telling, "BridgeLeave", BridgeUniqueid="b", Uniqueid=CALLER)
    (event,) = telling.events(Message({"Event": "BridgeEnter", "BridgeUniqueid": "b", "Uniqueid": LEG}))
    assert event.bridge is not None
    assert event.bridge.channels == (LEG,)
    told(telling, "BridgeDestroy", BridgeUniqueid="b")
    assert told(telling, "BridgeEnter", BridgeUniqueid="b", Uniqueid=CALLER) == []


def test_a_telephone_sends_the_caller_on(telling: Telling) -> None:
    said = {"TransfereeUniqueid": CALLER, "TransfererUniqueid": LEG}
    (event,) = telling.events(Message({"Event": "BlindTransfer", "Result": "Success", **said}))
    assert event.channel is not None
    assert (event.type, event.channel.id) == ("StasisEnd", CALLER)
    assert told(telling, "BlindTransfer", Result="Fail", **said) == []


def test_another_controller(telling: Telling) -> None:
    said = {"UserEvent": "AcdOwner", "App": "acd"}
    assert told(telling, "UserEvent", **said, Owner="mine") == []
    assert told(telling, "UserEvent", **said, Owner="theirs") == ["ApplicationReplaced"]


def test_hold_by_telephone(telling: Telling) -> None:
    assert told(telling, "Hold", Uniqueid=LEG) == ["ChannelHold"]
    assert told(telling, "Unhold", Uniqueid=LEG) == ["ChannelUnhold"]


def test_memory_is_bounded(telling: Telling) -> None:
    for number in range(MAX_LEGS + 5):
        told(telling, "Newchannel", Uniqueid=f"{LEG}{number}")
    assert len(telling._legs) == MAX_LEGS


def test_what_the_dialplan_says() -> None:
    assert arguments("sales%20east&did=1&tier=%E7%8E%8B") == ("sales east", "did=1", "tier=%E7%8E%8B")
    assert arguments("") == ("",)


def test_music_of_a_hold_bridge() -> None:
    assert dialplan.music_of(NAMES.hold, NAMES.hold) == ""
    assert dialplan.music_of(f"{NAMES.hold}:jazz", NAMES.hold) == "jazz"
    assert dialplan.music_of(NAMES.talk("x"), NAMES.hold) is None
    assert dialplan.music_of(f"{NAMES.hold}ing", NAMES.hold) is None
