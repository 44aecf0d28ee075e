"""The site of the acceptance tests: `acd serve` as users run it, a real Asterisk, and SIPp on both sides.

Owns starting, killing and asking, and the traffic that a seed makes. Must not know what is expected of it.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from acd.runtime.keyfile import create_key
from acd_asterisk.lab import AgentBehaviour, CallSpec, ChannelRecord, Pbx, Provisioned, SippAgents, SippCallers, mixed
from acd_asterisk.lab.sipp import DEFAULT_TIMEOUT_SECONDS
from examples.demo.engine_process import EngineProcess
from tests.adapters.asterisk.acceptance_account import Account, dice, read_account
from tests.adapters.asterisk.proxy import Proxy
from tests.adapters.asterisk.rig import EXAMPLES, POLL_SECONDS

TOKEN = "acceptance-token-0123456789"
API_SECONDS = 10.0
PATIENCE_SECONDS = 20.0
TRIES = 300
"""How often a caller comes back from the dialplan's fallback while the engine is away: five a second."""

PATIENT = 'offer_timeout = "20s"\nretry_after = "1s"'
"""What a queue is like when nobody is to be punished."""

_FALLBACK = " same => n,Queue(acd-fallback,,,,300)\n"
_COME_BACK = f"""\
 same => n,Set(ACD_TRIES=$[0${{ACD_TRIES}} + 1])
 same => n,Wait(0.2)
 same => n,GotoIf($[${{ACD_TRIES}} < {TRIES}]?acd-enter,s,1)
"""

Requirement = tuple[tuple[str, int], ...]
"""Skills with the least proficiency, all of them needed."""


@dataclass(frozen=True)
class Seat:
    """An agent and their skills."""

    name: str
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A queue. `more`: further lines of its section."""

    name: str
    requirement: Requirement = ()
    more: str = PATIENT


@dataclass(frozen=True)
class PlannedCall:
    """A call, what it asks for beyond its queue, and when the caller hangs up (ms after being answered; 0: never)."""

    number: str
    queue: str
    extra: Requirement = ()
    hang_up_after_ms: int = 0

    def spec(self) -> CallSpec:
        """For SIPp."""
        headers = {"X-ACD-Call": self.number}
        if self.extra:
            headers["X-ACD-Requirement"] = expression(self.extra)
        return CallSpec(self.number, self.queue, hang_up_after_ms=self.hang_up_after_ms, headers=headers)


def seed() -> int:
    """From `ACD_TEST_SEED`, else drawn; printed, so that a failure can be played again."""
    chosen = int(os.environ.get("ACD_TEST_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"ACD_TEST_SEED={chosen}")  # noqa: T201 - the purpose
    return chosen


def expression(requirement: Requirement) -> str:
    """As the engine reads it."""
    return " && ".join(f"skills.{skill} >= {least}" for skill, least in requirement) or "true"


def satisfies(seat: Seat, requirement: Requirement) -> bool:
    """The test's own reading of it."""
    return all(seat.skills.get(skill, 0) >= least for skill, least in requirement)


def draw_floor(chosen: int, *, agents: int, skills: int, more: str, able: int = 3) -> tuple[list[Seat], list[Line]]:
    """Agents with one to three skills each, and a queue for each skill, which at least `able` of them can serve.

    As many as have the skill at all, if those are fewer.
    """
    chance = dice(chosen, "floor")
    names = [f"s{index}" for index in range(skills)]
    seats: list[Seat] = []
    for index in range(agents):
        # Every skill is somebody's, however few there are.
        held = {
            names[index % skills],
            *names[index::agents],
            *chance.sample(names, chance.randint(0, min(2, skills - 1))),
        }
        seats.append(Seat(f"a{index:02}", {skill: chance.randint(3, 10) for skill in sorted(held)}))
    lines = []
    for skill in names:
        levels = sorted((seat.skills[skill] for seat in seats if skill in seat.skills), reverse=True)
        lines.append(Line(f"q-{skill}", ((skill, chance.randint(1, levels[:able][-1])),), more))
    return seats, lines


