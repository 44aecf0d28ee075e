"""Of a broadcast one telephone rings, and the others' offers pass without a word."""

from acd.core.messages import FailOffer, OfferInteraction
from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk.call import Leg
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.options import read_options
from acd_asterisk.wire import AriChannel

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})


async def test_a_further_offer_rings_nowhere_while_the_first_one_does() -> None:
    host = RecordingHost(lambda _agent, _channel: "")  # Nobody has an address: whoever is to be rung fails.
    channel = AsteriskChannel("pbx1", OPTIONS)
    desk = channel._desk
    desk.start(host)
    call = desk.add("pbx1-1795254033.0", AriChannel("1795254033.0", "Up"))
    first, second = (f"{call.interaction_id}.{number}" for number in (1, 2))
    leg = call.leg = Leg(first, "anna")
    host.wished = {call.interaction_id: Desired(call.interaction_id, "offered", first, "anna", ((second, "ben"),))}
    offer = OfferInteraction(second, call.interaction_id, "ben", "pbx1", 2**52)
    try:
        await channel._ring(call, offer)
        await desk.lanes_idle()
        assert (call.leg, host.commands) == (leg, [])
        leg.end()
        await channel._ring(call, offer)
        await desk.lanes_idle()
        assert host.commands == [FailOffer("contract-1", second, "unreachable")]
    finally:
        await channel.stop()
