"""Reading a SQLite journal: paged, the chain verified row by row, damage named.

Owns the reading. Must not write: the follower and the command line use it beside a living writer. A page
is one short transaction, so that a slow reader never keeps the writer from folding its log away.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.errors import JournalCorrupt
from acd.ports.journal import Entry, Row
from acd.runtime.database import DATABASE_ERRORS, explained, open_read_only
from acd.runtime.journal.chain import Fields, genesis, link_fields
from acd.runtime.journal.schema import JOURNAL

PAGE_ROWS: Final = 1000
"""Rows that are read in one transaction."""

_PAGE: Final = (
    "SELECT domain, epoch, seq, command_id, origin, at_us, schema, command, outcome, chain"
    " FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"
)
"""What is hashed, in that order, and the chain value."""

_NEWEST: Final = "SELECT seq, at_us, command, outcome FROM journal WHERE seq < ? ORDER BY seq DESC LIMIT ?"

_NAMED: Final = (
    "SELECT group_concat(seq || ' ' || command_id || ' ' || at_us || ' ' || outcome, char(10)) FROM journal"
    " WHERE seq > ? AND seq <= ? AND command_id >= ? AND command_id < ?"
)
"""One text, because each row that SQLite hands out costs a turn with all other threads; none of the four has spaces."""

_AT_US: Final = "SELECT at_us FROM journal WHERE seq = ?"
_EPOCH: Final = "SELECT epoch FROM journal WHERE seq = ?"

_SEQ: Final = 2
"""Where in it `seq` is."""


class Head(Struct, frozen=True):
    """The head record: which domain, which epoch, and which row is the last."""

    domain: str
    epoch: int
    seq: int
    chain: bytes


class Recent(Struct, frozen=True):
    """What is looked at of a row: `command` as in `Entry`, and `outcome` likewise."""

    seq: int
    at_us: int
    command: bytes
    outcome: str


class Named(Struct, frozen=True):
    """What is looked at of a row that is found by its command's id. `outcome` as in `Entry`."""

    seq: int
    command_id: str
    at_us: int
    outcome: str


class Life(Struct, frozen=True):
    """One writer's rows, up to `last_seq`: the time of the first, and the chain value before it."""

    epoch: int
    last_seq: int
    at_us: int
    chain: bytes


class SqliteJournalReader:
    """Reads a journal that somebody else may be writing. One thread at a time."""

    def __init__(self, path: Path | str) -> None:
        """Open read-only. Raises `JournalUnavailable` when there is none, `JournalCorrupt` when it is damaged."""
        self._path = Path(path)
        self._connection = open_read_only(self._path, JOURNAL)
        try:
            self._domain = read_head(self._connection, self._path).domain
        except BaseException:
            self._connection.close()
            raise

    @property
    def domain(self) -> str:
        """The domain whose commands these are."""
        return self._domain

    def tail(self) -> tuple[int, bytes]:
        """(seq, chain) of the last row; (0, genesis) when empty."""
        head = read_head(self._connection, self._path)
        return head.seq, head.chain

    def epoch(self) -> int:
        """The epoch of the writer that came last."""
        return read_head(self._connection, self._path).epoch

    def rows(self, after_seq: int = 0, after_chain: bytes | None = None) -> Iterator[Row]:
        """Rows in order, the chain verified while reading. Raises `JournalCorrupt` naming the row."""
        return read_rows(self._connection, self._path, self._domain, after_seq, after_chain)

    def newest(self, before_seq: int, most: int) -> list[Recent]:
        """At most so many rows before `before_seq`, the newest first. Not verified: for looking, not for replaying."""
        return [Recent(*fields) for fields in self._fetched(_NEWEST, before_seq, most)]

    def named(self, first: str, end: str, after_seq: int, upto_seq: int) -> list[Named]:
        """Those of the rows after one up to another whose commands' ids are between two texts, the last one excluded.

        In no order. Not verified: for looking, not for replaying.
        """
        ((found,),) = self._fetched(_NAMED, after_seq, upto_seq, first, end)
        rows = [line.split(" ") for line in found.split("\n")] if found else []
        return [Named(int(seq), command_id, int(at_us), outcome) for seq, command_id, at_us, outcome in rows]

    def at(self, seq: int) -> tuple[int, bytes]:
        """(seq, chain) of a row. Raises `JournalCorrupt` when it is missing."""
        return seq, _anchor(self._connection, self._path, self._domain, seq, None)

    def first_since(self, at_us: int) -> int:
        """The first row of that time or later; the one after the last, when there is none."""
        return self._first(_AT_US, at_us, self.tail()[0] + 1)

    def lives(self, most: int) -> list[Life]:
        """What each writer has written, the newest first, at most so many."""
        found: list[Life] = []
        last = self.tail()[0]
        while last and len(found) < most:
            ((epoch,),) = self._fetched(_EPOCH, last)
            first = self._first(_EPOCH, epoch, last)
            ((at_us,),) = self._fetched(_AT_US, first)
            found.append(Life(epoch, last, at_us, self.at(first - 1)[1]))
            last = first - 1
        return found

    def quarantined(self) -> int:
        """How many commands were set aside."""
        return count_quarantined(self._connection, self._path)

    def close(self) -> None:
        """Release the connection. Idempotent."""
        self._connection.close()

    def _first(self, of_row: str, least: int, end: int) -> int:
        """The first row before `end` of which a value that never shrinks is that large; `end` when there is none."""
        low, high = 1, end
        while low < high:
            middle = (low + high) // 2
            found = self._fetched(of_row, middle)
            low, high = (low, middle) if found and found[0][0] >= least else (middle + 1, high)
        return low

    def _fetched(self, sql: str, *values: object) -> list[Fields]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, JOURNAL, "read") from error


