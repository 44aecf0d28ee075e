"""What becomes of a call after a comparison, where SIPp cannot bring the moment about."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from acd.core.messages import AcceptOffer, Command, EndInteraction, EnqueueInteraction, Outcome, RequeueInteraction
from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.conversations import Conversations
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import CallerHangupRequested, CallerLeft, LegAnswered, LegLeft, arrival
from acd_asterisk.healing import Healer
from acd_asterisk.intake import Intake
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.parking import MAX_AT_ONCE
from acd_asterisk.snapshot import World, survey
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriBridge, AriChannel, DialplanPlace, Info
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.stand_in import nothing_plays

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")
IN_STASIS = DialplanPlace("s", "Stasis", "acd,sales")
CALLER = AriChannel("1795254033.0", "Up", dialplan=IN_STASIS)
EARLY, LATE = (AriChannel(f"1795254033.{number}", "Up", dialplan=IN_STASIS, creationtime="1") for number in (1, 2))
INTERACTION = NAMES.interaction(CALLER.id)
OFFER = f"{INTERACTION}.1"
LEG = AriChannel(NAMES.leg(OFFER), "Up", dialplan=DialplanPlace("s", "Stasis", "acd,agent"))


class StandIn:
    """A PBX that shows what it is told to."""

    def __init__(self, channels: Sequence[AriChannel], *, talking: Sequence[str] = ()) -> None:
        self.channels = channels
        self.talking = tuple(talking)
        self.answers = True
        self.done: list[str] = []
        self.at_once = self.most_at_once = 0
        """Callers who are on their way into the hold bridge."""
        self.going: set[str] = set()
        """Interactions whose bridges are being removed."""
        self.recorded = asyncio.Event()
        """What is recorded in them has ended, as an event says, which nobody hears before the healing is over."""

    async def look_around(self) -> World:
        callers = [each.id for each in self.channels if each != LEG]
        held = tuple(each for each in callers if each not in self.talking)
        bridges = [AriBridge(NAMES.hold, held)]
        if self.talking:
            bridges.append(AriBridge(NAMES.talk(INTERACTION), self.talking))
        return survey(NAMES, Info(), callers, self.channels, bridges)

    async def join(self, _interaction_id: str, channel_ids: Sequence[str]) -> bool:
        self.done.append(f"join {' '.join(channel_ids)}")
        return False

    async def answer(self, channel_id: str, *, patient: bool = False) -> bool:
        assert not patient
        self.done.append(f"answer {channel_id}")
        return True

    async def make_talk_bridge(self, _interaction_id: str) -> None:
        pass

    def hold_bridge(self, _music_class: str, room: int = 1) -> str:
        return NAMES.hold_for("", room)

    async def hold(self, channel_id: str, _music_class: str, _room: int, *, patient: bool = False) -> None:
        assert patient
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(5):
            await asyncio.sleep(0)
        self.at_once -= 1
        self.done.append(f"hold {channel_id}")

    async def demolish(self, interaction_id: str) -> None:
        self.done.append(f"destroy {interaction_id}")
        await self.recorded.wait()
        self.done.append(f"destroyed {interaction_id}")

    def is_going(self, interaction_id: str) -> bool:
        return interaction_id in self.going

    async def play_on_hold(self, _music_class: str, _room: int) -> None:
        pass

    async def stop_music(self, channel_id: str) -> None:
        self.done.append(f"stop music {channel_id}")

    async def set_dead_mans_switch(self, _channel_id: str, _seconds: float) -> bool:
        return True

    async def variables(self, _channel_id: str, _names: Sequence[str]) -> dict[str, str]:
        if not self.answers:
            raise AriUnavailable("no answer within the deadline")
        return {}


class SlowHost(RecordingHost):
    """Takes its time over every new caller."""

    def __init__(self) -> None:
        super().__init__(lambda _agent, _channel: "")
        self.asked, self.ready = asyncio.Event(), asyncio.Event()

    async def submit(self, command: Command) -> Outcome:
        outcome = await super().submit(command)
        if isinstance(command, EnqueueInteraction):
            self.asked.set()
            await self.ready.wait()
        return outcome


def parts(host: RecordingHost, pbx: StandIn) -> tuple[Desk, Intake, Healer]:
    desk = Desk("pbx1", OPTIONS, NAMES)
    desk.start(host)
    switchboard = cast("Switchboard", pbx)
    orders = Orders(desk, switchboard, nothing_plays(NAMES))
    intake = Intake(desk, switchboard, orders)
    return desk, intake, Healer(desk, switchboard, orders, intake, Conversations(desk, switchboard, orders))


@pytest.mark.parametrize("met", [True, False])
async def test_agent_hangs_up_while_being_compared(*, met: bool) -> None:
    """The leg is still there in the snapshot, but not in the bridge; its end comes as an event afterwards."""
    host = RecordingHost(lambda _agent, _channel: "")
    host.wished[INTERACTION] = Desired(INTERACTION, "connected", OFFER, "anna")
    desk, intake, healer = parts(host, StandIn([CALLER, LEG], talking=[CALLER.id] if met else []))
    await healer.heal()
    assert host.commands == []
    intake.handle(LegLeft(OFFER))
    await desk.lanes_idle()
    if met:
        assert host.commands == [EndInteraction("contract-1", INTERACTION, by="agent", reason="agent-hung-up")]
    else:
        assert host.commands == [RequeueInteraction("contract-1", INTERACTION, reason="agent-leg-lost")]
    assert desk.calls[INTERACTION].has_talked is met
    await desk.stop()


async def test_agent_who_picks_up_does_not_wait_for_newcomers() -> None:
    """Those who came while nobody listened are handed in beside; those who come now are behind them."""
    host = SlowHost()
    host.wished[INTERACTION] = Desired(INTERACTION, "offered", OFFER, "anna")
    ringing = AriChannel(LEG.id, "Ringing")
    pbx = StandIn([CALLER, ringing, EARLY])
    desk, intake, healer = parts(host, pbx)
    await healer.heal()
    intake.handle(arrival(LATE, ["sales", "tier=gold"]))
    intake.handle(LegAnswered(OFFER))
    intake.handle(CallerHangupRequested(EARLY.id))
    intake.handle(CallerLeft(EARLY.id))
    await host.asked.wait()
    await desk.calls[INTERACTION].lane.idle()
    early, late = NAMES.interaction(EARLY.id), NAMES.interaction(LATE.id)
    assert {type(each) for each in host.commands} == {EnqueueInteraction, AcceptOffer}
    assert len(host.commands) == 2
    host.ready.set()
    await desk.lanes_idle()
    assert [each.interaction_id for each in host.commands if isinstance(each, EnqueueInteraction)] == [early, late]
    (end,) = (each for each in host.commands if isinstance(each, EndInteraction))
    assert (end.interaction_id, end.by) == (early, "customer")
    await desk.stop()


async def test_a_talk_bridge_goes_when_the_caller_has_left_it() -> None:
    """Asterisk may lose a caller who is moved in the moment in which their bridge goes: they would hear nothing."""
    host = RecordingHost(lambda _agent, _channel: "")
    host.wished[INTERACTION] = Desired(INTERACTION, "waiting")
    pbx = StandIn([CALLER], talking=[CALLER.id])
    desk, _, healer = parts(host, pbx)
    async with asyncio.timeout(5):
        await healer.heal()
    await until(lambda: len(pbx.done) > 1, lambda: str(pbx.done))
    assert pbx.done == [f"hold {CALLER.id}", f"destroy {INTERACTION}"]
    pbx.recorded.set()
    await until(lambda: len(pbx.done) > 2, lambda: str(pbx.done))
    await desk.stop()


async def test_an_offer_whose_agent_has_a_call_that_has_yet_to_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order to end it came while the comparison went on, and waits for it: the next one has the telephone ring."""
    monkeypatch.setattr("acd_asterisk.devices.PATIENCE_SECONDS", 0.01)
    host = RecordingHost(lambda _agent, _channel: "PJSIP/anna")
    earlier = NAMES.interaction(EARLY.id)
    leg = AriChannel(NAMES.leg(f"{earlier}.1"), "Up", dialplan=LEG.dialplan)
    host.wished[earlier] = Desired(earlier, "connected", f"{earlier}.1", "anna")
    host.wished[INTERACTION] = Desired(INTERACTION, "offered", OFFER, "anna")
    desk, _, healer = parts(host, StandIn([EARLY, leg, CALLER]))
    desk.offered.note(OFFER, host.now_us() + 20_000_000)
    monkeypatch.setattr(desk, "is_wanted", OFFER.__eq__)
    await healer.heal()
    await until(lambda: host.reconciles > 0, lambda: str(host.commands))
    assert not desk.offered.has_rung(OFFER)
    assert host.commands == []
    await desk.stop()


