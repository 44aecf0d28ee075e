"""What the follower process does: replay the journal behind the writer, and write snapshots.

Owns the loop. Must not write to the journal (it opens it read-only), nor know who started it beyond the
pipe on its standard input: a byte there means "look again", `STOP` means "finish", its end means that the
parent is gone.
"""

import os
import select
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.ports.journal import JournalReader
from acd.runtime.log import Logger
from acd.runtime.replay import begin, replay
from acd.runtime.snapshots import write_snapshot

CHUNK_ROWS: Final = 1_000
"""Rows replayed before looking at the pipe again."""

STOP: Final = b"s"
POKE: Final = b"p"

_log = Logger(__name__)


class SnapshotPace(Struct, frozen=True):
    """How often a snapshot is taken: after so many rows, or so many seconds if there is any new row.

    `keep` is how many are kept; `poll_seconds` how often the follower looks for rows when nobody pokes it.
    """

    every_rows: int = 50_000
    every_seconds: float = 60.0
    keep: int = 3
    poll_seconds: float = 1.0


class Progress(Struct, frozen=True):
    """What the follower tells its parent: a line of JSON each. `problem` ends it for good."""

    seq: int = 0
    snapshot_seq: int = 0
    problem: str = ""


class Following:
    """Follows one journal. `clock` returns seconds that never go back; `tell` is called when something has changed."""

    def __init__(
        self,
        journal: JournalReader,
        snapshots: Path,
        pace: SnapshotPace,
        clock: Callable[[], float],
        tell: Callable[[Progress], None],
    ) -> None:
        """Begin at the newest snapshot. Raises `JournalCorrupt`, `JournalUnavailable`."""
        self._journal = journal
        self._snapshots = snapshots
        self._pace = pace
        self._clock = clock
        self._tell = tell
        begun = begin(journal, snapshots)
        self._engine = begun.engine
        self._seq, self._chain = begun.seq, begun.chain
        self._snapshot_seq = self._attempted_seq = begun.seq
        self._attempted_at = clock()
        tell(Progress(self._seq, self._snapshot_seq))

    def run(self, pipe: int) -> None:
        """Follow until told to stop (then with a last snapshot) or until the parent is gone (then at once)."""
        while True:
            behind = self.step() == CHUNK_ROWS
            readable, _, _ = select.select([pipe], [], [], 0 if behind else self._pace.poll_seconds)
            if not readable:
                continue
            said = os.read(pipe, 4_096)
            if not said:
                return
            if STOP in said:
                self.finish()
                return

    def step(self) -> int:
        """Replay at most `CHUNK_ROWS` new rows, take a snapshot if one is due; returns how many rows there were."""
        before = self._seq
        for step in replay(self._engine, islice(self._journal.rows(self._seq, self._chain), CHUNK_ROWS)):
            self._seq, self._chain = step.row.seq, step.row.chain
        fresh = self._seq - self._attempted_seq
        waited = self._clock() - self._attempted_at
        if fresh >= self._pace.every_rows or (fresh and waited >= self._pace.every_seconds):
            self._take()
        return self._seq - before

    def finish(self) -> None:
        """Catch up with the journal and leave a snapshot of its end, for a quick start."""
        while self.step() == CHUNK_ROWS:
            pass
        if self._seq > self._snapshot_seq:
            self._take()

    def _take(self) -> None:
        # A snapshot that cannot be written (a full disk) is tried again at the next due time, not at once.
        self._attempted_seq, self._attempted_at = self._seq, self._clock()
        try:
            self._snapshots.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_snapshot(self._snapshots, self._engine, self._seq, self._chain, self._pace.keep)
        except OSError as error:
            _log.warning("snapshot not written", seq=self._seq, reason=error.strerror)
            return
        self._snapshot_seq = self._seq
        self._tell(Progress(self._seq, self._snapshot_seq))