def draw_calls(
    chosen: int, seats: Sequence[Seat], lines: Sequence[Line], count: int, *, leavers: float, longest_ms: int = 4_000
) -> list[PlannedCall]:
    """Calls to all queues, a fifth with a requirement of their own; `leavers`: the share that hangs up at random."""
    chance = dice(chosen, "calls")
    calls: list[PlannedCall] = []
    for index in range(count):
        line = chance.choice(lines)
        able = [seat for seat in seats if satisfies(seat, line.requirement)]
        extra: Requirement = ()
        held = sorted(chance.choice(able).skills.items())
        if held and chance.random() < 0.2:
            skill, level = chance.choice(held)
            extra = ((skill, chance.randint(1, level)),)
        leaves = chance.randint(1, longest_ms) if chance.random() < leavers else 0
        calls.append(PlannedCall(f"c{index:05}", line.name, extra, leaves))
    return calls


def configuration(pbx: Pbx, port: int, seats: Sequence[Seat], lines: Sequence[Line], options: str) -> str:
    """The text of acd.toml."""
    parts = [
        '[snapshots]\nenabled = false\n[api]\nport = 0\n[[api.tokens]]\nname = "test"\ntoken_file = "token"',
        'roles = ["system"]\n[channels.pbx1]\ntype = "asterisk"',
        f'url = "http://127.0.0.1:{port}/ari"\nuser = "{pbx.ari_user}"\npassword_file = "ari.password"\n{options}',
    ]
    for line in lines:
        parts += [f"[queues.{line.name}]", f"requirement = '{expression(line.requirement)}'", line.more]
    for seat in seats:
        parts += [f"[agents.{seat.name}]", f"addresses.voice = 'PJSIP/{seat.name}'"]
        parts += [f"skills.{skill} = {level}" for skill, level in seat.skills.items()]
    return "\n".join(parts)