async def test_a_bridge_that_is_being_removed_is_no_difference() -> None:
    host = RecordingHost(lambda _agent, _channel: "")
    host.wished[INTERACTION] = Desired(INTERACTION, "waiting")
    pbx = StandIn([CALLER], talking=[CALLER.id])
    pbx.going = {INTERACTION}
    desk, _, healer = parts(host, pbx)
    await healer.heal()
    assert pbx.done == [f"hold {CALLER.id}"]
    assert not healer.differences.health()["difference_orphaned-bridge"]
    await desk.stop()


async def test_callers_are_put_on_hold_some_at_a_time() -> None:
    """A PBX that is asked for hundreds at once answers none of them in time."""
    host = RecordingHost(lambda _agent, _channel: "")
    callers = [AriChannel(f"1795254033.{number}", "Up", dialplan=IN_STASIS) for number in range(100)]
    for each in callers:
        host.wished[NAMES.interaction(each.id)] = Desired(NAMES.interaction(each.id), "waiting")
    pbx = StandIn(callers, talking=[each.id for each in callers])
    desk, _, healer = parts(host, pbx)
    await healer.heal()
    assert sum(done.startswith("hold") for done in pbx.done) == len(callers)
    assert pbx.most_at_once == MAX_AT_ONCE
    await desk.stop()


