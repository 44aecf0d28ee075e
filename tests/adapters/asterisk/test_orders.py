"""What is done for an effect, where SIPp cannot bring the moment about."""

import asyncio

import pytest

from acd.errors import ChannelError
from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.stand_in import StandInAri, nothing_plays

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")
CALLER = AriChannel("1795254033.0", "Up")
INTERACTION = NAMES.interaction(CALLER.id)
OFFER = f"{INTERACTION}.1"


def parts() -> tuple[Desk, Orders, RecordingHost, StandInAri]:
    """A caller for whom anna is wanted."""
    host = RecordingHost(lambda _agent, _channel: "PJSIP/anna")
    host.wished[INTERACTION] = Desired(INTERACTION, "offered", OFFER, "anna")
    ari = StandInAri()
    desk = Desk("pbx1", OPTIONS, NAMES)
    desk.start(host)
    desk.add(INTERACTION, CALLER)
    return desk, Orders(desk, Switchboard(ari.client, NAMES, OPTIONS), nothing_plays(NAMES)), host, ari


async def test_an_end_waits_for_no_bridge_to_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are removed one after another, which takes an Asterisk that is busy longer than there is for an effect."""
    desk, orders, _, ari = parts()
    call = desk.calls[INTERACTION]
    call.has_bridge = True
    slow = asyncio.Event()
    removed: list[str] = []

    async def remove_bridge(bridge_id: str, _ending: object) -> None:
        await slow.wait()
        removed.append(bridge_id)

    monkeypatch.setattr(ari, "remove_bridge", remove_bridge)
    async with asyncio.timeout(5):
        await orders.release(call)
    assert INTERACTION not in desk.calls
    assert not removed
    slow.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert removed == [NAMES.talk(INTERACTION)]
    await desk.stop()


async def test_a_bridge_that_could_not_be_removed_is_left_to_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is over all the same, and nobody takes the bridge for one that is about to go."""
    desk, orders, host, ari = parts()
    call = desk.calls[INTERACTION]
    call.has_bridge = True
    tried: list[str] = []

    async def remove_bridge(bridge_id: str, _ending: object) -> None:
        tried.append(bridge_id)
        raise AriUnavailable("no answer")

    monkeypatch.setattr(ari, "remove_bridge", remove_bridge)
    await orders.release(call)
    await asyncio.sleep(0)
    assert tried == [NAMES.talk(INTERACTION)]
    assert INTERACTION not in desk.calls
    assert not host.commands
    await desk.stop()


async def test_what_was_taken_back_while_the_telephone_was_in_use_does_not_ring() -> None:
    """The agent's earlier leg is still being ended; meanwhile the engine takes the offer back."""
    for taken_back in (False, True):
        desk, orders, host, ari = parts()
        call = desk.calls[INTERACTION]
        earlier = Leg("other.1", "anna")
        orders.devices.taken(earlier)
        ringing = asyncio.create_task(orders.ring(call, OFFER, "anna"))
        await asyncio.sleep(0)
        assert not ari.asked
        if taken_back:
            host.wished[INTERACTION] = Desired(INTERACTION, "waiting")
        earlier.end()
        ari.status = lambda method, _path: 404 if method == "GET" else 200
        await ringing
        dialled = [path for method, path, _ in ari.asked if path == f"channels/{NAMES.leg(OFFER)}" and method == "POST"]
        assert len(dialled) == (not taken_back)
        assert bool(call.live_legs()) is not taken_back
        assert orders.devices.is_taken("anna") is not taken_back
        await desk.stop()


@pytest.mark.parametrize("is_being_ended", [False, True])
async def test_what_waits_for_an_earlier_call_too_long(
    monkeypatch: pytest.MonkeyPatch, *, is_being_ended: bool
) -> None:
    """Nothing rings beside a call that nobody ends: that order may wait for a comparison, and the comparison for us."""
    monkeypatch.setattr("acd_asterisk.devices.PATIENCE_SECONDS", 0.01)
    desk, orders, _, ari = parts()
    call = desk.calls[INTERACTION]
    earlier = Leg("other.1", "anna", revoked=is_being_ended)
    orders.devices.taken(earlier)
    if is_being_ended:
        await orders.ring(call, OFFER, "anna")
        assert f"channels/{NAMES.leg(OFFER)}" in paths(ari)
    else:
        with pytest.raises(ChannelError, match="anna has an earlier call"):
            await orders.ring(call, OFFER, "anna")
        assert not ari.asked
        assert call.leg_for(OFFER) is None
        assert orders.devices.legs_of("anna") == (earlier,)
    assert desk.offered.has_rung(OFFER) is is_being_ended
    await desk.stop()


