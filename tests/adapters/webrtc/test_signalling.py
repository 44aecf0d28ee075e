"""Signalling of one call by example: the usual course, glare, restarts, reloads, ends, and what is refused."""

from typing import Any

import msgspec
import pytest

from acd_webrtc.negotiation import MAX_CANDIDATES, MAX_EARLY
from acd_webrtc.session import MAX_UNCONFIRMED
from acd_webrtc.signalling import (
    BROKEN,
    BURST_MESSAGES,
    MICROSECONDS,
    NORMAL,
    REPLACED,
    TOO_MANY,
    Call,
    Close,
    Ended,
    Limits,
    Send,
    Step,
)
from acd_webrtc.signals import Answer, Candidate, Got, HangUp, Hello, Hold, Mute, Offer, Said
from tests.adapters.webrtc.naive_call import Side
from tests.adapters.webrtc.pages import CANDIDATE, sdp, text_of

SECOND = MICROSECONDS
HELLO = text_of(Hello())


class Wire:
    """Both sides on the wire, as plain JSON: what a page in any language would send and see."""

    def __init__(self, *, join: bool = True, limits: Limits | None = None, relay_only: tuple[Side, ...] = ()) -> None:
        self.now_us = 0
        self.call = Call(now_us=0, limits=limits, relay_only=relay_only)
        self.links: dict[Side, int] = {}
        self.numbers = {"customer": 0, "agent": 0}
        self.got = {"customer": 0, "agent": 0}
        if join:
            self.connect("customer")
            self.connect("agent")

    def connect(self, side: Side, hello: str = HELLO) -> list[Any]:
        link, steps = self.call.connect(side, hello, now_us=self.now_us)
        self.links[side] = link
        return self.seen(steps, link)

    def say(self, side: Side, said: Said | dict[str, Any], *, number: int | None = None) -> list[Any]:
        """Gives what the other side sees of it, or, if it sees nothing, what comes back."""
        self.numbers[side] += 1
        body = said if isinstance(said, dict) else msgspec.json.decode(text_of(said))
        text = {"type": "message", "number": number or self.numbers[side], "got": self.got[side], "body": body}
        steps = self.call.receive(self.links[side], msgspec.json.encode(text), now_us=self.now_us)
        other = self.links.get("agent" if side == "customer" else "customer", -1)
        return self.seen(steps, other) or self.seen(steps, self.links[side])

    def seen(self, steps: list[Step], link: int) -> list[Any]:
        """On this socket, in order: bodies, other texts, codes of closing."""
        found: list[Any] = []
        for each in steps:
            if isinstance(each, Send) and each.link == link:
                read = msgspec.json.decode(each.text)
                for side, its in self.links.items():
                    if its == link and "number" in read:
                        self.got[side] = read["number"]
                found.append(read.get("body", read))
            elif isinstance(each, Close) and each.link == link:
                found.append(each.code)
        return found

    def agree(self, ufrags: tuple[str, str] = ("cccc", "aaaa")) -> None:
        self.say("customer", Offer(sdp(1, ufrags[0])))
        self.say("agent", Answer(sdp(2, ufrags[1])))


def candidate(ufrag: str | None, number: int = 1) -> Candidate:
    return Candidate(CANDIDATE.format(number), "0", 0, ufrag)


def as_seen(said: Said) -> dict[str, object]:
    return msgspec.json.decode(text_of(said), type=dict[str, object])


def code_of(seen: list[Any]) -> str:
    (refused,) = seen
    assert refused["type"] == "refused"
    assert refused["detail"]
    return str(refused["code"])


# The usual course


