"""How a store opens its SQLite file: private, locked, in WAL mode, of a known schema, with errors for people.

Owns opening, migrating and the translation of SQLite's errors. Must not know what is in the tables.

SQLite before 3.51.3 can corrupt a WAL that two connections write or checkpoint at the same instant. A
store therefore has exactly one writing connection, and a lock file keeps other processes away. Readers
in other processes open with `mode=ro`: such a connection neither writes nor checkpoints.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from acd.errors import AcdError
from acd.runtime.filelock import FileInUse, FileLock

BUSY_SECONDS: Final = 5.0
"""How long a statement waits for a lock that another connection holds."""

CHECKPOINT_PAGES: Final = 4_000
"""Pages of write-ahead log (16 MB) after which a commit folds them into the database file."""

CACHE_KIB: Final = 256
"""Pages of a file that its connection keeps. By itself SQLite takes 2 MB of each, in the course of some hours, and what
the kernel keeps of the file is there for the asking."""

DATABASE_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What a damaged file can raise: SQLite may quote the damage in a message that Python then cannot decode."""

_SMALLEST_DATABASE: Final = 512
_MAGIC: Final = b"SQLite format 3\x00"
"""How every database of SQLite's begins."""
_MEANING: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_READONLY: "the file or its directory is read-only: make both writable",
    sqlite3.SQLITE_CANTOPEN: "the file or its directory cannot be opened: check that both exist and who may read them",
    sqlite3.SQLITE_PERM: "access is not permitted: check who owns the file",
    sqlite3.SQLITE_BUSY: "another program keeps it locked: close that program",
    sqlite3.SQLITE_IOERR: "the device reports an error: check the disk, its free space and the system's log",
    sqlite3.SQLITE_CORRUPT: "its contents are damaged: restore it from a copy",
    sqlite3.SQLITE_NOTADB: "it is not a database, or its beginning is damaged: restore it from a copy",
}


class DatabaseKind(Struct, frozen=True):
    """One sort of file. Each member of `migrations` is the statements that lead to the next `user_version`."""

    name: str
    application_id: int
    migrations: tuple[tuple[str, ...], ...]
    unavailable: type[AcdError]
    corrupt: type[AcdError]


def lock_database(path: Path, kind: DatabaseKind) -> FileLock:
    """Keep every other process off `path`. Raises `kind.unavailable` naming the process that has it."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        return FileLock(lock_path)
    except FileInUse as error:
        who = f"process {error.holder}" if error.holder else "another process"
        raise kind.unavailable(f"the {kind.name} {path} is in use by {who}; stop it or give another path") from None
    except OSError as error:
        reason = f"the {kind.name} {path} cannot be locked: {error.strerror}"
        raise kind.unavailable(f"{reason}; check that its directory exists and is writable") from error


def open_database(
    path: Path,
    kind: DatabaseKind,
    durability: Literal["full", "normal"] = "full",
    *,
    secure_delete: bool = False,
) -> sqlite3.Connection:
    """The one writing connection, in autocommit mode: transactions are begun and ended by statements.

    Creates the file (readable by its owner only) or migrates it. Raises `kind.unavailable` or `kind.corrupt`.
    """
    _create_private(path, kind)
    _refuse_stump(path, kind)
    connection = _connect(path, kind, "rw")
    try:
        _migrate(connection, path, kind)
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            reason = f"the {kind.name} {path} cannot use a write-ahead log here (a network file system?)"
            raise kind.unavailable(f"{reason}; use a local disk")
        connection.execute(f"PRAGMA cache_size={-CACHE_KIB}")
        connection.execute(f"PRAGMA synchronous={durability.upper()}")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA secure_delete={'ON' if secure_delete else 'OFF'}")
    except DATABASE_ERRORS as error:
        connection.close()
        raise explained(error, path, kind, "opened") from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_read_only(path: Path, kind: DatabaseKind) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint, safe beside a living writer."""
    if not path.is_file():
        raise kind.unavailable(f"there is no {kind.name} at {path}")
    _refuse_stump(path, kind)
    connection = _connect(path, kind, "ro")
    try:
        if not _is_ours(connection, path, kind):
            raise kind.corrupt(f"the {kind.name} {path} is empty")
    except DATABASE_ERRORS as error:
        connection.close()
        raise explained(error, path, kind, "opened") from error
    except BaseException:
        connection.close()
        raise
    return connection


