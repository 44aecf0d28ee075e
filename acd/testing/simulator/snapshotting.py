"""Snapshots: the follower, on the simulated clock, and what can happen to it and to its files.

Owns when the follower looks. Must not know the engine. The follower is the real one (`acd.runtime.following`), which
repeats every decision; here it shares the process's fate, as its child process does.
"""

import asyncio
from typing import Final

from acd.errors import JournalError
from acd.runtime.following import Following, Progress, SnapshotPace
from acd.runtime.journal import SqliteJournalReader
from acd.testing.simulator.disk import Disk
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.process import Process, ProcessDied
from acd.testing.simulator.referee import Referee

EVERY_US: Final = 7_000_000
"""Between two looks at the journal."""

PACE: Final = SnapshotPace(every_rows=60, every_seconds=3600.0, keep=2)


class Snapshotting:
    """One follower at a time."""

    def __init__(self, loop: SimulatedLoop, disk: Disk, referee: Referee) -> None:
        self._loop = loop
        self._disk = disk
        self._referee = referee
        self._process: Process | None = None
        self._journal: SqliteJournalReader | None = None
        self._following: Following | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.taken = 0

    def follow(self, process: Process) -> None:
        """Look at the journal for as long as this process lives."""
        self._process = process
        self._timer = self._loop.after(EVERY_US, self._look)

    def close(self) -> None:
        """Look no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        if self._journal is not None:
            self._journal.close()
        self._journal = self._following = None

    def _look(self) -> None:
        process = self._process
        if process is None or not process.alive:
            return
        self._timer = self._loop.after(EVERY_US, self._look)
        try:
            process.point("before-snapshot")
            self._step()
            if process.faults.crash_here("during-snapshot"):
                self._leave_half()
                process.die("during-snapshot")
            process.point("after-snapshot")
        except ProcessDied:
            return
        except JournalError as error:
            trouble = f"the follower: {error}"
            self._referee.require(not trouble, trouble)
        self._damage(process)

    def _step(self) -> None:
        if self._following is None:
            path = self._disk.journal_path
            if not path.is_file():
                return
            self._journal = SqliteJournalReader(path)
            self._following = Following(
                self._journal, self._disk.snapshots, PACE, lambda: self._loop.now_us / 1e6, self._progress
            )
        self._following.step()

    def _progress(self, progress: Progress) -> None:
        self.taken = max(self.taken, progress.snapshot_seq)

    def _damage(self, process: Process) -> None:
        """Now and then the newest snapshot turns out cut off: it is passed over at the next start."""
        paths = sorted(self._disk.snapshots.glob("*.snapshot"))
        if paths and process.faults.strikes("snapshot-damaged"):
            contents = paths[-1].read_bytes()
            cut = int(len(contents) * process.faults.dice("snapshot-damaged").random())
            paths[-1].write_bytes(contents[:cut])

    def _leave_half(self) -> None:
        """What a follower leaves behind that dies while it writes."""
        (self._disk.snapshots / "00000000000000000000.partial").write_bytes(b"ACDSNAP1 and no")
