"""How long callers stay after the last heartbeat, without a PBX."""

import asyncio

from acd.testing.recording_host import RecordingHost
from acd_asterisk.call import Back
from acd_asterisk.desk import Desk
from acd_asterisk.heartbeat import LEAST_BACK_SECONDS, Heartbeat
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.stand_in import StandInAri, nothing_plays
from tests.adapters.asterisk.test_callbacks_moments import BACK, NAMES, OPTIONS

CALLER, CUSTOMER = "1700000000.1", NAMES.back(f"{BACK}.c1")


async def test_who_was_called_back_stays_longer_than_callers_and_not_for_ever() -> None:
    """Callers go on in their dialplan; whoever was called back is in none, and may be a voicemail."""
    ari = StandInAri()
    desk = Desk("pbx1", OPTIONS, NAMES)
    desk.start(RecordingHost(lambda _agent, _channel: ""))
    desk.add(NAMES.interaction(CALLER), AriChannel(CALLER)).is_enqueued = True
    back = desk.add_back(BACK, Back("", state="there"))
    back.channel_id = CUSTOMER
    switchboard = Switchboard(ari.client, NAMES, OPTIONS)
    beats = Heartbeat(desk, switchboard, Orders(desk, switchboard, nothing_plays(NAMES)), lambda: True)
    beating = asyncio.create_task(beats.run())
    await until(lambda: len(ari.asked) == 2, lambda: str(ari.asked))
    beating.cancel()
    await asyncio.wait((beating,))
    said = {path: body for _, path, body in ari.asked}
    assert said == {
        f"channels/{CALLER}/variable": {"variable": "TIMEOUT(absolute)", "value": "30.000"},
        f"channels/{CUSTOMER}/variable": {"variable": "TIMEOUT(absolute)", "value": f"{LEAST_BACK_SECONDS:.3f}"},
    }
    await desk.stop()
