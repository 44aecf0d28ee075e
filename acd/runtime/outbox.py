"""The outbox: outward messages on disk until they are delivered, in order per destination.

Owns the file. Must not know how anything is delivered (`acd.runtime.pump`) nor why it is sent: the journal is
the truth of what must be sent, so that putting a message again is harmless. What is put here is kept in
clear until it is delivered: payloads should name people by reference, and senders look them up.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from acd.errors import OutboxError, OutboxFull
from acd.ports.stores import LineStanding, OutboxMessage
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database
from acd.runtime.log import Logger

MAX_PENDING: Final = 100_000
"""Messages that may wait; beyond it new ones are refused."""

MAX_DESTINATIONS: Final = 1_000
"""Destinations that may have messages waiting."""

MAX_PAYLOAD: Final = 64 * 1024
"""Bytes of one payload."""

MAX_NAME: Final = 512
"""Characters of a key or a destination."""

MAX_ATTEMPTS: Final = 20
"""Failed deliveries after which a message is dead."""

MAX_DEAD: Final = 10_000
"""Dead letters kept; beyond it the oldest is dropped."""

MAX_DELIVERED: Final = 100_000
"""Keys of delivered messages that are remembered, so that a repetition is recognised."""

MAX_ERROR: Final = 500
"""Characters kept of the last failure."""

_PENDING, _DELIVERED, _DEAD = range(3)
_PRUNE_EVERY: Final = 1_000
_KIND: Final = DatabaseKind(
    name="outbox",
    application_id=0x4143444F,
    migrations=(
        (
            """
            CREATE TABLE message (
                seq INTEGER PRIMARY KEY AUTOINCREMENT,
                key TEXT NOT NULL UNIQUE,
                destination TEXT NOT NULL,
                payload BLOB NOT NULL,
                attempts INTEGER NOT NULL DEFAULT 0,
                state INTEGER NOT NULL DEFAULT 0,
                error TEXT NOT NULL DEFAULT ''
            )
            """,
            "CREATE INDEX line ON message (destination, seq) WHERE state = 0",
            "CREATE INDEX ended ON message (state, seq)",
            "CREATE TABLE destination (name TEXT PRIMARY KEY, pending INTEGER NOT NULL, retry_at_us INTEGER NOT NULL)",
            "CREATE TABLE feed (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL)",
            "INSERT INTO feed VALUES (1, 0)",
        ),
    ),
    unavailable=OutboxError,
    corrupt=OutboxError,
)
_LINE: Final = (
    "SELECT key, destination, payload, attempts FROM message WHERE destination = ? AND state = 0 ORDER BY seq LIMIT ?"
)
_NEWEST: Final = (
    "SELECT key, destination, payload, attempts, error FROM message WHERE state = ? ORDER BY seq DESC LIMIT ?"
)
_FORGET: Final = "DELETE FROM message WHERE seq IN (SELECT seq FROM message WHERE state = ? ORDER BY seq LIMIT ?)"

_log = Logger(__name__)


class Outbox:
    """`acd.ports.stores.MessageOutbox` over one SQLite file. Blocks; safe to call from any thread.

    Times are µs of whatever clock the caller uses, as long as it survives a restart. Everything raises `OutboxError`
    when the file cannot be used.
    """

    def __init__(self, path: Path | str, *, max_pending: int = MAX_PENDING, max_attempts: int = MAX_ATTEMPTS) -> None:
        """Open, creating what is missing."""
        self.max_attempts = max_attempts
        self._max_pending = max_pending
        self._path = Path(path)
        self._mutex = threading.Lock()
        self._turn = 0
        self._lock = lock_database(self._path, _KIND)
        try:
            self._connection = open_database(self._path, _KIND, secure_delete=True)
        except BaseException:
            self._lock.release()
            raise
        try:
            with self._transaction():
                self._counts = [self._count(state) for state in (_PENDING, _DELIVERED, _DEAD)]
        except BaseException:
            self.close()
            raise

    def put(self, idempotency_key: str, destination: str, payload: bytes) -> bool:
        """Take a message; False when the key was taken before. Raises `OutboxFull`."""
        return self.put_many((OutboxMessage(idempotency_key, destination, payload),)) == 1

    def put_many(self, messages: Iterable[OutboxMessage], position: int | None = None) -> int:
        """Take messages in one commit, all or none; returns how many were new. Raises `OutboxFull`.

        `position` is the journal row up to which the outbox has been fed with this; it never goes back.
        """
        with self._transaction() as connection:
            fresh = sum(self._taken(connection, message) for message in messages)
            if self._counts[_PENDING] + fresh > self._max_pending:
                waiting = self._counts[_PENDING]
                raise OutboxFull(f"{waiting} messages wait in the outbox already, of at most {self._max_pending}")
            destinations = connection.execute("SELECT count(*) FROM destination").fetchone()[0]
            if fresh and destinations > MAX_DESTINATIONS:
                raise OutboxFull(f"messages wait for {MAX_DESTINATIONS} destinations already")
            if position is not None:
                connection.execute("UPDATE feed SET position = max(position, ?)", (position,))
        self._counts[_PENDING] += fresh
        return fresh

    def position(self) -> int:
        """The journal row of the last `put_many` that named one; 0 before the first."""
        with self._transaction() as connection:
            return int(connection.execute("SELECT position FROM feed").fetchone()[0])

    def due(
        self, now_us: int, limit: int, besides: Collection[str] = (), each: int = MAX_PENDING
    ) -> tuple[OutboxMessage, ...]:
        """At most `limit` messages that may be sent now, shared out over destinations, in order within each.

        At most `each` of one destination, and of at most `limit` / `each` destinations, who take turns when there are
        more. A destination whose first message waits for its retry has none; nor has one in `besides`.
        """
        with self._transaction() as connection:
            ready = "SELECT name FROM destination WHERE pending > 0 AND retry_at_us <= ? ORDER BY name"
            names = [name for (name,) in connection.execute(ready, (now_us,)) if name not in besides]
            if not names:
                return ()
            lines = max(1, limit // each) if each < limit else limit
            self._turn %= len(names)
            names = (names[self._turn :] + names[: self._turn])[:lines]
            self._turn += len(names)
            most = min(each, limit // len(names))
            found = [connection.execute(_LINE, (name, most)).fetchall() for name in names]
        return tuple(OutboxMessage(*fields) for rows in found for fields in rows)

    def next_retry_us(self, besides: Collection[str] = ()) -> int | None:
        """When the next destination may be tried (perhaps now); None when nothing waits."""
        with self._transaction() as connection:
            waiting = connection.execute("SELECT name, retry_at_us FROM destination WHERE pending > 0").fetchall()
        return min((retry_at_us for name, retry_at_us in waiting if name not in besides), default=None)

    def bring_forward(self, retry_at_us: int) -> None:
        """Let no destination rest longer than until then: the clock may have been set back since it was told to."""
        with self._transaction() as connection:
            connection.execute("UPDATE destination SET retry_at_us = min(retry_at_us, ?)", (retry_at_us,))

    def done(self, key: str) -> None:
        """It was delivered: the payload is forgotten, the key stays known. A key that does not wait is let pass."""
        with self._transaction() as connection:
            ended = self._end(connection, key, _DELIVERED, "")
        if ended:
            self._counted(_DELIVERED)

    def failed(self, key: str, error: str, retry_at_us: int, *, final: bool = False) -> bool:
        """It was not; its destination rests until `retry_at_us`. True when it is now dead.

        It is when `final` says so, and after `max_attempts`.
        """
        with self._transaction() as connection:
            find = "SELECT attempts, destination FROM message WHERE key = ? AND state = 0"
            found = connection.execute(find, (key,)).fetchone()
            if found is None:
                return False
            attempts, destination = found[0] + 1, found[1]
            note = "UPDATE message SET attempts = ?, error = ? WHERE key = ?"
            connection.execute(note, (attempts, error[:MAX_ERROR], key))
            dead = final or attempts >= self.max_attempts
            if dead:
                self._end(connection, key, _DEAD, error[:MAX_ERROR])
            else:
                connection.execute("UPDATE destination SET retry_at_us = ? WHERE name = ?", (retry_at_us, destination))
        if dead:
            self._counted(_DEAD)
            _log.warning("message dead", key=key, destination=destination, attempts=attempts)
        return dead

    def dead(self, limit: int = 100) -> tuple[tuple[OutboxMessage, str], ...]:
        """The newest dead letters, each with its last error."""
        with self._transaction() as connection:
            rows = connection.execute(_NEWEST, (_DEAD, limit)).fetchall()
        return tuple((OutboxMessage(*fields[:4]), fields[4]) for fields in rows)

    def revive(self, key: str) -> bool:
        """Let a dead letter wait again, at the end of its line, with all its attempts. Raises `OutboxFull`."""
        with self._transaction() as connection:
            find = "SELECT destination, payload FROM message WHERE key = ? AND state = ?"
            found = connection.execute(find, (key, _DEAD)).fetchone()
            if found is None:
                return False
            if self._counts[_PENDING] >= self._max_pending:
                raise OutboxFull(f"{self._max_pending} messages wait in the outbox already")
            connection.execute("DELETE FROM message WHERE key = ?", (key,))
            self._taken(connection, OutboxMessage(key, *found))
        self._counts[_DEAD] -= 1
        self._counts[_PENDING] += 1
        return True

    def line(self, destination: str) -> LineStanding:
        """How the messages to one destination stand. O(dead letters)."""
        find = "SELECT attempts, error FROM message WHERE destination = ? AND state = 0 ORDER BY seq LIMIT 1"
        count = "SELECT count(*) FROM message WHERE destination = ? AND state = ?"
        with self._transaction() as connection:
            line = connection.execute("SELECT pending, retry_at_us FROM destination WHERE name = ?", (destination,))
            pending, retry_at_us = line.fetchone() or (0, 0)
            attempts, error = connection.execute(find, (destination,)).fetchone() or (0, "")
            (dead,) = connection.execute(count, (destination, _DEAD)).fetchone()
        return LineStanding(pending, dead, attempts, error, retry_at_us)

    def counts(self) -> tuple[int, int]:
        """(waiting, dead)."""
        return self._counts[_PENDING], self._counts[_DEAD]

    def close(self) -> None:
        """Release everything. Idempotent."""
        with self._mutex:
            self._connection.close()
            self._lock.release()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except DATABASE_ERRORS as error:
                raise explained(error, self._path, _KIND, "used") from error

    def _taken(self, connection: sqlite3.Connection, message: OutboxMessage) -> bool:
        _check(message)
        put = "INSERT OR IGNORE INTO message (key, destination, payload) VALUES (?, ?, ?)"
        if not connection.execute(put, (message.key, message.destination, message.payload)).rowcount:
            return False
        line = "INSERT INTO destination VALUES (?, 1, 0) ON CONFLICT (name) DO UPDATE SET pending = pending + 1"
        connection.execute(line, (message.destination,))
        return True

    def _end(self, connection: sqlite3.Connection, key: str, state: int, error: str) -> bool:
        """Take a message out of its line; False when it was in none."""
        found = connection.execute("SELECT destination FROM message WHERE key = ? AND state = 0", (key,)).fetchone()
        if found is None:
            return False
        connection.execute("UPDATE message SET state = ?, error = ? WHERE key = ?", (state, error, key))
        if state == _DELIVERED:
            connection.execute("UPDATE message SET payload = x'' WHERE key = ?", (key,))
        # Whatever held up the line has gone with its first message.
        connection.execute("UPDATE destination SET pending = pending - 1, retry_at_us = 0 WHERE name = ?", found)
        connection.execute("DELETE FROM destination WHERE name = ? AND pending <= 0", found)
        return True

    def _counted(self, state: int) -> None:
        """Keep count of an ended message, and forget the oldest when there are too many."""
        self._counts[_PENDING] -= 1
        self._counts[state] += 1
        most = MAX_DELIVERED if state == _DELIVERED else MAX_DEAD
        spare = _PRUNE_EVERY if state == _DELIVERED else 0
        if self._counts[state] <= most + spare:
            return
        with self._transaction() as connection:
            connection.execute(_FORGET, (state, self._counts[state] - most))
        self._counts[state] = most

    def _count(self, state: int) -> int:
        return int(self._connection.execute("SELECT count(*) FROM message WHERE state = ?", (state,)).fetchone()[0])


def _check(message: OutboxMessage) -> None:
    if not 0 < len(message.key) <= MAX_NAME:
        raise OutboxError(f"a message's key has 1 to {MAX_NAME} characters")
    if not 0 < len(message.destination) <= MAX_NAME:
        raise OutboxError(f"a message's destination has 1 to {MAX_NAME} characters")
    if len(message.payload) > MAX_PAYLOAD:
        reason = f"the payload of {message.key} has {len(message.payload)} bytes, of at most {MAX_PAYLOAD}"
        raise OutboxFull(f"{reason}; send a link instead")
