"""The bytes of files in the file of conversations: in parts, each encrypted with the conversation's key.

Owns these tables. Must not know what is in a file, nor how it came. A file belongs to a conversation from the commit on
in which the entry that names it is kept; until then it is loose, and so it is again when its conversation goes. What is
loose and nobody's any more is taken away a little at a time: so nothing stays of an upload that a crash has ended, and
nobody waits for a hundred megabytes that are forgotten. Without its conversation's key nobody reads a part.
"""

import sqlite3
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from acd.errors import ChatDamaged
from acd.runtime.keyfile import seal, unseal

PART: Final = 256 * 1024
"""Bytes of each part but the last: for the commit of one, messages wait."""

DROPPED_AT_ONCE: Final = 8
"""Parts that are taken away in one commit."""

FILE_TABLES: Final = (
    "CREATE TABLE file (id TEXT PRIMARY KEY, conversation TEXT NOT NULL, loose INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX file_conversation ON file (conversation)",
    "CREATE INDEX file_loose ON file (id) WHERE loose",
    "CREATE TABLE file_part (file TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE UNIQUE INDEX file_part_number ON file_part (file, number)",
)

_pack: Final = msgspec.msgpack.Encoder().encode


class FileParts:
    """Of one open file of conversations; called from the same thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        transaction: Callable[[], AbstractContextManager[None]],
        cipher_of: Callable[[str], AESGCM | None],
    ) -> None:
        """`cipher_of`: of a conversation, None when there is none of this id. All may raise `ChatStoreError`."""
        self._connection = connection
        self._transaction = transaction
        self._cipher_of = cipher_of

    def begin(self, conversation_id: str, file_id: str) -> bool:
        """Parts of a file are to come; False when there is no such conversation."""
        with self._transaction():
            if self._cipher_of(conversation_id) is None:
                return False
            self._connection.execute("INSERT INTO file VALUES (?, ?, 1)", (file_id, conversation_id))
            return True

    def add(self, conversation_id: str, file_id: str, number: int, data: bytes) -> bool:
        """A part of a file that has begun, counted from 0; False when its conversation has been forgotten."""
        with self._transaction():
            cipher = self._cipher_of(conversation_id)
            if cipher is None:
                return False
            sealed = seal(cipher, data, _label(conversation_id, file_id, number))
            self._connection.execute("INSERT INTO file_part VALUES (?, ?, ?)", (file_id, number, sealed))
            return True

    def claim(self, conversation_id: str, file_ids: Collection[str]) -> None:
        """Their entries are written, in the transaction that is open."""
        given = [(conversation_id, each) for each in file_ids]
        self._connection.executemany("UPDATE file SET loose = 0 WHERE conversation = ? AND id = ?", given)

    def let_go(self, conversations: Collection[tuple[str]]) -> None:
        """These are forgotten, in the transaction that is open."""
        self._connection.executemany("UPDATE file SET loose = 1 WHERE conversation = ?", conversations)

    def read(self, conversation_id: str, file_id: str, number: int) -> bytes | None:
        """A part; None when there is none, or no such conversation. Raises `ChatDamaged` when it was altered."""
        with self._transaction():
            cipher = self._cipher_of(conversation_id)
            find = "SELECT CAST(data AS BLOB) FROM file_part WHERE file = ? AND number = ?"
            row: tuple[bytes] | None = self._connection.execute(find, (file_id, number)).fetchone()
        if cipher is None or row is None:
            return None
        try:
            return unseal(cipher, row[0], _label(conversation_id, file_id, number))
        except InvalidTag:
            raise ChatDamaged(f"a file of the conversation {conversation_id} has been altered: restore it") from None

    def drop_loose(self, but: Collection[str]) -> bool:
        """Take away a little of what is nobody's; False when nothing of it is left. `but`: those that are under way."""
        with self._transaction():
            loose = (row[0] for row in self._connection.execute("SELECT id FROM file WHERE loose ORDER BY id"))
            file_id = next((each for each in loose if each not in but), "")
            if not file_id:
                return False
            drop = "DELETE FROM file_part WHERE rowid IN (SELECT rowid FROM file_part WHERE file = ? LIMIT ?)"
            if self._connection.execute(drop, (file_id, DROPPED_AT_ONCE)).rowcount < DROPPED_AT_ONCE:
                self._connection.execute("DELETE FROM file WHERE id = ?", (file_id,))
            return True


def _label(conversation_id: str, file_id: str, number: int) -> bytes:
    """What binds a ciphertext to its row; longer than an entry's, and so never the same."""
    return _pack(("acd chat 1", conversation_id, file_id, number))
