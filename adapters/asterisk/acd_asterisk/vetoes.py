"""Personal calls make an agent busy, and a telephone that is out of reach is offered nothing: the device as a veto.

Owns when devices are looked at, and telling the engine. Must not know connections, nor what the engine does with it.

A device is evidence, never the truth. AMI rings the bell, and ARI is asked which channels the endpoint has: those of
ours explain themselves, and are no veto. Without ARI, AMI's word counts unless a leg of ours explains it. Everything is
looked at again every now and then, so that a lost event heals; and a veto that nobody renews ends by itself. Each
agent's device is seen to by one task at a time, which begins again when something has happened meanwhile: what is told
is never older than what is known.
"""

import asyncio
import re
from collections.abc import Callable, Container
from typing import Final

import structlog

from acd.core.messages import NoteDevice
from acd.ports.channel import AgentStanding
from acd_asterisk.ami.states import DeviceChanged, States
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.desk import Desk
from acd_asterisk.devices import Devices
from acd_asterisk.endpoints import Endpoint, Endpoints, Finding

CHANNEL: Final = "voice"

MAX_AT_ONCE: Final = 16
"""Agents whose devices are looked at at a time."""

LEARN_SECONDS: Final = 30.0
"""How often it is asked whose device is which."""

SETTLE_SECONDS: Final = 0.3
"""How long after a leg of ours the device's state may still speak of it."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9]{2,16}/[A-Za-z0-9_.+-]{1,80}")
"""A device of the agent's alone: a number behind a trunk says nothing of whoever has it."""

_IDLE: Final = frozenset({"NOT_INUSE"})
_AWAY: Final = frozenset({"UNAVAILABLE", "INVALID"})
_BUSY: Final = frozenset({"INUSE", "BUSY", "RINGINUSE", "ONHOLD", "RINGING"})

_log = structlog.get_logger(__name__)


