"""The comparison of the world with what is desired: every combination, and nothing where all is sound."""

from collections.abc import Collection, Mapping
from typing import Literal

import pytest
from msgspec import structs

from acd.ports.channel import Desired
from acd_asterisk import adopt
from acd_asterisk.adopt import NO_BACKS, KnownBack
from acd_asterisk.mending import (
    Accept,
    Answer,
    CallBack,
    Destroy,
    End,
    Enqueue,
    Fail,
    HangUp,
    Hold,
    Join,
    Keep,
    KeptLeg,
    Leave,
    LetGo,
    Park,
    Repair,
    Requeue,
    Ring,
    Welcome,
)
from acd_asterisk.names import Names
from acd_asterisk.snapshot import World, survey
from acd_asterisk.wire import AriBridge, AriChannel, DialplanPlace, Info, decode_info

NAMES = Names("pbx1", "acd")
IN_STASIS = DialplanPlace("s", "Stasis", "acd,sales")
RINGING = DialplanPlace("s", "AppDial2", "(Outgoing Line)")
STARTED = 1_795_254_000
INFO = decode_info(b'{"system":{"entity_id":"x"},"status":{"startup_time":"2026-11-21T09:40:00.500+0000"}}')
A, B, C = (f"{STARTED + seconds}.{seconds}" for seconds in (10, 20, 30))

Place = Literal["held", "talking", "nowhere"]


def one(number: str) -> str:
    return NAMES.interaction(number)


def caller(channel_id: str, created: str = "") -> AriChannel:
    return AriChannel(channel_id, "Up", dialplan=IN_STASIS, creationtime=created or channel_id)


def leg(channel_id: str, *, answered: bool = False) -> AriChannel:
    return AriChannel(NAMES.leg(f"{one(channel_id)}.1"), dialplan=IN_STASIS if answered else RINGING)


def offered(channel_id: str) -> Desired:
    return Desired(one(channel_id), "offered", f"{one(channel_id)}.1", "anna")


def connected(channel_id: str) -> Desired:
    return Desired(one(channel_id), "connected", f"{one(channel_id)}.1", "anna")


def waiting(channel_id: str) -> Desired:
    return Desired(one(channel_id), "waiting")


def world(
    *channels: AriChannel,
    held: Collection[str] = (),
    talks: dict[str, tuple[str, ...]] | None = None,
    info: Info = INFO,
) -> World:
    bridges = [AriBridge(NAMES.hold, tuple(held)), AriBridge("somebody-else's", (A,))]
    bridges += [AriBridge(NAMES.talk(one(number)), inside) for number, inside in (talks or {}).items()]
    others = [AriChannel("1795254001.1", "Up", dialplan=DialplanPlace("s", "Queue", "x"))]
    return survey(NAMES, info, [each.id for each in channels], [*channels, *others], bridges)


def nobody(_agent_id: str, _interaction_id: str) -> bool:
    """Holds anybody."""
    return False


def differences(
    found: World,
    *desired: Desired,
    rung: Collection[str] = (),
    busy: Collection[str] = (),
    handed_in: Collection[str] = (),
    was_restarted: bool = False,
    holding: Collection[tuple[str, str]] = (),
    backs: Mapping[str, KnownBack] = NO_BACKS,
) -> list[Repair]:
    repairs = adopt.compare(
        NAMES,
        found,
        desired,
        has_rung=rung.__contains__,
        is_held=lambda agent_id, interaction_id: (agent_id, interaction_id) in holding,
        busy=busy,
        handed_in=handed_in,
        was_restarted=was_restarted,
        backs=backs,
    )
    return [repair for repair in repairs if not isinstance(repair, Keep)]


def test_a_sound_world_needs_nothing() -> None:
    found = world(
        *(caller(each) for each in (A, B, C)),
        leg(B),
        leg(C, answered=True),
        held=(A, B),
        talks={C: (C, leg(C).id)},
    )
    assert differences(found, waiting(A), offered(B), connected(C)) == []


