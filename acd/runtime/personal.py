"""The personal store: who the opaque references of the journal are.

Owns the encrypted file. Must not know calls, channels or the journal. Every person has a random data key
(AES-256-GCM), wrapped by the master key of a key file; each ciphertext is bound to its reference and its
index, so that rows can be neither altered nor exchanged. Erasing a person destroys the data key: overwritten in
the database and cut from the write-ahead log. An older copy of the file still holds it: copies must be
given up on a schedule too.
"""

import base64
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from acd.errors import AcdError, PersonalStoreError
from acd.ports.channel import Personal
from acd.ports.stores import References
from acd.runtime.acquaintances import MAX_TOLD, Acquaintances, Told
from acd.runtime.database import DATABASE_ERRORS, DatabaseKind, explained, lock_database, open_database
from acd.runtime.keyfile import KEY_BYTES, MasterKey, create_key, read_key, seal, unseal
from acd.runtime.log import Logger
from acd.runtime.numbering import COUNTRIES, know_countries, known_region, normalised
from acd.runtime.person_record import check, decode, encode, merged

MAX_BATCH: Final = 1_000
"""People remembered in one commit."""

LEARNED_AT_ONCE: Final = 200
"""People in one step of getting to know who is in the file."""

COUNTRIES_AT_ONCE: Final = 2
"""Countries in one such step: how their numbers are read lies in a file each."""

_REFERENCE_BYTES: Final = 16
_KIND: Final = DatabaseKind(
    name="personal store",
    application_id=0x41434450,
    migrations=(
        (
            """
            CREATE TABLE person (
                reference TEXT PRIMARY KEY,
                number_index BLOB UNIQUE,
                wrapped_key BLOB NOT NULL,
                data BLOB NOT NULL
            ) WITHOUT ROWID
            """,
            "CREATE TABLE key_check (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL)",
        ),
    ),
    unavailable=PersonalStoreError,
    corrupt=PersonalStoreError,
)
# Cast, because a blob that somebody has turned into text would otherwise fail in SQLite rather than here.
_COLUMNS: Final = (
    "SELECT reference, CAST(number_index AS BLOB), CAST(wrapped_key AS BLOB), CAST(data AS BLOB) FROM person"
)

_INDEXES: Final = "SELECT CAST(number_index AS BLOB) FROM person WHERE number_index > ? ORDER BY number_index LIMIT ?"
_log = Logger(__name__)

_Fields = tuple[str, bytes | None, bytes, bytes]


