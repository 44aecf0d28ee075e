"""What ARI events mean."""

import pytest
from msgspec import structs

from acd_asterisk import happenings, snapshot
from acd_asterisk.happenings import (
    CallerArrived,
    CallerHangupRequested,
    CallerLeft,
    CodeDialled,
    CustomerAnswered,
    CustomerGone,
    Happening,
    KeyPressed,
    LegAnswered,
    LegDestroyed,
    LegHeld,
    LegLeft,
    PlaybackChanged,
    RecordingEnded,
    Referred,
    Replaced,
    StrayArrived,
    TalkEntered,
)
from acd_asterisk.names import Names
from acd_asterisk.wire import AriBridge, AriChannel, AriEvent, AriRecording, DialplanPlace, Party, decode_event

NAMES = Names("pbx1", "acd")
CALLER = "1795254033.0"
LEG = NAMES.leg("pbx1-1795254033.0.1")
BACK = NAMES.back("pbx1-1795254033.0~cb.1")
TALK = NAMES.talk("pbx1-1795254033.0")

START = b"""{"type": "StasisStart", "timestamp": "2026-11-21T09:40:33.428+0000", "args": ["sales", "tier=gold"],
 "channel": {"id": "1795254033.0", "name": "PJSIP/trunk-00000000", "state": "Ring", "protocol_id": "1-1@127.0.0.1",
 "caller": {"name": "Anna", "number": "10001"}, "connected": {"name": "", "number": ""}, "accountcode": "",
 "dialplan": {"context": "in", "exten": "4000", "priority": 4, "app_name": "Stasis", "app_data": "acd,sales"},
 "creationtime": "2026-11-21T09:40:33.427+0000", "language": "en"}, "asterisk_id": "x", "application": "acd"}"""
"""As Asterisk 22 sends it."""


BLIND = b"""{"type": "ChannelTransfer", "state": "", "application": "acd",
 "refer_to": {"requested_destination": {"destination": "600", "additional_protocol_params": []}},
 "referred_by": {"source_channel": {"id": "%b", "name": "PJSIP/anna-00000001"}}}"""

ATTENDED = b"""{"type": "ChannelTransfer", "state": "", "application": "acd",
 "refer_to": {"requested_destination": {"protocol_id": "abc@127.0.0.1"},
  "destination_channel": {"id": "1795254034.1", "name": "PJSIP/anna-00000002", "dialplan": {"exten": "2001"}},
  "connected_channel": {"id": "1795254034.2", "name": "PJSIP/ben-00000003"}},
 "referred_by": {"source_channel": {"id": "%b", "name": "PJSIP/anna-00000001"}}}"""


def test_transfers_by_telephone() -> None:
    offer = "pbx1-1795254033.0.1"

    def read(text: bytes, channel_id: str) -> Happening | None:
        return happenings.happening(decode_event(text % channel_id.encode()), NAMES)

    assert read(BLIND, LEG) == Referred(offer, "600", by="PJSIP/anna-00000001")
    assert read(ATTENDED, LEG) == Referred(
        offer, "2001", other_line="1795254034.1", other_end="1795254034.2", other_endpoint="PJSIP/ben"
    )
    assert read(BLIND, CALLER) is None  # a caller's telephone, or any other channel: none of our business


def test_transfers_that_asterisk_has_carried_out() -> None:
    leg, local = (
        AriChannel(LEG, name="PJSIP/anna-00000001"),
        AriChannel("1795254033.4", name="Local/ben@agents-00000001;1"),
    )
    blind = AriEvent("BridgeBlindTransfer", leg, replace_channel=local, result="Success", exten="ben", context="agents")
    offer = "pbx1-1795254033.0.1"
    followed = Referred(offer, "ben", replaced_by=local.id, context="agents", by=leg.name)
    assert happenings.happening(blind, NAMES) == followed
    assert happenings.happening(structs.replace(blind, result="Fail"), NAMES) is None
    attended = AriEvent(
        "BridgeAttendedTransfer",
        transferer_first_leg=leg,
        transferer_second_leg=AriChannel("1795254034.1"),
        transfer_target=AriChannel("1795254034.2", name="PJSIP/ben-00000003"),
        destination_link_first_leg=local,
        result="Success",
    )
    assert happenings.happening(attended, NAMES) == Referred(
        offer, "", "1795254034.1", "1795254034.2", "PJSIP/ben", replaced_by=local.id
    )
    arrived = AriEvent("StasisStart", local, replace_channel=leg)
    assert happenings.happening(arrived, NAMES) is None  # no new caller
    in_place = structs.replace(arrived, replace_channel=AriChannel(CALLER))
    assert happenings.happening(in_place, NAMES) == StrayArrived(local.id)
    telephone = structs.replace(in_place, channel=AriChannel("1795254034.2", name="PJSIP/desk-00000003"))
    assert isinstance(happenings.happening(telephone, NAMES), CallerArrived)  # they go on at another telephone
    ben = AriChannel("1795254034.2", name="PJSIP/ben-00000003")
    taken = Referred(offer, other_endpoint="PJSIP/ben", replaced_by=ben.id)
    assert happenings.happening(structs.replace(arrived, channel=ben), NAMES) == taken


def event(kind: str, channel_id: str = CALLER, cause: int = 0) -> AriEvent:
    return AriEvent(kind, AriChannel(channel_id), cause=cause)


def came_in(channel_id: str, *args: str) -> AriEvent:
    return AriEvent("StasisStart", AriChannel(channel_id), args=args)