def test_what_is_known_afterwards() -> None:
    found = world(caller(A), leg(A, answered=True), talks={A: (A, leg(A).id)})
    (keep,) = adopt.compare(
        NAMES,
        found,
        [connected(A)],
        has_rung=lambda _: False,
        is_held=nobody,
        busy=(),
        handed_in=(),
        was_restarted=False,
    )
    assert isinstance(keep, Keep)
    assert (keep.desired, keep.met, keep.has_bridge) == (connected(A), True, True)
    assert keep.legs == (KeptLeg(f"{one(A)}.1", "anna", leg(A, answered=True), talking=True),)


@pytest.mark.parametrize(
    ("inside", "met"), [((), False), ((A,), True), ((leg(A).id,), False)], ids=["none", "caller", "agent"]
)
def test_whether_they_have_met_shows_in_where_the_caller_is(inside: tuple[str, ...], *, met: bool) -> None:
    """An agent who is hanging up has left the bridge, and may still be there as a channel."""
    found = world(caller(A), leg(A, answered=True), held=() if met else (A,), talks={A: inside})
    keep, join = adopt.compare(
        NAMES,
        found,
        [connected(A)],
        has_rung=lambda _: False,
        is_held=nobody,
        busy=(),
        handed_in=(),
        was_restarted=False,
    )
    assert isinstance(keep, Keep)
    assert (keep.met, [each.talking for each in keep.legs], keep.has_bridge) == (met, [False], True)
    assert join == Join(one(A))


@pytest.mark.parametrize("wish", [waiting(A), offered(A), connected(A)])
def test_caller_is_gone(wish: Desired) -> None:
    assert differences(world(), wish) == [End(one(A), "customer", "gone-while-away")]


def test_asterisk_has_been_started_since() -> None:
    before = f"{STARTED - 1}.7"
    same_second = f"{STARTED}.7"
    gone = [waiting(before), waiting(same_second), waiting(A)]
    assert [getattr(each, "reason", "") for each in differences(world(), *gone)] == [
        "pbx-restarted",
        "gone-while-away",
        "gone-while-away",
    ]
    assert [getattr(each, "reason", "") for each in differences(world(), *gone, was_restarted=True)] == [
        "pbx-restarted",
        "pbx-restarted",
        "gone-while-away",
    ]
    foreign = Desired("made-by-an-api", "waiting")
    assert differences(world(), foreign, was_restarted=True) == [End("made-by-an-api", "system", "pbx-restarted")]


def test_those_who_wait_are_ended_before_those_who_talk() -> None:
    """Else an agent who comes free would be offered somebody who is gone."""
    repairs = differences(world(), connected(A), offered(B), waiting(C))
    assert [getattr(each, "interaction_id", "") for each in repairs] == [one(C), one(B), one(A)]


def test_caller_hears_nothing() -> None:
    assert differences(world(caller(A)), waiting(A)) == [Park(one(A))]


def test_caller_was_taken_in_and_never_answered() -> None:
    """An earlier process died between the two: the caller's telephone still rings, whatever bridge they are in."""
    ringing = AriChannel(A, "Ring", dialplan=IN_STASIS)
    assert differences(world(ringing), waiting(A)) == [Park(one(A))]  # which answers, too
    assert differences(world(ringing, held=(A,)), waiting(A)) == [Answer(one(A))]
    assert differences(world(ringing, leg(A), held=(A,)), offered(A)) == [Answer(one(A))]
    answered = leg(A, answered=True)
    assert differences(world(ringing, answered, held=(A,)), connected(A)) == [Answer(one(A)), Join(one(A))]
    assert differences(world(ringing, answered, talks={A: (A, answered.id)}), connected(A)) == [Answer(one(A))]
    assert differences(world(ringing, talks={A: (A,)}), connected(A)) == [End(one(A), "agent", "agent-hung-up")]


def test_caller_is_in_a_talk_but_should_wait() -> None:
    found = world(caller(A), talks={A: (A,)})
    assert differences(found, waiting(A)) == [Park(one(A)), Destroy(one(A))]


def test_device_rings_for_nobody() -> None:
    found = world(caller(A), leg(A), held=(A,))
    assert differences(found, waiting(A)) == [HangUp(leg(A).id)]


