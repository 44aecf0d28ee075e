"""The file of conversations: heads and entries, encrypted, in one SQLite database.

Owns the file and its encryption. Must not know who talks, nor an event loop: it blocks, and is called from one thread
at a time. Every conversation has a random data key (AES-256-GCM), wrapped by the master key of a key file; each
ciphertext is bound to its conversation and number, so that rows can be neither altered nor exchanged. What is forgotten
is overwritten, and cut from the write-ahead log.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from acd.errors import ChatDamaged, ChatStoreError, PersonalStoreError
from acd.runtime.chat.conversation import Conversation, Entry, Head
from acd.runtime.chat.file_parts import FILE_TABLES, FileParts
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database
from acd.runtime.keyfile import KEY_BYTES, MasterKey, matching_key, seal, unseal
from acd.runtime.log import Logger

MAX_KEYS: Final = 1_024
"""Data keys that are kept unwrapped; the one that was not used for longest gives way."""

CLEAN_MILLISECONDS: Final = 100
"""How long cleaning waits for other programs that read the file: whoever writes waits meanwhile."""

_CHECK: Final = b"acd chat 1: key check"

_KIND: Final = DatabaseKind(
    name="chat store",
    application_id=0x41434443,
    migrations=(
        (
            """
            CREATE TABLE conversation (
                id TEXT PRIMARY KEY,
                visitor TEXT NOT NULL,
                begun_us INTEGER NOT NULL,
                ended_us INTEGER NOT NULL,
                wrapped_key BLOB NOT NULL,
                head BLOB NOT NULL
            ) WITHOUT ROWID
            """,
            "CREATE INDEX conversation_visitor ON conversation (visitor, begun_us)",
            "CREATE INDEX conversation_ended ON conversation (ended_us)",
            """
            CREATE TABLE entry (
                conversation TEXT NOT NULL,
                seq INTEGER NOT NULL,
                data BLOB NOT NULL,
                PRIMARY KEY (conversation, seq)
            ) WITHOUT ROWID
            """,
            "CREATE TABLE key_check (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL)",
        ),
        (
            # Until now everybody was their visitor.
            "ALTER TABLE conversation ADD COLUMN customer TEXT NOT NULL DEFAULT ''",
            "UPDATE conversation SET customer = visitor",
            "CREATE INDEX conversation_customer ON conversation (customer, begun_us)",
            "CREATE TABLE erased (customer TEXT PRIMARY KEY) WITHOUT ROWID",
        ),
        FILE_TABLES,
    ),
    unavailable=ChatStoreError,
    corrupt=ChatStoreError,
)

_HEADS: Final = """
    SELECT id, CAST(wrapped_key AS BLOB), CAST(head AS BLOB), visitor, begun_us, ended_us, customer FROM conversation
