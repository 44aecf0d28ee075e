"""The rig for telephone measurements: one Asterisk, SIPp around it, and every contestant connected at once.

Owns what is started and in which order, and what each contestant's callers dial. Must not know what is
measured. Each contestant has the same agents, and only ever calls while the others have none.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from acd.runtime.keyfile import create_key
from acd_asterisk.lab import (
    AgentBehaviour,
    AgentDialog,
    CallerDialog,
    CallSpec,
    Pbx,
    Provisioned,
    SippAgents,
    SippCallers,
    default_cache,
    provision,
)
from bench.rivals.trivial_ari import APP, READY
from examples.demo.desk import Desk
from examples.demo.engine_process import EngineProcess

ENGINE: Final = "engine"
TRIVIAL: Final = "trivial ARI"
APP_QUEUE: Final = "app_queue"
DIALLED: Final = {ENGINE: "bench-engine", TRIVIAL: "bench-trivial", APP_QUEUE: "bench-queue"}

RING_MS: Final = 50
START_SECONDS: Final = 15.0

_DIALPLAN: Final = f"""
[acd-inbound](+)
exten => bench-engine,1,Stasis(acd,support,DID=${{EXTEN}})
 same => n,Hangup()
exten => bench-trivial,1,Stasis({APP})
 same => n,Hangup()
exten => bench-queue,1,Queue(bench,,,,60)
 same => n,Hangup()
"""

_QUEUE: Final = """
[bench]
strategy = rrmemory
musicclass = default
timeout = 15
retry = 1
ringinuse = no
joinempty = yes
leavewhenempty = no
"""

_SYSTEM: Final = "bench-token-of-whoever-asks"

_CONFIGURATION: Final = """\
[snapshots]
enabled = false

[api]
port = 0
{open}

[channels.pbx]
type = "asterisk"
url = "{url}"
user = "{user}"
password_file = "ari.password"

[queues.support]
"""


class Rig:
    """Everything that a run needs. Use as an async context manager."""

    def __init__(self, agents: int, talk_ms: int, *, more: str = "", tokens: Mapping[str, str] | None = None) -> None:
        """Nothing is started yet. The journal is put beside the lab's cache, on a real disk.

        `more`: of the engine's configuration. `tokens`: of agents in it, who are to be signed in, too.
        """
        self._more = more
        self._tokens = dict(tokens or {})
        self._names = [f"agent{number:03d}" for number in range(agents)]
        self._talk_ms = talk_ms
        cache = default_cache().parent
        cache.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=cache))
        """Where the engine keeps its journal."""
        self._stack = AsyncExitStack()
        self._provisioned: Provisioned
        self._pids: dict[str, int] = {}
        self._phones: SippAgents
        self._pbx: Pbx
        self._engine: EngineProcess

    async def __aenter__(self) -> Self:
        """Start everything; a failed start leaves nothing behind. Raises `LabUnavailable` and what the lab raises."""
        try:
            await self._start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        await self._close()

    @property
    def versions(self) -> str:
        """Of Asterisk and SIPp."""
        return f"Asterisk {self._provisioned.asterisk_version}, SIPp {self._provisioned.sipp_version}"

    async def call(
        self, contestant: str, numbers: Sequence[str], rate: float, *, patience_seconds: float = 30
    ) -> tuple[list[CallerDialog], list[AgentDialog]]:
        """Let these numbers call, wait until all is over; gives what callers and agents saw.

        Callers hang up `patience_seconds` after they were answered.
        """
        calls = [
            CallSpec(number, DIALLED[contestant], hang_up_after_ms=round(patience_seconds * 1_000))
            for number in numbers
        ]
        seconds = len(numbers) / rate + patience_seconds + 30
        async with SippCallers(self._provisioned, calls, sip_port=self._pbx.sip_port, rate=rate) as callers:
            dialogs = await callers.finished(seconds=seconds)
        wanted = set(numbers)
        rung = [dialog for dialog in self._phones.dialogs() if dialog.caller in wanted]
        return dialogs, rung

    def processor_seconds(self, contestant: str) -> float:
        """How long Asterisk and this contestant's own process have run on a processor, together, since they began."""
        pids = [self._pbx.pid, self._pids.get(contestant)]
        return sum(_processor_seconds(pid) for pid in pids if pid)

    @property
    def engine_url(self) -> str:
        """Where the engine's API is."""
        return self._engine.url

    def engine_seconds(self) -> float:
        """How long the engine's process has run on a processor."""
        return _processor_seconds(self._pids[ENGINE])

    def engine_memory(self) -> int:
        """Bytes of it that are in memory."""
        return int(Path(f"/proc/{self._pids[ENGINE]}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def _start(self) -> None:
        self._provisioned = await asyncio.to_thread(provision)
        enter = self._stack.enter_async_context
        behaviour = AgentBehaviour(ring_ms=RING_MS, talk_ms=self._talk_ms, hang_up_chance=1.0)
        self._phones = await enter(SippAgents(self._provisioned, [(self._names, behaviour)], timeout_seconds=3_600))
        members = "".join(f"member => PJSIP/{name}\n" for name in self._names)
        extra = {"extensions.conf": _DIALPLAN, "queues.conf": _QUEUE + members}
        self._pbx = await enter(Pbx(self._provisioned, agents=self._phones.telephones, extra_config=extra))
        await self._start_engine()
        await self._start_trivial()

    async def _start_engine(self) -> None:
        folder = self.folder
        password = folder / "ari.password"
        password.touch(mode=0o600)
        password.write_text(self._pbx.ari_password, encoding="utf-8")
        create_key(folder / "acd-personal.key")
        people = (f'[agents.{name}]\naddresses = {{ voice = "PJSIP/{name}" }}\n' for name in self._names)
        opened = self._token_sections() or "open = true"
        text = _CONFIGURATION.format(url=self._pbx.ari_url, user=self._pbx.ari_user, open=opened)
        (folder / "acd.toml").write_text("\n".join((text, *people, self._more)), encoding="utf-8")
        self._engine = engine = EngineProcess(folder / "acd.toml", folder / "engine.log")
        await engine.start()
        self._stack.push_async_callback(engine.stop)
        self._pids[ENGINE] = engine.pid
        async with Desk(_SYSTEM if self._tokens else "", lambda: engine.url) as desk:
            await desk.sign_in([*self._names, *self._tokens])

    def _token_sections(self) -> str:
        """Of the agents', and one that may do anything; none when the API is open."""
        found = ""
        for name, token in ({"": _SYSTEM} | self._tokens).items() if self._tokens else ():
            path = self.folder / f"{name or 'system'}.token"
            path.touch(mode=0o600)
            path.write_text(token, encoding="utf-8")
            role = f'roles = ["agent"]\nagent = "{name}"' if name else 'roles = ["system"]'
            found += f'[[api.tokens]]\nname = "{name or "system"}"\ntoken_file = "{path.name}"\n{role}\n'
        return found

    async def _start_trivial(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.rivals.trivial_ari", "--url", self._pbx.ari_url),
            *("--user", self._pbx.ari_user, "--agents", ",".join(self._names)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "ARI_PASSWORD": self._pbx.ari_password, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )

        self._pids[TRIVIAL] = process.pid

        async def end() -> None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

        self._stack.push_async_callback(end)
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            if READY not in (await process.stdout.readline()).decode():
                raise RuntimeError("the trivial ARI handler did not start")

    async def _close(self) -> None:
        try:
            await self._stack.aclose()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
