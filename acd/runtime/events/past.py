"""Events that are in memory no longer: made again from the journal, in a process of their own.

Owns the child process, its bounds, and the line of readers that wait for one. Must not know who reads, nor how it is
done (`acd.runtime.events.retelling`). The running engine does nothing for it.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import msgspec

from acd.errors import PastUnavailable
from acd.runtime.events.told import Cursor, Told

MAX_READS: Final = 2
"""Processes at a time."""

MAX_WAITING: Final = 64
"""Readers that wait for such a process; further ones are told to come back."""

MAX_BATCH_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one batch. A configuration of 100,000 agents is one event."""

EXIT_TOO_OLD: Final = 4
"""Exit status of a child whose cursor is too old."""

LENGTH_BYTES: Final = 4
"""Before each batch: its length, big-endian."""

_decode = msgspec.msgpack.Decoder(list[Told]).decode


class Past:
    """Reads one journal's events from a cursor on."""

    def __init__(self, journal: Path, snapshots: Path) -> None:
        """Files as they are configured; neither has to exist yet."""
        self._journal = journal
        self._snapshots = snapshots
        self._room = asyncio.Semaphore(MAX_READS)
        self._waiting = 0

    async def read(self, after: Cursor, upto_seq: int, *, patient: bool = False) -> AsyncGenerator[list[Told], None]:
        """All events after the cursor and up to row `upto_seq`, in order, in batches.

        `patient`: however far back the nearest snapshot is.
        Raises `PastUnavailable`: `too-old`, `busy` (come back later), `unreadable`.
        """
        if not self._there():
            raise PastUnavailable("unreadable", "there is no journal in a file to read older events from")
        if self._waiting >= MAX_WAITING:
            raise PastUnavailable("busy", "too many readers fetch older events just now; come back in a few seconds")
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        try:
            async for batch in self._from_child(self._command(after, upto_seq, patient=patient), after):
                yield batch
        finally:
            self._room.release()

    def _there(self) -> bool:
        """Whoever gave the router a journal of their own may have none in a file."""
        return self._journal.is_file()

    async def _from_child(self, command: tuple[str, ...], after: Cursor) -> AsyncGenerator[list[Told], None]:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            if process.stdout is None:
                raise PastUnavailable("unreadable", "the journal's reader has no output")
            while batch := await _next_batch(process.stdout):
                yield batch
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status == EXIT_TOO_OLD:
            raise PastUnavailable("too-old", f"no snapshot is near enough to {after}; begin anew without a cursor")
        if status != 0:
            raise PastUnavailable("unreadable", "the journal cannot be read back to the cursor; begin anew without one")

    def _command(self, after: Cursor, upto_seq: int, *, patient: bool) -> tuple[str, ...]:
        return (
            sys.executable,
            "-m",
            "acd.runtime.events.retelling",
            f"--journal={self._journal}",
            f"--snapshots={self._snapshots}",
            f"--after={after}",
            f"--upto-seq={upto_seq}",
            *(("--patient",) if patient else ()),
        )


async def _next_batch(stream: asyncio.StreamReader) -> list[Told]:
    """One batch; empty at the end, which the exit status explains."""
    try:
        length = int.from_bytes(await stream.readexactly(LENGTH_BYTES), "big")
        if length > MAX_BATCH_BYTES:
            raise PastUnavailable("unreadable", "one row holds more than can be told")
        batch: list[Told] = _decode(await stream.readexactly(length))
    except asyncio.IncompleteReadError:
        return []
    return batch
