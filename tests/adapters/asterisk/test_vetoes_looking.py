"""When devices are looked at, and what is told: without a PBX, so that what crosses can be made to cross."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd.core.messages import NoteDevice
from acd.ports.channel import AgentStanding
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ami.states import States
from acd_asterisk.ami.wire import Message
from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.call import Leg
from acd_asterisk.desk import Desk
from acd_asterisk.devices import FORGET_SECONDS, Devices
from acd_asterisk.endpoints import Endpoint, Endpoints
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.vetoes import Vetoes

PLAIN = {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x", "devices": {"veto": True, "lasts": "1h"}}
HOUR_US = 3_600_000_000
NAMES = Names("pbx1", "acd")
OURS, THEIRS = NAMES.leg("c1.1"), "1795299654.4"


class Pbx(Endpoints):
    """A PBX that says what a test says, when the test lets it."""

    def __init__(self, client: AriClient) -> None:
        super().__init__(client)
        self.channels: dict[str, tuple[str, ...]] = {"PJSIP/anna": (), "PJSIP/ben": ()}
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.is_away = False

    async def one(self, device: str) -> Endpoint | None:
        self.asked.append(device)
        found = self._endpoint(device)
        await self.answers.wait()
        if self.is_away:
            raise AriUnavailable("away")
        return found

    async def all(self) -> dict[str, Endpoint]:
        self.asked.append("all")
        if self.is_away:
            raise AriUnavailable("away")
        return {device: each for device in self.channels if (each := self._endpoint(device)) is not None}

    def _endpoint(self, device: str) -> Endpoint | None:
        technology, _, resource = device.partition("/")
        return Endpoint(technology, resource, "online", self.channels[device]) if device in self.channels else None


class World:
    """The part under test, and all it works with."""

    def __init__(self, addresses: dict[str, str]) -> None:
        options = read_options("pbx1", PLAIN)
        self.client = AriClient(options.url, connections=4, deadline_seconds=1.0)
        self.host = RecordingHost(lambda agent_id, _channel: addresses[agent_id])
        self.host.staff = {agent_id: AgentStanding(agent_id, "ready") for agent_id in addresses}
        self.desk = Desk("pbx1", options, NAMES)
        self.host.ahead_us = 7 * HOUR_US  # The wall clock has been set since the engine began.
        self.desk.start(self.host)
        self.devices = Devices(Switchboard(self.client, NAMES, options))
        self.states = States()
        self.pbx = Pbx(self.client)
        self.vetoes = Vetoes(self.desk, self.pbx, self.devices, self.states, lambda: True)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(each.agent_id, each.state) for each in self.host.commands if isinstance(each, NoteDevice)]

    def say(self, device: str, state: str) -> None:
        """An event of AMI's."""
        self.states.handle(Message({"Event": "DeviceStateChange", "Device": device, "State": state}))

    def stand(self, agent_id: str, state: str, for_us: int = HOUR_US) -> None:
        """What the engine has committed of an agent's device; empty for nothing."""
        devices = (("voice", state, self.host.now_us() + for_us),) if state else ()
        self.host.staff[agent_id] = AgentStanding(agent_id, "ready", devices=devices)

    async def settle(self) -> None:
        """Let everything run that can."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def look(self) -> None:
        """All devices are looked at."""
        self.vetoes.look_again()
        await self.settle()


@asynccontextmanager
async def world(**addresses: str) -> AsyncIterator[World]:
    it = World(addresses or {"anna": "PJSIP/anna"})
    it.desk.spawn(it.vetoes.run())
    await it.settle()
    try:
        yield it
    finally:
        await it.desk.stop()
        await it.client.close()


async def test_what_our_own_leg_explains_is_not_even_looked_at() -> None:
    async with world() as it:
        it.devices.taken(Leg("c1.1", "anna"))
        it.pbx.channels["PJSIP/anna"] = (OURS,)
        for state in ("RINGING", "INUSE", "ONHOLD", "INUSE"):
            it.say("PJSIP/anna", state)
            await it.settle()
        assert it.pbx.asked == ["all"]
        assert it.told == []


async def test_a_leg_that_we_have_ended_explains_nothing_for_long() -> None:
    """The caller hung up; the personal call that the agent makes afterwards is one."""
    async with world() as it:
        leg = Leg("c1.1", "anna")
        it.devices.taken(leg)
        it.pbx.channels["PJSIP/anna"] = (THEIRS,)
        leg.end()
        it.say("PJSIP/anna", "INUSE")
        await it.settle()
        assert it.told == []
        leg.ended_at -= FORGET_SECONDS
        it.say("PJSIP/anna", "ONHOLD")
        await it.settle()
        assert [agent_id for agent_id, _ in it.told] == ["anna"]


async def test_a_state_that_is_told_after_our_leg_has_gone_is_looked_into() -> None:
    async with world() as it:
        it.pbx.channels["PJSIP/anna"] = (OURS,)
        it.say("PJSIP/anna", "INUSE")
        await it.settle()
        assert it.pbx.asked == ["all", "PJSIP/anna"]
        assert it.told == []
        it.pbx.channels["PJSIP/anna"] = (OURS, THEIRS)
        it.say("PJSIP/anna", "RINGINUSE")
        await it.settle()
        assert it.told == [("anna", "in-use")]


async def test_an_answer_that_is_out_of_date_is_not_told() -> None:
    async with world() as it:
        it.pbx.answers.clear()
        it.pbx.channels["PJSIP/anna"] = (THEIRS,)
        it.say("PJSIP/anna", "INUSE")
        await it.settle()
        it.say("PJSIP/anna", "NOT_INUSE")
        it.pbx.answers.set()
        await it.settle()
        assert it.pbx.asked == ["all", "PJSIP/anna"]
        assert it.told == []


async def test_what_happens_while_the_engine_is_told_is_told_next() -> None:
    async with world() as it:
        it.pbx.channels["PJSIP/anna"] = (THEIRS,)
        it.say("PJSIP/anna", "INUSE")
        await it.settle()
        it.stand("anna", "in-use")
        it.say("PJSIP/anna", "UNAVAILABLE")
        await it.settle()
        it.stand("anna", "unavailable")
        it.say("PJSIP/anna", "NOT_INUSE")
        await it.settle()
        assert it.told == [("anna", "in-use"), ("anna", "unavailable"), ("anna", "clear")]
        assert it.vetoes.count == 0


async def test_it_is_told_again_when_half_its_time_is_over_and_no_sooner() -> None:
    async with world() as it:
        it.pbx.channels["PJSIP/anna"] = (THEIRS,)
        it.stand("anna", "in-use", HOUR_US * 2 // 3)
        await it.look()
        assert it.told == []
        it.stand("anna", "in-use", HOUR_US // 3)
        await it.look()
        assert it.told == [("anna", "in-use")]


async def test_another_pbx_s_veto_is_left_alone_but_what_was_there_at_the_start() -> None:
    async with world(anna="PJSIP/anna", ben="PJSIP/ben") as it:
        it.stand("anna", "in-use")
        await it.look()
        assert it.told == []
    it = World({"anna": "PJSIP/anna"})
    it.stand("anna", "in-use")
    task = asyncio.create_task(it.vetoes.run())
    await it.settle()
    assert it.told == [("anna", "clear")]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await it.client.close()


async def test_a_device_that_is_no_longer_the_agent_s_is_no_veto() -> None:
    addresses = {"anna": "PJSIP/anna"}
    it = World(addresses)
    it.host.address = lambda agent_id, _channel: addresses[agent_id]
    task = asyncio.create_task(it.vetoes.run())
    it.pbx.channels["PJSIP/anna"] = (THEIRS,)
    await it.settle()
    it.stand("anna", "in-use")
    addresses["anna"] = "PJSIP/0912345678@carrier"
    await it.look()
    assert it.told == [("anna", "in-use"), ("anna", "clear")]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await it.client.close()


@pytest.mark.parametrize("address", ["PJSIP/0912345678@carrier", "PJSIP/carrier/sip:1@far", "Local/1@agents", ""])
async def test_what_is_not_the_agent_s_alone_is_not_watched(address: str) -> None:
    async with world(anna=address) as it:
        it.pbx.channels = {"PJSIP/carrier": (THEIRS,), address: (THEIRS,)}
        it.say("PJSIP/carrier", "INUSE")
        it.say(address, "INUSE")
        await it.look()
        assert it.told == []


async def test_two_agents_of_one_telephone_however_it_is_written() -> None:
    async with world(anna="PJSIP/anna", berta="pjsip/anna") as it:
        it.pbx.channels["PJSIP/anna"] = (THEIRS,)
        it.say("PJSIP/anna", "INUSE")
        await it.settle()
        assert sorted(it.told) == [("anna", "in-use"), ("berta", "in-use")]


async def test_without_endpoints_the_state_is_all_there_is() -> None:
    async with world(anna="DAHDI/7") as it:
        it.say("DAHDI/7", "INUSE")
        await it.settle()
        assert it.told == [("anna", "in-use")]
        it.stand("anna", "in-use")
        it.states.forget()
        await it.look()
        assert it.told == [("anna", "in-use")], "nothing is known, so nothing is told"
        it.say("DAHDI/7", "NOT_INUSE")
        await it.settle()
        assert it.told[1:] == [("anna", "clear")]
        it.stand("anna", "")
        it.devices.taken(Leg("c1.1", "anna"))
        it.say("DAHDI/7", "INUSE")
        await it.look()
        assert len(it.told) == 2


async def test_a_pbx_that_does_not_answer_changes_nothing() -> None:
    async with world() as it:
        it.pbx.is_away = True
        it.pbx.channels["PJSIP/anna"] = (THEIRS,)
        it.say("PJSIP/anna", "INUSE")
        await it.look()
        assert it.told == []
        it.pbx.is_away = False
        await it.look()
        assert it.told == [("anna", "in-use")]


def test_what_an_endpoint_is_busy_with() -> None:
    def finding(state: str, *channels: str) -> str:
        return Endpoint("PJSIP", "anna", state, channels).finding(NAMES.is_own)

    assert finding("online") == "clear"
    assert finding("unknown") == "clear"
    assert finding("offline") == "unavailable"
    assert finding("online", OURS) == "clear"
    assert finding("online", OURS, THEIRS) == "in-use"
    assert finding("offline", THEIRS) == "in-use"
    assert finding("online", Names("pbx1", "other").leg("c1.1")) == "in-use"