async def test_a_telephone_rings_before_its_caller_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Asterisk is told at the same moment would keep it from the INVITE."""
    monkeypatch.setattr("acd_asterisk.ring_first.LONGEST_SECONDS", 60.0)
    desk, orders, _, ari = parts()
    call = desk.calls[INTERACTION]
    call.is_up = False
    answered, leg = asyncio.Event(), f"channels/{NAMES.leg(OFFER)}"
    ari.until[leg] = answered
    ringing = asyncio.create_task(park_and_ring(orders, call))
    await until(lambda: leg in paths(ari), lambda: str(ari.asked))
    for _ in range(5):
        await asyncio.sleep(0)
    assert call.parking is not None
    assert not {f"channels/{CALLER.id}/answer", f"bridges/{NAMES.hold}/addChannel"} & set(paths(ari))
    answered.set()
    await asyncio.gather(ringing, call.parking)
    assert {f"channels/{CALLER.id}/answer", f"bridges/{NAMES.hold}/addChannel"} < set(paths(ari))
    await desk.stop()


async def test_a_caller_is_answered_though_asterisk_takes_its_time_over_the_telephone() -> None:
    desk, orders, _, ari = parts()
    call = desk.calls[INTERACTION]
    call.is_up = False
    ari.until[f"channels/{NAMES.leg(OFFER)}"] = asyncio.Event()
    ringing = asyncio.create_task(park_and_ring(orders, call))
    await until(lambda: call.parking is not None, lambda: str(ari.asked))
    assert call.parking is not None
    async with asyncio.timeout(5):
        await call.parking
    assert f"channels/{CALLER.id}/answer" in paths(ari)
    assert not ringing.done()
    ringing.cancel()
    await asyncio.gather(ringing, return_exceptions=True)
    await desk.stop()


async def test_a_telephone_rings_before_the_agents_last_call_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a call makes its agent free for the next one: both are told in one turn of the loop, the end first."""
    monkeypatch.setattr("acd_asterisk.ring_first.LONGEST_SECONDS", 60.0)
    desk, orders, _, ari = parts()
    last = desk.add("pbx1-1795254032.0", AriChannel("1795254032.0", "Up"))
    leg, let_go = f"channels/{NAMES.leg(OFFER)}", f"channels/{last.channel_id}/continue"
    ari.until[leg] = answered = asyncio.Event()
    ending = asyncio.create_task(orders.release(last))
    ringing = asyncio.create_task(orders.ring(desk.calls[INTERACTION], OFFER, "anna"))
    await until(lambda: leg in paths(ari), lambda: str(ari.asked))
    for _ in range(5):
        await asyncio.sleep(0)
    assert last.is_ended
    assert paths(ari) == [leg, f"channels/{CALLER.id}/variable"]
    answered.set()
    await asyncio.gather(ending, ringing)
    assert let_go in paths(ari)
    await desk.stop()


async def test_a_call_is_ended_though_asterisk_takes_its_time_over_the_telephone() -> None:
    desk, orders, _, ari = parts()
    last = desk.add("pbx1-1795254032.0", AriChannel("1795254032.0", "Up"))
    ari.until[f"channels/{NAMES.leg(OFFER)}"] = asyncio.Event()
    ringing = asyncio.create_task(orders.ring(desk.calls[INTERACTION], OFFER, "anna"))
    async with asyncio.timeout(5):
        await orders.release(last)
    assert f"channels/{last.channel_id}/continue" in paths(ari)
    assert not ringing.done()
    ringing.cancel()
    await asyncio.gather(ringing, return_exceptions=True)
    await desk.stop()


async def park_and_ring(orders: Orders, call: Call) -> None:
    """As the effects of one command come: one after the other, in one turn of the loop."""
    orders.park(call)
    await orders.ring(call, OFFER, "anna")


def paths(ari: StandInAri) -> list[str]:
    """What has been asked for."""
    return [path for method, path, _ in ari.asked if method == "POST"]
