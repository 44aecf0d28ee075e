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

from acd.errors import ChatStoreError, PersonalStoreError
from acd.runtime.chat.conversation import Conversation, Entry, Head
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database
from acd.runtime.keyfile import KEY_BYTES, MasterKey, create_key, read_key, seal, unseal

MAX_KEYS: Final = 4_096
"""Data keys that are kept unwrapped; the one that was not used for longest gives way."""

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
    ),
    unavailable=ChatStoreError,
    corrupt=ChatStoreError,
)

_HEADS: Final = "SELECT id, CAST(wrapped_key AS BLOB), CAST(head AS BLOB) FROM conversation"

_pack: Final = msgspec.msgpack.Encoder().encode
_head_of: Final = msgspec.msgpack.Decoder(Head).decode
_entry_of: Final = msgspec.msgpack.Decoder(Entry).decode

_T = TypeVar("_T")
_Row = tuple[str, bytes, bytes]


class Page(Struct, frozen=True):
    """What is to be kept of one conversation: its head as it is now, and entries that are new."""

    head: Head
    entries: tuple[Entry, ...] = ()


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
        try:
            self.key = self._unlock(key_path)
        except BaseException:
            self.close()
            raise

    def write(self, pages: Iterable[Page]) -> None:
        """Keep all of it durably, or nothing. Raises `ChatStoreError`."""
        with self._transaction():
            for page in pages:
                self._write(page)

    def load(self, conversation_id: str) -> Conversation | None:
        """A conversation; None when there is none. Raises `ChatStoreError`, also when it has been altered."""
        with self._reading():
            row: _Row | None = self._connection.execute(f"{_HEADS} WHERE id = ?", (conversation_id,)).fetchone()
            return None if row is None else self._loaded(row)

    def living(self) -> list[Conversation]:
        """All that have not ended, oldest first."""
        with self._reading():
            rows = self._connection.execute(f"{_HEADS} WHERE ended_us = 0 ORDER BY begun_us, id").fetchall()
            return [self._loaded(row) for row in rows]

    def heads_of(self, visitor: str, limit: int) -> list[Head]:
        """A visitor's conversations, newest first."""
        with self._reading():
            find = f"{_HEADS} WHERE visitor = ? ORDER BY begun_us DESC, id LIMIT ?"
            rows: list[_Row] = self._connection.execute(find, (visitor, limit)).fetchall()
            return [self._opened(row)[1] for row in rows]

    def forget_surplus(self, visitor: str, most: int) -> int:
        """Keep a visitor's newest conversations, and those that have not ended; returns how many are gone."""
        ended = "SELECT id FROM conversation WHERE visitor = ? AND ended_us > 0"
        find = f"{ended} ORDER BY begun_us DESC, id LIMIT -1 OFFSET ?"
        return self._forget(find, (visitor, most))

    def forget_before(self, ended_before_us: int, limit: int) -> int:
        """Forget at most so many conversations that ended before; returns how many are gone."""
        find = "SELECT id FROM conversation WHERE ended_us > 0 AND ended_us < ? ORDER BY ended_us LIMIT ?"
        return self._forget(find, (ended_before_us, limit))

    def forget(self, conversation_id: str) -> bool:
        """Forget one conversation; False when there was none."""
        return self._forget("SELECT id FROM conversation WHERE id = ?", (conversation_id,)) > 0

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
            if found is None and not key_path.exists():
                create_key(key_path)
            key = read_key(key_path)
        except PersonalStoreError as error:
            raise ChatStoreError(str(error)) from error
        if found is None:
            with self._transaction():
                self._connection.execute("INSERT INTO key_check VALUES (1, ?)", (key.wrap(_CHECK, _CHECK),))
            return key
        try:
            key.unwrap(found[0], _CHECK)
        except InvalidTag:
            reason = f"the key file {key_path} is not the one of the chat store {self._path}"
            raise ChatStoreError(f"{reason}; give the right one, or another path for the store") from None
        return key

    def _write(self, page: Page) -> None:
        head = page.head
        is_there = self._connection.execute("SELECT 1 FROM conversation WHERE id = ?", (head.id,)).fetchone()
        begins = page.entries[0].seq == 1 if page.entries else not head.ended_us
        if is_there is None and not begins:
            return  # it has been forgotten meanwhile
        cipher, wrapped = self._key_of(head.id)
        sealed = seal(cipher, _pack(head), _label(head.id, 0))
        put = """
            INSERT INTO conversation VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET ended_us = excluded.ended_us, head = excluded.head
        """
        self._connection.execute(put, (head.id, head.visitor, head.begun_us, head.ended_us, wrapped, sealed))
        self._connection.executemany(
            "INSERT INTO entry VALUES (?, ?, ?)",
            [(head.id, entry.seq, seal(cipher, _pack(entry), _label(head.id, entry.seq))) for entry in page.entries],
        )

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

    def _remembered(self, conversation_id: str, made: tuple[AESGCM, bytes]) -> tuple[AESGCM, bytes]:
        self._keys[conversation_id] = made
        if len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)
        return made

    def _loaded(self, row: _Row) -> Conversation:
        cipher, head = self._opened(row)
        find = "SELECT seq, CAST(data AS BLOB) FROM entry WHERE conversation = ? ORDER BY seq"
        rows = self._connection.execute(find, (head.id,)).fetchall()
        entries = self._decoded(
            head.id, lambda: [_entry_of(unseal(cipher, data, _label(head.id, seq))) for seq, data in rows]
        )
        if [entry.seq for entry in entries] != list(range(1, len(entries) + 1)):
            raise ChatStoreError(f"entries of the conversation {head.id} are missing: restore the file, or forget it")
        return Conversation(head, entries)

    def _opened(self, row: _Row) -> tuple[AESGCM, Head]:
        conversation_id, wrapped, sealed = row
        label = _label(conversation_id, 0)

        def opened() -> tuple[AESGCM, Head]:
            known = self._keys.get(conversation_id)
            cipher = AESGCM(self.key.unwrap(wrapped, label)) if known is None else known[0]
            return cipher, _head_of(unseal(cipher, sealed, label))

        found: tuple[AESGCM, Head] = self._decoded(conversation_id, opened)
        self._remembered(conversation_id, (found[0], wrapped))
        return found

    def _decoded(self, conversation_id: str, decode: Callable[[], _T]) -> _T:
        try:
            return decode()
        except (InvalidTag, msgspec.DecodeError, TypeError, ValueError):
            # Not chained: what could not be decoded would be quoted.
            reason = f"the conversation {conversation_id} has been altered"
            raise ChatStoreError(f"{reason}: restore the file, or delete that row") from None

    def _forget(self, find: str, arguments: tuple[object, ...]) -> int:
        with self._transaction():
            found = [(row[0],) for row in self._connection.execute(find, arguments)]
            self._connection.executemany("DELETE FROM entry WHERE conversation = ?", found)
            self._connection.executemany("DELETE FROM conversation WHERE id = ?", found)
        for (conversation_id,) in found:
            self._keys.pop(conversation_id, None)
        if found:
            with self._reading():
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return len(found)

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
