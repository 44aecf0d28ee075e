"""`make demo` as a process of its own, and what it says, for tests that do what it tells people to do."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Final

ROOT: Final = Path(__file__).parents[3]
READY_SECONDS: Final = 60.0
END_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05


class Playing:
    """A performance. `said` is all that it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self.said = ""
        self._reading = Thread(target=self._read, args=(output,), daemon=True)
        self._reading.start()

    def until(self, pattern: str, seconds: float = READY_SECONDS) -> re.Match[str]:
        """What it says, as soon as it has said so."""
        deadline = time.monotonic() + seconds
        while (found := re.search(pattern, self.said, re.DOTALL)) is None:
            assert time.monotonic() < deadline, (pattern, self.said)
            assert self._reading.is_alive(), (pattern, self.said)
            time.sleep(POLL_SECONDS)
        return found

    def end(self, number: signal.Signals) -> int:
        """Tell it to end; its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(END_SECONDS)
        self._reading.join(END_SECONDS)
        return status

    def _read(self, output: int) -> None:
        with open(output, "rb", buffering=0) as stream:
            try:
                while said := stream.read(4096):
                    self.said += said.decode(errors="replace").replace("\r\n", "\n")
            except OSError:
                return  # a terminal's other end is gone


@contextmanager
def played(*, terminal: bool, **variables: str) -> Iterator[Playing]:
    """With simulated telephones; before somebody who sits at a terminal, or nobody."""
    output, theirs = pty.openpty() if terminal else os.pipe()
    with _ctrl_c_is_heard():
        process = subprocess.Popen(
            [sys.executable, "-m", "examples.demo"],
            cwd=ROOT,
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "DEMO_STAGE": "simulated", "PYTHONUNBUFFERED": "1", **variables},
        )
    os.close(theirs)
    try:
        yield Playing(process, output)
    finally:
        process.kill()
        process.wait()


@contextmanager
def _ctrl_c_is_heard() -> Iterator[None]:
    """As at a terminal. What a shell has put into the background ignores it, and so does all that this starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
