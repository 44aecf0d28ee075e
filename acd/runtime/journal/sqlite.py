"""The journal in a SQLite file: WAL, one connection, one writer, one transaction per batch.

Owns writing. Must not know what a command means. The caller uses it from one thread at a time.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain as flattened
from pathlib import Path
from typing import Final

from acd.errors import JournalUnavailable
from acd.ports.journal import AppendResult, Committed, Durability, Entry, Fenced, Rejected, Row, Unknown
from acd.runtime.database import DATABASE_ERRORS, explained, lock_database, open_database, primary_code
from acd.runtime.journal.chain import Fields, fields_of, genesis, link_fields
from acd.runtime.journal.reader import Head, count_quarantined, read_head, read_rows
from acd.runtime.journal.schema import JOURNAL
from acd.runtime.log import Logger

MAX_QUARANTINED: Final = 10_000
"""Commands kept in quarantine; beyond it the oldest is dropped."""

MAX_ERROR: Final = 2_000
"""Characters kept of the error that sent a command there."""

_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_INSERT: Final = (
    "INSERT INTO journal (domain, epoch, seq, command_id, origin, at_us, schema, command, outcome, chain) VALUES "
)
_ROW: Final = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ROWS_AT_ONCE: Final = 64
"""Rows of one statement. Each statement lets go of the interpreter and has to get it back from the event loop."""

_ADVANCE: Final = "UPDATE head SET seq = ?, chain = ? WHERE id = 1 AND epoch = ? AND seq = ? AND chain = ?"

_SET_ASIDE: Final = (
    "INSERT INTO quarantine (command_id, origin, at_us, schema, command, error) VALUES (?, ?, ?, ?, ?, ?)"
)
_DROP_OLDEST: Final = "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?"

_log = Logger(__name__)


class SqliteJournal:
    """`acd.ports.journal.Journal` over the file `path`.

    `durability="full"` syncs every commit to the device; `"normal"` may lose the last commits when the power fails
    (never when only the process dies), and never leaves a damaged file. `lock=False` leaves out the lock file: only for
    where something else guarantees a single process, because fencing alone notices a rival no sooner than at
    its next append.

    Raises `JournalUnavailable` (in use, not writable, another domain's, too new) or `JournalCorrupt`.
    """

    def __init__(self, path: Path | str, domain: str, durability: Durability = "full", *, lock: bool = True) -> None:
        """Open the file, creating or migrating it."""
        self._path = Path(path)
        self._domain = domain
        self._durability: Durability = durability
        self._lock = lock_database(self._path, JOURNAL) if lock else None
        self._closed = False
        # Set when a COMMIT failed. What the connection believes then need not be what the disk holds.
        self._suspect = False
        self._head: Head | None = None
        """What our last append has left; None when it is to be read."""
        try:
            self._connection = open_database(self._path, JOURNAL, durability)
        except BaseException:
            self._release_lock()
            raise
        try:
            self._claim_domain()
        except BaseException:
            self.close()
            raise

    @property
    def domain(self) -> str:
        """The domain whose commands these are."""
        return self._domain

    def open_epoch(self) -> int:
        """Take over: raise the epoch, fence off every earlier writer, and return the new epoch."""
        connection = self._sound()
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE head SET epoch = epoch + 1 WHERE id = 1")
            (epoch,) = connection.execute("SELECT epoch FROM head WHERE id = 1").fetchone()
            connection.execute("COMMIT")
        except DATABASE_ERRORS as error:
            self._suspect = True
            raise explained(error, self._path, JOURNAL, "taken over") from error
        return int(epoch)

    def tail(self) -> tuple[int, bytes]:
        """(seq, chain) of the last row; (0, genesis) when empty."""
        head = read_head(self._sound(), self._path)
        return head.seq, head.chain

    def append(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> AppendResult:
        """Append the batch as rows expected_seq + 1 …, all or nothing, durable when `Committed`.

        `Unknown` also when the tail is not at `expected_seq`: an earlier append of the same batch may have succeeded
        after all. Raises `JournalCorrupt` when the file is damaged, `JournalUnavailable` when closed.
        """
        try:
            connection = self._sound()
            connection.execute("BEGIN IMMEDIATE")
        except JournalUnavailable as error:
            if self._closed:
                raise
            return Rejected(str(error))
        except DATABASE_ERRORS as error:
            return self._refused(error)
        head, self._head = self._head, None
        try:
            written = self._write(connection, head, epoch, expected_seq, batch)
        except DATABASE_ERRORS as error:
            return self._abandon(error)
        except BaseException:
            self._suspect = True  # The fresh connection begins without this transaction.
            raise
        if not isinstance(written, Committed):
            connection.execute("ROLLBACK")
            return written
        try:
            connection.execute("COMMIT")
        except DATABASE_ERRORS as error:
            # The commit record may be in the log although writing it failed later on.
            self._suspect = True
            return Unknown(str(explained(error, self._path, JOURNAL, "committed to")))
        self._head = Head(self._domain, epoch, written.seq, written.chain)
        return written

    def rows(self, after_seq: int = 0, after_chain: bytes | None = None) -> Iterator[Row]:
        """Rows in order, the chain verified while reading. Raises `JournalCorrupt` naming the row."""
        return read_rows(self._sound(), self._path, self._domain, after_seq, after_chain)

    def quarantine(self, entry: Entry, error: str) -> None:
        """Set a poisonous command aside, durably, outside the chain. Raises `JournalUnavailable`."""
        connection = self._sound()
        kept = (entry.command_id, entry.origin, entry.at_us, entry.schema, entry.command, error[:MAX_ERROR])
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_SET_ASIDE, kept)
            connection.execute(_DROP_OLDEST, (MAX_QUARANTINED,))
            connection.execute("COMMIT")
        except DATABASE_ERRORS as failure:
            self._suspect = True
            raise explained(failure, self._path, JOURNAL, "written") from failure
        _log.warning("command quarantined", command_id=entry.command_id, domain=self._domain)

    def quarantined(self) -> int:
        """How many commands are in quarantine."""
        return count_quarantined(self._sound(), self._path)

    def close(self) -> None:
        """Release everything. Idempotent."""
        self._closed = True
        with suppress(*DATABASE_ERRORS):
            self._connection.close()
        self._release_lock()

    def _write(
        self, connection: sqlite3.Connection, known: Head | None, epoch: int, expected_seq: int, batch: Sequence[Entry]
    ) -> Committed | Fenced | Unknown:
        """Insert within the open transaction; anything but `Committed` has written nothing."""
        head, domain = known or read_head(connection, self._path), self._domain
        seq, chain = head.seq, head.chain
        fields: list[Fields] = []
        for entry in batch:
            seq += 1
            hashed = fields_of(domain, epoch, seq, entry)
            chain = link_fields(chain, hashed)
            fields.append((*hashed, chain))
        # First of all, and only where the head is as we have left it: so one statement sees that nobody has been here.
        if connection.execute(_ADVANCE, (seq, chain, epoch, expected_seq, head.chain)).rowcount != 1:
            return self._overtaken(read_head(connection, self._path), epoch, expected_seq)
        for rows in _pieces(fields):
            connection.execute(_INSERT + ", ".join([_ROW] * len(rows)), list(flattened.from_iterable(rows)))
        return Committed(seq, chain)

    def _overtaken(self, head: Head, epoch: int, expected_seq: int) -> Fenced | Unknown:
        """The head is not the one that we go on from."""
        if head.epoch != epoch:
            return Fenced(head.epoch)
        if head.seq != expected_seq:
            return Unknown(f"the journal {self._path} ends at row {head.seq}, not at {expected_seq}: reread its tail")
        return Unknown(f"the journal {self._path} has another row {head.seq} than the one written: reread its tail")

    def _abandon(self, error: Exception) -> Rejected | Unknown:
        """Roll back after a failure before COMMIT: nothing can have been written, unless even that fails."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except DATABASE_ERRORS as failure:
            self._suspect = True
            return Unknown(str(explained(failure, self._path, JOURNAL, "rolled back")))
        return self._refused(error)

    def _refused(self, error: Exception) -> Rejected:
        reason = explained(error, self._path, JOURNAL, "written")
        if primary_code(error) in _DAMAGE:
            raise reason from error
        return Rejected(str(reason))

    def _sound(self) -> sqlite3.Connection:
        """The connection; a fresh one when a COMMIT failed on the old, so that reading shows what the disk holds."""
        if self._closed:
            raise JournalUnavailable(f"the journal {self._path} is closed")
        if self._suspect:
            with suppress(*DATABASE_ERRORS):
                self._connection.close()
            self._connection = open_database(self._path, JOURNAL, self._durability)
            self._suspect = False
        return self._connection

    def _claim_domain(self) -> None:
        try:
            claim = "INSERT OR IGNORE INTO head SELECT 1, ?, 0, 0, ? WHERE NOT EXISTS (SELECT 1 FROM journal)"
            self._connection.execute(claim, (self._domain, genesis(self._domain)))
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, JOURNAL, "opened") from error
        found = read_head(self._connection, self._path).domain
        if found != self._domain:
            text = f"the journal {self._path} belongs to the domain {found!r}, not {self._domain!r}; give another path"
            raise JournalUnavailable(text)

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _pieces(rows: list[Fields]) -> Iterator[list[Fields]]:
    """As few as possible, of so few lengths that SQLite keeps a prepared statement for each."""
    begin, length = 0, _ROWS_AT_ONCE
    while begin < len(rows):
        while length > len(rows) - begin:
            length //= 2
        yield rows[begin : begin + length]
        begin += length