def test_offer_without_a_device() -> None:
    found = world(caller(A), held=(A,))
    offer = f"{one(A)}.1"
    assert differences(found, offered(A), rung=(offer,)) == [Fail(offer)]
    assert differences(found, offered(A)) == [Ring(one(A), offer, "anna")]


def test_agent_has_picked_up_meanwhile() -> None:
    found = world(caller(A), leg(A, answered=True), held=(A,))
    assert differences(found, offered(A)) == [Accept(one(A), f"{one(A)}.1")]


def test_every_offer_of_a_broadcast_is_looked_at_by_itself() -> None:
    """One rings, one was picked up, one rings no more, and one has not rung yet; what nobody desires is ended."""
    offers = [f"{one(A)}.{number}" for number in range(1, 6)]
    rings, picked_up, extra = (AriChannel(NAMES.leg(offers[index]), dialplan=RINGING) for index in (0, 1, 4))
    picked_up = structs.replace(picked_up, dialplan=IN_STASIS)
    wish = Desired(one(A), "offered", offers[0], "anna", tuple(zip(offers[1:4], ("ben", "cleo", "dora"), strict=True)))
    assert differences(world(caller(A), rings, picked_up, extra, held=(A,)), wish, rung=offers[2]) == [
        Accept(one(A), offers[1]),
        Fail(offers[2]),
        Ring(one(A), offers[3], "dora"),
        HangUp(extra.id),
    ]


def test_accepted_but_not_joined() -> None:
    assert differences(world(caller(A), leg(A, answered=True), held=(A,)), connected(A)) == [Join(one(A))]
    half = world(caller(A), leg(A, answered=True), held=(A,), talks={A: (leg(A).id,)})
    assert differences(half, connected(A)) == [Join(one(A))]


def test_conference_of_which_one_is_gone_and_one_is_not_joined() -> None:
    ben, cleo = (AriChannel(NAMES.leg(f"q{number}.1"), dialplan=IN_STASIS) for number in (1, 2))
    wish = Desired(one(A), "connected", f"{one(A)}.1", "anna", (("q1.1", "ben"), ("q2.1", "cleo")))
    found = world(caller(A), leg(A, answered=True), ben, cleo, talks={A: (A, leg(A).id, ben.id, cleo.id)})
    assert differences(found, wish) == []
    found = world(caller(A), leg(A, answered=True), cleo, talks={A: (A, leg(A).id)})
    assert differences(found, wish) == [Join(one(A)), Leave(one(A), "ben")]


@pytest.mark.parametrize("stays", [True, False])
def test_a_transfer_that_nobody_followed_is_no_hanging_up(*, stays: bool) -> None:
    """Asterisk's channel in the agent's place says that the agent's telephone transferred while nobody listened."""
    stray = AriChannel("1700000009.7", name="Local/600@agents-00000001;1", dialplan=IN_STASIS)
    legs = (leg(A, answered=True),) if stays else ()
    found = world(caller(A), stray, *legs, talks={A: (A, stray.id)})
    assert differences(found, connected(A)) == [Requeue(one(A), "transfer-not-followed"), HangUp(stray.id)]
    joined = world(caller(A), stray, leg(A, answered=True), talks={A: (A, leg(A).id, stray.id)})
    assert differences(joined, connected(A)) == [HangUp(stray.id)], "it has come back"


CONSULT = f"{one(A)}~2"
"""What its maker has called it: as if the customer had come a second time."""
ASKER = structs.replace(leg(A, answered=True), state="Up")
ADVISER = AriChannel(NAMES.leg(f"{CONSULT}.1"), dialplan=IN_STASIS)


def consult(state: Literal["waiting", "offered", "connected"] = "waiting") -> Desired:
    offer = ("", "") if state == "waiting" else (f"{CONSULT}.1", "ben")
    return Desired(CONSULT, state, *offer, parent=one(A), asking="anna")


