"""The machine's disk: what of the journal, the outbox and the snapshots is still there after a crash.

Owns the files of each life, and the journal's faults. Must not know what is written. The journal and the outbox are
the real ones, in SQLite. A crash takes an image of their files as they are at that moment (write-ahead log included, no
lock, nothing folded in); the next life begins with that image, and SQLite recovers it as it would after a power cut.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from acd.errors import JournalUnavailable
from acd.ports.journal import AppendResult, Committed, Entry, Rejected, Row, Unknown
from acd.runtime.journal import SqliteJournal
from acd.testing.simulator.process import Process, ProcessDied

DOMAIN: Final = "simulated"

_STORES: Final = ("journal.db", "outbox.db")
_RECOVER: Final = "recover-"

Durable = Callable[[int, int, Sequence[Entry]], None]
"""Told epoch, first row and entries as soon as they are on disk, whatever the writer is told."""


class Disk:
    """One folder per life. `durable` is told what has been written."""

    def __init__(self, root: Path, durable: Durable) -> None:
        self._root = root
        self._durable = durable
        self._generation = 0
        self._open: list[SqliteJournal] = []
        self.snapshots = root / "snapshots"
        self.snapshots.mkdir(parents=True)
        self.folder.mkdir()

    @property
    def folder(self) -> Path:
        """The present life's files."""
        return self._root / f"life-{self._generation}"

    @property
    def journal_path(self) -> Path:
        """The journal as it is now."""
        return self.folder / _STORES[0]

    @property
    def outbox_path(self) -> Path:
        """The outbox as it is now."""
        return self.folder / _STORES[1]

    def open_journal(self, process: Process) -> "FaultyJournal":
        """The journal, for one life. Raises `ProcessDied`, `JournalUnavailable`."""
        process.point("opening")
        inner = SqliteJournal(self.journal_path, DOMAIN, "normal", lock=False)
        self._open.append(inner)
        return FaultyJournal(inner, self.journal_path, process, self._durable)

    def reader(self) -> SqliteJournal:
        """The journal for whoever only looks, without faults. To be closed by the caller."""
        return SqliteJournal(self.journal_path, DOMAIN, "normal", lock=False)

    def crash(self) -> None:
        """The process has died: what is on disk at this moment is all that the next life finds."""
        before = self.folder
        self._generation += 1
        self.folder.mkdir()
        for store in _STORES:
            for suffix in ("", "-wal"):
                path = before / (store + suffix)
                if path.is_file():
                    shutil.copyfile(path, self.folder / path.name)
        self._let_go()
        # Not the last one: its outbox is still open, until the dead process has been torn down.
        shutil.rmtree(self._root / f"life-{self._generation - 2}", ignore_errors=True)

    def close(self) -> None:
        """After a stop in good order."""
        self._let_go()

    def _let_go(self) -> None:
        while self._open:
            self._open.pop().close()


class FaultyJournal:
    """`acd.ports.journal.Journal` over the real one, which fails as told."""

    def __init__(self, inner: SqliteJournal, path: Path, process: Process, durable: Durable) -> None:
        self._inner = inner
        self._path = path
        self._process = process
        self._durable = durable
        self._epoch = 0
        self._outage_until_us = 0

    @property
    def domain(self) -> str:
        """The domain whose commands these are."""
        return self._inner.domain

    def open_epoch(self) -> int:
        """Take over."""
        self._epoch = self._inner.open_epoch()
        self._process.point("opened")
        return self._epoch

    def tail(self) -> tuple[int, bytes]:
        """(seq, chain) of the last row."""
        self._readable()
        return self._inner.tail()

    def rows(self, after_seq: int = 0, after_chain: bytes | None = None) -> Iterator[Row]:
        """Rows in order."""
        self._readable()
        return self._passing(self._inner.rows(after_seq, after_chain))

    def append(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> AppendResult:
        """Append the batch, or fail."""
        process, faults = self._process, self._process.faults
        recovering = batch[0].command_id.startswith(_RECOVER)
        process.point("before-recover" if recovering else "before-append")
        now_us = process.loop.now_us
        if faults.strikes("outage"):
            self._outage_until_us = now_us + faults.dice("outage").randrange(1_000_000, 20_000_000)
        if faults.strikes("rejected") or (faults.active and now_us < self._outage_until_us):
            return Rejected("simulated: the disk is full")
        if faults.strikes("unknown-lost"):
            return Unknown("simulated: the commit failed")
        if faults.strikes("fenced"):
            self._inner.open_epoch()
        # Of one row there is all or nothing; of several there could be some.
        if len(batch) > 1 and faults.crash_here("torn-append"):
            self._tear(epoch, expected_seq, batch)
        result = self._inner.append(epoch, expected_seq, batch)
        if isinstance(result, Committed):
            self._durable(epoch, expected_seq + 1, batch)
        process.point("after-recover" if recovering else "after-append")
        if isinstance(result, Committed) and faults.strikes("unknown-written"):
            return Unknown("simulated: the commit's answer was lost")
        return result

    def quarantine(self, entry: Entry, error: str) -> None:
        """Set a poisonous command aside."""
        if self._process.faults.strikes("rejected"):
            raise JournalUnavailable("simulated: the disk is full")
        self._inner.quarantine(entry, error)

    def close(self) -> None:
        """The disk closes it."""

    def _readable(self) -> None:
        if not self._process.alive:
            raise ProcessDied("reading the journal")
        if self._process.faults.strikes("unreadable"):
            raise JournalUnavailable("simulated: the disk cannot be read")

    def _passing(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self._process.point("replaying")
            yield row

    def _tear(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> None:
        """Die half-way through writing the log. Raises `ProcessDied`."""
        log = self._path.with_name(self._path.name + "-wal")
        before = log.read_bytes() if log.is_file() else b""
        database = self._path.read_bytes()
        result = self._inner.append(epoch, expected_seq, batch)
        if isinstance(result, Committed):
            if self._path.read_bytes() == database:
                log.write_bytes(_torn(before, log.read_bytes(), self._process.faults.dice("crash").random()))
            else:
                # The log was folded into the database, which happens only once it is safe: too late to tear it.
                self._durable(epoch, expected_seq + 1, batch)
        self._process.die("torn-append")
        raise ProcessDied("torn-append")


def _torn(before: bytes, after: bytes, share: float) -> bytes:
    """A file that was being written: a prefix of the new bytes, then the old ones; never all of the new ones."""
    least = min(len(before), len(after))
    begin = next((place for place in range(least) if before[place] != after[place]), least)
    changed = (
        place for place in range(len(after), begin, -1) if place > len(before) or before[place - 1] != after[place - 1]
    )
    end = next(changed)
    cut = begin + int((end - begin) * share)
    return after[:cut] + before[cut:]
