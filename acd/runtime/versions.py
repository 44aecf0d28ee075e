"""Versions of the configuration that the API owns, on disk: each one that was ever in force, with who put it there.

Owns the file. Must not know what a configuration means, nor HTTP. The last version is the one in force. A version is
kept whole, or as the entries in which it differs from the one before: of 10,000 agents one change is 200 bytes, not a
megabyte.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs
from msgspec.json import Decoder

from acd.errors import RequestReused, VersionsError
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database, open_read_only
from acd.runtime.request_key import RequestKey, parsed

MAX_VERSIONS: Final = 1_000
"""Versions kept; beyond it the oldest is dropped."""

MAX_DIFFERENCES: Final = 100
"""Versions in a row that are kept as differences; then one is kept whole."""

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
        ("ALTER TABLE version ADD COLUMN difference INTEGER NOT NULL DEFAULT 0",),
    ),
    unavailable=VersionsError,
    corrupt=VersionsError,
)
_FIELDS: Final = "SELECT number, at_us, actor, request, note, document, difference FROM version"
_WHOLE: Final = "SELECT coalesce(max(number), 0) FROM version WHERE NOT difference AND number <= ?"
_SINCE_WHOLE: Final = f"SELECT document, difference FROM version WHERE number BETWEEN ({_WHOLE}) AND ? ORDER BY number"  # noqa: S608

Document = dict[str, dict[str, Any]]
_decode = Decoder(Document).decode


class Version(Struct, frozen=True):
    """One version. `request`: the id of the command that asked for it. Number 0: before the first.

    `document`: JSON, section → name → entry. Of a `difference` only the entries that differ from the version before,
    null for one that is gone.
    """

    number: int
    at_us: int
    actor: str
    request: str
    note: str
    document: bytes
    difference: bool = False

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

    def put(self, version: Version, whole: Callable[[], bytes] | None = None) -> Version:
        """Keep a version durably; returns it as it is kept, with its number.

        `whole` gives the whole document of a difference: every so often that is kept instead.
        """
        try:
            if version.difference and whole is not None and self._differences() >= MAX_DIFFERENCES:
                version = structs.replace(version, document=whole(), difference=False)
            *values, difference = structs.astuple(version)[1:]
            sql = (
                "INSERT INTO version (at_us, actor, request, note, document, difference)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING number"
            )
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                number = int(self._connection.execute(sql, (*values, int(difference))).fetchone()[0])
                # What differs from a version needs that one, and those before it as far as the last whole one.
                (first,) = self._connection.execute(_WHOLE, (number - MAX_VERSIONS + 1,)).fetchone()
                self._connection.execute("DELETE FROM version WHERE number < ?", (first,))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "written") from error
        return structs.replace(version, number=number)

    def document(self, number: int) -> Document:
        """The whole document of a version; that before the first one is empty."""
        try:
            return _put_together(self._connection.execute(_SINCE_WHOLE, (number, number)))
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "read") from error

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
            return tuple(_version(fields) for fields in self._connection.execute(sql, (before, most)))
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
        return None if fields is None else _version(fields)

    def _differences(self) -> int:
        """Versions since the last that is kept whole."""
        sql = f"SELECT count(*) FROM version WHERE number > ({_WHOLE})"  # noqa: S608 - a constant
        return int(self._connection.execute(sql, (NEWEST,)).fetchone()[0])


def latest_document(path: Path) -> Document:
    """The document in force, read beside a running engine; empty when there is no file. Raises `VersionsError`."""
    if not path.exists():
        return {}
    connection: sqlite3.Connection = open_read_only(path, _KIND)
    try:
        if not connection.execute("SELECT 1 FROM pragma_table_info('version') WHERE name = 'difference'").fetchone():
            # Of an earlier release, and opened before it is brought up to date.
            last = "SELECT document, 0 FROM version ORDER BY number DESC LIMIT 1"
            return _put_together(connection.execute(last))
        return _put_together(connection.execute(_SINCE_WHOLE, (NEWEST, NEWEST)))
    except DATABASE_ERRORS as error:
        raise explained(error, path, _KIND, "read") from error
    finally:
        connection.close()


def _version(fields: tuple[Any, ...]) -> Version:
    number, at_us, actor, request, note, document, difference = fields
    return Version(number, at_us, actor, request, note, document, bool(difference))


def _put_together(rows: Iterable[tuple[bytes, int]]) -> Document:
    """The document that the last of these leads to; the first is whole, or follows the empty one."""
    document: Document = {}
    for raw, difference in rows:
        said = _decode(raw)
        if not difference:
            document = {section: dict(entries) for section, entries in said.items()}
            continue
        for section, entries in said.items():
            for name, entry in entries.items():
                if entry is None:
                    document.get(section, {}).pop(name, None)
                else:
                    document.setdefault(section, {})[name] = entry
    return {section: entries for section, entries in document.items() if entries}