def test_a_call_from_hello_to_the_end_as_json() -> None:
    wire = Wire(join=False)
    assert wire.connect("customer") == [{"type": "welcome", "session": 1, "got": 0, "polite": True}]
    assert wire.connect("agent") == [{"type": "welcome", "session": 1, "got": 0, "polite": False}]
    offer, answer = sdp(1, "cccc"), sdp(2, "aaaa")
    assert wire.say("customer", {"type": "offer", "sdp": offer}) == [{"type": "offer", "sdp": offer}]
    trickled = {"type": "candidate", "candidate": CANDIDATE.format(9), "sdpMid": "0", "sdpMLineIndex": 0}
    assert wire.say("customer", {**trickled, "usernameFragment": "cccc"}) == [{**trickled, "usernameFragment": "cccc"}]
    assert wire.say("agent", {"type": "answer", "sdp": answer}) == [{"type": "answer", "sdp": answer}]
    assert wire.say("agent", {"type": "hold", "held": True}) == [{"type": "hold", "held": True}]
    assert wire.say("customer", {"type": "hang-up"}) == [{"type": "over", "reason": "hung-up"}, NORMAL]
    assert (wire.call.ended, wire.call.negotiation.answers, wire.call.next_deadline_us) == ("hung-up", 1, None)


def test_an_offer_waits_for_a_side_that_is_not_there_yet() -> None:
    wire = Wire(join=False)
    wire.connect("customer")
    assert wire.say("customer", Offer(sdp(1, "cccc"))) == [{"type": "got", "got": 1}]
    assert [each["type"] for each in wire.connect("agent")] == ["welcome", "offer"]


def test_candidates_wait_for_their_description() -> None:
    wire = Wire()
    assert wire.say("customer", candidate("cccc", 1)) == [{"type": "got", "got": 1}]
    assert wire.say("customer", candidate("gone", 2)) == [{"type": "got", "got": 2}]
    offer = Offer(sdp(1, "cccc"))
    assert wire.say("customer", offer) == [as_seen(offer), as_seen(candidate("cccc", 1))]


def test_a_candidate_that_does_not_say_of_what_is_of_the_last_description() -> None:
    wire = Wire()
    nameless = Candidate("")
    assert wire.say("customer", nameless) == [{"type": "got", "got": 1}]
    offer = Offer(sdp(1, "cccc"))
    assert wire.say("customer", offer) == [as_seen(offer), as_seen(nameless)]
    assert wire.say("customer", nameless) == [as_seen(nameless)]


def test_in_a_glare_the_agents_offer_counts_whichever_came_first() -> None:
    wire = Wire()
    wire.agree()
    first, second = Offer(sdp(3, "cccc")), Offer(sdp(4, "aaaa"))
    assert wire.say("customer", first) == [as_seen(first)]
    assert wire.say("agent", second) == [as_seen(second)]
    assert wire.say("customer", Answer(sdp(5, "cccc"))) == [as_seen(Answer(sdp(5, "cccc")))]
    assert wire.say("agent", second) == [as_seen(second)]
    assert wire.say("customer", first) == [{"type": "got", "got": 4}]
    assert wire.say("customer", Answer(sdp(5, "cccc"))) == [as_seen(Answer(sdp(5, "cccc")))]
    assert (wire.call.negotiation.glares, wire.call.negotiation.restarts) == (2, 0)


def test_candidates_of_an_offer_that_lost_reach_nobody() -> None:
    wire = Wire()
    wire.say("customer", Offer(sdp(1, "lost")))
    wire.say("agent", Offer(sdp(2, "aaaa")))
    assert wire.say("customer", candidate("lost")) == [{"type": "got", "got": 2}]
    answer = Answer(sdp(3, "cccc"))
    assert wire.say("customer", answer) == [as_seen(answer)]


def test_after_a_change_of_network_ice_starts_anew_and_old_candidates_are_nobodys() -> None:
    wire = Wire()
    wire.agree()
    wire.say("customer", Offer(sdp(3, "cnew")))
    assert wire.say("customer", candidate("cnew")) == [as_seen(candidate("cnew"))]
    wire.say("agent", Answer(sdp(4, "anew")))
    assert wire.call.negotiation.restarts == 1
    assert wire.say("agent", candidate("aaaa"))[0]["type"] == "got"
    assert wire.say("agent", candidate("anew")) == [as_seen(candidate("anew"))]