async def test_caller_is_answered_before_being_joined() -> None:
    """An earlier process has taken the caller in, and died before the caller's telephone was answered."""
    host = RecordingHost(lambda _agent, _channel: "")
    host.wished[INTERACTION] = Desired(INTERACTION, "connected", OFFER, "anna")
    pbx = StandIn([AriChannel(CALLER.id, "Ring", dialplan=IN_STASIS), LEG])
    desk, _, healer = parts(host, pbx)
    await healer.heal()
    answer, *rest = pbx.done
    assert answer == f"answer {CALLER.id}"
    # Whether an earlier process had left the caller alone with music is not known.
    assert sorted(rest) == [f"join {CALLER.id} {LEG.id}", f"stop music {CALLER.id}"]
    assert desk.calls[INTERACTION].is_up
    await desk.stop()


async def test_caller_of_whom_the_pbx_would_not_tell_is_a_newcomer_again() -> None:
    """A caller whose variables could not be had is not forgotten: the next comparison hands them in."""
    host = RecordingHost(lambda _agent, _channel: "")
    pbx = StandIn([EARLY])
    desk, _, healer = parts(host, pbx)
    pbx.answers = False
    await healer.heal()
    await desk.lanes_idle()
    assert host.commands == []
    pbx.answers = True
    await healer.heal()
    await desk.lanes_idle()
    (command,) = host.commands
    assert isinstance(command, EnqueueInteraction)
    assert command.interaction_id == NAMES.interaction(EARLY.id)
    await desk.stop()
