"""Callers who are put where they wait: how many at a time, in which order; and who goes to an agent before that."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import InteractionAbandoned, InteractionCompleted
from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call, Leg
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.desk import Desk
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.parking import MAX_AT_ONCE
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.turns import Turns
from acd_asterisk.wire import Answer, AriChannel
from tests.adapters.asterisk.rig import Agent, rig, until
from tests.adapters.asterisk.stand_in import StandInAri, nothing_plays

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")
HOLD = f"bridges/{NAMES.hold}/addChannel"


class Slow(StandInAri):
    """Asterisk is slow with the hold bridge: it answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.fails = False
        self.answers_fail = False

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: object = None,
        attempts: int = 1,
        large: bool = False,
        patient: bool = False,
    ) -> Answer:
        found = await super().request(method, path, body, query=query, attempts=attempts, large=large, patient=patient)
        if path == HOLD:
            await self.may_answer.wait()
        if (self.fails and path == HOLD) or (self.answers_fail and path.endswith("/answer")):
            raise AriUnavailable("no answer within the deadline")
        return found


class Room:
    """Callers who come in, and agents who pick up."""

    def __init__(self) -> None:
        self.ari = Slow()
        self.host = RecordingHost(lambda _agent, _channel: "PJSIP/anna")
        self.desk = Desk("pbx1", OPTIONS, NAMES)
        self.desk.start(self.host)
        self.orders = Orders(self.desk, Switchboard(self.ari.client, NAMES, OPTIONS), nothing_plays(NAMES))

    def caller(self, number: int, *, is_up: bool = False) -> Call:
        channel = AriChannel(f"1795254033.{number}", "Up" if is_up else "Ring")
        call = self.desk.add(NAMES.interaction(channel.id), channel)
        self.host.wished[call.interaction_id] = Desired(call.interaction_id, "waiting")
        self.orders.park(call)
        return call

    async def callers(self, most: int, first: int = 0, *, is_up: bool = False) -> list[Call]:
        calls = [self.caller(first + number, is_up=is_up) for number in range(most)]
        await settled()
        return calls

    async def pick_up(self, call: Call) -> Leg:
        """An agent has answered, and the two are to be joined; returns when Asterisk has been told."""
        leg = call.add_leg(Leg(f"{call.interaction_id}.1", "anna", "answered"))
        self.host.wished[call.interaction_id] = Desired(call.interaction_id, "connected", leg.offer_id, "anna")
        async with asyncio.timeout(5):
            await self.orders.connect(call, leg.offer_id)
        return leg

    def held(self) -> list[str]:
        """The callers whom Asterisk was asked to move to the music, in order."""
        return [_channel(body) for _, path, body in self.ari.asked if path == HOLD]

    def asked_for(self, call: Call) -> list[str]:
        """What Asterisk was asked about one caller: the ends of paths, in order."""
        found = [(path, body) for _, path, body in self.ari.asked if call.channel_id in f"{path} {body}"]
        return [path.rpartition("/")[2] if path != HOLD else "hold" for path, _ in found]


def _channel(body: object) -> str:
    assert isinstance(body, dict)
    (channel,) = body["channel"]
    return str(channel)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_few_at_a_time_oldest_first() -> None:
    room = Room()
    calls = await room.callers(3 * MAX_AT_ONCE)
    assert room.held() == [call.channel_id for call in calls[:MAX_AT_ONCE]]
    room.ari.may_answer.set()
    await until(lambda: not any(call.is_being_parked for call in calls), lambda: str(room.held()))
    assert room.held() == [call.channel_id for call in calls]
    assert all(call.is_up and call.hold == NAMES.hold for call in calls)
    await room.desk.stop()


async def test_telephones_are_not_among_what_can_wait() -> None:
    """The putting of callers to music is; that one who is joined is answered is not."""
    room = Room()
    room.ari.may_answer.set()
    (call,) = await room.callers(1)
    assert sorted(room.ari.patient) == sorted((HOLD, f"channels/{call.channel_id}/answer"))
    other = room.caller(2)
    room.ari.patient.clear()
    await room.pick_up(other)
    assert not room.ari.patient
    await room.desk.stop()


async def test_who_hears_nothing_goes_before_newcomers() -> None:
    """Newcomers hear it ring; who has been answered, and comes from an agent or a prompt, hears nothing."""
    room = Room()
    first = await room.callers(2 * MAX_AT_ONCE)
    back = await room.callers(2, first=100, is_up=True)
    room.ari.may_answer.set()
    await until(lambda: not any(call.is_being_parked for call in (*first, *back)), lambda: str(room.held()))
    order = [*first[:MAX_AT_ONCE], *back, *first[MAX_AT_ONCE:]]
    assert room.held() == [call.channel_id for call in order]
    await room.desk.stop()