def test_mute_and_hold_are_told_when_they_change() -> None:
    wire = Wire()
    assert wire.say("customer", Mute("audio", muted=True)) == [as_seen(Mute("audio", muted=True))]
    assert wire.say("customer", Mute("audio", muted=True)) == [{"type": "got", "got": 2}]
    assert wire.call.muted("customer") == ["audio"]
    assert wire.say("customer", Mute("audio", muted=False)) == [as_seen(Mute("audio", muted=False))]
    assert wire.say("agent", Hold(held=True)) == [as_seen(Hold(held=True))]
    assert wire.call.held
    assert code_of(wire.say("customer", Hold(held=False))) == "not-allowed"
    assert wire.call.held


# Sockets and pages


def test_a_page_that_lost_its_socket_goes_on_where_it_was() -> None:
    wire = Wire()
    wire.call.disconnected(wire.links["agent"], now_us=0)
    offer = Offer(sdp(1, "cccc"))
    wire.say("customer", offer)
    assert wire.connect("agent", text_of(Hello(1, 0))) == [
        {"type": "welcome", "session": 1, "got": 0, "polite": False},
        as_seen(offer),
    ]
    assert [each["type"] for each in wire.connect("agent", text_of(Hello(1, 1)))] == ["welcome"]


def test_a_page_that_was_loaded_anew_begins_anew_with_the_other() -> None:
    wire = Wire()
    wire.agree()
    wire.say("customer", Mute("video", muted=True))
    wire.say("agent", Hold(held=True))
    wire.say("agent", Mute("audio", muted=True))
    link, steps = wire.call.connect("agent", HELLO, now_us=0)
    assert Close(wire.links["agent"], REPLACED, "another socket has taken this one's place") in steps
    assert wire.seen(steps, wire.links["customer"]) == [{"type": "renew"}]
    assert wire.seen(steps, link) == [
        {"type": "welcome", "session": 2, "got": 0, "polite": False},
        as_seen(Mute("video", muted=True)),
        as_seen(Hold(held=True)),
    ]
    assert wire.call.muted("agent") == []
    assert wire.call.receive(wire.links["agent"], text_of(HangUp()), now_us=0) == []


def test_what_was_meant_for_the_page_before_is_not_for_the_new_one() -> None:
    wire = Wire()
    had = wire.got["customer"]
    wire.connect("agent")
    wire.got["customer"] = had
    assert wire.say("customer", Offer(sdp(1, "cccc"))) == [{"type": "got", "got": 1}]
    wire.got["customer"] = had + 1
    assert wire.say("customer", Offer(sdp(2, "cccc")))[0]["type"] == "offer"


def test_a_page_whose_session_is_over_does_not_come_back() -> None:
    wire = Wire()
    wire.connect("agent")
    _, steps = wire.call.connect("agent", text_of(Hello(1, 0)), now_us=0)
    assert [each.code for each in steps if isinstance(each, Close)] == [REPLACED]
    assert wire.say("agent", Mute("audio", muted=True), number=1) == [as_seen(Mute("audio", muted=True))]


def test_who_comes_back_after_the_end_is_told_so() -> None:
    wire = Wire()
    wire.call.disconnected(wire.links["agent"], now_us=0)
    wire.say("customer", HangUp())
    seen = wire.connect("agent", text_of(Hello(1, 0)))
    assert seen[1:] == [{"type": "over", "reason": "hung-up"}, NORMAL]
    assert wire.connect("agent")[1:] == [{"type": "over", "reason": "hung-up"}, NORMAL]


# Time


def test_a_side_that_does_not_come_back_ends_the_call() -> None:
    wire = Wire()
    wire.call.disconnected(wire.links["customer"], now_us=5 * SECOND)
    assert wire.call.next_deadline_us == 35 * SECOND
    assert wire.call.tick(now_us=35 * SECOND - 1) == []
    assert Ended("lost") in wire.call.tick(now_us=35 * SECOND)


def test_a_side_that_never_comes_ends_the_call() -> None:
    wire = Wire(join=False)
    wire.connect("customer")
    assert wire.call.next_deadline_us == 60 * SECOND
    steps = wire.call.tick(now_us=60 * SECOND)
    assert wire.seen(steps, wire.links["customer"]) == [{"type": "over", "reason": "unjoined"}, NORMAL]
    assert Ended("unjoined") in steps


