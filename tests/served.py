"""`acd serve` as a process of its own, for tests that stop it, or kill it."""

import os
import signal
import subprocess
import sys
from pathlib import Path


class Served:
    """A running `acd serve`."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "acd.cli", "serve", *arguments],
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> str:
        """Wait for the line that says so; returns what it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("acd: ready: "), self.end()
        self.address = line.removeprefix("acd: ready: ").strip()
        return self.address

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Send a signal if one is given, wait; returns exit status, the rest of standard output, and the log."""
        if number is not None:
            self.process.send_signal(number)
        out, log = self.process.communicate(timeout=30)
        return self.process.returncode, out, log

    def kill(self) -> None:
        """As a crash would: nothing is finished, nothing is said."""
        self.process.kill()
        self.process.communicate()
