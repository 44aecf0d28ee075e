"""Whose dead-man's switch is wound up, and for how long; without a PBX."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event

from msgspec import structs

from acd.core.messages import FailCallback
from acd.ports.channel import Desired, InteractionStanding
from acd.testing.recording_host import RecordingHost
from acd_asterisk.call import Back, Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.heartbeat import LEAST_BACK_SECONDS, MAX_AT_ONCE, Heartbeat
from acd_asterisk.options import Options
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.stand_in import StandInAri, nothing_plays
from tests.adapters.asterisk.test_callbacks_moments import BACK, NAMES, OPTIONS, Wired

CALLER, CUSTOMER = "1700000000.1", NAMES.back(f"{BACK}.c1")
WOUND_UP = ("POST", f"channels/{CALLER}/variable", {"variable": "TIMEOUT(absolute)", "value": "30.000"})
SHORT = structs.replace(OPTIONS, dead_man_us=2_000_000, heartbeat_us=1_000_000)
STALL_SECONDS = 0.8
"""Longer than nothing need be certain of a switch of two seconds, by beats of one."""


class Floor:
    """A caller who waits; `rounds` counts those of the heartbeat, and `at_round` is told of each as it begins."""

    def __init__(self, options: Options = OPTIONS) -> None:
        self.ari = StandInAri()
        self.desk = Desk("pbx1", options, NAMES)
        self.desk.start(RecordingHost(lambda _agent, _channel: ""))
        self.call = self.desk.add(NAMES.interaction(CALLER), AriChannel(CALLER))
        self.call.is_enqueued = True
        self.rounds = 0
        self.asked_when_compared: list[int] = []
        """How much had been asked, at each comparison."""
        self.at_round: Callable[[Call], None] = lambda _call: None
        switchboard = Switchboard(self.ari.client, NAMES, options)
        self.orders = Orders(self.desk, switchboard, nothing_plays(NAMES))
        self.beats = Heartbeat(self.desk, switchboard, self.orders, self._is_live, self._compare)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.beats.run())
        yield
        task.cancel()
        await asyncio.wait((task,))
        await self.desk.stop()

    async def until_rounds(self, count: int) -> None:
        """Wait until so many have begun, so that all before the last are over."""
        await until(lambda: self.rounds >= count, lambda: f"{self.rounds} rounds")

    def _is_live(self) -> bool:
        self.rounds += 1
        self.at_round(self.call)
        return True

    async def _compare(self) -> None:
        self.asked_when_compared.append(len(self.ari.asked))


async def test_who_was_called_back_stays_longer_than_callers_and_not_for_ever() -> None:
    """Callers go on in their dialplan; whoever was called back is in none, and may be a voicemail."""
    floor = Floor()
    back = floor.desk.add_back(BACK, Back("", state="there"))
    back.channel_id = CUSTOMER
    async with floor.beating():
        await until(lambda: len(floor.ari.asked) == 2, lambda: str(floor.ari.asked))
    assert sorted(floor.ari.asked) == [
        WOUND_UP,
        (
            "POST",
            f"channels/{CUSTOMER}/variable",
            {"variable": "TIMEOUT(absolute)", "value": f"{LEAST_BACK_SECONDS:.3f}"},
        ),
    ]


async def test_whoever_talks_comes_before_all_who_wait() -> None:
    """A switch that could not be cleared when they were joined would end the talk."""
    floor = Floor()
    for number in range(2 * MAX_AT_ONCE):
        floor.desk.add(NAMES.interaction(f"1700000001.{number}"), AriChannel(f"1700000001.{number}")).is_enqueued = True
    talking = floor.desk.add(NAMES.interaction("1700000002.1"), AriChannel("1700000002.1"))
    talking.switch_off = True
    async with floor.beating():
        await until(lambda: bool(floor.ari.asked), lambda: "no request")
    assert floor.ari.asked[0][1] == "channels/1700000002.1/variable"
    assert not talking.switch_off


async def test_a_switch_that_may_have_fired_is_not_wound_up_before_it_is_known_who_is_there() -> None:
    """The caller may be in the fallback, and over AMI what they do there would end when the switch fires."""
    floor = Floor()
    floor.call.beat_due = asyncio.get_running_loop().time() / 2
    async with floor.beating():
        await until(lambda: bool(floor.ari.asked), lambda: "no request")
        await floor.until_rounds(floor.rounds + 2)
    assert floor.asked_when_compared == [0]
    assert floor.ari.asked == [WOUND_UP]


async def test_who_waits_again_after_a_long_talk_is_wound_up_and_nobody_is_compared() -> None:
    """Their agent has been taken out for a transfer; the beat before the talk says nothing of the switch."""
    floor = Floor()
    floor.call.beat_due = asyncio.get_running_loop().time() / 2
    leg = floor.call.add_leg(Leg(f"{floor.call.interaction_id}.1", "anna", "answered", joining=True, joined=True))
    async with floor.beating():
        await floor.until_rounds(2)
        assert floor.ari.asked == []
        await floor.orders.part(floor.call, leg.offer_id)
        await until(lambda: WOUND_UP in floor.ari.asked, lambda: str(floor.ari.asked))
    assert floor.asked_when_compared == []


async def test_nobody_is_compared_when_it_is_heard_in_time_that_the_caller_has_left() -> None:
    """What has happened while the process stood still is read a moment later."""
    floor = Floor()
    floor.call.beat_due = asyncio.get_running_loop().time() / 2

    def leave(call: Call) -> None:
        call.lost = floor.rounds > 1

    floor.at_round = leave
    async with floor.beating():
        await floor.until_rounds(4)
    assert floor.asked_when_compared == []
    assert floor.ari.asked == []


async def test_whoever_has_just_come_is_not_wound_up_by_a_process_that_stood_still() -> None:
    """As little is known of those for whom nothing has been done yet."""
    floor = Floor(SHORT)
    async with floor.beating():
        await asyncio.sleep(0)
        Event().wait(STALL_SECONDS)
        await floor.until_rounds(1)
        floor.call.lost = True
        await floor.until_rounds(3)
    assert floor.ari.asked == []


async def test_whoever_is_there_after_a_stall_is_wound_up_a_round_later() -> None:
    floor = Floor(SHORT)
    asked_in: list[int] = []

    def answer(_method: str, _path: str) -> int:
        asked_in.append(floor.rounds)
        return 204

    floor.ari.status = answer
    async with floor.beating():
        await asyncio.sleep(0)
        Event().wait(STALL_SECONDS)
        await until(lambda: bool(asked_in), lambda: "no request")
    assert asked_in[0] == 2
    assert floor.asked_when_compared == []


async def test_who_is_told_who_calls_is_watched_over_too() -> None:
    """Else, if the engine dies for good, they would hold the line for ever: no dialplan goes on with them."""
    floor = Floor()
    floor.call.lost = True
    call = floor.desk.add_back(BACK, Back("", state="dialling"))
    call.channel_id = CUSTOMER
    assert call.back is not None
    async with floor.beating():
        await floor.until_rounds(3)
        assert floor.ari.asked == []
        call.back.state = "asking"
        await until(lambda: len(floor.ari.asked) == 1, lambda: str(floor.ari.asked))
    switch = {"variable": "TIMEOUT(absolute)", "value": f"{LEAST_BACK_SECONDS:.3f}"}
    assert floor.ari.asked == [("POST", f"channels/{CUSTOMER}/variable", switch)]


async def test_an_outage_spares_customers_whom_nobody_can_call() -> None:
    """Their turn ends in a moment, and the PBX is away: it was no attempt."""
    it = Wired(RecordingHost(lambda _agent, _channel: ""), StandInAri())
    it.host.wished[BACK] = Desired(BACK, "reaching")
    it.host.ahead_us = -300_000_000  # The wall clock has been set meanwhile, which is nothing to the engine.
    due_us = it.host.now_us() + 500_000
    it.host.interactions[BACK] = InteractionStanding(BACK, "reaching", "sales", kind="callback", due_us=due_us)

    async def compare() -> None:
        """There is nothing to look at."""

    beats = Heartbeat(it.desk, it.switchboard, it.orders, lambda: False, compare)
    task = asyncio.create_task(beats.run())
    await until(lambda: bool(it.told()), lambda: "nobody is spared")
    task.cancel()
    await asyncio.wait((task,))
    assert it.told()[0] == FailCallback("contract-1", BACK, "unreachable", 1, called=False)
    await it.desk.stop()
