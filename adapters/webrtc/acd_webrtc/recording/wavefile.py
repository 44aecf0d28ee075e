"""A WAV file that is being written, and whose name says so until it is complete.

Owns its form (RIFF, PCM, 16 bits, one channel), the change of name, and files that another process has left behind:
those that nobody has locked. Must not know calls.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from acd.ports.recording_names import Labels
from acd_webrtc.recording.timeline import RATE
from acd_webrtc.recording.wire import ENDING, PARTIAL

BYTES_A_SECOND: Final = 2 * RATE

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_MODE: Final = 0o640
_MOST: Final = 0xFFFF_FF00
"""Bytes: what the form can say."""


class WavFile:
    """One file. Its methods raise `OSError`."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin; no file of this name may be there."""
        self._path = folder / f"{name}{ENDING}"
        self._partial = folder / f"{name}{PARTIAL}"
        if self._path.exists():
            raise FileExistsError(self._path.name)
        self._fd = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        self._bytes = 0
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(self._fd, _header(0))
        except OSError:
            self.remove()
            raise

    @property
    def seconds(self) -> float:
        """How much sound has been written."""
        return self._bytes / BYTES_A_SECOND

    def write(self, sound: bytes) -> None:
        """Append."""
        sound = sound[: max(0, _MOST - self._bytes)]
        _write(self._fd, sound)
        self._bytes += len(sound)

    def close(self) -> None:
        """It is complete, or as complete as it will ever be: it has its name."""
        _complete(self._fd, self._partial, self._path)

    def remove(self) -> None:
        """There is to be none."""
        os.close(self._fd)
        self._partial.unlink(missing_ok=True)


def salvage(folder: Path, labels: Labels) -> Iterator[tuple[str, float]]:
    """Bring files that were left to their end, if the name is one of ours; names, and seconds of sound."""
    for partial in sorted(folder.glob(f"*{PARTIAL}")):
        name = partial.name.removesuffix(PARTIAL)
        if labels.read(name) is None:
            continue
        with suppress(OSError):
            fd = os.open(partial, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(fd)
                continue  # it is being written
            seconds = _complete(fd, partial, folder / f"{name}{ENDING}")
            yield name, seconds


def _complete(fd: int, partial: Path, path: Path) -> float:
    """Returns the seconds of sound."""
    try:
        sound = max(0, min(_MOST, os.fstat(fd).st_size - _HEADER.size)) // 2 * 2
        # A disk that is full takes what is already there, and no more.
        os.pwrite(fd, _header(sound), 0)
        os.ftruncate(fd, _HEADER.size + sound)
        with suppress(OSError):
            os.fsync(fd)
        partial.replace(path)
    finally:
        os.close(fd)
    return sound / BYTES_A_SECOND


def _header(sound: int) -> bytes:
    return _HEADER.pack(
        b"RIFF", _HEADER.size - 8 + sound, b"WAVE", b"fmt ", 16, 1, 1, RATE, BYTES_A_SECOND, 2, 16, b"data", sound
    )


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
