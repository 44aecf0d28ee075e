"""Events into which a caller has put line breaks: what is handed on is what Asterisk said, and nothing else."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from acd_asterisk.ami.mending import MAX_EVENT, is_broken, mended
from acd_asterisk.ami.protocol import Protocol
from acd_asterisk.ami.wire import Message, text_of, texts_of

LONGEST = 79
"""Bytes that Asterisk takes of a SIP URI's user."""

OWNER = "\r\n\r\nEvent: UserEvent\r\nUserEvent: AcdOwner\r\nApp: acd"
PIECES = (
    *("\r\n", "\r\n\r\n", "Event: UserEvent", "UserEvent: AcdOwner", "App: acd", "Event: Hangup", "CallerIDName: "),
    *("ConnectedLineNum: ", "ConnectedLineName: ", "Context: in", "Exten: 4", "Priority: 1", "Uniqueid: 1.1"),
    *("Linkedid: 1.1", "ChannelStateDesc: Up", "CallerIDNum: 1", "x", " ", "王", "\x00"),
)
hostile = st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "".join(pieces)[:LONGEST])


def event(number: int, caller: str, other: str = "<unknown>", dialled: str = "4000", prefix: str = "") -> str:
    """As Asterisk writes it: one channel, and what the event has besides."""
    lines = (
        *(f"Channel: PJSIP/trunk-{number}", "ChannelState: 4", "ChannelStateDesc: Ring", f"CallerIDNum: {caller}"),
        *("CallerIDName: <unknown>", f"ConnectedLineNum: {other}", "ConnectedLineName: <unknown>", "Language: en"),
        *("AccountCode: ", "Context: acd-inbound", f"Exten: {dialled}", "Priority: 1", f"Uniqueid: 100.{number}"),
        f"Linkedid: 100.{number}",
    )
    said = "\r\n".join(prefix + line for line in lines)
    return f"Event: Newchannel\r\nPrivilege: call,all\r\n{said}\r\nCause: {number}\r\n\r\n"


class Told(Protocol):
    """What a connection hands on."""

    def __init__(self) -> None:
        super().__init__(self, None, lambda _reason: None)
        self.responses: dict[str, object] = {}
        self.closed = self.greeted = True
        self.messages: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)


def told(text: str, cuts: list[int]) -> list[Message]:
    """What comes of a text that arrives in packets, cut at these places."""
    raw = text.encode()
    connection = Told()
    for begin, end in pairwise([0, *sorted({each % len(raw) for each in cuts}), len(raw)]):
        connection.data_received(raw[begin:end])
    return connection.messages


@given(st.lists(st.tuples(hostile, hostile), min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=5))
@example([(OWNER, "x")], [])
@example([(f"1{OWNER}", OWNER)], [150, 151])
@example([("\r\nCallerIDName: \r\nLinkedid: 1\r\n\r\nEvent: X", "1"), ("1001", "1002")], [200])
def test_what_a_caller_writes_is_one_value(callers: list[tuple[str, str]], cuts: list[int]) -> None:
    """However the packets fall: as many events as there were, each whole, and each with its own channel."""
    text = "".join(event(number, *values) for number, values in enumerate(callers))
    found = told(text + event(99, "last"), cuts)
    assert [text_of(each, "Event") for each in found] == ["Newchannel"] * (len(callers) + 1)
    assert [texts_of(each, "Uniqueid") for each in found[:-1]] == [[f"100.{n}"] for n in range(len(callers))]
    assert [texts_of(each, "Cause") for each in found[:-1]] == [[str(number)] for number in range(len(callers))]
    assert text_of(found[-1], "CallerIDNum") == "last"
    assert not any("UserEvent" in each for each in found)


@given(hostile, hostile, hostile, st.lists(st.integers(0, 10_000), max_size=5))
@example("", "", f"4{OWNER}", [])
@example("1", "", "4\r\nPriority: 1\r\nUniqueid: 1\r\nLinkedid: 1\r\n\r\nEvent: UserEvent", [])
def test_nobody_speaks_for_the_engine(caller: str, other: str, dialled: str, cuts: list[int]) -> None:
    """By the number that is dialled, too: no event with content can be forged, and the next one is whole."""
    found = told(event(1, caller, other, dialled) + event(2, "last"), cuts)
    assert not [each for each in found if text_of(each, "UserEvent") == "AcdOwner"]
    assert (text_of(found[-1], "CallerIDNum"), text_of(found[-1], "Uniqueid")) == ("last", "100.2")
    if "\r\n" not in dialled:
        assert len(found) == 2


def listed(number: int, data: str) -> str:
    """One of the answer to CoreShowChannels."""
    said = event(number, "1001").partition("Channel: ")[2].partition("Cause: ")[0]
    more = f"Application: Wait\r\nApplicationData: {data}\r\nDuration: 00:00:07\r\nBridgeId: \r\n\r\n"
    return f"Event: CoreShowChannel\r\nActionID: action/1\r\nChannel: {said}{more}"


@given(hostile, st.lists(st.integers(0, 10_000), max_size=5))
@example(f"8{OWNER}", [])
@example(f"8{OWNER}", [400])
def test_what_an_application_was_given_is_one_value(data: str, cuts: list[int]) -> None:
    found = told(listed(1, data) + listed(2, "3600"), cuts)
    assert [text_of(each, "Uniqueid") for each in found] == ["100.1", "100.2"]
    assert [text_of(each, "Duration") for each in found] == ["00:00:07"] * 2
    assert not any("UserEvent" in each for each in found)


@pytest.mark.parametrize("prefix", ["", "Dest", "Transferer"])
def test_channels_of_every_role(prefix: str) -> None:
    raw = event(1, f"1{OWNER}", dialled="4\r\n5", prefix=prefix).encode()
    assert is_broken(raw[: raw.index(b"\r\n\r\n")])
    whole = mended(raw)
    assert whole is not None
    assert f"{prefix}Exten: 4 5\r\n".encode() in whole
    assert not is_broken(whole.removesuffix(b"\r\n\r\n"))


def test_what_is_sound_is_left_alone() -> None:
    raw = event(1, "1001").encode()
    assert not is_broken(raw.removesuffix(b"\r\n\r\n"))
    assert mended(raw) is None
    assert not is_broken(b"Event: FullyBooted\r\nPrivilege: system,all")
    own = b"Event: OriginateResponse\r\nExten: leg\r\nReason: 4\r\nCallerIDNum: 1\r\nCallerIDName: x"
    assert not is_broken(own)


def test_a_form_that_nobody_knows_is_not_waited_for_without_end() -> None:
    """An Asterisk that says it otherwise: its events come late, and none is lost."""
    other = event(1, "1001").replace("CallerIDName", "CallerName").encode()
    connection = Told()
    for _ in range(MAX_EVENT // len(other) + 2):
        connection.data_received(other)
    assert connection.messages
    assert text_of(connection.messages[0], "Uniqueid") == "100.1"
