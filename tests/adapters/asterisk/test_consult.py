"""Consults are not connected on a PBX yet: their orders are noted, and the next comparison ends them."""

import pytest
from structlog.testing import capture_logs

from acd.core.messages import JoinAgent, OfferInteraction, OpenConsult
from acd.errors import ChannelError
from acd.testing.recording_host import RecordingHost
from acd_asterisk.call import Leg
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.options import read_options
from acd_asterisk.wire import AriChannel

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
CUSTOMER = "pbx1-1795254033.0"


async def test_a_consult_changes_nothing_about_the_call_and_ends_at_the_next_look() -> None:
    host = RecordingHost(lambda _agent, _channel: "")
    channel = AsteriskChannel("pbx1", OPTIONS)
    desk = channel._desk
    desk.start(host)
    call = desk.add(CUSTOMER, AriChannel("1795254033.0", "Up"))
    leg = call.add_leg(Leg(f"{CUSTOMER}.1", "anna"))
    try:
        with capture_logs() as logs:
            await channel._perform(OpenConsult("q1", "pbx1", CUSTOMER, "anna"))
            await channel._perform(JoinAgent("q1.1", CUSTOMER, "ben", "pbx1", "q1"))
        assert [entry["event"] for entry in logs] == ["consults are not connected yet"] * 2
        assert (call.live_legs(), host.commands) == ((leg,), [])
        with pytest.raises(ChannelError, match="no caller is there"):
            await channel._perform(OfferInteraction("q1.1", "q1", "ben", "pbx1", 2**52))
    finally:
        await channel.stop()