async def test_an_agent_who_picks_up_waits_for_nobody_elses_parking() -> None:
    """Nor for that of the caller, which has not begun: they go straight to the agent, and nothing is left of it."""
    room = Room()
    calls = await room.callers(MAX_AT_ONCE + 2)
    call = calls[-1]
    leg = await room.pick_up(call)
    assert leg.joining
    assert not call.is_being_parked
    assert call.hold == ""
    assert room.asked_for(call) == ["answer", "addChannel", "variable"]
    room.ari.may_answer.set()
    others = calls[:-1]
    await until(lambda: not any(each.is_being_parked for each in others), lambda: str(room.held()))
    assert room.held() == [each.channel_id for each in others]
    await room.desk.stop()


async def test_a_parking_that_has_begun_is_waited_for() -> None:
    """Asterisk may carry it out at any moment: the caller would be taken out of the talk again."""
    room = Room()
    (call,) = await room.callers(1)
    joining = asyncio.create_task(room.pick_up(call))
    await settled()
    assert room.asked_for(call) == ["hold", "answer"]
    assert not joining.done()
    room.ari.may_answer.set()
    await joining
    assert room.asked_for(call) == ["hold", "answer", "addChannel", "variable"]
    assert call.hold == ""
    await room.desk.stop()


async def test_so_is_one_of_which_a_part_has_failed() -> None:
    """The rest of it is still under way, and would take the caller out of the talk."""
    room = Room()
    room.ari.answers_fail = True
    (call,) = await room.callers(1)
    room.ari.answers_fail = False
    joining = asyncio.create_task(room.pick_up(call))
    await settled()
    assert not joining.done()
    room.ari.may_answer.set()
    await joining
    assert room.asked_for(call) == ["hold", "answer", "answer", "addChannel", "variable"]
    await room.desk.stop()


async def test_who_has_left_before_their_turn_is_put_nowhere() -> None:
    room = Room()
    calls = await room.callers(MAX_AT_ONCE + 2)
    gone, dismissed = calls[-2:]
    gone.lost = True
    async with asyncio.timeout(5):
        await room.orders.release(dismissed)
    room.ari.may_answer.set()
    await until(lambda: not any(call.is_being_parked for call in calls), lambda: str(room.held()))
    assert room.held() == [call.channel_id for call in calls[:-2]]
    assert not {"hold", "answer"} & set(room.asked_for(dismissed))
    assert room.asked_for(dismissed)[-1] == "continue"
    assert not room.asked_for(gone)
    await room.desk.stop()


async def test_one_that_was_called_off_can_be_begun_again() -> None:
    """The agent is gone before the two have met: the caller waits as any other."""
    room = Room()
    calls = await room.callers(MAX_AT_ONCE + 1)
    call = calls[-1]
    leg = await room.pick_up(call)
    leg.end()
    room.orders.park(call)
    assert call.is_being_parked
    room.ari.may_answer.set()
    await until(lambda: not any(each.is_being_parked for each in calls), lambda: str(room.held()))
    assert room.held()[-1] == call.channel_id
    assert call.hold == NAMES.hold
    await room.desk.stop()


async def test_one_that_fails_leaves_its_turn_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    asked: list[None] = []
    monkeypatch.setattr(room.desk, "reconcile_soon", lambda: asked.append(None))
    room.ari.fails = True
    calls = await room.callers(MAX_AT_ONCE + 1)
    room.ari.may_answer.set()
    await until(lambda: not any(call.is_being_parked for call in calls), lambda: str(room.held()))
    assert len(room.held()) == MAX_AT_ONCE + 1
    assert len(asked) == MAX_AT_ONCE + 1, "a comparison is to find out where they are"
    assert not any(call.is_on_the_way for call in calls)
    await room.desk.stop()


async def test_twice_at_a_time_is_once() -> None:
    room = Room()
    (call,) = await room.callers(1)
    room.orders.park(call)
    room.ari.may_answer.set()
    await until(lambda: not call.is_being_parked, lambda: str(room.held()))
    assert len(room.held()) == 1
    await room.desk.stop()


async def test_straight_to_the_agent_on_the_real_asterisk(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whose turn to be put to wait never comes: one gives up, one is joined with the agent. None is left."""
    talkative = AgentBehaviour(ring_ms=100, talk_ms=300, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, [Agent("anna", talkative)]) as it:
        assert isinstance(it.channel, AsteriskChannel)
        it.channel._orders.parking._turns = Turns(0)
        async with it.callers(CallSpec("10001", "sales", patience_ms=300)) as callers:
            (gone,) = await callers.finished(seconds=5)
            await it.event(InteractionAbandoned)
        assert (gone.how, gone.is_answered) == ("abandoned", False)
        await it.ready("anna")
        async with it.callers(CallSpec("10002", "sales")) as callers:
            completed = await it.event(InteractionCompleted)
            (caller,) = await callers.finished(seconds=5)
        assert (caller.how, caller.is_answered) == ("pbx", True)
        assert completed.talked_us >= 250_000
        await it.empty()
        assert it.channel.health()["requests_unanswered"] == 0