def test_consult_is_no_visit_whatever_its_name() -> None:
    """Who asks waits in the hold bridge, and the customer is alone in the bridge of the talk."""
    found = world(caller(A), ASKER, held=(ASKER.id,), talks={A: (A,)})
    assert differences(found, consult(), connected(A)) == []
    ringing = structs.replace(ADVISER, dialplan=RINGING)
    found = world(caller(A), ASKER, ringing, held=(ASKER.id,), talks={A: (A,)})
    assert differences(found, consult("offered"), connected(A)) == []
    bridges = [AriBridge(NAMES.talk(one(A)), (A,)), AriBridge(NAMES.talk(CONSULT), (ASKER.id, ADVISER.id))]
    found = survey(NAMES, INFO, [A], [caller(A), ASKER, ADVISER], bridges)
    assert differences(found, consult("connected"), connected(A)) == []


def test_consult_that_is_not_there_yet() -> None:
    found = world(caller(A), ASKER, talks={A: (A, ASKER.id)})
    assert differences(found, consult(), connected(A)) == [Park(CONSULT)]
    assert differences(found, consult("offered"), connected(A)) == [Park(CONSULT), Ring(CONSULT, f"{CONSULT}.1", "ben")]
    found = world(caller(A), ASKER, ADVISER, held=(ASKER.id,), talks={A: (A,)})
    assert differences(found, consult("offered"), connected(A)) == [Accept(CONSULT, f"{CONSULT}.1")]
    assert differences(found, consult("connected"), connected(A)) == [Join(CONSULT)]


def test_adviser_is_gone() -> None:
    found = world(caller(A), ASKER, held=(ASKER.id,), talks={A: (A,)})
    assert differences(found, consult("connected"), connected(A)) == [Requeue(CONSULT)]
    bridges = [AriBridge(NAMES.talk(one(A)), (A,)), AriBridge(NAMES.talk(CONSULT), (ASKER.id,))]
    found = survey(NAMES, INFO, [A], [caller(A), ASKER], bridges)
    assert differences(found, consult("connected"), connected(A)) == [End(CONSULT, "agent", "agent-hung-up")]


def test_consult_that_has_ended_meanwhile() -> None:
    """Who asked goes back, the adviser is let go."""
    bridges = [AriBridge(NAMES.talk(one(A)), (A,)), AriBridge(NAMES.talk(CONSULT), (ASKER.id, ADVISER.id))]
    found = survey(NAMES, INFO, [A], [caller(A), ASKER, ADVISER], bridges)
    assert differences(found, connected(A)) == [Join(one(A)), HangUp(ADVISER.id), Destroy(CONSULT)]


def test_nobody_is_there_to_ask() -> None:
    """The customer, or who asks, is gone: that is told, and ends the consult, too."""
    assert differences(world(), consult()) == [End(CONSULT, "system", "consult-over")]
    assert differences(world(), consult(), connected(A)) == [End(one(A), "customer", "gone-while-away")]
    found = world(caller(A), ADVISER, talks={A: (A,)})
    assert differences(found, consult("connected"), connected(A)) == [
        End(one(A), "agent", "agent-hung-up"),
        HangUp(ADVISER.id),
    ]


def test_customer_on_hold() -> None:
    """The agent is aside, and the customer alone; else the agent is put there, or comes back."""
    answered = leg(A, answered=True)
    bridges = [AriBridge(NAMES.talk(one(A)), (A,)), AriBridge(NAMES.aside, (answered.id,))]
    apart = survey(NAMES, INFO, [A], [caller(A), answered], bridges)
    together = world(caller(A), answered, talks={A: (A, answered.id)})
    holding = {("anna", one(A))}
    assert differences(apart, connected(A), holding=holding) == []
    assert differences(apart, connected(A)) == [Join(one(A))]
    assert differences(together, connected(A), holding=holding) == [Hold(one(A), f"{one(A)}.1")]
    assert differences(together, connected(A)) == []
    never_met = world(caller(A), answered, held=(A,))
    assert differences(never_met, connected(A), holding=holding) == [Join(one(A)), Hold(one(A), f"{one(A)}.1")]


