"""The file of encounters and notes, in one SQLite database beside the journal; notes encrypted.

Owns the file. Must not know events, who may read what, nor an event loop: it blocks, and is called from one thread at a
time. Every note has a random data key (AES-256-GCM), wrapped by the master key of a key file, and is bound to its
interaction, agent and id. What is forgotten is overwritten, and cut from the write-ahead log.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from acd.errors import EarlierStoreError, PersonalStoreError
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database
from acd.runtime.earlier.encounters import Encounter, Note
from acd.runtime.keyfile import KEY_BYTES, MasterKey, matching_key, seal, unseal
from acd.runtime.log import Logger

MAX_ENCOUNTERS: Final = 1_000_000
"""In the file, with those that go on; beyond it the oldest are forgotten before their time."""

_CHECK: Final = b"acd earlier 1: key check"

_KIND: Final = DatabaseKind(
    name="store of earlier conversations",
    application_id=0x41434445,
    migrations=(
        (
            """
            CREATE TABLE encounter (
                id TEXT PRIMARY KEY,
                customer TEXT NOT NULL,
                begun_us INTEGER NOT NULL,
                ended_us INTEGER NOT NULL,
                open INTEGER NOT NULL,
                data BLOB NOT NULL
            )
            """,
            "CREATE INDEX encounter_customer ON encounter (customer, begun_us)",
            "CREATE INDEX encounter_ended ON encounter (ended_us)",
            "CREATE INDEX encounter_open ON encounter (open) WHERE open",
            """
            CREATE TABLE note (
                interaction TEXT NOT NULL,
                agent TEXT NOT NULL,
                id TEXT NOT NULL,
                customer TEXT NOT NULL,
                at_us INTEGER NOT NULL,
                wrapped_key BLOB NOT NULL,
                data BLOB NOT NULL,
                PRIMARY KEY (interaction, agent, id)
            )
            """,
            "CREATE INDEX note_customer ON note (customer)",
            "CREATE INDEX note_at ON note (at_us)",
            "CREATE TABLE erased (customer TEXT PRIMARY KEY, at_us INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE place (id INTEGER PRIMARY KEY CHECK (id = 1), data BLOB NOT NULL)",
            "CREATE TABLE key_check (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL)",
        ),
    ),
    unavailable=EarlierStoreError,
    corrupt=EarlierStoreError,
)

_NOTES: Final = """
    SELECT interaction, agent, id, customer, at_us, CAST(wrapped_key AS BLOB), CAST(data AS BLOB) FROM note