def test_an_offer_is_answered_in_time_however_often_the_socket_changes() -> None:
    wire = Wire(join=False)
    wire.connect("customer")
    wire.say("customer", Offer(sdp(1, "cccc")))
    assert wire.call.next_deadline_us == 60 * SECOND  # nobody there yet who could answer
    wire.now_us = 10 * SECOND
    wire.connect("agent")
    assert wire.call.next_deadline_us == 40 * SECOND
    wire.now_us = 30 * SECOND
    wire.connect("agent", text_of(Hello(1, 0)))
    assert wire.call.next_deadline_us == 40 * SECOND
    assert Ended("unanswered") in wire.call.tick(now_us=40 * SECOND)


def test_time_never_goes_back() -> None:
    wire = Wire()
    wire.call.tick(now_us=10)
    with pytest.raises(ValueError, match="now_us: 9 is before 10"):
        wire.call.tick(now_us=9)


def test_the_owner_ends_a_call_once() -> None:
    wire = Wire()
    assert Ended("ended") in wire.call.end(now_us=0)
    assert wire.call.end(now_us=0) == []


# What is refused


@pytest.mark.parametrize(
    ("side", "said", "code"),
    [
        ("customer", {"type": "answer", "sdp": sdp(9, "cccc")}, "no-offer"),
        ("customer", {"type": "offer", "sdp": "v=0"}, "bad-description"),
        ("customer", {"type": "offer", "sdp": ""}, "bad-message"),
        ("customer", {"type": "offer", "sdp": "v" * 65_537}, "bad-message"),
        ("customer", {"type": "offer"}, "bad-message"),
        ("customer", {"type": "offer", "sdp": sdp(9, "cccc"), "colour": 1}, "bad-message"),
        ("customer", {"type": "renew"}, "bad-message"),
        ("customer", {"type": "over", "reason": "ended"}, "bad-message"),
        ("customer", {"type": "hang-up", "reason": "ended"}, "bad-message"),
        ("customer", {"type": "mute", "kind": "nose", "muted": True}, "bad-message"),
        ("customer", {"type": "mute", "kind": "audio", "muted": 1}, "bad-message"),
        ("customer", {"type": "candidate", "candidate": "c" * 513}, "bad-message"),
        ("customer", {"type": "candidate", "candidate": "rm -rf"}, "bad-candidate"),
        ("customer", {"type": "candidate", "candidate": CANDIDATE.format(1) + "\r\na=x"}, "bad-candidate"),
        ("customer", {"type": "candidate", "candidate": "", "sdpMLineIndex": -1}, "bad-message"),
        ("customer", [], "bad-message"),
        ("customer", None, "bad-message"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(side: Side, said: object, code: str) -> None:
    wire = Wire()
    text = {"type": "message", "number": 1, "got": 0, "body": said}
    steps = wire.call.receive(wire.links[side], msgspec.json.encode(text), now_us=0)
    assert wire.seen(steps, wire.links["agent"]) == []
    assert code_of(wire.seen(steps, wire.links[side])) == code
    wire.numbers[side] = 1
    assert wire.say(side, Offer(sdp(1, "cccc")))[0]["type"] == "offer"


def test_one_offer_at_a_time() -> None:
    wire = Wire()
    wire.say("customer", Offer(sdp(1, "cccc")))
    assert code_of(wire.say("customer", Offer(sdp(2, "cccc")))) == "offer-pending"


def test_an_answer_is_to_an_offer_that_was_read() -> None:
    wire = Wire()
    offer = Offer(sdp(1, "cccc", "audio", "video"))
    wire.say("customer", offer)
    read, wire.got["agent"] = wire.got["agent"], 0
    assert code_of(wire.say("agent", Answer(sdp(2, "aaaa", "audio", "video")))) == "no-offer"
    wire.got["agent"] = read
    assert wire.say("agent", Answer(sdp(2, "aaaa", "audio", "video")))[0]["type"] == "answer"
    assert code_of(wire.say("agent", Answer(sdp(2, "aaaa", "audio", "video")))) == "no-offer"


@pytest.mark.parametrize("answer", [sdp(2, "aaaa", "audio"), "v=0"], ids=["another's sections", "none"])
def test_an_offer_whose_answer_cannot_be_used_is_rolled_back_and_made_again(answer: str) -> None:
    """A browser makes no second answer to it: whoever offered has to know that none will come."""
    wire = Wire()
    wire.say("customer", Mute("video", muted=True))
    wire.say("customer", Offer(sdp(1, "cccc", "audio", "video")))
    text = {"type": "message", "number": 1, "got": wire.got["agent"], "body": {"type": "answer", "sdp": answer}}
    steps = wire.call.receive(wire.links["agent"], msgspec.json.encode(text), now_us=0)
    assert code_of(wire.seen(steps, wire.links["agent"])) == "bad-description"
    (told,) = wire.seen(steps, wire.links["customer"])
    assert (told["type"], told["number"], told["code"]) == ("refused", 2, "bad-description")
    wire.numbers["agent"] = 1
    assert wire.say("customer", Offer(sdp(3, "cccc")))[0]["type"] == "offer"
    assert wire.say("agent", Answer(sdp(4, "aaaa")))[0]["type"] == "answer"


# Where a side is


RELAY = "candidate:2 1 udp 41885439 198.51.100.7 50000 typ relay raddr 203.0.113.9 rport 40000 generation 0"
HOMES = ("192.0.2.1", "203.0.113.9", "10.9.8.7", "40000", "54321", "61234")


def at_home(number: int, ufrag: str) -> str:
    """A description as a browser has it once it knows where it is."""
    made = sdp(number, ufrag).replace("c=IN IP4 0.0.0.0", "c=IN IP4 203.0.113.9\r\na=rtcp:61234 IN IP4 203.0.113.9")
    made = made.replace("m=audio 9 ", "m=audio 61234 ").replace("IN IP4 127.0.0.1", "IN IP4 10.9.8.7")
    return f"{made}a={CANDIDATE.format(1)}\r\na={RELAY}\r\na=remote-candidates:1 203.0.113.9 61234\r\n"


def test_of_a_side_that_is_relayed_nobody_learns_where_it_is() -> None:
    wire = Wire(join=False, relay_only=("agent",))
    assert "relayOnly" not in wire.connect("customer")[0]
    assert wire.connect("agent")[0]["relayOnly"] is True
    seen = wire.say("agent", Offer(at_home(1, "aaaa")))
    seen += wire.say("agent", candidate("aaaa"))
    seen += wire.say("agent", Candidate(RELAY, "0", 0, "aaaa"))
    seen += wire.say("agent", Candidate("", "0", 0, "aaaa"))
    text = msgspec.json.encode(seen).decode()
    assert [each for each in HOMES if each in text] == []
    assert [each["type"] for each in seen] == ["offer", "got", "candidate", "candidate"]
    nowhere = sdp(1, "aaaa").replace("c=IN IP4 0.0.0.0\r\n", "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n")
    assert seen[0]["sdp"] == f"{nowhere}a={seen[2]['candidate']}\r\n"
    assert seen[2]["candidate"].endswith(" typ relay raddr 0.0.0.0 rport 0 generation 0")
    # The other side is where it is.
    answer = at_home(2, "cccc")
    assert wire.say("customer", Answer(answer)) == [{"type": "answer", "sdp": answer}]
    assert wire.say("customer", candidate("cccc")) == [as_seen(candidate("cccc"))]


def test_the_reason_of_closing_fits_into_a_frame() -> None:
    wire = Wire()
    for text in ('{"type": "message", "number": 1, "got": 0, "body": 1, "' + "客" * 200 + '": 1}', '{"type": "x'):
        wire.connect("customer")
        steps = wire.call.receive(wire.links["customer"], text, now_us=0)
        (reason,) = [each.reason for each in steps if isinstance(each, Close)]
        assert reason
        assert len(reason.encode()) <= 123


def test_candidates_are_counted_until_ice_starts_anew() -> None:
    wire = Wire()
    early = [wire.say("agent", candidate("none"))[0]["type"] for _ in range(MAX_EARLY + 1)]
    assert early == ["got"] * MAX_EARLY + ["refused"]
    wire.agree()
    for number in range(MAX_CANDIDATES):
        wire.now_us += SECOND
        assert wire.say("customer", candidate("cccc", number))[0]["type"] == "candidate"
    assert code_of(wire.say("customer", candidate("cccc"))) == "too-many-candidates"
    wire.say("customer", Offer(sdp(3, "cnew")))
    wire.say("agent", Answer(sdp(4, "anew")))
    assert wire.say("customer", candidate("cnew")) == [as_seen(candidate("cnew"))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[" * 130_000,
        '{"type":"message","number":1,"got":0,"body":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"type":"message","number":1,"got":0,"body":"' + "x" * 131_072 + '"}',
        '{"type":"message","number":2,"got":0,"body":{"type":"hang-up"}}',
        '{"type":"message","number":1,"got":1,"body":{"type":"hang-up"}}',
        '{"type":"message","number":1,"got":-1,"body":{"type":"hang-up"}}',
        '{"type":"message","number":1e400,"got":0,"body":{"type":"hang-up"}}',
        '{"type":"got","got":9007199254740993}',
        '{"type":"hello"}',
        '{"type":"welcome","session":1,"got":0,"polite":true}',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_part_of_the_protocol_closes_the_socket_and_nothing_else(text: str | bytes) -> None:
    wire = Wire()
    assert wire.seen(wire.call.receive(wire.links["customer"], text, now_us=0), wire.links["customer"]) == [BROKEN]
    assert wire.call.receive(wire.links["customer"], text_of(Got(0)), now_us=0) == []
    assert wire.call.ended is None
    wire.connect("customer", text_of(Hello(1, 0)))
    assert wire.say("customer", HangUp())[0] == {"type": "over", "reason": "hung-up"}


@pytest.mark.parametrize(
    "hello",
    ["", "{}", '{"type":"got","got":0}', '{"type":"hello","session":0}', '{"type":"hello","session":1,"got":7}'],
)
def test_a_wrong_hello_closes_its_socket_and_leaves_the_others(hello: str) -> None:
    wire = Wire()
    assert wire.seen(wire.call.connect("agent", hello, now_us=0)[1], 3) == [BROKEN]
    assert wire.say("agent", Hold(held=True)) == [as_seen(Hold(held=True))]


def test_who_says_too_much_says_the_rest_later_and_loses_nothing() -> None:
    wire = Wire()
    for number in range(BURST_MESSAGES):
        assert wire.say("customer", Mute("audio", muted=number % 2 == 0)) != [TOO_MANY]
    assert wire.say("customer", Mute("audio", muted=True)) == [TOO_MANY]
    wire.now_us += SECOND
    assert wire.connect("customer", text_of(Hello(1, 0)))[0]["got"] == BURST_MESSAGES
    wire.numbers["customer"] = BURST_MESSAGES
    assert wire.say("customer", Mute("audio", muted=True)) == [as_seen(Mute("audio", muted=True))]


def test_confirming_what_came_is_never_too_much_but_confirming_nothing_is() -> None:
    wire = Wire()
    for number in range(BURST_MESSAGES * 2):
        wire.now_us += SECOND // 20
        wire.say("customer", Mute("audio", muted=number % 2 == 0))
        assert wire.call.receive(wire.links["agent"], text_of(Got(number + 1)), now_us=wire.now_us) == []
    seen = [
        wire.seen(wire.call.receive(wire.links["agent"], text_of(Got(0)), now_us=wire.now_us), wire.links["agent"])
        for _ in range(BURST_MESSAGES + 1)
    ]
    assert seen == [[]] * BURST_MESSAGES + [[TOO_MANY]]


def test_a_side_that_reads_nothing_ends_the_call_before_it_fills_memory() -> None:
    wire = Wire()
    number, last = 0, []
    while wire.call.ended is None:
        number += 1
        assert number <= MAX_UNCONFIRMED + 1
        wire.now_us += SECOND // 20
        last = wire.say("customer", Mute("audio", muted=number % 2 == 1))
    assert (wire.call.ended, number, last) == ("overrun", MAX_UNCONFIRMED + 1, [NORMAL])
