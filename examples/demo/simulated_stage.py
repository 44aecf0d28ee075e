"""The stage without any telephone: the same engine and API, inside this process, and simulated people.

Owns the router, its API and the simulated channel, and notes what their telephones would have seen. For machines
that cannot have an Asterisk. Must not know what is shown.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from acd.api import serve_domains
from acd.api.server import Server
from acd.cli.init import TOKEN_BYTES
from acd.cli.living import LivingDomain
from acd.cli.logs import configure_logging
from acd.errors import AcdError
from acd.runtime.channels import open_channels
from acd.runtime.config import load
from acd.runtime.keyfile import create_key
from acd.runtime.replay import verify
from acd.runtime.router import Router
from acd.testing.simulated import Behaviour, SimulatedChannel
from acd.testing.world_channel import Call
from examples.demo.cast import RING_SECONDS, SEED, TALK_SECONDS, PlannedCall, configuration
from examples.demo.pages import Pages
from examples.demo.stage import Caller, Say, Seen, Talk

RETRY_SECONDS: Final = 0.5
"""How often a caller whom no engine takes tries again."""

RETRIES: Final = 120

_BEHAVIOUR: Final = Behaviour(ring=RING_SECONDS, talk=TALK_SECONDS, patience=(30.0, 60.0), back=(2.0, 2.5), seed=SEED)


class SimulatedStage:
    """See `examples.demo.stage.Stage`."""

    title = "simulated telephones"

    def __init__(self, behaviour: Behaviour = _BEHAVIOUR) -> None:
        """Nothing is started yet."""
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.pages = Pages()
        self._folder = Path(tempfile.mkdtemp(prefix="acd-demo-"))
        self._log = (self._folder / "engine.log").open("w", encoding="utf-8")
        self._channel = _WatchedChannel(behaviour)
        self._router: Router | None = None
        self._domain: LivingDomain | None = None
        self._server: Server | None = None
        self._calling: set[asyncio.Task[None]] = set()

    def url(self) -> str:
        """While the engine runs."""
        return "" if self._server is None else self._server.addresses[0]

    async def open(self, say: Say) -> None:
        """A configuration, then the engine. Raises `AcdError`."""
        token_file = self._folder / "api.token"
        token_file.touch(mode=0o600)
        token_file.write_text(f"{self.token}\n", encoding="utf-8")
        create_key(self._folder / "acd-personal.key")
        await self.pages.open()
        more = self.pages.configuration(self._folder)
        text = configuration("", token_file="api.token", port=self.pages.port, more=more)  # noqa: S106 - its name
        (self._folder / "acd.toml").write_text(text, encoding="utf-8")
        configure_logging("console", "info", [self.token], self._log)
        await self.revive()
        say(f"The engine runs inside this process, its API at {self.url()}.")

    async def call(self, calls: Sequence[PlannedCall], rate: float) -> None:
        """One after the other, from a task."""
        task = asyncio.create_task(self._call(calls, rate))
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)

    def seen(self) -> Seen:
        """From the channel's world."""
        return self._channel.seen()

    async def crash(self) -> str:
        """Drop everything, as a crash would: nothing is told, nothing is finished."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()
        router, self._router = self._router, None
        if router is not None:
            await router.abort()
            for channel in router.instances:
                if channel is not self._channel:
                    await channel.stop()  # or this process, which lives on, would hold its files
        await self._stop()
        return "everything in memory dropped"

    async def revive(self) -> str:
        """A new router on the same journal."""
        config = load(self._folder / "acd.toml")
        assert config.api is not None
        router = Router(config, channels=[self._channel, *open_channels(config.channels)])
        domain = LivingDomain(config, router=router)
        await domain.start()
        self._domain, self._router = domain, router
        self._server = await serve_domains([domain.served(config.api)])
        return "a new engine on the same journal"

    async def leave(self) -> str:
        """Stop the engine, replay its journal."""
        await self._stop()
        return await self.verify()

    async def verify(self) -> str:
        """As `acd replay` does."""
        report = await asyncio.to_thread(verify, self._folder / "acd-journal.db")
        return "" if report.ok else report.problem

    async def close(self) -> None:
        """End the callers, the engine, the folder."""
        calling = tuple(self._calling)
        for task in calling:
            task.cancel()
        await asyncio.gather(*calling, return_exceptions=True)
        try:
            await self._stop()
            await self.pages.close()
        finally:
            self._log.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.close()
        self._router = None
        domain, self._domain = self._domain, None
        if domain is not None:
            await domain.stop()

    async def _call(self, calls: Sequence[PlannedCall], rate: float) -> None:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(self._dial(call))
                await asyncio.sleep(1 / rate)

    async def _dial(self, call: PlannedCall) -> None:
        """A caller tries until an engine takes the call."""
        self._channel.dialled(call.number)
        for _ in range(RETRIES):
            if self._router is None:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                interaction = await self._channel.call(call.number, call.queue, call.requirement, call.priority)
            except AcdError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._channel.taken(call.number, interaction)
                return
        self._channel.refused(call.number)


class _WatchedChannel(SimulatedChannel):
    """Notes who talked with whom, and since when."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__("lab", behaviour)
        self._callers: dict[str, Caller] = {}
        self._numbers: dict[str, str] = {}
        """Interaction → number."""
        self._talks: dict[str, Talk] = {}
        """By interaction."""
        self._busy: dict[str, str] = {}
        """Agent → interaction that rings or is talked on."""
        self._clashes = 0

    def seen(self) -> Seen:
        """What is known now."""
        return Seen(tuple(self._callers.values()), tuple(self._talks.values()), self._clashes)

    def dialled(self, number: str) -> None:
        """The call begins."""
        self._callers[number] = Caller(number, _now_us(), None)

    def taken(self, number: str, interaction_id: str) -> None:
        """The engine has taken the call."""
        self._numbers[interaction_id] = number

    def refused(self, number: str) -> None:
        """No engine has taken it."""
        caller = self._callers[number]
        self._callers[number] = Caller(number, caller.called_us, _now_us(), failed=True)

    def rang(self, call: Call, offer_id: str, agent_id: str) -> None:
        """As usual; one telephone must not ring twice."""
        if self._busy.get(agent_id, call.interaction_id) != call.interaction_id:
            self._clashes += 1
        self._busy[agent_id] = call.interaction_id
        super().rang(call, offer_id, agent_id)

    def rested(self, call: Call) -> None:
        """As usual."""
        self._free(call.interaction_id)
        super().rested(call)

    def joined(self, call: Call) -> None:
        """As usual; a conversation begins, unless it has merely been taken up again."""
        if call.interaction_id not in self._talks:
            number = self._numbers.get(call.interaction_id, "")
            self._talks[call.interaction_id] = Talk(number, call.agent_id, _now_us(), None)
        super().joined(call)

    def left(self, call: Call) -> None:
        """As usual; whatever was going on is over."""
        now_us = _now_us()
        interaction_id = call.interaction_id
        self._free(interaction_id)
        number = self._numbers.get(interaction_id, "")
        talk = self._talks.get(interaction_id)
        if talk is not None:
            self._talks[interaction_id] = Talk(talk.number, talk.agent, talk.answered_us, now_us)
        if number in self._callers:
            self._callers[number] = Caller(number, self._callers[number].called_us, now_us)
        super().left(call)

    def _free(self, interaction_id: str) -> None:
        for agent_id in [agent for agent, on in self._busy.items() if on == interaction_id]:
            del self._busy[agent_id]


def _now_us() -> int:
    return time.time_ns() // 1_000
