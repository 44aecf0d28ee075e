"""Versions of the configuration that the API owns, on disk: each one that was ever in force, with who put it there.

Owns the file. Must not know what a configuration means, nor HTTP. The last version is the one in force.
"""

import hashlib
import sqlite3
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.errors import RequestReused, VersionsError
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database, open_read_only
from acd.runtime.request_key import RequestKey, parsed

MAX_VERSIONS: Final = 1_000
"""Versions kept; beyond it the oldest is dropped."""

EMPTY: Final = b"{}"
"""The document before the first version."""

NEWEST: Final = 2**63 - 1
"""Before which version to begin, to begin with the last."""

_KIND: Final = DatabaseKind(
    name="store of versions",
    application_id=0x41434456,
    migrations=(
        (
            """
            CREATE TABLE version (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                at_us INTEGER NOT NULL,
                actor TEXT NOT NULL,
                request TEXT NOT NULL UNIQUE,
                note TEXT NOT NULL,
                document BLOB NOT NULL
            )
            """,
        ),
    ),
    unavailable=VersionsError,
    corrupt=VersionsError,
)
_FIELDS: Final = "SELECT number, at_us, actor, request, note, document FROM version"


class Version(Struct, frozen=True):
    """One version. `request`: the id of the command that asked for it; `document`: JSON. Number 0: before the first."""

    number: int
    at_us: int
    actor: str
    request: str
    note: str
    document: bytes

    @property
    def tag(self) -> str:
        """What the version is recognised by: its number, and the beginning of the document's hash."""
        return f"{self.number}-{hashlib.sha256(self.document).hexdigest()[:12]}"


FIRST: Final = Version(0, 0, "", "", "", EMPTY)
"""What is in force before anything was applied."""


class VersionStore:
    """The versions in the file `path`. Blocks; one thread at a time. Raises `VersionsError`."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file, and keeps other processes from it."""
        self._path = path
        self._lock = lock_database(path, _KIND)
        try:
            self._connection = open_database(path, _KIND)
        except BaseException:
            self._lock.release()
            raise

    def put(self, version: Version) -> Version:
        """Keep a version durably; returns it with its number."""
        values = (version.at_us, version.actor, version.request, version.note, version.document)
        sql = "INSERT INTO version (at_us, actor, request, note, document) VALUES (?, ?, ?, ?, ?) RETURNING number"
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                number = int(self._connection.execute(sql, values).fetchone()[0])
                self._connection.execute("DELETE FROM version WHERE number <= ?", (number - MAX_VERSIONS,))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "written") from error
        return Version(number, *values)

    def latest(self) -> Version:
        """The version in force."""
        found = self.page(NEWEST, 1)
        return found[0] if found else FIRST

    def get(self, number: int) -> Version | None:
        """A version by its number; None when it never was, or was dropped."""
        return self._one(f"{_FIELDS} WHERE number = ?", number)

    def asked_by(self, request: str) -> Version | None:
        """The version that a command led to, if it did. Raises `RequestReused` when its key was for something else."""
        key = parsed(request)
        if key is None:
            return self._one(f"{_FIELDS} WHERE request = ?", request)
        name = RequestKey(key.name, "").command_id
        found = self._one(f"{_FIELDS} WHERE substr(request, 1, {len(name)}) = ? ORDER BY number DESC LIMIT 1", name)
        if found is not None and (before := parsed(found.request)) is not None and not key.fits(before.fingerprint):
            raise RequestReused(f"Idempotency-Key: was used for version {found.number} already; take a new key.")
        return found

    def page(self, before: int, most: int) -> tuple[Version, ...]:
        """At most so many versions before that one, the newest first."""
        sql = f"{_FIELDS} WHERE number < ? ORDER BY number DESC LIMIT ?"
        try:
            return tuple(Version(*fields) for fields in self._connection.execute(sql, (before, most)))
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "read") from error

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        self._connection.close()
        self._lock.release()

    def _one(self, sql: str, value: object) -> Version | None:
        try:
            fields = self._connection.execute(sql, (value,)).fetchone()
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "read") from error
        return None if fields is None else Version(*fields)


def latest_document(path: Path) -> bytes:
    """The document in force, read beside a running engine; `EMPTY` when there is no file. Raises `VersionsError`."""
    if not path.exists():
        return EMPTY
    connection: sqlite3.Connection = open_read_only(path, _KIND)
    try:
        fields = connection.execute("SELECT document FROM version ORDER BY number DESC LIMIT 1").fetchone()
    except DATABASE_ERRORS as error:
        raise explained(error, path, _KIND, "read") from error
    finally:
        connection.close()
    return EMPTY if fields is None else bytes(fields[0])
