"""What a parking's events mean, in whichever order they come."""

import pytest

from acd.core.messages import EndInteraction
from acd.testing.recording_host import RecordingHost
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import CallerHangupRequested, CallerLeft, Referred, happening
from acd_asterisk.intake import Intake
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.transfers import Transfers
from acd_asterisk.wire import AriChannel, AriEvent
from tests.adapters.asterisk.stand_in import StandInAri, nothing_plays

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")
CALLER = AriChannel("1795254033.0", "Up", name="PJSIP/trunk-00000000")
INTERACTION = NAMES.interaction(CALLER.id)
OFFER = f"{INTERACTION}.1"
LEG = AriChannel(NAMES.leg(OFFER), "Up", name="PJSIP/anna-00000001")
PARKED = Referred(OFFER, number="700", context="acd-agents", by=LEG.name, parked=True)


class Talk:
    """A caller who talks with anna."""

    def __init__(self) -> None:
        self.host = RecordingHost(lambda _agent, _channel: "PJSIP/anna")
        self.ari = StandInAri()
        self.desk = Desk("pbx1", OPTIONS, NAMES)
        self.desk.start(self.host)
        switchboard = Switchboard(self.ari.client, NAMES, OPTIONS)
        self.orders = Orders(self.desk, switchboard, nothing_plays(NAMES))
        self.intake = Intake(self.desk, switchboard, self.orders)
        self.transfers = Transfers(self.desk, switchboard, self.orders.dismissal)
        self.call: Call = self.desk.add(INTERACTION, CALLER)
        self.call.is_enqueued = self.call.has_talked = True
        self.call.add_leg(Leg(OFFER, "anna", state="answered", accepted=True, joining=True, joined=True))

    async def told(self) -> list[object]:
        await self.desk.lanes_idle()
        return list(self.host.commands)


@pytest.mark.parametrize("left_first", [True, False])
async def test_the_agent_has_parked_the_caller(*, left_first: bool) -> None:
    """It is said once, and nothing is done to the caller, neither then nor when the call is let go of."""
    it = Talk()
    if left_first:
        it.intake.handle(CallerLeft(CALLER.id))
    it.transfers.handle(PARKED)
    if not left_first:
        it.intake.handle(CallerLeft(CALLER.id))
    assert await it.told() == [EndInteraction("contract-1", INTERACTION, by="agent", reason="transferred-out")]
    await it.orders.release(it.call)
    assert not [path for _, path, _ in it.ari.asked if CALLER.id in path and "leg" not in path]
    await it.desk.stop()


async def test_somebody_else_has_taken_the_caller_away() -> None:
    """As nothing more is heard of it, it is not the agent who has."""
    it = Talk()
    it.intake.handle(CallerLeft(CALLER.id))
    assert await it.told() == [EndInteraction("contract-1", INTERACTION, by="system", reason="left-stasis")]
    await it.desk.stop()


async def test_a_caller_who_hangs_up_is_not_waited_for() -> None:
    it = Talk()
    it.intake.handle(CallerHangupRequested(CALLER.id))
    it.intake.handle(CallerLeft(CALLER.id))
    assert await it.told() == [EndInteraction("contract-1", INTERACTION, by="customer", reason="caller-hung-up")]
    await it.desk.stop()


def test_what_is_a_parking() -> None:
    """Nobody is in the agent's place, and it was one whom the agent talked with."""
    event = AriEvent("BridgeBlindTransfer", LEG, result="Success", exten="700", context="acd-agents", transferee=CALLER)
    assert happening(event, NAMES) == PARKED
    for other in (
        AriEvent("BridgeBlindTransfer", LEG, result="Success", exten="700", transferee=CALLER, replace_channel=CALLER),
        AriEvent("BridgeBlindTransfer", LEG, result="Success", exten="700"),
    ):
        found = happening(other, NAMES)
        assert isinstance(found, Referred)
        assert not found.parked
