"""What is done for an effect, where SIPp cannot bring the moment about."""

import asyncio

import pytest

from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Leg
from acd_asterisk.desk import Desk
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
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

    async def remove_bridge(bridge_id: str) -> None:
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

    async def remove_bridge(bridge_id: str) -> None:
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