"""

NotKept = Literal["too-many-notes", "person-erased"]
"""Why a note is not kept."""

_NoteRow = tuple[str, str, str, str, int, bytes, bytes]

Row = tuple[str, str, int, int, bool, bytes]
"""An encounter as it is written; see `row_of`."""

_log = Logger(__name__)


class Place(Struct, frozen=True):
    """Up to where in which life of which journal events have been taken in."""

    domain: str
    life: str
    seq: int
    index: int


_pack: Final = msgspec.msgpack.Encoder().encode
_encounter_of: Final = msgspec.msgpack.Decoder(Encounter).decode
_place_of: Final = msgspec.msgpack.Decoder(Place).decode


class EarlierStore:
    """One domain's."""

    def __init__(self, path: Path, key_path: Path) -> None:
        """Open, creating what is missing; no new key for a file that has notes. Raises `EarlierStoreError`."""
        self._path = path
        self._lock = lock_database(path, _KIND)
        try:
            self._connection = open_database(path, _KIND, secure_delete=True)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._key = self._unlock(key_path)
        except BaseException:
            self.close()
            raise

    # ---- encounters

    def begun(self) -> tuple[Place | None, list[Encounter]]:
        """Up to where it has been told, and what had not settled then."""
        with self._reading():
            row = self._connection.execute("SELECT CAST(data AS BLOB) FROM place").fetchone()
            rows = self._connection.execute("SELECT CAST(data AS BLOB) FROM encounter WHERE open").fetchall()
        return (None if row is None else _place_of(row[0])), [_encounter_of(data) for (data,) in rows]

    def write(self, place: Place, rows: Iterable[Row]) -> None:
        """Durable together, so that nothing is counted twice. Of people who were erased nothing is kept."""
        put = """
            INSERT INTO encounter VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET customer = excluded.customer, begun_us = excluded.begun_us,
                ended_us = excluded.ended_us, open = excluded.open, data = excluded.data
        """
        with self._transaction():
            erased = self._erased()
            self._connection.executemany(put, [row for row in rows if row[1] not in erased])
            self._connection.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (_pack(place),))

    def abandon(self) -> None:
        """What was open is not followed any more: of another journal, or of a time that cannot be told again."""
        with self._transaction():
            self._connection.execute("DELETE FROM encounter WHERE ended_us = 0")
            self._connection.execute("UPDATE encounter SET open = 0 WHERE open")

    def of_customer(self, customer: str, but: str, before: tuple[int, str], limit: int) -> list[Encounter]:
        """Newest first, those that began before (µs, id)."""
        find = """
            SELECT CAST(data AS BLOB) FROM encounter
            WHERE customer = ? AND id <> ? AND (begun_us, id) < (?, ?) ORDER BY begun_us DESC, id DESC LIMIT ?
        """
        with self._reading():
            rows = self._connection.execute(find, (customer, but, *before, limit)).fetchall()
        return [_encounter_of(data) for (data,) in rows]

    def has_more(self, customer: str, since_us: int, most: int) -> bool:
        """Whether more of a customer's than so many have begun since."""
        find = "SELECT count(*) FROM (SELECT 1 FROM encounter WHERE customer = ? AND begun_us > ? LIMIT ?)"
        with self._reading():
            (found,) = self._connection.execute(find, (customer, since_us, most + 1)).fetchone()
        return bool(found > most)

    def encounter(self, interaction_id: str) -> Encounter | None:
        """One of them."""
        find = "SELECT CAST(data AS BLOB) FROM encounter WHERE id = ?"
        with self._reading():
            row = self._connection.execute(find, (interaction_id,)).fetchone()
        return None if row is None else _encounter_of(row[0])

    # ---- notes

    def add(self, note: Note, most: int) -> Note | NotKept:
        """Keep it durably; what is there under its id already is returned. Or why it is not kept."""
        with self._transaction():
            if note.customer in self._erased():
                return "person-erased"
            found = self._notes("WHERE interaction = ? AND agent = ? AND id = ?", _key(note))
            if found:
                return found[0]
            count = "SELECT count(*) FROM note WHERE interaction = ?"
            if self._connection.execute(count, (note.interaction_id,)).fetchone()[0] >= most:
                return "too-many-notes"
            data_key = secrets.token_bytes(KEY_BYTES)
            label = _label(*_key(note))
            sealed = seal(AESGCM(data_key), note.text.encode(), label)
            row = (*_key(note), note.customer, note.at_us, self._key.wrap(data_key, label), sealed)
            self._connection.execute("INSERT INTO note VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            return note

    def notes(self, interaction_ids: Iterable[str]) -> list[Note]:
        """On these interactions, oldest first."""
        with self._reading():
            return [
                note
                for each in interaction_ids
                for note in self._notes("WHERE interaction = ? ORDER BY at_us, id", (each,))
            ]

    # ---- forgetting

    def erase(self, customer: str, at_us: int) -> bool:
        """Forget all of a person, and keep nothing more of them; False when there was nothing."""
        theirs = "SELECT id FROM encounter WHERE customer = ?"
        with self._transaction():
            gone = self._connection.execute(
                f"DELETE FROM note WHERE customer = ? OR interaction IN ({theirs})",  # noqa: S608 - our own text
                (customer, customer),
            ).rowcount
            gone += self._connection.execute("DELETE FROM encounter WHERE customer = ?", (customer,)).rowcount
            self._connection.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (customer, at_us))
        return gone > 0

    def forget(self, before_us: int, limit: int) -> int:
        """Forget at most so many encounters that ended before, and as many notes; how many of both there were."""
        with self._transaction():
            ended = "SELECT rowid FROM encounter WHERE ended_us > 0 AND ended_us < ? LIMIT ?"
            gone = self._delete("encounter", ended, (before_us, limit))
            (there,) = self._connection.execute("SELECT count(*) FROM encounter").fetchone()
            oldest = "SELECT rowid FROM encounter WHERE ended_us > 0 ORDER BY ended_us LIMIT ?"
            gone += self._delete("encounter", oldest, (max(0, min(limit, there - MAX_ENCOUNTERS)),))
            gone += self._delete("note", "SELECT rowid FROM note WHERE at_us < ? LIMIT ?", (before_us, limit))
            self._connection.execute("DELETE FROM erased WHERE at_us < ?", (before_us,))
        return gone

    def clean(self) -> None:
        """Cut what has been forgotten from the write-ahead log. Raises while another program reads it."""
        with self._reading():
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            reason = f"another program reads {self._path}, so what was forgotten is still there: close it"
            raise EarlierStoreError(reason)

    def close(self) -> None:
        """Release everything. Idempotent."""
        self._connection.close()
        self._lock.release()

    # ---- inside

    def _unlock(self, key_path: Path) -> MasterKey:
        """The master key, which has to be the one that this file was begun with."""
        try:
            with self._reading():
                found = self._connection.execute("SELECT CAST(value AS BLOB) FROM key_check").fetchone()
            check = None if found is None else found[0]
            key = matching_key(key_path, check, _CHECK, f"that {self._path} was written with")
        except PersonalStoreError as error:
            raise EarlierStoreError(str(error)) from error
        if found is None:
            with self._transaction():
                self._connection.execute("INSERT INTO key_check VALUES (1, ?)", (key.wrap(_CHECK, _CHECK),))
        return key

    def _notes(self, where: str, arguments: tuple[object, ...]) -> list[Note]:
        rows: list[_NoteRow] = self._connection.execute(f"{_NOTES} {where}", arguments).fetchall()
        found: list[Note] = []
        for interaction, agent, note_id, customer, at_us, wrapped, data in rows:
            label = _label(interaction, agent, note_id)
            try:
                text = unseal(AESGCM(self._key.unwrap(wrapped, label)), data, label).decode()
            except (InvalidTag, ValueError):
                _log.error("a note has been altered, and is left out", interaction=interaction)
                continue
            found.append(Note(note_id, interaction, agent, at_us, text, customer))
        return found

    def _erased(self) -> frozenset[str]:
        return frozenset(row[0] for row in self._connection.execute("SELECT customer FROM erased"))

    def _delete(self, table: str, find: str, arguments: tuple[object, ...]) -> int:
        delete = f"DELETE FROM {table} WHERE rowid IN ({find})"  # noqa: S608 - our own texts
        return self._connection.execute(delete, arguments).rowcount

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._reading():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "used") from error


def row_of(each: Encounter) -> Row:
    """As it is now: the encounter itself may change while it is being written."""
    return each.id, each.customer, each.begun_us, each.ended_us, not each.is_settled, _pack(each)


def _key(note: Note) -> tuple[str, str, str]:
    return note.interaction_id, note.agent_id, note.id


def _label(interaction: str, agent: str, note_id: str) -> bytes:
    """What binds a ciphertext to its row."""
    return _pack(("acd note 1", interaction, agent, note_id))
