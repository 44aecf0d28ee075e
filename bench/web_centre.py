"""A contact centre behind the HTTP API: `acd serve` as it is installed, agents at work, a line that waits.

Owns its configuration, how it comes to be in that state over the API, and the processes. Must not know what is timed.
Everybody who is signed in talks, so that whoever comes in has to wait; and the queues take as many as come.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import ClientSession

from acd.runtime.keyfile import create_key
from bench.rivals.bare_http import READY
from examples.demo.engine_process import EngineProcess

AGENTS: Final = 200
TALKING: Final = 120
INTERACTIONS: Final = 500
WAITING: Final = "chat-0300"
KNOWN: Final = "chat-0301"
"""In line: nobody who has a reference, and somebody who has."""

QUEUES: Final = ("sales", "support", "billing", "technical", "orders", "returns", "claims", "gold")
SKILLS: Final = ("english", "german", "french", "billing", "technical", "retention")
START_SECONDS: Final = 30.0

Bodies = Mapping[str, str]


class Centre:
    """A running engine: where it listens, what its clients send along, its process."""

    def __init__(self, process: EngineProcess, token: str) -> None:
        self.url = f"{process.url}/v1"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.pid = process.pid

    @asynccontextmanager
    async def changing(self, per_second: float) -> AsyncIterator[None]:
        """Meanwhile somebody who waits is given another priority, so often."""
        task = asyncio.create_task(self._change(per_second))
        try:
            yield
            assert not task.done(), "a change was refused"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _change(self, per_second: float) -> None:
        async with ClientSession(headers=self.headers, raise_for_status=True) as session:
            for priority in cycle((1, 0)):
                await session.put(f"{self.url}/interactions/{WAITING}/priority", json={"priority": priority})
                await asyncio.sleep(1 / per_second)


@asynccontextmanager
async def centre(folder: Path, agents: int = AGENTS, interactions: int = INTERACTIONS) -> AsyncIterator[Centre]:
    """A fresh one, with its journal in a folder of its own within `folder`, which is removed."""
    place = Path(tempfile.mkdtemp(prefix="acd-bench-", dir=folder))
    token = secrets.token_urlsafe(32)
    try:
        (place / "acd.toml").write_text(_configuration(agents, token), encoding="utf-8")
        create_key(place / "acd-personal.key")
        process = EngineProcess(place / "acd.toml", place / "engine.log")
        await process.start()
        try:
            found = Centre(process, token)
            await _fill(found, agents, interactions)
            yield found
        finally:
            await process.stop()
    finally:
        shutil.rmtree(place)


@asynccontextmanager
async def bare(bodies: Bodies) -> AsyncIterator[tuple[str, int]]:
    """The bare handler with these bodies: its address and its process id."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.rivals.bare_http"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(bodies))
        process.stdin.close()
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        assert line.startswith(READY), "the bare handler did not start"
        yield line.removeprefix(READY).strip(), process.pid
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def processor_us(pid: int) -> int:
    """Processor time that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // os.sysconf("SC_CLK_TCK")


def _configuration(agents: int, token: str) -> str:
    people = (
        f'[agents.agent{number:04d}]\nname = "Agent {number}"\nskills = {{ {_skills(number)} }}\n'
        for number in range(agents)
    )
    queues = (
        f'[queues.{name}]\ntitle = "{name.title()}"\nstrategy = "best-fit"\nmax_waiting = 1_000_000\n'
        'requirement = "skills.english >= 1"\n'
        for name in QUEUES
    )
    api = (
        f'[api]\nport = 0\n\n[[api.tokens]]\nname = "bench"\ntoken = "{token}"\nroles = ["system"]\n'
        'rate = "unlimited"\n'  # the limit is not what is measured
    )
    return "\n".join((api, *queues, *people))


def _skills(number: int) -> str:
    held = ("english", *(SKILLS[1 + (number + more) % (len(SKILLS) - 1)] for more in range(3)))
    return ", ".join(f"{skill} = {1 + (number + place) % 10}" for place, skill in enumerate(held))


async def _fill(found: Centre, agents: int, interactions: int) -> None:
    """Those who sign in are busy before the line fills."""
    talking = min(TALKING, agents)
    async with ClientSession(headers=found.headers, raise_for_status=True) as session:
        for number in range(interactions):
            body: dict[str, object] = {
                "id": f"chat-{number:04d}",
                "queue": QUEUES[number % len(QUEUES)],
                "channel": "voice",
                "attributes": {"language": "en", "topic": "invoice", "campaign": "autumn"},
            }
            if number % 2:
                body["customer"] = f"ref-{number:06d}"
            await session.post(f"{found.url}/interactions", json=body)
            if number < talking:
                agent = f"agent{number:04d}"
                await session.post(f"{found.url}/agents/{agent}/sign-in", json={"ready": True})
                async with session.get(f"{found.url}/agents/{agent}/offers") as answer:
                    (offer,) = (await answer.json())["offers"]
                await session.post(f"{found.url}/offers/{offer['id']}/accept", json={"agent_id": agent})
