"""What a comparison makes of callbacks of which nothing is on the PBX."""

from acd.core.messages import EndInteraction
from acd.ports.channel import Desired, InteractionStanding
from acd_asterisk import desk as desks
from acd_asterisk.conversations import Conversations
from acd_asterisk.healing import Healer
from acd_asterisk.intake import Intake
from acd_asterisk.snapshot import World, survey
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel, DialplanPlace, Info
from tests.adapters.asterisk.test_callbacks_moments import NAMES, OPTIONS, Parts

UNUSABLE = "订单/1;2"
CALLER = AriChannel("1795254033.0", "Up", dialplan=DialplanPlace("s", "Stasis", "acd,sales"))


class Shown(Switchboard):
    """A PBX with these callers on it, and nobody else."""

    callers: tuple[AriChannel, ...] = ()

    async def look_around(self) -> World:
        return survey(NAMES, Info(), [each.id for each in self.callers], self.callers, ())


def healer(it: Parts, *callers: AriChannel) -> Healer:
    switchboard = Shown(it.ari.client, NAMES, OPTIONS)
    switchboard.callers = callers
    intake = Intake(it.desk, switchboard, it.orders)
    return Healer(it.desk, switchboard, it.orders, intake, Conversations(it.desk, switchboard, it.orders))


async def test_nothing_rings_for_an_id_that_no_channel_can_be_named_after() -> None:
    """Found after a restart, offered and not rung yet: it ends, and the agent's telephone stays still."""
    it = Parts()
    offer = f"{UNUSABLE}.1"
    it.host.interactions[UNUSABLE] = InteractionStanding(UNUSABLE, "offered", "sales", kind="callback")
    it.host.wished[UNUSABLE] = Desired(UNUSABLE, "offered", offer, "anna")
    it.desk.offered.note(offer, 0)
    await healer(it).heal()
    await it.desk.lanes_idle()
    await it.desk.stop()
    assert [method for method, path, _ in it.ari.asked if method == "POST" and path.startswith("channels/")] == []
    assert EndInteraction("contract-1", UNUSABLE, by="system", reason="unusable-id") in it.told()


async def test_callbacks_that_wait_take_no_caller_s_room() -> None:
    """More of them than there may be calls: the PBX is brought to life all the same, and its callers are known."""
    it = Parts()
    caller = NAMES.interaction(CALLER.id)
    it.host.wished = {caller: Desired(caller, "waiting")}
    waiting = [f"b{number}" for number in range(desks.MAX_CALLS + 1)]
    for each in waiting:
        it.host.interactions[each] = InteractionStanding(each, "queued", "sales", kind="callback")
        it.host.wished[each] = Desired(each, "waiting")
    await healer(it, CALLER).heal()
    assert list(it.desk.calls) == [caller]
    assert it.told() == []
    await it.desk.stop()


async def test_a_callback_that_was_offered_once_waits_without_a_call() -> None:
    """What was known of it goes; the next offer makes it anew."""
    it = Parts()
    call, leg = await it.opened()
    leg.end()
    it.host.wished = {call.interaction_id: Desired(call.interaction_id, "waiting")}
    await healer(it).heal()
    assert it.desk.calls == {}
    again = it.callbacks.open(call.interaction_id)
    assert again is not None
    assert (again is not call, again.is_present, again.live_legs()) == (True, True, ())
    await it.desk.stop()