def explained(error: Exception, path: Path, kind: DatabaseKind, doing: str) -> AcdError:
    """SQLite's error as one of ours, with what to do about it. `doing` completes "cannot be …"."""
    if "decode" in str(error):
        # Python's own words quote the contents.
        damage = "a text in it is damaged; restore it from a copy"
        return kind.corrupt(f"the {kind.name} {path} cannot be {doing}: {damage}")
    code = primary_code(error)
    meaning = _MEANING.get(code, "")
    text = f"the {kind.name} {path} cannot be {doing}: {error}" + (f"; {meaning}" if meaning else "")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return kind.corrupt(text)
    return kind.unavailable(text)


def primary_code(error: Exception) -> int:
    """SQLite's primary result code; 0 for an error of Python's own (a closed connection)."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _create_private(path: Path, kind: DatabaseKind) -> None:
    # Created here rather than by SQLite, so that others cannot read it whatever the umask; the
    # write-ahead log takes over the mode of the database.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        reason = f"the {kind.name} {path} cannot be opened: {error.strerror}"
        raise kind.unavailable(f"{reason}; check that its directory exists and who may write to it") from error


def _refuse_stump(path: Path, kind: DatabaseKind) -> None:
    # SQLite takes a file shorter than a page for a new one, and would then throw away its write-ahead log.
    size = path.stat().st_size
    log = path.with_name(path.name + "-wal")
    if 0 < size < _SMALLEST_DATABASE and not _begins_like_one(path, kind):
        raise kind.corrupt(f"{path} is no {kind.name}: it holds {size} bytes of something else; name another file")
    if 0 < size < _SMALLEST_DATABASE or (size == 0 and log.is_file() and log.stat().st_size > 0):
        raise kind.corrupt(f"the {kind.name} {path} has been cut off to {size} bytes: restore it from a copy")


def _begins_like_one(path: Path, kind: DatabaseKind) -> bool:
    """Whether a file of less than a page may be what is left of a database."""
    try:
        with path.open("rb") as file:
            beginning = file.read(len(_MAGIC))
    except OSError as error:
        raise kind.unavailable(f"the {kind.name} {path} cannot be read: {error.strerror}; check who may") from error
    return _MAGIC.startswith(beginning)


def _connect(path: Path, kind: DatabaseKind, mode: Literal["rw", "ro"]) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            # Opened in one thread, used in another: never in two at a time, which is the caller's promise.
            check_same_thread=False,
        )
    except DATABASE_ERRORS as error:
        raise explained(error, path, kind, "opened") from error


def _is_ours(connection: sqlite3.Connection, path: Path, kind: DatabaseKind) -> bool:
    """False for a database without any table. Raises when it is another program's, or a newer version's."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id == 0 and version == 0 and tables == 0:
        return False
    if application_id != kind.application_id:
        raise kind.unavailable(f"{path} is a database, but another program's, not the {kind.name}; give another path")
    known = len(kind.migrations)
    if version > known:
        reason = f"the {kind.name} {path} has schema version {version}, this program knows up to {known}"
        raise kind.unavailable(f"{reason}; upgrade acd-engine")
    return True


def _migrate(connection: sqlite3.Connection, path: Path, kind: DatabaseKind) -> None:
    ours = _is_ours(connection, path, kind)
    version = connection.execute("PRAGMA user_version").fetchone()[0] if ours else 0
    if version == len(kind.migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in kind.migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={kind.application_id}")
        connection.execute(f"PRAGMA user_version={len(kind.migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
