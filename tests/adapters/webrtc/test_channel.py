"""Calls from pages as the engine sees them: who hears whom, holding, who is gone, restarts, limits, figures."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.core.messages import (
    AcceptOffer,
    AnnounceInteraction,
    Command,
    ConnectInteraction,
    DisconnectAgent,
    EndInteraction,
    EnqueueInteraction,
    FailCallback,
    HoldWork,
    JoinAgent,
    NoteInteraction,
    OpenConsult,
    Outcome,
    ParkInteraction,
    ReachCustomer,
    Refusal,
    ReleaseInteraction,
    RequeueInteraction,
    ResumeWork,
    SignInAgent,
    TransferInteraction,
)
from acd.errors import ChannelError, JournalUnavailable
from acd.ports.channel import AgentStanding, Desired, InteractionStanding, Personal, Place
from acd.ports.pages import BrowserCalls, Claimed
from acd.runtime.config import loads
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing.recording_host import RecordingHost
from acd_webrtc.channel import WebrtcChannel
from acd_webrtc.options import TurnOptions
from acd_webrtc.turn import credentials
from tests.adapters.webrtc.callers import SECOND, Caller, options
from tests.adapters.webrtc.pages import sdp
from tests.runtime.live import idle

CONFIG = """
[channels.talk]
type = "external"
media = "voice"
[agents.anna]
[agents.boris]
skills = { billing = 5 }
[queues.sales]
[queues.support]
requirement = "skills.billing >= 1"
"""


class Host(RecordingHost):
    """One that refuses, or cannot be reached."""

    def __init__(self) -> None:
        super().__init__(lambda _agent, _channel: "")
        self.refusal: Refusal | None = None
        self.fault: Exception | None = None

    async def submit(self, command: Command) -> Outcome:
        if self.fault is not None:
            raise self.fault
        await super().submit(command)
        return Outcome(refusal=self.refusal)

    def of(self, kind: type[Command]) -> list[Command]:
        return [each for each in self.commands if isinstance(each, kind)]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def channel(host: Host, tmp_path: Path) -> AsyncIterator[WebrtcChannel]:
    found = WebrtcChannel("talk", options(tmp_path, per_visitor=2, calls=3, names={"anna": "Anna W."}))
    assert isinstance(found, BrowserCalls)
    await found.start(host)
    yield found
    await found.stop()


def agent_page(channel: WebrtcChannel, call: str, agent: str = "anna") -> Caller:
    caller = Caller()
    caller.connect(channel.agent_page(call, agent))
    return caller


async def connected(channel: WebrtcChannel, host: Host, call: str, agent: str = "anna", number: int = 1) -> None:
    """The engine has chosen the agent, who has accepted."""
    offer = f"{call}.{number}"
    host.wished[call] = Desired(call, "connected", offer, agent)
    await channel.perform(ConnectInteraction(offer, call, agent, "talk"))


async def talking(channel: WebrtcChannel, host: Host) -> tuple[Caller, Caller, str]:
    """A customer and anna, whose pages have greeted each other's signalling."""
    customer = Caller()
    call = await customer.call(channel)
    await connected(channel, host, call)
    anna = agent_page(channel, call)
    for each in (customer, anna):
        await each.until("talk")
        await each.signal(type="hello")
        await each.until("signal")
    return customer, anna, call


async def test_a_call_from_its_beginning_to_its_end(channel: WebrtcChannel, host: Host) -> None:
    customer = Caller()
    call = await customer.call(channel, name="Chen", number="+8613800138000", attributes={"topic": "invoice"})
    (begun,) = host.of(EnqueueInteraction)
    assert isinstance(begun, EnqueueInteraction)
    assert (begun.interaction_id, begun.channel, begun.queue, begun.instance) == (call, "voice", "sales", "talk")
    assert begun.attributes == (("web.topic", "invoice"),)
    assert channel.claimed(call) == Claimed("Chen", "+8613800138000")
    host.places[call] = Place("sales", 3, 90 * SECOND)
    await channel.sweep()
    await channel.sweep()
    await customer.until("place")
    customer.lose()
    await customer.hello(channel)
    await channel.sweep()
    await channel.perform(AnnounceInteraction(call, "talk", "queue-busy"))
    assert (await customer.until("announced"))["name"] == "queue-busy"
    assert [(each["position"], each["expected_seconds"]) for each in customer.of("place")] == 2 * [(3, 90.0)]
    await connected(channel, host, call)
    assert (await customer.until("call", state="talking"))["agent"] == "Anna W."
    await channel.perform(ReleaseInteraction(call, "talk", "completed"))
    assert (await customer.until("call", state="over"))["reason"] == "completed"
    again = Caller()
    again.token, again.key = customer.token, customer.key
    await again.hello(channel)
    assert (await again.until("call"))["reason"] == "completed"