def read_head(connection: sqlite3.Connection, path: Path) -> Head:
    """The head record. Raises `JournalCorrupt` when it is not whole."""
    try:
        fields = connection.execute("SELECT domain, epoch, seq, chain FROM head WHERE id = 1").fetchone()
    except DATABASE_ERRORS as error:
        raise explained(error, path, JOURNAL, "read") from error
    if fields is None:
        raise JournalCorrupt(f"the journal {path} has lost its head record: restore it from a copy")
    domain, epoch, seq, chain = fields
    whole = isinstance(domain, str) and isinstance(epoch, int) and isinstance(seq, int) and isinstance(chain, bytes)
    if not whole or seq < 0 or (seq == 0 and chain != genesis(domain)):
        raise JournalCorrupt(f"the head record of the journal {path} has been altered: restore it from a copy")
    return Head(domain, epoch, seq, chain)


def count_quarantined(connection: sqlite3.Connection, path: Path) -> int:
    """How many commands are in quarantine."""
    try:
        return int(connection.execute("SELECT count(*) FROM quarantine").fetchone()[0])
    except DATABASE_ERRORS as error:
        raise explained(error, path, JOURNAL, "read") from error


def read_rows(
    connection: sqlite3.Connection, path: Path, domain: str, after_seq: int, after_chain: bytes | None
) -> Iterator[Row]:
    """Every row after `after_seq` up to the head, verified; ends when it has met the head record."""
    chain = _anchor(connection, path, domain, after_seq, after_chain)
    seq = after_seq
    while True:
        page, head = _page(connection, path, seq)
        for fields in page:
            row_chain = link_fields(chain, fields[:-1])
            if fields[_SEQ] != seq + 1 or row_chain != fields[-1] or fields[0] != domain:
                raise _unfit(path, seq, fields)
            chain = row_chain
            _, epoch, seq, command_id, origin, at_us, schema, command, outcome, _ = fields
            yield Row(domain, epoch, seq, Entry(command_id, origin, at_us, command, outcome, schema), chain)
        if len(page) < PAGE_ROWS:
            _meet_head(path, head, seq, chain)
            return


def _anchor(
    connection: sqlite3.Connection, path: Path, domain: str, after_seq: int, after_chain: bytes | None
) -> bytes:
    if after_seq == 0:
        chain = genesis(domain)
    else:
        try:
            found = connection.execute("SELECT chain FROM journal WHERE seq = ?", (after_seq,)).fetchone()
        except DATABASE_ERRORS as error:
            raise explained(error, path, JOURNAL, "read") from error
        if found is None:
            raise JournalCorrupt(f"row {after_seq} of the journal {path} is missing")
        chain = found[0]
    if after_chain is not None and chain != after_chain:
        raise JournalCorrupt(f"row {after_seq} of the journal {path} is not the one it was: its chain value differs")
    return bytes(chain)


def _page(connection: sqlite3.Connection, path: Path, after_seq: int) -> tuple[list[Fields], Head]:
    # Rows and head in one transaction: else a row appended in between would look like a lie of the head's.
    try:
        connection.execute("BEGIN")
        try:
            page = _fetch(connection, after_seq)
            head = read_head(connection, path)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except DATABASE_ERRORS as error:
        reason = explained(error, path, JOURNAL, "read")
        if isinstance(reason, JournalCorrupt):
            raise JournalCorrupt(f"after row {after_seq}, {reason}") from error
        raise reason from error
    return page, head


def _fetch(connection: sqlite3.Connection, after_seq: int) -> list[Fields]:
    try:
        return connection.execute(_PAGE, (after_seq, PAGE_ROWS)).fetchall()
    except sqlite3.OperationalError as error:
        # Text that is no longer UTF-8 makes the whole page fail; one by one the guilty row can be named.
        if "decode" not in str(error):
            raise
    page: list[Fields] = []
    while len(page) < PAGE_ROWS:
        last = page[-1][_SEQ] if page else after_seq
        try:
            fields = connection.execute(_PAGE, (last, 1)).fetchone()
        except sqlite3.OperationalError:
            # The text stays unread: no row encodes to a chain value with these fields in it.
            fields = (None, 0, last + 1, "", "", 0, 0, b"", "", b"")
        if fields is None:
            break
        page.append(fields)
    return page


def _unfit(path: Path, before: int, fields: Fields) -> JournalCorrupt:
    """What is wrong with the row that follows row `before`."""
    seq = fields[_SEQ]
    if seq != before + 1:
        gap = f"row {before + 1} is" if seq == before + 2 else f"rows {before + 1} to {seq - 1} are"
        return JournalCorrupt(f"{gap} missing from the journal {path}")
    reason = "its chain value does not fit its contents"
    return JournalCorrupt(f"row {seq} of the journal {path} has been altered: {reason}")


def _meet_head(path: Path, head: Head, seq: int, chain: bytes) -> None:
    if head.seq > seq:
        gap = f"row {head.seq} is" if head.seq == seq + 1 else f"rows {seq + 1} to {head.seq} are"
        raise JournalCorrupt(f"{gap} missing from the end of the journal {path}")
    if head.seq < seq:
        raise JournalCorrupt(f"the journal {path} has rows after {head.seq}, which its head record calls the last")
    if head.chain != chain:
        raise JournalCorrupt(f"the head record of the journal {path} does not fit row {seq}: one of them is altered")