class PersonalStore:
    """`acd.ports.stores.PromptStore` over one SQLite file. Blocks; safe to call from any thread.

    `region` (ISO 3166) is where a number without a country code is read. A missing key file is created with a
    new key, unless the store already holds people: those could never be read again.
    """

    def __init__(self, path: Path | str, key_path: Path | str, region: str = "CN") -> None:
        """Open, creating what is missing. Raises `PersonalStoreError`."""
        if not known_region(region):
            raise PersonalStoreError(f"region {region!r} is not a country: give two capital letters, such as CN")
        self._path = Path(path)
        self._region = region
        self._mutex = threading.Lock()
        self._lost: PersonalStoreError | None = None
        """Why what was begun is not kept: for the next `commit`, if it was not the one that failed."""
        self._met = Acquaintances(new_reference)
        self._countries = COUNTRIES
        """Those whose numbers cannot be read yet without a look into files."""
        self._learned = b""
        """The last index that was learned."""
        self._lock = lock_database(self._path, _KIND)
        try:
            self._connection = open_database(self._path, _KIND, secure_delete=True)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._key = self._unlock(Path(key_path))
        except BaseException:
            self.close()
            raise

    def remember(self, person: Personal) -> str:
        """Keep a person; returns the reference. What is known already is merged (`merged`)."""
        (result,) = self.remember_many((person,))
        if isinstance(result, PersonalStoreError):
            raise result
        return result

    def remember_many(self, people: Sequence[Personal]) -> References:
        """As `remember`, in one commit, and in none at all when nothing is new.

        A person who cannot be kept (too long, or the record has been altered) has the reason in place of a
        reference and harms nobody else. Raises `PersonalStoreError` when the store itself cannot be written.
        """
        with self._mutex, self._losing_others():
            results = self._begun(people)
            self._commit()
        return results

    def begin_many(self, people: Sequence[Personal]) -> References:
        """As `remember_many`, but nothing is durable before `commit`. May be called again before it.

        When it raises, nobody is kept who has come since the last commit.
        """
        with self._mutex:
            return self._begun(people)

    def commit(self) -> None:
        """What was begun is durable. Raises `PersonalStoreError`: then nobody is kept who has come since the last."""
        with self._mutex:
            lost, self._lost = self._lost, None
            try:
                if lost is not None:
                    self._roll_back()
                    raise lost
                self._write_told()
                self._commit()
            except BaseException:
                self._met.drop()
                raise

    def remember_at_once(self, person: Personal) -> str | None:
        """The reference of somebody who is known by heart or certainly new; None when only the file can tell.

        What is new is told by `recall` from now on, and durable with the next `commit`. Touches no file, and waits for
        nobody who does. Whoever cannot be kept is left to the others, who say why.
        """
        if self._countries:
            return None  # To read a number, a file about its country might have to be read first.
        try:
            index = self._index_of(person)
        except PersonalStoreError:
            return None
        return self._met.tell(index, person)

    def learn(self) -> bool:
        """Get to know some more of those in the file, some 0.5 ms long; True when all are known: who is not is new."""
        if self._countries:
            know_countries(self._countries[:COUNTRIES_AT_ONCE])
            self._countries = self._countries[COUNTRIES_AT_ONCE:]
            return False
        try:
            with self._mutex:
                found = self._connection.execute(_INDEXES, (self._learned, LEARNED_AT_ONCE)).fetchall()
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "read") from error
        self._met.learn(index for (index,) in found)
        if found:
            (self._learned,) = found[-1]
        else:
            self._met.complete()
            self._met.restock()
        return not found

    def recall(self, customer: str) -> Personal | None:
        """The person behind a reference; None when unknown or erased. Raises `PersonalStoreError` when altered."""
        with self._mutex:
            fields = self._find("reference", customer)
            told = self._met.told(customer)
        if fields is None:
            return told
        known = self._opened(fields)[1]
        return known if told is None else merged(known, told)

    def erase(self, customer: str) -> bool:
        """Destroy the person's key, data and index; False when there was none.

        On return neither database nor write-ahead log holds them any more. Raises `PersonalStoreError` when that could
        not be made sure; erasing again then tries again.
        """
        with self._mutex:
            was_told = self._met.forget(customer)
            with self._losing_others():
                self._commit()
            try:
                erased = self._connection.execute("DELETE FROM person WHERE reference = ?", (customer,)).rowcount
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except DATABASE_ERRORS as error:
                raise explained(error, self._path, _KIND, "cleaned") from error
        if busy:
            raise PersonalStoreError(f"another program reads {self._path}: close it and erase again")
        if erased or was_told:
            _log.info("person erased", customer=customer)
        return bool(erased) or was_told

    def close(self) -> None:
        """Release everything. Idempotent."""
        with self._mutex:
            self._met.close()
            self._connection.close()
            self._lock.release()

    def _unlock(self, key_path: Path) -> MasterKey:
        """Read or create the key, and see whether it is the one this store was written with."""
        try:
            found = self._connection.execute("SELECT value FROM key_check WHERE id = 1").fetchone()
            if found is None and not key_path.exists():
                create_key(key_path)
            if found is not None and not key_path.exists():
                text = f"the key file {key_path} is missing, without which {self._path} cannot be read"
                raise PersonalStoreError(f"{text}: restore it, or remove the store as well to begin anew")
            key = read_key(key_path)
            check = key.index("key check")
            if found is None:
                self._connection.execute("INSERT INTO key_check VALUES (1, ?)", (check,))
            elif not secrets.compare_digest(bytes(found[0]), check):
                raise PersonalStoreError(f"the key file {key_path} is not the one that {self._path} was written with")
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "opened") from error
        return key

    def _begun(self, people: Sequence[Personal]) -> References:
        if len(people) > MAX_BATCH:
            raise PersonalStoreError(f"at most {MAX_BATCH} people may be remembered at once")
        with self._writing():
            return tuple(self._remembered(person) for person in people)

    def _write_told(self) -> None:
        """Those of whom was told at once; whoever is told of meanwhile comes with the next commit."""
        first = self._met.take()
        if first is None:
            return
        self._met.restock()
        failed, reason = 0, ""
        with self._writing():
            for told in (first, *islice(iter(self._met.take, None), MAX_TOLD)):
                try:
                    self._write(told)
                except PersonalStoreError as error:
                    self._met.forget(told.reference)
                    failed, reason = failed + 1, str(error)
        if failed:
            _log.error("people whose reference was given already could not be kept", people=failed, reason=reason)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """In a transaction that stays open; when anything fails, there is none any more."""
        try:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            yield
        except DATABASE_ERRORS as error:
            raise self._rolled_back(error) from error
        except BaseException:
            self._roll_back()
            raise

    def _commit(self) -> None:
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("COMMIT")
        except DATABASE_ERRORS as error:
            raise self._rolled_back(error) from error

    def _rolled_back(self, error: Exception) -> AcdError:
        self._roll_back()
        return explained(error, self._path, _KIND, "written")

    def _roll_back(self) -> None:
        self._met.doubt()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def _losing_others(self) -> Iterator[None]:
        """If this fails, so does the next `commit` of those who had begun: they are not kept either."""
        was_open = self._connection.in_transaction
        try:
            yield
        except BaseException as error:
            if was_open and not self._connection.in_transaction:
                fault = PersonalStoreError("a fault while another was being kept: see the log")
                self._lost = error if isinstance(error, PersonalStoreError) else fault
            raise

    def _remembered(self, person: Personal) -> str | PersonalStoreError:
        try:
            index = self._index_of(person)
            told = None if index is None else self._met.claim(index)
            if told is not None:
                self._write(told)
            reference = self._write(Told(new_reference(), index, person))
        except PersonalStoreError as error:
            return error
        if index is not None:
            self._met.note(index, reference, person)
        return reference

    def _index_of(self, person: Personal) -> bytes | None:
        """By which a number is found; None for somebody without one. Raises `PersonalStoreError`."""
        check(person)
        number = normalised(person.number, self._region)
        return self._key.index(number) if number else None

    def _write(self, told: Told) -> str:
        """Write what is new of somebody; returns the reference of the number, the drawn one if it has none yet."""
        fields = None if told.index is None else self._find("number_index", told.index)
        return self._added(told) if fields is None else self._merged(told.person, fields)

    def _added(self, told: Told) -> str:
        data_key = secrets.token_bytes(KEY_BYTES)
        label = _label(told.reference, told.index)
        wrapped = self._key.wrap(data_key, label)
        data = seal(AESGCM(data_key), encode(told.person), label)
        self._connection.execute("INSERT INTO person VALUES (?, ?, ?, ?)", (told.reference, told.index, wrapped, data))
        return told.reference

    def _merged(self, person: Personal, fields: _Fields) -> str:
        reference, index, _, _ = fields
        data_key, known = self._opened(fields)
        whole = merged(known, person)
        if whole != known:
            data = seal(AESGCM(data_key), encode(whole), _label(reference, index))
            self._connection.execute("UPDATE person SET data = ? WHERE reference = ?", (data, reference))
        return reference

    def _opened(self, fields: _Fields) -> tuple[bytes, Personal]:
        """The data key and the person. Raises `PersonalStoreError` when anything about the row has changed."""
        reference, index, wrapped, data = fields
        try:
            label = _label(reference, index)
            data_key = self._key.unwrap(wrapped, label)
            return data_key, decode(unseal(AESGCM(data_key), data, label))
        except (InvalidTag, msgspec.DecodeError, TypeError, ValueError):
            # Not chained: what could not be decoded would be quoted.
            raise PersonalStoreError(f"the record of {reference} has been altered: restore it, or erase it") from None

    def _find(self, column: str, value: str | bytes) -> _Fields | None:
        try:
            found: _Fields | None = self._connection.execute(f"{_COLUMNS} WHERE {column} = ?", (value,)).fetchone()
        except DATABASE_ERRORS as error:
            raise explained(error, self._path, _KIND, "read") from error
        return found


def new_reference() -> str:
    """A fresh opaque reference: `cu_` and 26 characters of base 32, 128 random bits."""
    return "cu_" + base64.b32encode(secrets.token_bytes(_REFERENCE_BYTES)).decode().rstrip("=").lower()


def _label(reference: str, index: bytes | None) -> bytes:
    """What binds a ciphertext to its row."""
    return encode(("acd personal 1", reference, index))
