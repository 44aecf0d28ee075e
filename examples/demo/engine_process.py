"""The engine as a process of its own: `acd serve`, started, killed and started again.

Owns the process, the address it announces and its log file. Must not know what the engine is used for.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
LOG_LINES: Final = 15

_READY: Final = "acd: ready: "
_PR_SET_PDEATHSIG: Final = 1


class EngineFailed(Exception):
    """The engine did not start; the text ends with its log."""


class EngineProcess:
    """`acd serve --config FILE`. `url` is where its API is, while it runs."""

    def __init__(self, config: Path, log: Path) -> None:
        self._config = config
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    @property
    def pid(self) -> int:
        """The process's id; 0 when there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def start(self) -> None:
        """Start it, and return when it takes commands. Raises `EngineFailed`."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "acd.cli", "serve", "--config", str(self._config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C is for us: we stop it in our order
                preexec_fn=_die_with_parent(),
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                self.url = await self._announced(self._process)
        except TimeoutError:
            await self.kill()
            raise EngineFailed(f"the engine was not ready after {START_SECONDS:.0f} s\n{self.log_tail()}") from None
        except BaseException:
            await self.kill()
            raise

    async def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self.url = ""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """Ask it to stop, wait, and kill it if it does not; returns the exit status."""
        process = self._process
        if process is None:
            return 0
        self.url = ""
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                return await asyncio.wait_for(process.wait(), STOP_SECONDS)
            await self.kill()
        return await process.wait()

    def log_tail(self) -> str:
        """The end of its log."""
        with suppress(OSError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        return ""

    async def _announced(self, process: asyncio.subprocess.Process) -> str:
        """The address in the line that says it is ready."""
        output = process.stdout
        while output is not None and (line := (await output.readline()).decode(errors="replace")):
            if line.startswith(_READY):
                return line.removeprefix(_READY).split(",")[0].strip()
        raise EngineFailed(f"the engine ended with status {await process.wait()}\n{self.log_tail()}")


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the system kills the engine when this process dies, however it dies; elsewhere only `stop` does."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return prepare
