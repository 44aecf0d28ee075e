"""A program on a terminal of its own: what it shows, and keys that are pressed."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte

SOON = 30.0
SETTLED = 0.05
"""Seconds without anything more."""


class Terminal:
    """`acd …` on a pseudo-terminal of this size. `raw`: all that it has written."""

    def __init__(self, folder: Path, *arguments: str, columns: int = 120, lines: int = 30, **environment: str) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(self._slave)
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "acd.cli", *arguments],
            cwd=folder,
            stdin=self._slave,
            stdout=self._slave,
            stderr=subprocess.PIPE,
            env={**kept, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )

    @property
    def shown(self) -> str:
        """The screen, line by line."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def row(self, beginning: str) -> str:
        """The first line that begins so."""
        return next((line for line in self.screen.display if line.startswith(beginning)), "")

    def until(self, condition: Callable[[], bool]) -> None:
        """Read what it writes until the condition holds, and no more is on its way.

        A terminal is given the first lines of a screen before the others.
        """
        deadline = time.monotonic() + SOON
        while True:
            holds, left = condition(), deadline - time.monotonic()
            assert left > 0, f"not in time:\n{self.shown}"
            if select.select([self._master], [], [], SETTLED if holds else min(left, 1.0))[0]:
                found = os.read(self._master, 65_536)
                self.raw += found
                self._stream.feed(found)
            elif holds:
                return
            elif self.process.poll() is not None:
                assert condition(), self._ended()

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def modes(self) -> list[object]:
        """The terminal's settings now."""
        return list(termios.tcgetattr(self._slave))

    def end(self) -> tuple[int, str]:
        """Wait for the exit status; and what it says to standard error."""
        deadline = time.monotonic() + SOON
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.shown
            if select.select([self._master], [], [], 0.1)[0]:
                self.raw += os.read(self._master, 65_536)
        assert self.process.stderr is not None
        return self.process.returncode, self.process.stderr.read().decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        os.close(self._master)
        os.close(self._slave)

    def _ended(self) -> str:
        assert self.process.stderr is not None
        return f"it has ended with {self.process.returncode}: {self.process.stderr.read().decode()}\n{self.shown}"
