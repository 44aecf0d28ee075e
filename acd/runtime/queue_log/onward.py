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
from acd.ports.queue_log import TakesQueueLog
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

    def open(self) -> None:
        """Go on where it ended; the first time at the end of what is there now. Raises `OSError`."""
        if self._mark < 0:
            self._mark = os.open(self._kept, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        words = os.pread(self._mark, _MARK_BYTES, 0).split()
        inode, self._offset = (int(words[0]), int(words[1])) if len(words) == 2 else (0, -1)  # noqa: PLR2004 - a mark
        if inode:
            self._fd = self._known(inode)
        if self._fd < 0:
            with suppress(FileNotFoundError):
                self._begin(0 if inode else -1)

    def next(self) -> str | None:
        """The next whole line; None when there is none yet. Raises `OSError`."""
        while True:
            if self._fd < 0:
                with suppress(FileNotFoundError):
                    self._begin(0)
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

    def _begin(self, offset: int) -> None:
        self._fd = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = os.fstat(self._fd).st_size if offset < 0 else offset
        self._save()

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
        """Begin, before the log itself does: what is in the file already is of an earlier life."""
        await self._patiently(self._place.open)
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