def entered(bridge_id: str, channel_id: str, *others: str) -> AriEvent:
    """As Asterisk sends it: who has entered, and all who are in the bridge."""
    return AriEvent("ChannelEnteredBridge", AriChannel(channel_id), bridge=AriBridge(bridge_id, (*others, channel_id)))


def arrived(*args: str, channelvars: dict[str, str] | None = None) -> CallerArrived:
    place = DialplanPlace("4000", "Stasis", "acd")
    return happenings.arrival(AriChannel(CALLER, dialplan=place, channelvars=channelvars or {}), args)


def test_caller_arrives() -> None:
    what = happenings.happening(decode_event(START), NAMES)
    assert isinstance(what, CallerArrived)
    assert (what.channel.id, what.channel.caller, what.queue) == (CALLER, Party("Anna", "10001"), "sales")
    assert what.variables == {"TIER": "gold"}


def test_code_is_dialled() -> None:
    """Whatever the name of the endpoint: Asterisk adds a hyphen and a number."""
    channel = AriChannel(CALLER, name="PJSIP/a-b-0000001f")
    event = AriEvent("StasisStart", channel, args=("code:pause", "lunch"))
    assert happenings.happening(event, NAMES) == CodeDialled(CALLER, "PJSIP/a-b", ("pause", "lunch"))
    found = AriChannel(CALLER, dialplan=DialplanPlace("*45", "Stasis", "acd,code:*45"))
    assert snapshot.is_code(found)
    assert not snapshot.is_code(AriChannel(CALLER, dialplan=DialplanPlace("1", "Stasis", "acd,sales")))


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
        (came_in(BACK, "back:"), CustomerAnswered(BACK)),
        (came_in(BACK, "sales"), CallerArrived(AriChannel(BACK), "sales", None)),
        # A queue may well be called so.
        (came_in(BACK, "callback"), CallerArrived(AriChannel(BACK), "callback", None)),
        (came_in(BACK, "code:*45"), CodeDialled(BACK, "", ("*45",))),
        (event("ChannelHangupRequest", BACK), CallerHangupRequested(BACK)),
        (event("StasisEnd", BACK), CallerLeft(BACK)),
        (event("ChannelDestroyed", BACK, 17), CustomerGone(BACK, 17)),
        (event("ChannelHold", BACK), None),
        (entered(TALK, CALLER), TalkEntered("pbx1-1795254033.0", frozenset({CALLER}))),
        (entered(TALK, LEG, CALLER), TalkEntered("pbx1-1795254033.0", frozenset({CALLER, LEG}))),
        (entered(NAMES.hold, CALLER), None),
        (entered("somebody-else's", LEG), None),
        (event("ChannelEnteredBridge", LEG), None),
        (
            AriEvent("RecordingFinished", recording=AriRecording("r", "done", 3)),
            RecordingEnded("r", 3, has_failed=False),
        ),
        (AriEvent("RecordingFailed", recording=AriRecording("r", "failed")), RecordingEnded("r", 0, has_failed=True)),
        (AriEvent("ChannelDtmfReceived", AriChannel(CALLER), digit="#"), KeyPressed(CALLER, "#")),
        (AriEvent("ChannelDtmfReceived", AriChannel(LEG), digit="1"), KeyPressed(LEG, "1")),
        (AriEvent("ApplicationReplaced"), Replaced()),
        (AriEvent("SomethingElse"), None),
    ],
)
def test_happenings(given_event: AriEvent, expected: Happening | None) -> None:
    assert happenings.happening(given_event, NAMES) == expected


def test_every_event_that_means_something_is_asked_for() -> None:
    kinds = {"StasisStart", "StasisEnd", "ChannelHangupRequest", "ChannelDestroyed", "ChannelHold", "ChannelUnhold"}
    others = {"ChannelEnteredBridge", "ApplicationReplaced", "RESTResponse", "ChannelUserevent"}
    transfers = {"ChannelTransfer", "BridgeBlindTransfer", "BridgeAttendedTransfer"}
    recordings = {"RecordingFinished", "RecordingFailed"}
    heard = {"PlaybackStarted", "PlaybackContinuing", "PlaybackFinished", "ChannelDtmfReceived"}
    assert kinds | others | transfers | recordings | heard == set(happenings.EVENTS)


PLAYED = b"""{"type": "PlaybackContinuing", "timestamp": "2026-11-21T09:40:33.428+0000", "playback":
 {"id": "acd-acd:play:1795254033.0", "media_uri": "number:3", "next_media_uri": "sound:a", "language": "en",
 "target_uri": "channel:1795254033.0", "state": "continuing"}, "asterisk_id": "x", "application": "acd"}"""
"""As Asterisk 22 sends it."""


def test_what_is_played() -> None:
    what = happenings.happening(decode_event(PLAYED), NAMES)
    assert what == PlaybackChanged(NAMES.playback(CALLER), "continuing", "number:3", "2026-11-21T09:40:33.428+0000")
    assert not what.has_ended
    assert PlaybackChanged("p", "done", "", "").has_ended
    assert NAMES.target_of(what.playback_id) == CALLER
    assert NAMES.target_of("p") is None


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
    assert happenings.arrival_of_waiting(channel) == CallerArrived(channel, "sales", {"TIER": ","})
    bare = AriChannel(CALLER, dialplan=DialplanPlace("4000", "Stasis", "acd"))
    assert happenings.arrival_of_waiting(bare) == CallerArrived(bare, "", None)