@dataclass
class Site:
    """What a test works with."""

    provisioned: Provisioned
    folder: Path
    pbx: Pbx
    phones: SippAgents
    engine: EngineProcess
    session: aiohttp.ClientSession
    seats: Sequence[Seat]
    lines: Sequence[Line]
    proxy: Proxy

    # ---- callers

    @asynccontextmanager
    async def callers(self, calls: Sequence[PlannedCall], rate: float) -> AsyncIterator[SippCallers]:
        """Make calls."""
        specs = [call.spec() for call in calls]
        async with SippCallers(self.provisioned, specs, sip_port=self.pbx.sip_port, rate=rate) as callers:
            yield callers

    # ---- the engine's API

    async def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON of any shape
        """One request. Raises `aiohttp.ClientError` for whatever is no success."""
        async with self.session.request(method, self.engine.url + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def agents(self) -> list[dict[str, Any]]:
        """All agents."""
        found: list[dict[str, Any]] = (await self.ask("GET", "/v1/agents?limit=500"))["agents"]
        return found

    async def live(self) -> list[dict[str, Any]]:
        """All interactions that have not ended, or the first 500 of them."""
        found: list[dict[str, Any]] = (await self.ask("GET", "/v1/interactions?limit=500"))["interactions"]
        return found

    async def health(self) -> dict[str, Any]:
        """The channel's health. `/readyz` answers with 503 while it is not ready."""
        async with self.session.get(f"{self.engine.url}/readyz") as answer:
            found: dict[str, Any] = (await answer.json())["channels"]["pbx1"]
            return found

    async def sign_in(self) -> None:
        """Everybody, ready."""
        for seat in self.seats:
            await self.ask("POST", f"/v1/agents/{seat.name}/sign-in", {"ready": True})

    async def presence(self, agent: str, presence: str, reason: str = "") -> None:
        """Set an agent's presence."""
        body = {"presence": presence, "reason": reason} if reason else {"presence": presence}
        await self.ask("PUT", f"/v1/agents/{agent}/presence", body)

    async def everybody_ready(self) -> None:
        """Whoever is not, or is about to be no longer, becomes ready."""
        for agent in await self.agents():
            if agent["presence"] != "ready":
                await self.presence(agent["id"], "ready")

    async def connected(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the engine has its PBX."""
        last: dict[str, Any] = {}
        try:
            async with asyncio.timeout(seconds):
                while not (last := await self.health())["connected"]:
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not connected after {seconds:g} s: {last}\n{self.engine.log_tail()}") from None

    async def until_live(self, state: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until an interaction is in this state."""
        async with asyncio.timeout(seconds):
            while not any(each["state"] == state for each in await self.live()):
                await asyncio.sleep(POLL_SECONDS)

    async def idle(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the engine has no interaction, agents no work, and the PBX nothing but the bridge for music."""
        left: list[str] = []

        async def is_idle() -> bool:
            left[:] = [f"interaction {each['id']} {each['state']}" for each in await self.live()]
            left.extend(f"work of {agent['id']}: {agent['work']}" for agent in await self.agents() if agent["work"])
            left.extend(f"channel {each['id']} {each['name']} {each['state']}" for each in await self.pbx.channels())
            left.extend(f"bridge {each['id']}" for each in await self.pbx.bridges() if each["bridge_type"] != "holding")
            return not left

        try:
            async with asyncio.timeout(seconds):
                while not await is_idle():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"left over: {left}\n{self.engine.log_tail()}") from None

    # ---- what is on the disk

    async def record(self, *, seconds: float = PATIENCE_SECONDS) -> list[ChannelRecord]:
        """Asterisk's own account, as soon as it tells of every channel's end. Needs `recording`."""
        found = self.pbx.record()
        async with asyncio.timeout(seconds):
            while any(channel.ended_us is None for channel in found):
                await asyncio.sleep(POLL_SECONDS)
                found = self.pbx.record()
        return found

    async def until_joined(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until two can hear each other, by Asterisk's own account. Needs `recording`."""
        async with asyncio.timeout(seconds):
            while not mixed(self.pbx.record()):
                await asyncio.sleep(POLL_SECONDS)

    def account(self) -> Account:
        """The journal, replayed."""
        return read_account(self.folder / "acd-journal.db")

    def faults(self) -> list[str]:
        """Errors in the engine's log: never right, whatever was done to it."""
        log = (self.folder / "engine.log").read_text(errors="replace")
        return [line for line in log.splitlines() if "[error" in line or "Traceback" in line]

    def complaints(self) -> list[str]:
        """Warnings and errors in the engine's log."""
        log = (self.folder / "engine.log").read_text(errors="replace")
        return [line for line in log.splitlines() if "[warning" in line or "[error" in line or "Traceback" in line]


@asynccontextmanager
async def site(
    provisioned: Provisioned,
    folder: Path,
    seats: Sequence[Seat],
    lines: Sequence[Line],
    behaviour: AgentBehaviour,
    *,
    options: str = "",
    dialplan: str | None = None,
    proxied: bool = False,
    recording: bool = False,
    phones_seconds: float = DEFAULT_TIMEOUT_SECONDS,
) -> AsyncIterator[Site]:
    """Start everything, and sign everybody in, ready. `phones_seconds`: when the telephones give up by themselves.

    `proxied`: the engine reaches the PBX through `Site.proxy`. `recording`: there is a `Site.record`.
    """
    async with AsyncExitStack() as stack:
        phones = await stack.enter_async_context(
            SippAgents(provisioned, [(tuple(seat.name for seat in seats), behaviour)], timeout_seconds=phones_seconds)
        )
        pbx = await stack.enter_async_context(
            Pbx(
                provisioned,
                agents=phones.telephones,
                replace_config={"extensions.conf": dialplan or patient_dialplan()},
                recording=recording,
            )
        )
        for name, text in (("token", TOKEN), ("ari.password", pbx.ari_password)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)
        create_key(folder / "acd-personal.key")
        port = int(pbx.ari_url.rpartition(":")[2].partition("/")[0])
        proxy = await stack.enter_async_context(Proxy(port))
        (folder / "acd.toml").write_text(configuration(pbx, proxy.port if proxied else port, seats, lines, options))
        engine = EngineProcess(folder / "acd.toml", folder / "engine.log")
        stack.push_async_callback(engine.stop)
        await engine.start()
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {TOKEN}"}, timeout=aiohttp.ClientTimeout(total=API_SECONDS)
            )
        )
        it = Site(provisioned, folder, pbx, phones, engine, session, seats, lines, proxy)
        await it.connected()
        await it.sign_in()
        yield it


def patient_dialplan() -> str:
    """The example's, but that whoever finds no engine comes back a moment later."""
    text = (EXAMPLES / "extensions.conf").read_text()
    assert _FALLBACK in text
    return text.replace(_FALLBACK, _COME_BACK)
