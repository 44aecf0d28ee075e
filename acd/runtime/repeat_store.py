"""Which requests the journal holds that came with an `Idempotency-Key`, found by the key; and how they were answered.

Owns the file. Must not know HTTP, nor what is in an answer. The journal is the truth: what is here is an index over its
newest part, read on to the journal's end before every look, and made anew when it does not fit the journal (another
one, or an older copy of it), or is damaged. So nothing that is done under a key can be missed, whenever the process
died, and the journal need not be touched. The newest is in memory, and written down together with the answers, which
are kept as far as that was in time.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from acd.errors import JournalCorrupt, RepeatsDamaged, RepeatsError
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.log import Logger
from acd.runtime.request_key import AFTER_PREFIX, PREFIX, parsed

MAX_KEPT: Final = 10_000_000
"""Requests that are remembered; beyond it the oldest is forgotten early: 115 a second for a whole day."""

ROWS_AT_ONCE: Final = 10_000
"""Rows of the journal that are read in one go."""

MAX_FRESH: Final = 1_000
"""Requests that are in memory only; with one more they are written down, answered or not."""

NAMES_AT_ONCE: Final = 100
"""Requests of one statement: each statement costs a turn with all other threads."""

FORGOTTEN_AT_ONCE: Final = 2_000
"""Requests that are forgotten in one go: more than come in, so that it catches up."""

_KIND: Final = DatabaseKind(
    name="store of answers",
    application_id=0x41434441,
    migrations=(
        (
            """
            CREATE TABLE asked (
                seq INTEGER PRIMARY KEY,
                key BLOB NOT NULL,
                fingerprint TEXT NOT NULL,
                at_us INTEGER NOT NULL,
                outcome TEXT NOT NULL,
                answer BLOB
            )
            """,
            "CREATE INDEX asked_by_key ON asked (key)",
            """
            CREATE TABLE place (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                seq INTEGER NOT NULL,
                chain BLOB NOT NULL,
                kept INTEGER NOT NULL
            )
            """,
        ),
    ),
    unavailable=RepeatsError,
    corrupt=RepeatsDamaged,
)
_ADD: Final = "INSERT OR REPLACE INTO asked (seq, key, fingerprint, at_us, outcome, answer) VALUES "
_ANSWER: Final = "UPDATE asked SET answer = ? WHERE seq = (SELECT max(seq) FROM asked WHERE key = ?)"
_PLACE: Final = "INSERT OR REPLACE INTO place (id, seq, chain, kept) VALUES (1, ?, ?, ?)"
_FIND: Final = (
    "SELECT key, at_us, fingerprint, outcome, answer FROM asked WHERE at_us >= ? AND key IN ({}) ORDER BY seq"
)
_OLDEST: Final = "SELECT seq, at_us FROM asked ORDER BY seq LIMIT ?"

T = TypeVar("T")

_log = Logger(__name__)


class Repeat(Struct, frozen=True):
    """A request that was carried out, or refused, before. `answer`: as it was handed to `look`; None: not kept.

    `outcome`: what the journal says, a refusal's code or a digest. `fingerprint`: as in `RequestKey`.
    """

    at_us: int
    fingerprint: str
    outcome: str
    answer: bytes | None


class _Fresh(Struct, frozen=True):
    """What the journal says of a request, before it is written down."""

    seq: int
    fingerprint: str
    at_us: int
    outcome: str


class RepeatStore:
    """The file `path`, beside the journal in `journal`. Blocks; one thread at a time."""

    def __init__(self, path: Path, journal: Path, kept_us: int) -> None:
        """Opens or creates the file, keeps other processes from it. `kept_us`: how long a request is remembered.

        The journal is opened with the first look. Raises `RepeatsError`.
        """
        self._path = path
        self._journal = journal
        self._kept_us = kept_us
        self._reader: SqliteJournalReader | None = None
        self._fresh: dict[str, _Fresh] = {}
        self._seq, self._count = 0, 0
        self._lock = lock_database(path, _KIND)
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.release()
            raise

    def look(self, answers: Sequence[tuple[str, bytes]], wanted: Sequence[str], now_us: int) -> list[Repeat | None]:
        """Write down answers by their keys' names, if any; then say what is known of the wanted names.

        Raises `RepeatsError`, and `JournalError` when the journal cannot be read.
        """
        try:
            return self._look(answers, wanted, now_us)
        except RepeatsDamaged as damage:
            self._drop()
            self._connection.close()
            self._set_aside(damage)
            self._connection = self._open()
            return self._look(answers, wanted, now_us)

    def close(self) -> None:
        """Let go of the files. Idempotent."""
        self._drop()
        self._connection.close()
        self._lock.release()

    def _open(self) -> sqlite3.Connection:
        try:
            return open_database(self._path, _KIND, "normal")
        except RepeatsDamaged as damage:
            self._set_aside(damage)
            return open_database(self._path, _KIND, "normal")

    def _set_aside(self, damage: RepeatsDamaged) -> None:
        """The journal knows all but the answers: nobody needs to wait for somebody to remove a file."""
        aside = self._path.with_name(self._path.name + ".damaged")
        _log.error("the answers kept are damaged; they are made anew without", reason=str(damage), kept=str(aside))
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self._path.with_name(self._path.name + ending).rename(aside.with_name(aside.name + ending))

    def _drop(self) -> None:
        """Let go of the journal, and of what is known of it."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._fresh.clear()

    def _look(self, answers: Sequence[tuple[str, bytes]], wanted: Sequence[str], now_us: int) -> list[Repeat | None]:
        try:
            reader = self._reader or self._begin(now_us)
            tail = reader.tail()
            while self._seq < tail[0]:
                self._follow(reader, min(self._seq + ROWS_AT_ONCE, tail[0]))
                if len(self._fresh) > MAX_FRESH and self._seq < tail[0]:
                    self._write((), reader.at(self._seq), now_us)
            if answers or len(self._fresh) > MAX_FRESH:
                self._write(answers, tail, now_us)
            return self._found(wanted, now_us - self._kept_us)
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "used") from error

    def _begin(self, now_us: int) -> SqliteJournalReader:
        """Open the journal; go on where the file ends, or anew where what is to be remembered begins."""
        reader = SqliteJournalReader(self._journal)
        try:
            found = self._connection.execute("SELECT seq, chain, kept FROM place").fetchone()
            if found is None or not _fits(reader, found[0], found[1]):
                if found is not None:
                    _log.warning("the answers kept are another journal's; they are forgotten", path=str(self._path))
                self._connection.execute("DELETE FROM place")
                self._connection.execute("DELETE FROM asked")
                found = reader.first_since(now_us - self._kept_us) - 1, b"", 0
        except BaseException:
            reader.close()
            raise
        self._seq, _, self._count = found
        self._reader = reader
        return reader

    def _follow(self, reader: SqliteJournalReader, upto: int) -> None:
        """Take over the keys of the rows up to that one."""
        for row in reader.named(PREFIX, AFTER_PREFIX, self._seq, upto):
            key = parsed(row.command_id)
            if key is not None:
                self._fresh[key.name] = _Fresh(row.seq, key.fingerprint, row.at_us, row.outcome)
        self._seq = upto

    def _write(self, answers: Sequence[tuple[str, bytes]], place: tuple[int, bytes], now_us: int) -> None:
        """All or nothing: what the journal has had since, the answers, and how far that goes."""
        execute, told = self._connection.execute, dict(answers)
        rows = [
            (fresh.seq, bytes.fromhex(name), fresh.fingerprint, fresh.at_us, fresh.outcome, told.pop(name, None))
            for name, fresh in self._fresh.items()
        ]
        execute("BEGIN IMMEDIATE")
        try:
            for some in _portions(rows):
                execute(_ADD + ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(some)), list(chain.from_iterable(some)))
            self._connection.executemany(_ANSWER, [(answer, bytes.fromhex(name)) for name, answer in told.items()])
            count = self._count + len(rows)
            count -= self._forget(now_us - self._kept_us, count - MAX_KEPT)
            execute(_PLACE, (*place, count))
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        self._count = count
        self._fresh.clear()

    def _forget(self, before_us: int, over: int) -> int:
        """Some of what is too old, or too much; returns how many."""
        last, count = 0, 0
        for seq, at_us in self._connection.execute(_OLDEST, (FORGOTTEN_AT_ONCE,)):
            if at_us >= before_us and count >= over:
                break
            last, count = seq, count + 1
        if count:
            self._connection.execute("DELETE FROM asked WHERE seq <= ?", (last,))
        return count

    def _found(self, wanted: Sequence[str], since_us: int) -> list[Repeat | None]:
        found: dict[str, Repeat] = {}
        for some in _portions([bytes.fromhex(name) for name in wanted if name not in self._fresh]):
            sql = _FIND.format(", ".join("?" * len(some)))
            for key, *fields in self._connection.execute(sql, (since_us, *some)):
                found[key.hex()] = Repeat(*fields)
        for name in wanted:
            fresh = self._fresh.get(name)
            if fresh is not None and fresh.at_us >= since_us:
                found[name] = Repeat(fresh.at_us, fresh.fingerprint, fresh.outcome, None)
        return [found.get(name) for name in wanted]


def _portions(all_of_them: list[T]) -> Iterator[list[T]]:
    for first in range(0, len(all_of_them), NAMES_AT_ONCE):
        yield all_of_them[first : first + NAMES_AT_ONCE]


def _fits(reader: SqliteJournalReader, seq: int, chain: bytes) -> bool:
    """Whether the journal's row of this number is the one that the file has been made from."""
    try:
        next(reader.rows(seq, chain), None)
    except JournalCorrupt:
        return False
    return True
