"""The engine as users run it, in a process of its own, to be killed and started again.

Owns the process and its files. Must not know any test.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from acd.core.messages import SignInAgent
from acd.runtime.router import Router
from acd_asterisk.lab import Pbx
from tests.adapters.asterisk.rig import INSTANCE, PATIENCE_SECONDS, Agent, Queue, configuration


class EngineProcess:
    """`acd serve` in a process of its own, to be killed and started again. The configuration is `folder/acd.toml`."""

    def __init__(self, folder: Path, pbx: Pbx, agents: Sequence[Agent], queues: Iterable[Queue]) -> None:
        secret = folder / "ari-password"
        secret.touch(mode=0o600)
        secret.write_text(pbx.ari_password)
        channel = [
            f"[channels.{INSTANCE}]",
            'type = "asterisk"',
            f'url = "{pbx.ari_url}"',
            f'user = "{pbx.ari_user}"',
            f'password_file = "{secret}"',
            "[snapshots]",
            "enabled = false",
        ]
        self._folder = folder
        self._text = "\n".join([configuration(agents, queues), *channel])
        self._agents = [agent.name for agent in agents]
        self._process: asyncio.subprocess.Process | None = None
        self._log = folder / "acd.log"
        self.starts = 0

    @property
    def journal(self) -> Path:
        """Its journal's file."""
        return self._folder / "acd-journal.db"

    async def sign_in(self) -> None:
        """Make every agent ready; it stays so, in the journal."""
        (self._folder / "acd.toml").write_text(self._text)
        async with Router(self._folder / "acd.toml", channels=[]) as router:
            for agent in self._agents:
                outcome = await router.submit(SignInAgent(router.new_id(), agent, ready=True))
                assert outcome.refusal is None

    async def start(self) -> None:
        """Start it; returns when it takes commands."""
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "acd.cli",
                    "serve",
                    "--config",
                    str(self._folder / "acd.toml"),
                    "--log",
                    "json",
                ),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await self._process.stdout.readline()
        assert b"ready" in line, self.log()

    async def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and wait; none that has ended is harmed."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    def log(self) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text().splitlines()[-20:])