"""

_pack: Final = msgspec.msgpack.Encoder().encode
_entry_of: Final = msgspec.msgpack.Decoder(Entry).decode

_T = TypeVar("_T")
_Row = tuple[str, bytes, bytes, str, int, int, str]

_log = Logger(__name__)


class Page(Struct, frozen=True):
    """What is to be kept of one conversation: its head as it is now, and entries that are new.

    `begins`: there is no row of it, and one of its id is what is left of something that came to nothing. `before`: how
    many entries are kept already.
    """

    head: Head
    entries: tuple[Entry, ...] = ()
    begins: bool = False
    before: int = 0


class _Sealed(Struct, frozen=True, array_like=True):
    """What is encrypted of a row. `entries`: how many belong to it, so that none goes without being missed."""

    head: Head
    entries: int


_sealed_of: Final = msgspec.msgpack.Decoder(_Sealed).decode


class ChatStore:
    """Conversations in one file, which no other process opens meanwhile."""

    def __init__(self, path: Path, key_path: Path) -> None:
        """Open, creating what is missing; no new key for a file that has conversations. Raises `ChatStoreError`."""
        self._path = path
        self._keys: OrderedDict[str, tuple[AESGCM, bytes]] = OrderedDict()
        self._lock = lock_database(path, _KIND)
        try:
            self._connection = open_database(path, _KIND, secure_delete=True)
        except BaseException:
            self._lock.release()
            raise
        self.files = FileParts(self._connection, self._transaction, self._cipher_of)
        try:
            self.key = self._unlock(key_path)
        except BaseException:
            self.close()
            raise

    def write(self, pages: Iterable[Page]) -> list[str]:
        """Keep all of it durably, or nothing; returns the ids of those that have been forgotten, and stay so.

        Raises `ChatStoreError`.
        """
        with self._transaction():
            return [page.head.id for page in pages if not self._write(page)]

    def load(self, conversation_id: str) -> Conversation | None:
        """A conversation; None when there is none. Raises `ChatStoreError`, and `ChatDamaged` when it was altered."""
        with self._reading():
            row: _Row | None = self._connection.execute(f"{_HEADS} WHERE id = ?", (conversation_id,)).fetchone()
            return None if row is None else self._loaded(row)

    def living(self) -> list[str]:
        """Ids of all that have not ended, oldest first."""
        with self._reading():
            rows = self._connection.execute("SELECT id FROM conversation WHERE ended_us = 0 ORDER BY begun_us, id")
            return [row[0] for row in rows]

    def load_all(self, conversation_ids: Iterable[str]) -> list[Conversation]:
        """Those of them that are there and can be read. Raises `ChatStoreError` when the file cannot be."""
        found: list[Conversation] = []
        for each in conversation_ids:
            try:
                conversation = self.load(each)
            except ChatDamaged as error:
                _log.error("a conversation cannot be read", conversation=each, reason=str(error))
            else:
                found += [conversation] if conversation is not None else []
        return found

    def heads_of(self, visitor: str, limit: int) -> list[Head]:
        """A visitor's conversations that can be read, newest first."""
        with self._reading():
            find = f"{_HEADS} WHERE visitor = ? ORDER BY begun_us DESC, id LIMIT ?"
            rows: list[_Row] = self._connection.execute(find, (visitor, limit)).fetchall()
            found: list[Head] = []
            for row in rows:
                try:
                    found.append(self._opened(row)[1].head)
                except ChatDamaged as error:
                    _log.error("a conversation cannot be read", conversation=row[0], reason=str(error))
            return found

    def erase(self, customer: str) -> list[str]:
        """Forget all conversations of a person; returns the ids of those gone. One that goes on goes when it has ended.

        What is in the write-ahead log of them goes with the next `clean`.
        """
        living = "SELECT 1 FROM conversation WHERE customer = ? AND ended_us = 0"
        with self._transaction():
            if self._connection.execute(living, (customer,)).fetchone() is not None:
                self._connection.execute("INSERT OR IGNORE INTO erased VALUES (?)", (customer,))
            return self._forgotten("SELECT id FROM conversation WHERE customer = ? AND ended_us > 0", (customer,))

    def forget_erased(self) -> list[str]:
        """Forget what has ended since of people who were erased; returns the ids of those gone."""
        ended = "SELECT id FROM conversation WHERE ended_us > 0 AND customer IN (SELECT customer FROM erased)"
        with self._transaction():
            gone = self._forgotten(ended, ())
            self._connection.execute("DELETE FROM erased WHERE customer NOT IN (SELECT customer FROM conversation)")
            return gone

    def forget_surplus(self, visitor: str, most: int) -> list[str]:
        """Keep a visitor's newest conversations, and those that have not ended; returns the ids of those gone."""
        ended = "SELECT id FROM conversation WHERE visitor = ? AND ended_us > 0"
        find = f"{ended} ORDER BY begun_us DESC, id LIMIT -1 OFFSET ?"
        return self._forget(find, (visitor, most))

    def forget_before(self, ended_before_us: int, limit: int) -> list[str]:
        """Forget at most so many conversations that ended before; returns their ids."""
        find = "SELECT id FROM conversation WHERE ended_us > 0 AND ended_us < ? ORDER BY ended_us LIMIT ?"
        return self._forget(find, (ended_before_us, limit))

    def forget(self, conversation_id: str) -> list[str]:
        """Forget one conversation; empty when there was none."""
        return self._forget("SELECT id FROM conversation WHERE id = ?", (conversation_id,))

    def size(self) -> int:
        """Bytes that are in use; what has been forgotten is used again."""
        with self._reading():
            pages, free, each = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * each)

    def clean(self) -> None:
        """Cut what has been forgotten from the write-ahead log. Raises `ChatStoreError` while somebody reads it."""
        with self._reading():
            (before,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
            self._connection.execute(f"PRAGMA busy_timeout = {CLEAN_MILLISECONDS}")
            try:
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {before}")
        if busy:
            raise ChatStoreError(f"another program reads {self._path}, so what was forgotten is still there: close it")

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
            key = matching_key(key_path, check, _CHECK, f"of the chat store {self._path}")
        except PersonalStoreError as error:
            raise ChatStoreError(str(error)) from error
        if found is None:
            with self._transaction():
                self._connection.execute("INSERT INTO key_check VALUES (1, ?)", (key.wrap(_CHECK, _CHECK),))
        return key

    def _write(self, page: Page) -> bool:
        """False when it has been forgotten meanwhile."""
        head = page.head
        if page.begins:
            self._drop([(head.id,)])
        cipher, wrapped = self._key_of(head.id)
        sealed = seal(cipher, _pack(_Sealed(head, page.before + len(page.entries))), _label(head.id, 0))
        execute = self._connection.execute
        if page.begins:
            put = """
                INSERT INTO conversation (id, visitor, begun_us, ended_us, wrapped_key, head, customer)
                VALUES (?, ?, ?, ?, ?, ?, ?)
            """
            execute(put, (head.id, head.visitor, head.begun_us, head.ended_us, wrapped, sealed, head.customer))
        else:
            change = "UPDATE conversation SET ended_us = ?, head = ? WHERE id = ?"
            if not execute(change, (head.ended_us, sealed, head.id)).rowcount:
                self._keys.pop(head.id, None)  # it is nobody's
                return False
        self._connection.executemany(
            "INSERT INTO entry VALUES (?, ?, ?)",
            [(head.id, entry.seq, seal(cipher, _pack(entry), _label(head.id, entry.seq))) for entry in page.entries],
        )
        self.files.claim(head.id, [entry.file.id for entry in page.entries if entry.file is not None])
        return True

    def _key_of(self, conversation_id: str) -> tuple[AESGCM, bytes]:
        """The data key and its wrapped form; a new one for a new conversation."""
        known = self._keys.get(conversation_id)
        if known is not None:
            self._keys.move_to_end(conversation_id)
            return known
        row: _Row | None = self._connection.execute(f"{_HEADS} WHERE id = ?", (conversation_id,)).fetchone()
        if row is not None:
            return self._opened(row)[0], row[1]
        data_key = secrets.token_bytes(KEY_BYTES)
        made = AESGCM(data_key), self.key.wrap(data_key, _label(conversation_id, 0))
        return self._remembered(conversation_id, made)

    def _cipher_of(self, conversation_id: str) -> AESGCM | None:
        """That of a conversation that there is. Raises `ChatDamaged`."""
        known = self._keys.get(conversation_id)
        if known is not None:
            return known[0]
        row: _Row | None = self._connection.execute(f"{_HEADS} WHERE id = ?", (conversation_id,)).fetchone()
        return None if row is None else self._opened(row)[0]

    def _remembered(self, conversation_id: str, made: tuple[AESGCM, bytes]) -> tuple[AESGCM, bytes]:
        self._keys[conversation_id] = made
        if len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)
        return made

    def _loaded(self, row: _Row) -> Conversation:
        cipher, sealed = self._opened(row)
        head = sealed.head
        find = "SELECT seq, CAST(data AS BLOB) FROM entry WHERE conversation = ? ORDER BY seq"
        rows = self._connection.execute(find, (head.id,)).fetchall()
        entries = self._decoded(
            head.id, lambda: [_entry_of(unseal(cipher, data, _label(head.id, seq))) for seq, data in rows]
        )
        if [entry.seq for entry in entries] != list(range(1, sealed.entries + 1)):
            raise ChatDamaged(
                f"entries of the conversation {head.id} are missing: restore the file, or delete that row"
            )
        conversation = Conversation(head, entries)
        conversation.is_stored = True
        return conversation

    def _opened(self, row: _Row) -> tuple[AESGCM, _Sealed]:
        conversation_id, wrapped, sealed, *columns = row
        label = _label(conversation_id, 0)

        def opened() -> tuple[AESGCM, _Sealed]:
            known = self._keys.get(conversation_id)
            cipher = AESGCM(self.key.unwrap(wrapped, label)) if known is None else known[0]
            found = _sealed_of(unseal(cipher, sealed, label))
            head = found.head
            if [head.visitor, head.begun_us, head.ended_us, head.customer] != columns:
                raise ValueError
            return cipher, found

        found: tuple[AESGCM, _Sealed] = self._decoded(conversation_id, opened)
        self._remembered(conversation_id, (found[0], wrapped))
        return found

    def _decoded(self, conversation_id: str, decode: Callable[[], _T]) -> _T:
        try:
            return decode()
        except (InvalidTag, msgspec.DecodeError, TypeError, ValueError):
            # Not chained: what could not be decoded would be quoted.
            reason = f"the conversation {conversation_id} has been altered"
            raise ChatDamaged(f"{reason}: restore the file, or delete that row") from None

    def _forget(self, find: str, arguments: tuple[object, ...]) -> list[str]:
        with self._transaction():
            return self._forgotten(find, arguments)

    def _forgotten(self, find: str, arguments: tuple[object, ...]) -> list[str]:
        """Within a transaction."""
        found: list[tuple[str]] = self._connection.execute(find, arguments).fetchall()
        self._drop(found)
        return [row[0] for row in found]

    def _drop(self, ids: list[tuple[str]]) -> None:
        self.files.let_go(ids)
        self._connection.executemany("DELETE FROM entry WHERE conversation = ?", ids)
        self._connection.executemany("DELETE FROM conversation WHERE id = ?", ids)
        for (conversation_id,) in ids:
            self._keys.pop(conversation_id, None)

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
                    # A key that was drawn for a conversation that is not kept must not be used for the next one.
                    self._keys.clear()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "used") from error


def _label(conversation_id: str, seq: int) -> bytes:
    """What binds a ciphertext to its row; 0 is the head's."""
    return _pack(("acd chat 1", conversation_id, seq))