class Vetoes:
    """The devices of one channel instance's agents. `is_live`: whether the PBX is connected and compared."""

    def __init__(
        self,
        desk: Desk,
        endpoints: Endpoints,
        devices: Devices,
        states: States,
        is_live: Callable[[], bool],
    ) -> None:
        """Nothing is known yet. `states` are of nothing without AMI."""
        self._desk = desk
        self._endpoints = endpoints
        self._devices = devices
        self._states = states
        self._options = desk.options.devices
        self._is_live = is_live
        self._agents: dict[str, tuple[str, ...]] = {}
        """By device."""
        self._device_of: dict[str, str] = {}
        self._ours: set[str] = set()
        """Agents with a veto that this instance has noted, or found when it began: another PBX sees to its own."""
        self._learn_at = 0.0
        """When it is time to ask again whose device is which, by the loop's clock; 0 at first."""
        self._looking: dict[str, bool] = {}
        """Agents whose device is being looked at: whether something has happened since."""
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._free = asyncio.Semaphore(MAX_AT_ONCE)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        self._states.listen(self._changed)
        self._devices.on_free = self._freed
        try:
            while True:
                self._wake.clear()
                if self._is_live():
                    await self._look_around()
                try:
                    async with asyncio.timeout(self._options.look_every_us / 1e6):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            for handle in self._settling.values():
                handle.cancel()
            self._settling.clear()

    def look_again(self) -> None:
        """Everything may be otherwise: look at all devices soon."""
        self._learn_at = min(self._learn_at, 1.0)
        self._wake.set()

    @property
    def count(self) -> int:
        """Agents with a veto of this instance's."""
        return len(self._ours)

    # ---- what happens

    def _changed(self, change: DeviceChanged) -> None:
        """AMI has said so; that it knows no longer says nothing."""
        for agent_id in self._agents.get(change.device, ()):
            # What our own leg explains is not looked into, and it is looked again when it is gone.
            if change.state in _IDLE or change.state in _AWAY or not self._is_explained(agent_id):
                self._look_at(agent_id)

    def _freed(self, agent_id: str) -> None:
        """A leg of ours is gone; the device is idle a moment later, unless it was in use by something else, too."""
        if agent_id in self._settling or self._states.device(self._device_of.get(agent_id, "")) not in _BUSY:
            return

        def settled() -> None:
            del self._settling[agent_id]
            if self._states.device(self._device_of.get(agent_id, "")) in _BUSY and not self._is_explained(agent_id):
                self._look_at(agent_id)

        self._settling[agent_id] = asyncio.get_running_loop().call_later(SETTLE_SECONDS, settled)

    def _is_explained(self, agent_id: str) -> bool:
        """Whether a leg of ours is there, or was a moment ago."""
        return self._devices.explains(agent_id) or agent_id in self._settling

    # ---- all

    async def _look_around(self) -> None:
        """Look at whoever's device seems to be other than the engine has been told. O(endpoints)."""
        try:
            found = await self._endpoints.all()
        except AriUnavailable as error:
            _log.debug("devices were not looked at", instance=self._desk.name, reason=str(error))
            return
        now = asyncio.get_running_loop().time()
        if now >= self._learn_at:
            self._learn(found)
            self._learn_at = now + LEARN_SECONDS
        for device, agent_ids in self._agents.items():
            for agent_id in agent_ids:
                finding = self._finding(agent_id, found.get(device))
                if finding is None or (finding == "clear" and agent_id not in self._ours):
                    continue
                agent = self._desk.host.agent(agent_id)
                if agent is not None and self._is_news(agent, finding):
                    self._look_at(agent_id)

    def _learn(self, found: Container[str]) -> None:
        """Whose device is which: agents and addresses may change at any time. O(agents)."""
        is_first = not self._learn_at
        by_device: dict[str, tuple[str, ...]] = {}
        self._device_of = {}
        for agent in self._desk.host.agents():
            address = self._desk.host.address(agent.agent_id, CHANNEL)
            if not _PLAIN.fullmatch(address):
                continue
            technology, _, name = address.partition("/")
            device = f"{technology.upper()}/{name}"  # as Asterisk writes it, whoever dials it in small letters
            self._device_of[agent.agent_id] = device
            by_device[device] = (*by_device.get(device, ()), agent.agent_id)
            if is_first and device in found and _veto_of(agent) is not None:
                self._ours.add(agent.agent_id)
        self._agents = by_device
        # Whose device is no longer one that can be watched is not kept off by it either.
        for agent_id in self._ours - self._device_of.keys():
            self._look_at(agent_id)

    # ---- one

    def _look_at(self, agent_id: str) -> None:
        if agent_id in self._looking:
            self._looking[agent_id] = True
        else:
            self._looking[agent_id] = False
            self._desk.spawn(self._see_to(agent_id))

    async def _see_to(self, agent_id: str) -> None:
        try:
            async with self._free:
                while True:
                    self._looking[agent_id] = False
                    finding = await self._look(agent_id)
                    if not self._looking[agent_id]:
                        await self._tell(agent_id, finding)
                        if not self._looking[agent_id]:
                            return
        except AriUnavailable as error:
            _log.debug("a device was not looked at", instance=self._desk.name, agent=agent_id, reason=str(error))
        finally:
            del self._looking[agent_id]

    async def _look(self, agent_id: str) -> Finding | None:
        """What there is to be told; None: nothing is known. Raises `AriUnavailable`."""
        device = self._device_of.get(agent_id)
        if device is None:
            return "clear"
        state = self._states.device(device)
        if state in _IDLE:
            return "clear"
        if state in _AWAY:
            return "unavailable"
        return self._finding(agent_id, await self._endpoints.one(device))

    def _finding(self, agent_id: str, endpoint: Endpoint | None) -> Finding | None:
        """By the endpoint; of a technology without endpoints, by what AMI says."""
        if endpoint is not None:
            return endpoint.finding(self._desk.names.is_own)
        state = self._states.device(self._device_of[agent_id])
        if state in _BUSY:
            return None if self._is_explained(agent_id) else "in-use"
        if state in _AWAY:
            return "unavailable"
        return "clear" if state in _IDLE else None

    async def _tell(self, agent_id: str, finding: Finding | None) -> None:
        agent = self._desk.host.agent(agent_id)
        if agent is None:
            self._ours.discard(agent_id)
        elif finding is not None and self._is_news(agent, finding):
            command = NoteDevice(self._desk.host.new_id(), agent_id, CHANNEL, finding, self._options.lasts_us)
            outcome = await self._desk.tell(command)
            if outcome is not None and outcome.refusal is None:
                _log.info("device", instance=self._desk.name, agent=agent_id, state=finding)
                (self._ours.discard if finding == "clear" else self._ours.add)(agent_id)
        elif _veto_of(agent) is None:
            self._ours.discard(agent_id)

    def _is_news(self, agent: AgentStanding, finding: Finding) -> bool:
        """Whether the engine has to be told: of a change, or again, as half of a veto's time is over."""
        veto = _veto_of(agent)
        if finding == "clear":
            return veto is not None and agent.agent_id in self._ours
        if veto is None or veto[0] != finding:
            return True
        return veto[1] - self._desk.host.now_us() < self._options.lasts_us / 2


def _veto_of(agent: AgentStanding) -> tuple[str, int] | None:
    """(state, until when) of the device that keeps calls from an agent, if one does."""
    return next(((state, until_us) for channel, state, until_us in agent.devices if channel == CHANNEL), None)
