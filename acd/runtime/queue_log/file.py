"""The file of a `queue_log`: lines appended one by one, also when the file is moved away, and found again later.

Owns the file. Must not know what lines mean, nor when they are written. Everything here blocks.
"""

import errno
import os
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.runtime.queue_log.layout import mark_of

MODE: Final = 0o640
"""Permissions of a new file: reports run as other users, of the same group."""

MAX_READ: Final = 64 * 1024 * 1024
"""Bytes at the end of a file in which lines are looked for that a crash has left behind."""

MAX_LINE: Final = 64 * 1024
"""Bytes of a line, with much to spare."""

TAIL: Final = 512
"""Bytes by which a file is known."""

MAX_NEIGHBOURS: Final = 100
"""Rotated files in which lines are looked for, the newest."""


class Place(Struct, frozen=True):
    """How far a file had been written: its size, and its last bytes then, by which it is known wherever it is now."""

    size: int = 0
    tail: bytes = b""


class LogFile:
    """One path. Open from the first `write` to `close`. Other programs may append to it, too."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path
        self._fd = -1

    def write(self, lines: deque[str]) -> None:
        """Append each, and take it out of `lines` then. Raises `OSError`; what is left has not been written."""
        if not lines:
            return
        self._open()
        while lines:
            self._append(f"{lines[0]}\n".encode())
            lines.popleft()

    def place(self) -> Place:
        """How far it is written, which survives a power failure from then on. Raises `OSError`."""
        self._open()
        os.fsync(self._fd)
        size = os.fstat(self._fd).st_size
        return Place(size, os.pread(self._fd, TAIL, max(0, size - TAIL)))

    def since(self, place: Place, at_s: int) -> Counter[bytes]:
        """What was written after `place`, at `at_s` (seconds since 1970) or later, by mark; and cut off half a line.

        The file may have been rotated meanwhile, also by being copied. Raises `OSError`.
        """
        self._open()
        self._cut()
        found: Counter[bytes] = Counter()
        for path in neighbours(self._path, at_s):
            # One may be compressed or removed at this moment.
            with suppress(FileNotFoundError, IsADirectoryError, PermissionError), path.open("rb") as file:
                is_same = os.pread(file.fileno(), TAIL, max(0, place.size - TAIL))[: len(place.tail)] == place.tail
                size = os.fstat(file.fileno()).st_size
                file.seek(max(place.size if is_same else 0, size - MAX_READ))
                for raw in file:
                    text = raw.decode("utf-8", "replace").rstrip("\n")
                    stamp = text.partition("|")[0]
                    if stamp.isdecimal() and int(stamp) >= at_s:
                        found[mark_of(text)] += 1
        return found

    def close(self) -> None:
        """Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open(self) -> None:
        """Open it, or anew if it has been moved away."""
        if self._fd >= 0:
            with suppress(FileNotFoundError):
                if os.path.samestat(self._path.stat(), os.fstat(self._fd)):
                    return
            self.close()
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)

    def _append(self, line: bytes) -> None:
        """One write, so that lines of other programs are never in the middle of it."""
        written = os.write(self._fd, line)
        if written < len(line):
            # The disk is full. Half a line would be the beginning of the next one.
            with suppress(OSError):
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _cut(self) -> None:
        """A power failure in the middle of a line leaves half of it, which nobody could read."""
        size = os.fstat(self._fd).st_size
        _, _, half = os.pread(self._fd, MAX_LINE, max(0, size - MAX_LINE)).rpartition(b"\n")
        if half[:1].isdigit() and len(half) < MAX_LINE:
            os.ftruncate(self._fd, size - len(half))


def neighbours(log: Path, at_s: int) -> list[Path]:
    """The file, and what rotation may have made of it since then (seconds since 1970), the oldest first."""
    found: list[tuple[int, Path]] = []
    for path in log.parent.glob(f"{_escaped(log.name)}*"):
        with suppress(OSError):
            if path.is_file() and path.stat().st_mtime >= at_s:
                found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)[-MAX_NEIGHBOURS:]]


def _escaped(name: str) -> str:
    """A file's name for `glob`."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