async def test_descriptions_go_through_and_hanging_up_ends_it(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    await anna.signal(type="message", number=1, got=0, body={"type": "offer", "sdp": sdp(1, "abcd")})
    assert (await customer.until("signal"))["text"]["body"]["type"] == "offer"
    await customer.signal(type="message", number=1, got=1, body={"type": "hang-up"})
    (ended,) = host.of(EndInteraction)
    assert isinstance(ended, EndInteraction)
    assert (ended.interaction_id, ended.by, ended.reason) == (call, "customer", "hung-up")
    assert channel.health()["ends_hung-up_customer"] == 1
    await channel.perform(ReleaseInteraction(call, "talk", "completed"))
    assert await anna.ended() == (1000, "over")


async def test_holding_is_said_by_the_page_or_by_the_engine(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    await anna.signal(type="message", number=1, got=0, body={"type": "hold", "held": True})
    await anna.signal(type="message", number=2, got=0, body={"type": "hold", "held": False})
    assert [type(each) for each in host.commands[-2:]] == [HoldWork, ResumeWork]
    channel.exchange.follow(AgentStanding("anna", "ready", work=((call, "held"),)))
    channel.exchange.follow(AgentStanding("anna", "ready", work=((call, "held"),)))
    channel.exchange.follow(AgentStanding("boris", "ready", work=((call, "active"),)))
    while len(customer.bodies) < 3 or len(anna.bodies) < 1:
        await idle()
    assert [body["held"] for body in customer.bodies] == [True, False, True]
    assert anna.bodies == [{"type": "hold", "held": True}]
    assert len(host.of(HoldWork)) == 1, "what the engine says is not said back"
    await customer.signal(type="message", number=1, got=3, body={"type": "hold", "held": False})
    while customer.bodies[-1]["type"] != "refused":
        await idle()
    assert customer.bodies[-1]["code"] == "not-allowed"


async def test_whoever_is_gone_for_too_long(channel: WebrtcChannel, host: Host) -> None:
    """A customer has left; an agent leaves the customer in line, without the fault being the customer's."""
    for who in ("customer", "agent"):
        host.commands.clear()
        customer, anna, call = await talking(channel, host)
        gone = customer if who == "customer" else anna
        gone.lose()
        await channel.sweep()
        assert not host.of(EndInteraction)
        host.ahead_us += 31 * SECOND
        await channel.sweep()
        if who == "customer":
            (ended,) = host.of(EndInteraction)
            assert isinstance(ended, EndInteraction)
            assert (ended.by, ended.reason) == ("customer", "page-lost")
        else:
            (back,) = host.of(RequeueInteraction)
            assert isinstance(back, RequeueInteraction)
            assert (back.interaction_id, back.reason) == (call, "agent-page-lost")
            await channel.perform(ParkInteraction(call, "talk"))
            await customer.until("call", state="waiting")
        host.wished.clear()
        await channel.reconcile(())


async def test_what_the_engine_cannot_be_told_is_told_again(channel: WebrtcChannel, host: Host) -> None:
    _, anna, _ = await talking(channel, host)
    host.fault = JournalUnavailable("full")
    await anna.signal(type="message", number=1, got=0, body={"type": "hang-up"})
    assert not host.of(EndInteraction)
    host.fault = None
    await channel.sweep()
    (ended,) = host.of(EndInteraction)
    assert isinstance(ended, EndInteraction)
    assert ended.by == "agent"


async def test_who_waits_and_is_gone_has_left(channel: WebrtcChannel, host: Host) -> None:
    customer = Caller()
    call = await customer.call(channel)
    host.ahead_us += 60 * SECOND
    await channel.sweep()
    assert not host.of(EndInteraction), "who is there may wait"
    customer.lose()
    host.ahead_us += 29 * SECOND
    await channel.sweep()
    await customer.hello(channel)
    host.ahead_us += 29 * SECOND
    await channel.sweep()
    assert not host.of(EndInteraction), "who is back may wait"
    customer.lose()
    host.ahead_us += 31 * SECOND
    await channel.sweep()
    (ended,) = host.of(EndInteraction)
    assert isinstance(ended, EndInteraction)
    assert (ended.interaction_id, ended.by, ended.reason) == (call, "customer", "away")


async def test_the_talk_is_with_whoever_has_been_there_longest(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    first = customer.last("talk")
    host.wished[call] = Desired(call, "connected", f"{call}.1", "anna", others=((f"{call}.2", "boris"),))
    await channel.perform(JoinAgent(f"{call}.2", call, "boris", "talk", "advice"))
    boris = agent_page(channel, call, "boris")
    assert (await boris.until("call"))["state"] == "talking"
    assert [len((await each.until("peers"))["peers"]) for each in (customer, anna, boris)] == [1, 1, 2]
    host.wished[call] = Desired(call, "connected", f"{call}.2", "boris")
    await channel.perform(DisconnectAgent(f"{call}.1", call, "anna", "talk"))
    assert await anna.ended() == (1000, "over")
    assert (await boris.until("talk"))["pair"] == f"{call}.2"
    second = await customer.until("talk", pair=f"{call}.2")
    for each in (customer, boris):
        await each.until("peers", peers=[])
    assert (first["talk"], first["pair"]) != (second["talk"], second["pair"])
    # What is still said of the talk before goes nowhere.
    await customer.say(type="signal", talk=first["talk"], text={"type": "hello"})
    assert customer.of("signal") == [each for each in customer.of("signal") if each["talk"] == first["talk"]]


async def test_limits(channel: WebrtcChannel, host: Host) -> None:
    callers = [Caller() for _ in range(4)]
    for caller in callers[:3]:
        await caller.call(channel)
    await callers[3].hello(channel)
    await callers[3].say(type="begin", id="b-1")
    assert (await callers[3].until("error"))["code"] == "too-many-calls"
    await callers[0].say(type="begin", id="b-2")
    assert (await callers[0].until("error"))["code"] == "call-active"
    await callers[0].say(type="begin", id="b-3", queue="elsewhere")
    assert (await callers[0].until("error"))["code"] == "unknown-queue"
    await channel.reconcile(())
    for number, code in ((4, ""), (5, "too-often")):
        await callers[0].say(type="begin", id=f"b-{number}")
        if code:
            assert (await callers[0].until("error"))["code"] == code
        else:
            await callers[0].until("call", key="b-4", state="waiting")
            await channel.reconcile(())
    host.ahead_us += 1_800 * SECOND
    await callers[0].say(type="begin", id="b-6")
    await callers[0].until("call", key="b-6", state="waiting")


async def test_a_page_that_gives_somebody_s_number_is_not_taken_for_them(channel: WebrtcChannel, host: Host) -> None:
    """Who is known by a number has a history, an agent of their own, a priority: a page could say any number."""
    known = await host.remember(Personal("+8613800138000", "Chen"))
    stranger, again = Caller(), Caller()
    await stranger.call(channel, name="Mallory", number="+8613800138000")
    again.token = stranger.token
    await channel.reconcile(())
    await again.call(channel, key="b-2", name="Mallory")
    first, second = host.of(EnqueueInteraction)
    assert isinstance(first, EnqueueInteraction)
    assert isinstance(second, EnqueueInteraction)
    assert first.customer != known
    assert first.customer == second.customer, "whoever comes back is known as the visitor they were"
    assert await host.recall(known) == Personal("+8613800138000", "Chen"), "nobody's name is written over"


async def test_one_address_does_not_take_all_the_room(host: Host, tmp_path: Path) -> None:
    channel = WebrtcChannel("talk", options(tmp_path, per_address=2))
    await channel.start(host)
    callers = [Caller() for _ in range(4)]
    for caller in callers[:3]:
        await caller.hello(channel, "192.0.2.1")
    for caller in callers[:2]:
        await caller.say(type="begin", id="b-1")
        await caller.until("call", state="waiting")
        caller.lose()  # the call stays, and counts
    await callers[2].say(type="begin", id="b-1")
    assert (await callers[2].until("error"))["code"] == "too-many-calls"
    await callers[3].hello(channel, "192.0.2.2")
    await callers[3].say(type="begin", id="b-1")
    await callers[3].until("call", state="waiting")
    await channel.reconcile(())
    await callers[2].say(type="begin", id="b-2")
    await callers[2].until("call", state="waiting")
    assert dict(channel.lines.of_address) == {"192.0.2.1": 1}
    await channel.stop()


async def test_a_refusal_of_the_engine_s_is_told_and_nothing_has_begun(channel: WebrtcChannel, host: Host) -> None:
    customer = Caller()
    await customer.hello(channel)
    host.refusal = Refusal("queue-closed", "")
    await customer.say(type="begin", id="b-1")
    assert (await customer.until("error"))["code"] == "queue-closed"
    host.refusal, host.fault = None, JournalUnavailable("full")
    await customer.say(type="begin", id="b-2")
    assert (await customer.until("error"))["code"] == "unavailable"
    assert len(channel.lines) == 0


async def test_figures_go_into_the_interaction_and_into_histograms(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    for number in range(3):
        for side in (customer, anna):
            talk = side.last("talk")["talk"]
            figures = {"packetsReceived": 250 * number, "packetsLost": 5 * number, "jitter": 0.004}
            await side.say(type="quality", talk=talk, roundTripTime=0.08, **figures)
            await side.say(type="quality", talk=talk, **figures)  # too soon, and passed over
        host.ahead_us += 5 * SECOND
    heard = channel.heard(call)
    assert [each.side for each in heard] == ["customer", "agent"]
    assert heard[0].loss == pytest.approx(2.0, abs=0.1)
    await channel.perform(ReleaseInteraction(call, "talk", "completed"))
    (noted,) = host.of(NoteInteraction)
    assert isinstance(noted, NoteInteraction)
    found = dict(noted.attributes)
    assert found["call.loss.agent"] == "2.0"
    assert found["call.round_trip.customer"] == "80"
    assert 4 < float(found["call.score.customer"]) < 4.41
    counts = {(each.figure, each.side): each.buckets[-1][1] for each in channel.rated()}
    assert counts["score", "agent"] == counts["loss", "customer"] == 1
    assert channel.heard(call) == ()


async def test_credentials_are_for_those_who_are_in_a_call(host: Host, tmp_path: Path) -> None:
    (tmp_path / "turn.secret").write_text("f0" * 32 + "\n")
    table = {"host": "turn.example.org", "realm": "example.org"}
    turn = TurnOptions(table, secret_file=tmp_path / "turn.secret")
    channel = WebrtcChannel("talk", options(tmp_path, turn=turn, relay_only=True))
    await channel.start(host)
    customer = Caller()
    await customer.hello(channel)
    await customer.say(type="ice")
    assert not customer.of("ice")
    customer.lose()
    call = await customer.call(channel)
    await customer.say(type="ice")
    assert not customer.of("ice"), "who only waits is to have no relay"
    await connected(channel, host, call)
    await customer.say(type="ice")
    await customer.until("ice")
    talk = await customer.until("talk")
    assert talk["relay_only"] is True
    server = talk["servers"][1]
    assert server["username"].endswith(f":{call}-customer")
    moment_us = (int(server["username"].partition(":")[0]) - 3_600) * SECOND
    assert credentials(turn.server(), f"{call}-customer", now_us=moment_us).password == server["credential"]
    await channel.stop()


async def test_what_a_page_cannot_do_is_answered(channel: WebrtcChannel, host: Host) -> None:
    await channel.perform(ReachCustomer("b1", "talk", 2, 0))
    await channel.reconcile((Desired("b2", "reaching"),))
    answers = [each for each in host.commands if isinstance(each, FailCallback)]
    assert [(each.interaction_id, each.attempt, each.called) for each in answers] == [
        ("b1", 2, False),
        ("b2", 1, False),
    ]
    host.wished["c1"] = Desired("c1", "waiting", parent="call-1", asking="anna")
    with pytest.raises(ChannelError, match="talk: there is no call c1"):
        await channel.perform(OpenConsult("c1", "talk", "call-1", "anna"))
    await channel.reconcile(host.desired())
    (ended,) = host.of(EndInteraction)
    assert isinstance(ended, EndInteraction)
    assert (ended.interaction_id, ended.by) == ("c1", "system")
    assert len(channel.lines) == 0
    with pytest.raises(ChannelError, match="talk: there is no call nowhere"):
        await channel.perform(ParkInteraction("nowhere", "talk"))


async def test_a_call_of_before_that_is_long_over(channel: WebrtcChannel, host: Host) -> None:
    customer = Caller()
    await customer.hello(channel)
    customer.lose()
    customer.key = "b-1"
    await customer.hello(channel)
    told = await customer.until("call", state="over")
    assert told["reason"] == "lost"
    host.interactions[told["id"]] = InteractionStanding(told["id"], "completed", "sales", reason="solved")
    await customer.say(type="begin", id="b-1")
    assert (await customer.until("call", state="over"))["reason"] == "solved"
    assert not host.of(EnqueueInteraction), "what is over does not begin again"


async def test_the_engine_is_started_anew_and_the_two_go_on(tmp_path: Path) -> None:
    journal = tmp_path / "acd.db"
    config = f'{CONFIG}\n[journal]\npath = "{journal}"\n[personal]\npath = "{tmp_path / "p.db"}"\n'
    channel = WebrtcChannel("talk", options(tmp_path))
    customer = Caller()
    async with Router(loads(config), channels=[channel]) as router:
        await router.ready()
        await router.submit(SignInAgent("1", "anna", ready=True))
        call = await customer.call(channel)
        (offer_id,) = channel.host.desired()[0].offers()
        await router.submit(AcceptOffer("2", offer_id, "anna"))
        first = await customer.until("talk")
    assert await customer.ended() == (1012, "closed")
    again = WebrtcChannel("talk", options(tmp_path))
    async with Router(loads(config), channels=[again]) as router:
        await router.ready()
        await customer.hello(again)
        second = await customer.until("talk")
        assert (second["pair"], second["talk"] != first["talk"]) == (first["pair"], True)
        anna = agent_page(again, call)
        assert (await anna.until("talk"))["talk"] == second["talk"]
        await router.submit(EndInteraction("3", call, by="agent", reason="solved"))
        await customer.until("call", state="over")


async def test_a_customer_is_handed_on(tmp_path: Path) -> None:
    channel = WebrtcChannel("talk", options(tmp_path))
    customer = Caller()
    async with Router(loads(CONFIG), journal=MemoryJournal(), channels=[channel]) as router:
        await router.ready()
        await router.submit(SignInAgent("1", "anna", ready=True))
        await router.submit(SignInAgent("2", "boris", ready=True))
        call = await customer.call(channel)
        offers = {agent: offer for offer, agent in channel.host.desired()[0].ringing()}
        await router.submit(AcceptOffer("3", offers["anna"], "anna"))
        await customer.until("call", state="talking")
        await router.submit(TransferInteraction("4", call, "anna", "support", "", with_context=True))
        await customer.until("call", state="waiting")
        line = channel.lines.get(call)
        assert line is not None
        while not line.ringing:
            await idle()
        (offer_id,) = line.ringing
        await router.submit(AcceptOffer("5", offer_id, "boris"))
        await customer.until("call", state="talking")
        assert customer.last("talk")["pair"] == offer_id