def test_agents_leg_is_gone() -> None:
    assert differences(world(caller(A), held=(A,)), connected(A)) == [Requeue(one(A))]
    assert differences(world(caller(A), talks={A: (A,)}), connected(A)) == [End(one(A), "agent", "agent-hung-up")]


def test_callers_whom_nobody_knows_in_the_order_of_arrival() -> None:
    found = world(caller(A, "2026-01-01T00:00:02"), caller(B, "2026-01-01T00:00:01"), caller(C, "2026-01-01T00:00:01"))
    assert [each.channel.id for each in differences(found) if isinstance(each, Enqueue)] == [B, C, A]


def test_callers_who_are_being_enqueued_are_left_alone() -> None:
    assert differences(world(caller(A)), busy=(A,)) == []


def test_callers_the_engine_is_done_with() -> None:
    assert differences(world(caller(A), held=(A,)), handed_in=(A,)) == [LetGo(A)]
    assert differences(world(caller(A), talks={A: (A,)})) == [Destroy(one(A)), HangUp(A)]


def test_last_visit_counts() -> None:
    second = Desired(NAMES.interaction(A, 2), "waiting")
    repairs = differences(world(caller(A), held=(A,)), waiting(A), second)
    assert repairs == [End(one(A), "customer", "gone-while-away")]


def test_channels_of_others_are_not_ours() -> None:
    elsewhere = AriChannel("1795254099.1", "Up", dialplan=DialplanPlace("s", "Playback", "x"))
    found = survey(NAMES, INFO, [elsewhere.id], [elsewhere, caller(B)], [AriBridge("x", (B,))])
    assert (found.callers, found.legs, found.talks, found.held) == ({}, {}, {}, {})


def test_startup_time_that_cannot_be_read() -> None:
    assert differences(world(info=Info()), waiting(A)) == [End(one(A), "customer", "gone-while-away")]


BACK = "b1"
AGENT = AriChannel(NAMES.leg(f"{BACK}.1"), dialplan=IN_STASIS)


def back(state: Literal["waiting", "offered", "connected", "reaching"]) -> Desired:
    return Desired(BACK, state) if state in {"waiting", "reaching"} else Desired(BACK, state, f"{BACK}.1", "anna")


def customer(number: int | str = 1, *, answered: bool = False) -> AriChannel:
    """Called for an offer of this number, or at an attempt: `c1`."""
    channel_id = NAMES.back(f"{BACK}.{number}")
    if answered:
        return AriChannel(channel_id, "Up", dialplan=DialplanPlace("s", "Stasis", "acd,back:"))
    return AriChannel(channel_id, "Ringing", dialplan=RINGING)


def talk(*channels: AriChannel) -> World:
    bridges = [AriBridge(NAMES.talk(BACK), tuple(each.id for each in channels))]
    return survey(NAMES, INFO, [each.id for each in channels], list(channels), bridges)


NEVER_CALLED = KnownBack(is_reached=False, attempt=1)
THERE, LATER = customer(answered=True), customer(2, answered=True)
RINGS = AriChannel(NAMES.leg(f"{BACK}.1"), dialplan=RINGING)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (DialplanPlace("s", "AppDial2", "(Outgoing Line)"), "back"),
        (DialplanPlace("s", "Stasis", "acd,back:"), "back"),
        (DialplanPlace("0123", "Dial", "PJSIP/0123@trunk"), "nobody's"),
        (DialplanPlace("0999", "Stasis", "acd,sales"), "caller"),
        (DialplanPlace("0999", "Stasis", "acd,callback"), "caller"),
        (DialplanPlace("*45", "Stasis", "acd,code:*45"), "code"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.app_data,
)
def test_who_was_called_back_goes_on(place: DialplanPlace, expected: str) -> None:
    """Into the dialplan, where they are nobody's business of ours, and perhaps back again, as anybody comes."""
    found = world(channel := AriChannel(NAMES.back(f"{BACK}.1"), "Up", dialplan=place))
    assert (f"{BACK}.1" in found.backs) is (expected == "back")
    assert (channel.id in found.callers) is (expected == "caller")
    assert (channel.id in found.codes) is (expected == "code")


