"""A lock on a file that another process of this machine respects, and that dies with its holder.

Owns the lock file. Must not know what is being locked.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

_PID_BYTES: Final = 20


class FileInUse(Exception):
    """Somebody else holds the lock; `holder` is the process id, 0 when it is not known. Stores raise their own."""

    def __init__(self, holder: int) -> None:
        """`holder` as read from the lock file."""
        self.holder = holder
        super().__init__(f"in use by process {holder}" if holder else "in use by another process")


class FileLock:
    """Holds `flock` on `path` from construction to `release`.

    The kernel lets go when the process ends, however it ends, so a stale file never locks anybody out;
    for the same reason the file is left in place: removing it would let two processes lock two files of one name.
    Raises `FileInUse`, or `OSError` when the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock at once or not at all."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            holder = _pid_in(self._fd)
            self.release()
            raise FileInUse(holder) from None
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let go. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _pid_in(fd: int) -> int:
    text = os.pread(fd, _PID_BYTES, 0)
    return int(text) if text.isdigit() else 0
