"""Lamps on telephones (BLF): device states of Asterisk that say how agents stand, for hints to show.

Owns the states' names and values, and keeping Asterisk's in step with what is committed. Must not know calls, events
or the connection. A state is named `Stasis:APP:KIND:AGENT`; Asterisk keeps them over its restarts, so that after
every connect those that it has are compared with those that it should have.

Nobody waits for a lamp: changes are gathered, and the last one counts.
"""

import asyncio
import re
from collections.abc import Iterable
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

import msgspec
import structlog

from acd.ports.channel import AgentStanding, ChannelHost
from acd_asterisk import wire
from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.options.phones import LampKind

MAX_AT_ONCE: Final = 4
"""Requests for lamps under way at a time: calls come first."""

GATHER_SECONDS: Final = 0.05
"""How long changes are gathered: at the moment of an offer the agent's telephone comes first, and nobody sees it."""

MAX_AGENT_NAME: Final = 40
"""Bytes of an agent's id: a device's name has 80 at most, with the application and the kind."""

_IS_NAME: Final = re.compile(r"[\w.@+-]+")
"""What can stand in a hint: an ampersand or a comma would end it."""

_NOT_FOUND: Final = 404

_log = structlog.get_logger(__name__)


def agent_state(agent: AgentStanding) -> str:
    """How the agent stands at all: unavailable, not in use, on hold (paused), ringing, in use, busy (wrap-up)."""
    states = {state for _, state in agent.work}
    if "offered" in states:
        return "RINGINUSE" if states & {"active", "held"} else "RINGING"
    if states & {"active", "held"}:
        return "INUSE"
    if "wrap-up" in states:
        return "BUSY"
    return {"signed-out": "UNAVAILABLE", "ready": "NOT_INUSE"}.get(agent.presence, "ONHOLD")


def pause_state(agent: AgentStanding) -> str:
    """In use while the agent is paused, or is going to be."""
    is_paused = agent.presence == "not-ready" or (agent.presence, agent.next_presence) == ("draining", "not-ready")
    return "INUSE" if is_paused else "NOT_INUSE"


def sign_in_state(agent: AgentStanding) -> str:
    """In use while the agent is signed in."""
    return "NOT_INUSE" if agent.presence == "signed-out" else "INUSE"


_STATES: Final = {"agent": agent_state, "pause": pause_state, "sign-in": sign_in_state}


class Lamps:
    """The lamps of one PBX. Without any, those of an earlier configuration are put out."""

    def __init__(self, client: AriClient, app: str, kinds: Iterable[LampKind]) -> None:
        """`kinds`: which lamps each agent has."""
        self._client = client
        self._prefix = f"Stasis:{app}:"
        self._kinds = tuple(kinds)
        self._wanted: dict[str, str] = {}
        """By device name."""
        self._shown: dict[str, str] | None = None
        """What Asterisk has, as far as is known; None: it has to be asked."""
        self._changed: dict[str, None] = {}
        """Names that may differ, in the order in which they changed."""
        self._is_complete = False
        self._is_possible = True
        """Asterisk has the modules, as far as is known since the last connect."""
        self._wake = asyncio.Event()

    def name(self, kind: LampKind, agent_id: str) -> str:
        """The device of one lamp, as a hint has it; empty when no hint could."""
        if not _IS_NAME.fullmatch(agent_id) or len(agent_id.encode()) > MAX_AGENT_NAME:
            return ""
        return f"{self._prefix}{kind}:{agent_id}"

    def reconnected(self) -> None:
        """Asterisk's states may be others: compare them."""
        self._shown, self._is_possible = None, True
        self._wake.set()

    async def follow(self, host: ChannelHost) -> None:
        """Take over every change, until the host has no more."""
        if not self._kinds:
            self._is_complete = True
            return
        async with aclosing(host.watch_agents()) as news:
            async for agents in news:
                for agent in agents:
                    self._take(agent)
                self._is_complete = True
                self._wake.set()

    async def run(self) -> None:
        """Bring Asterisk's states there, for ever. What cannot be done is done after the next connect."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            if not self._is_complete or not self._is_possible:
                continue
            try:
                await self._show()
            except AriUnavailable as error:
                _log.debug("lamps are not shown", reason=str(error))

    def _take(self, agent: AgentStanding) -> None:
        for kind in self._kinds:
            name = self.name(kind, agent.agent_id)
            if not name:
                continue
            if agent.gone:
                self._wanted.pop(name, None)
            else:
                self._wanted[name] = _STATES[kind](agent)
            self._changed[name] = None

    async def _show(self) -> None:
        if self._shown is None:
            self._shown = await self._look()
            self._changed |= dict.fromkeys((*self._wanted, *self._shown))
        if not self._is_possible:
            return
        free = asyncio.Semaphore(MAX_AT_ONCE)
        shown = self._shown

        async def one(name: str) -> None:
            async with free:
                await self._show_one(name, shown)

        while self._changed:
            names, self._changed = tuple(self._changed), {}
            ends = await asyncio.gather(*map(one, names), return_exceptions=True)
            failed = {name: end for name, end in zip(names, ends, strict=True) if end is not None}
            self._changed |= dict.fromkeys(failed)
            for error in failed.values():
                raise error

    async def _show_one(self, name: str, shown: dict[str, str]) -> None:
        state = self._wanted.get(name)
        if shown.get(name) == state:
            return
        path = f"deviceStates/{quote(name, safe=':@')}"
        if state is None:
            await self._client.request("DELETE", path, patient=True)
            shown.pop(name, None)
            return
        answer = await self._client.request("PUT", path, query={"deviceState": state}, patient=True)
        if answer.is_success:
            shown[name] = state
        else:
            _log.warning("a lamp cannot be shown", lamp=name, status=answer.status)

    async def _look(self) -> dict[str, str]:
        """Those of ours that Asterisk has; none when it has no module for them."""
        answer = await self._client.request("GET", "deviceStates", large=True)
        if not answer.is_success:
            self._is_possible = False
            if self._kinds:
                reason = "is res_ari_device_states loaded?" if answer.status == _NOT_FOUND else "see Asterisk's log"
                _log.warning("lamps cannot be shown", status=answer.status, hint=reason)
            return {}
        try:
            found = wire.decode_device_states(answer.body)
        except msgspec.DecodeError:
            raise AriUnavailable("device states that cannot be read") from None
        return {each.name: each.state for each in found if each.name.startswith(self._prefix)}