def test_who_was_called_back_is_parked() -> None:
    """In a bridge that is none of ours; all else is as if they had just answered."""
    lot = AriBridge("4d3c", (THERE.id,))
    found = survey(NAMES, INFO, [THERE.id], [THERE], [lot])
    assert (found.backs, found.callers) == ({}, {})


@pytest.mark.parametrize(
    ("found", "state", "reached", "expected"),
    [
        (world(), "waiting", False, []),
        (world(), "waiting", True, [End(BACK, "customer", "gone-while-away")]),
        (world(customer()), "waiting", False, [HangUp(customer().id)]),
        (world(THERE), "waiting", False, [Welcome(BACK)]),
        (world(THERE), "waiting", True, [Park(BACK)]),
        (world(RINGS), "offered", False, []),
        (world(AGENT), "offered", False, [Accept(BACK, f"{BACK}.1")]),
        (world(), "offered", False, [Ring(BACK, f"{BACK}.1", "anna")]),
        (world(AGENT), "connected", False, [CallBack(BACK)]),
        (world(RINGS), "connected", False, []),
        (world(AGENT, customer()), "connected", False, []),
        (world(AGENT, THERE), "connected", False, [Welcome(BACK)]),
        (world(AGENT, THERE), "connected", True, [Join(BACK)]),
        (world(AGENT, customer(), LATER), "connected", True, [Join(BACK), HangUp(customer().id)]),
        (world(AGENT), "connected", True, [End(BACK, "customer", "gone-while-away"), HangUp(AGENT.id)]),
        (world(customer()), "connected", False, [Requeue(BACK), HangUp(customer().id)]),
        (world(), "connected", False, [Requeue(BACK)]),
        (world(THERE), "connected", True, [Requeue(BACK)]),
        (talk(AGENT, THERE), "connected", False, []),
        (talk(THERE), "connected", True, [End(BACK, "agent", "agent-hung-up")]),
        (world(), "reaching", False, [CallBack(BACK)]),
        (world(), "reaching", True, [CallBack(BACK)]),
        (world(customer("c2")), "reaching", False, []),
        # Of an earlier attempt, which is being hung up: nobody has been called at this one.
        (world(customer("c1")), "reaching", False, [CallBack(BACK), HangUp(customer("c1").id)]),
        (world(customer("c1"), customer("c2")), "reaching", False, [HangUp(customer("c1").id)]),
        (
            world(customer("c1", answered=True), customer("c2")),
            "reaching",
            False,
            [Welcome(BACK), HangUp(customer("c2").id)],
        ),
        # For an agent who is gone; the one who waits now has had nobody called.
        (world(AGENT, customer(2)), "connected", False, [CallBack(BACK), HangUp(customer(2).id)]),
        (world(THERE), "reaching", False, [Welcome(BACK)]),
        (world(THERE), "reaching", True, [Welcome(BACK)]),
        (world(THERE, LATER), "reaching", False, [Welcome(BACK), HangUp(THERE.id)]),
    ],
)
def test_callbacks(
    found: World,
    state: Literal["waiting", "offered", "connected", "reaching"],
    expected: list[Repair],
    *,
    reached: bool,
) -> None:
    """Nobody is missed who was never called; who was reached and is gone has hung up."""
    assert differences(found, back(state), backs={BACK: KnownBack(is_reached=reached, attempt=2)}) == expected


def test_a_callback_that_has_rung_or_of_which_nobody_knows() -> None:
    assert differences(world(), back("offered"), rung=[f"{BACK}.1"], backs={BACK: NEVER_CALLED}) == [Fail(f"{BACK}.1")]
    assert differences(world(customer(), AGENT)) == [HangUp(AGENT.id), HangUp(customer().id)]
    assert differences(world(THERE), busy=[THERE.id]) == []


def test_a_callback_takes_nobody_elses_channel() -> None:
    """Its id begins with that of the caller whose place it has, and who has yet to be let go."""
    name = f"{one(A)}~cb"
    found = world(caller(A), held=[A])
    assert differences(found, Desired(name, "waiting"), handed_in=[A], backs={name: NEVER_CALLED}) == [LetGo(A)]
