"""Who is in a call besides its two: supervisors, advisers, further agents; what they may, and when they are let go."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.core.messages import (
    ConnectInteraction,
    EndInteraction,
    JoinAgent,
    LeaveInteraction,
    OpenConsult,
    ParkInteraction,
    ReleaseInteraction,
)
from acd.errors import ChannelError
from acd.ports.channel import AgentStanding, Desired
from acd.ports.supervision import SupervisedByPage, Supervisor
from acd_webrtc.channel import WebrtcChannel
from tests.adapters.webrtc.callers import SECOND, Caller, options
from tests.adapters.webrtc.test_channel import Host, agent_page, talking


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def channel(host: Host, tmp_path: Path) -> AsyncIterator[WebrtcChannel]:
    found = WebrtcChannel("talk", options(tmp_path))
    assert isinstance(found, SupervisedByPage)
    await found.start(host)
    yield found
    await found.stop()


def boss_page(channel: WebrtcChannel, call: str, agent: str = "maria") -> Caller:
    caller = Caller()
    caller.connect(channel.supervisor_page(call, agent))
    return caller


async def greeted(caller: Caller) -> str:
    """Says hello in the only leg that it is told of; the leg."""
    (peer,) = (await caller.until("peers"))["peers"]
    await caller.say(type="signal", talk=peer["talk"], text={"type": "hello"})
    await caller.until("signal", talk=peer["talk"])
    return str(peer["talk"])


async def advised(channel: WebrtcChannel, host: Host, call: str) -> Caller:
    """Boris advises Anna; his page, and whatever it is told."""
    consult = f"about-{call}"
    host.wished[consult] = Desired(consult, "waiting", parent=call, asking="anna")
    await channel.perform(OpenConsult(consult, "talk", call, "anna"))
    host.wished[consult] = Desired(consult, "connected", f"{consult}.1", "boris", parent=call, asking="anna")
    await channel.perform(ConnectInteraction(f"{consult}.1", consult, "boris", "talk"))
    boris = agent_page(channel, consult, "boris")
    assert (await boris.until("call"))["state"] == "talking"
    return boris


async def test_who_supervises_is_told_nothing_before_it_was_asked_for(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    early = boss_page(channel, call)
    assert await early.ended() == (1000, "over")
    assert await boss_page(channel, "nothing").ended() == (1000, "over")
    await channel.supervise(call, "maria", "whisper")
    assert channel.supervisors(call) == (Supervisor("maria", "whisper", "calling"),)
    boss = boss_page(channel, call)
    peers = (await boss.until("peers"))["peers"]
    assert [(each["speaks"], each["hears"], each["polite"]) for each in peers] == [
        (True, True, False),
        (False, True, False),
    ]
    assert (await boss.until("supervision"))["mode"] == "whisper"
    assert channel.supervisors(call) == (Supervisor("maria", "whisper", "there"),)
    for side, hears in ((anna, True), (customer, False)):
        (peer,) = (await side.until("peers"))["peers"]
        assert (peer["speaks"], peer["hears"], peer["polite"]) == (True, hears, True)
    second = boss_page(channel, call)
    assert await boss.ended() == (4409, "replaced")
    await second.say(type="part")
    assert await second.ended() == (1000, "over")
    for side in (anna, customer):
        await side.until("peers", peers=[])
    assert channel.supervisors(call) == ()


async def test_what_stands_in_the_way_of_supervising(channel: WebrtcChannel, host: Host) -> None:
    customer = Caller()
    call = await customer.call(channel)
    with pytest.raises(ChannelError, match="nobody talks"):
        await channel.supervise(call, "maria", "listen")
    with pytest.raises(ChannelError, match="no customer"):
        await channel.supervise("elsewhere", "maria", "listen")
    await channel.supervise("elsewhere", "maria", "off")
    _, _, call = await talking(channel, host)
    with pytest.raises(ChannelError, match="has a part"):
        await channel.supervise(call, "anna", "listen")
    for number in range(4):
        await channel.supervise(call, f"s{number}", "listen")
    with pytest.raises(ChannelError, match="4 supervise"):
        await channel.supervise(call, "s4", "listen")
    await channel.supervise(call, "s3", "barge")
    assert [each.mode for each in channel.supervisors(call)] == ["listen", "listen", "listen", "barge"]


async def test_whose_page_does_not_come_or_goes_is_let_go(channel: WebrtcChannel, host: Host) -> None:
    _, _, call = await talking(channel, host)
    await channel.supervise(call, "maria", "listen")
    host.ahead_us += 29 * SECOND
    await channel.sweep()
    assert len(channel.supervisors(call)) == 1
    boss = boss_page(channel, call)
    await boss.until("peers")
    boss.lose()
    host.ahead_us += 29 * SECOND
    await channel.sweep()
    back = boss_page(channel, call)
    assert len((await back.until("peers"))["peers"]) == 2
    back.lose()
    host.ahead_us += 31 * SECOND
    await channel.sweep()
    assert channel.supervisors(call) == ()


async def test_who_comes_to_have_a_part_supervises_no_more(channel: WebrtcChannel, host: Host) -> None:
    _, _, call = await talking(channel, host)
    await channel.supervise(call, "maria", "listen")
    boss = boss_page(channel, call)
    await boss.until("peers")
    host.wished[call] = Desired(call, "waiting")
    await channel.perform(ParkInteraction(call, "talk"))
    assert await boss.ended() == (1000, "over")
    assert channel.supervisors(call) == ()


async def test_the_customer_is_on_hold_as_long_as_advice_is_asked_for(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    boris = await advised(channel, host, call)
    assert (await customer.until("signal"))["text"]["body"] == {"type": "hold", "held": True}
    (peer,) = (await boris.until("peers"))["peers"]
    assert (peer["speaks"], peer["hears"], peer["holds"]) == (True, True, False)
    assert not customer.of("peers"), "who advises is nobody to the customer"
    # What the customer says of a leg that is none of theirs goes nowhere.
    await customer.say(type="signal", talk=peer["talk"], text={"type": "hello"})
    assert not [each for each in customer.of("signal") if each["talk"] == peer["talk"]]
    host.staff["anna"] = AgentStanding("anna", "ready", work=((call, "active"),))
    channel.exchange.follow(host.staff["anna"])
    await anna.signal(type="message", number=1, got=1, body={"type": "hold", "held": False})
    line = channel.lines.get(call)
    assert line is not None
    assert line.talk is not None
    assert line.talk.call.held
    await channel.perform(ReleaseInteraction(f"about-{call}", "talk", "completed"))
    assert await boris.ended() == (1000, "over")
    await anna.until("peers", peers=[])
    assert not line.talk.call.held


async def test_who_advises_and_is_lost_ends_the_consult(channel: WebrtcChannel, host: Host) -> None:
    _, anna, call = await talking(channel, host)
    boris = await advised(channel, host, call)
    leg = await greeted(boris)
    assert await greeted(anna) == leg
    boris.lose()
    host.ahead_us += 31 * SECOND
    await channel.sweep()
    (ended,) = host.of(EndInteraction)
    assert isinstance(ended, EndInteraction)
    assert (ended.interaction_id, ended.by, ended.reason) == (f"about-{call}", "system", "agent-page-lost")


async def test_who_is_lost_leaves_the_conference(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    host.wished[call] = Desired(call, "connected", f"{call}.1", "anna", others=((f"{call}.2", "boris"),))
    await channel.perform(JoinAgent(f"{call}.2", call, "boris", "talk", "advice"))
    boris = agent_page(channel, call, "boris")
    for peer in (await boris.until("peers"))["peers"]:
        await boris.say(type="signal", talk=peer["talk"], text={"type": "hello"})
    for side in (customer, anna):
        await greeted(side)
    await channel.supervise(call, "maria", "whisper")
    heard = [(each["speaks"], each["hears"]) for each in (await boss_page(channel, call).until("peers"))["peers"]]
    assert heard == [(True, True), (True, True), (False, True)], "both agents hear a whisper, the customer does not"
    boris.lose()
    host.ahead_us += 31 * SECOND
    await channel.sweep()
    (left,) = host.of(LeaveInteraction)
    assert isinstance(left, LeaveInteraction)
    assert (left.interaction_id, left.agent_id, left.reason) == (call, "boris", "agent-page-lost")
    assert not host.of(EndInteraction), "the others go on"


async def test_a_leg_that_is_broken_costs_nobody_their_line(channel: WebrtcChannel, host: Host) -> None:
    customer, anna, call = await talking(channel, host)
    await channel.supervise(call, "maria", "barge")
    boss = boss_page(channel, call)
    await boss.until("peers")
    leg = await greeted(customer)
    await customer.say(type="signal", talk=leg, text={"type": "message", "number": 7, "got": 0, "body": {}})
    assert customer.page is not None
    assert not customer.page.ended.done()
    await anna.signal(type="message", number=1, got=0, body={"type": "mute", "kind": "audio", "muted": True})
    while not [each for each in customer.bodies if each["type"] == "mute"]:
        await customer.until("signal")
