"""Starts a program so that it cannot outlive whoever started it, and ends it by its process id.

Owns: the death signal, the session of its own (so that ctrl-C reaches only us), the limit of open files,
and the order terminate, wait, kill. Must not know: which program it is.
"""

from __future__ import annotations

import asyncio
import ctypes
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
WANTED_OPEN_FILES = 65_536


def open_files_limit() -> int:
    """The number of files that a child may open: the hard limit, or what a large instance wants."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return WANTED_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_OPEN_FILES)


async def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: Path | None,
    detached: bool = False,
) -> asyncio.subprocess.Process:
    """Start `command` in `folder`; its output goes to the file `output`, or nowhere.

    Unless `detached`, the system kills it when the thread that called this dies.
    """
    sink = output.open("ab") if output is not None else None
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink or asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_prepare_child(detached=detached),
        )
    finally:
        if sink is not None:
            sink.close()


async def end(process: asyncio.subprocess.Process, *, patience_seconds: float) -> int:
    """Terminate, wait, then kill; gives the exit status."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
    with suppress(TimeoutError):
        return await asyncio.wait_for(process.wait(), patience_seconds)
    return await kill(process)


async def kill(process: asyncio.subprocess.Process) -> int:
    """SIGKILL, and wait until it is gone."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    return await process.wait()


def _prepare_child(*, detached: bool) -> Callable[[], None]:
    limit = open_files_limit()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def prepare() -> None:
        # Between fork and exec: nothing here may allocate much or take a lock.
        if _LIBC is not None and not detached:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))

    return prepare
