"""From the file of a `queue_log` into that of a PBX: each line in order, when the one before it has been taken.

Owns how far that is, in a file beside the log. Must not know what lines say, nor how they are taken. The file is the
buffer: while the PBX is away, lines wait in it, over a restart of acd and a rotation, too.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from acd.errors import ChannelError
from acd.ports.queue_log import LineRefused, TakesQueueLog
from acd.runtime.clock import Backoff
from acd.runtime.log import Logger
from acd.runtime.queue_log.file import MAX_LINE, neighbours
from acd.runtime.single_thread import SingleThread

FIRST_PAUSE_US: Final = 500_000
LONGEST_PAUSE_US: Final = 10_000_000
"""Pauses, doubled, while a line is not taken."""

MODE: Final = 0o600

_US: Final = 1_000_000
_MARK: Final = "{inode:020d} {offset:020d}\n"
_MARK_BYTES: Final = 42

T = TypeVar("T")

_log = Logger(__name__)


class Place:
    """Where the next line begins: a file, by its inode, and an offset; kept beside the log. Everything here blocks."""

    def __init__(self, log: Path, kept: Path) -> None:
        """Nothing is opened yet."""
        self._log = log
        self._kept = kept
        self._fd = -1
        self._mark = -1
        self._offset = 0
        self._end = 0
        """Where the line that was given last ends."""
        self._first: tuple[int, int] | None = None
        """The inode and the end of what was in the log at the first `open`; no inode: there was none."""

    @property
    def offset(self) -> int:
        """Where the line that was given last begins."""
        return self._offset

    def open(self) -> None:
        """Go on where it ended; the first time, behind what was there when this was called first. Idempotent.

        Nothing is handed on twice because a power failure or a backup has taken or moved what was handed on already.
        Raises `OSError`.
        """
        if self._first is None:
            self._first = self._now()
        if self._fd >= 0:
            return
        if self._mark < 0:
            self._mark = os.open(self._kept, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        words = os.pread(self._mark, _MARK_BYTES, 0).split()
        is_mark = len(words) == 2 and all(map(bytes.isdigit, words))  # noqa: PLR2004 - a mark
        inode, self._offset = (int(words[0]), int(words[1])) if is_mark else (0, 0)
        self._fd = self._known(inode) if inode else -1
        if self._fd >= 0:
            self._offset = self._offset if os.fstat(self._fd).st_size >= self._offset else _end_of_lines(self._fd)
            return
        # Of a file that was rotated away and is no more, what followed has not been handed on; of a copy, all may be.
        was_rotated = inode and any(path != self._log for path in neighbours(self._log, 0))
        with suppress(FileNotFoundError):
            self._begin(None if was_rotated else self._first)

    def next(self) -> str | None:
        """The next whole line; None when there is none yet. Raises `OSError`."""
        while True:
            if self._fd < 0:
                with suppress(FileNotFoundError):
                    self._begin(None)
            if self._fd < 0:
                return None
            if os.fstat(self._fd).st_size < self._offset:
                self._offset = 0  # It was rotated by being copied.
            raw = os.pread(self._fd, MAX_LINE, self._offset)
            line, end, _ = raw.partition(b"\n")
            if end or len(raw) == MAX_LINE:
                self._end = self._offset + len(line) + len(end)
                return line.decode("utf-8", "replace")
            if not self._was_moved():
                return None
            os.close(self._fd)
            self._fd = -1

    def taken(self) -> None:
        """The line that was given last needs not be given again. Raises `OSError`."""
        self._offset = self._end
        self._save()

    def close(self) -> None:
        """Idempotent."""
        for fd in (self._fd, self._mark):
            if fd >= 0:
                os.close(fd)
        self._fd = self._mark = -1

    def _now(self) -> tuple[int, int]:
        """The inode of the log, and where its last whole line ends."""
        try:
            fd = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return 0, 0
        try:
            return os.fstat(fd).st_ino, _end_of_lines(fd)
        finally:
            os.close(fd)

    def _begin(self, behind: tuple[int, int] | None) -> None:
        """The log, at its beginning, or `behind` what was in it."""
        self._fd = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        inode, end = behind or (0, 0)
        self._offset = end if os.fstat(self._fd).st_ino == inode else 0
        try:
            self._save()
        except OSError:
            os.close(self._fd)
            self._fd = -1
            raise

    def _known(self, inode: int) -> int:
        """The file of that inode, under whatever name by now; -1 when it is no more."""
        for path in neighbours(self._log, 0):
            with suppress(OSError):
                if path.stat().st_ino == inode:
                    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return -1

    def _was_moved(self) -> bool:
        try:
            return not os.path.samestat(self._log.stat(), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def _save(self) -> None:
        mark = _MARK.format(inode=os.fstat(self._fd).st_ino, offset=self._offset)
        os.pwrite(self._mark, mark.encode(), 0)


def _end_of_lines(fd: int) -> int:
    """Where the last whole line ends: half a line behind it is cut off by the log, or has yet to be finished."""
    size = os.fstat(fd).st_size
    _, is_there, half = os.pread(fd, MAX_LINE, max(0, size - MAX_LINE)).rpartition(b"\n")
    if is_there or size <= MAX_LINE:
        return size - len(half)
    return size


class Onward:
    """The task. `taker` gives who takes lines, if there is anybody at the moment."""

    def __init__(self, log: Path, kept: Path, name: str, taker: Callable[[], object]) -> None:
        """Nothing is opened yet. `name` is the channel's, for the log."""
        self._place = Place(log, kept)
        self._name = name
        self._taker = taker
        self._thread = SingleThread("queue-log-onward")
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, before the log itself does: what is in the file already is of an earlier life.

        Nobody waits for it: if it cannot be opened yet, that is tried again beside.
        """
        with suppress(OSError):
            await self._thread.run(self._place.open)
        self._task = asyncio.create_task(self._run(), name="queue_log onward")

    def tell(self) -> None:
        """There are new lines."""
        self._news.set()

    async def close(self) -> None:
        """What has not been taken is given again after the next start. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait((task,))
        await self._thread.run(self._place.close)
        self._thread.close()

    async def _run(self) -> None:
        await self._patiently(self._place.open)
        while True:
            self._news.clear()
            line = await self._patiently(self._place.next)
            if line is None:
                await self._news.wait()
                continue
            await self._give(line)
            await self._patiently(self._place.taken)

    async def _give(self, line: str) -> None:
        backoff = Backoff(FIRST_PAUSE_US, LONGEST_PAUSE_US)
        while True:
            taker = self._taker()
            reason = "it keeps no queue_log, or there is no AMI in its section"
            if isinstance(taker, TakesQueueLog):
                try:
                    await taker.take_queue_log(line)
                except LineRefused as error:
                    what = "a line of the queue_log can never be taken, and is left out"
                    _log.warning(what, channel=self._name, offset=self._place.offset, reason=str(error))
                    return
                except ChannelError as error:
                    reason = str(error)
                else:
                    return
            pause_us = backoff.next_us()
            what = "a line of the queue_log is not taken; trying again"
            _log.warning(what, channel=self._name, reason=reason, seconds=pause_us / _US)
            await asyncio.sleep(pause_us / _US)

    async def _patiently(self, function: Callable[[], T]) -> T:
        backoff = Backoff(FIRST_PAUSE_US, LONGEST_PAUSE_US)
        while True:
            try:
                return await self._thread.run(function)
            except OSError as error:
                pause_us = backoff.next_us()
                what = "how far the queue_log was handed on cannot be read or written; trying again"
                _log.warning(what, reason=error.strerror, seconds=pause_us / _US)
                await asyncio.sleep(pause_us / _US)
