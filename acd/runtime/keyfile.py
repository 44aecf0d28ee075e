"""The master key: where it comes from, and what is derived from it.

Owns the key file. Must not know what is encrypted. The key is never logged, shown or copied; losing the
file loses every person in the store, which is also how to forget them all.
"""

import hmac
import os
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from acd.errors import PersonalStoreError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_FOR_OTHERS: Final = 0o077


class MasterKey:
    """Wraps data keys (AES-256-GCM) and indexes numbers (HMAC-SHA-256), each with a key of its own (HKDF)."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is `KEY_BYTES` random bytes."""
        self._wrapping = AESGCM(_derived(secret, b"acd personal 1: wrap data keys"))
        # Copied for each number: to begin one takes longer than all the rest.
        self._indexing = hmac.new(_derived(secret, b"acd personal 1: index numbers"), digestmod=sha256)

    def wrap(self, data_key: bytes, label: bytes) -> bytes:
        """The data key, encrypted and bound to `label`."""
        return seal(self._wrapping, data_key, label)

    def unwrap(self, wrapped: bytes, label: bytes) -> bytes:
        """The data key again. Raises `cryptography.exceptions.InvalidTag`."""
        return unseal(self._wrapping, wrapped, label)

    def index(self, text: str) -> bytes:
        """By which a text is found again, and from which nobody without the key can guess it."""
        indexing = self._indexing.copy()
        indexing.update(text.encode())
        return indexing.digest()


def seal(cipher: AESGCM, plain: bytes, label: bytes) -> bytes:
    """Nonce and ciphertext; `label` is authenticated with it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, label)


def unseal(cipher: AESGCM, sealed: bytes, label: bytes) -> bytes:
    """What was sealed. Raises `cryptography.exceptions.InvalidTag` when anything about it has changed."""
    if len(sealed) < _NONCE_BYTES:
        raise InvalidTag
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label)


def read_key(path: Path) -> MasterKey:
    """The key in the file. Raises `PersonalStoreError` when others can read it, or it is not a key."""
    return MasterKey(read_secret(path))


def read_secret(path: Path) -> bytes:
    """The `KEY_BYTES` bytes in a file, as `create_key` wrote them. Raises as `read_key`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise PersonalStoreError(f"the key file {path} cannot be read: {error.strerror}") from error
    try:
        status = os.fstat(fd)
        secret = os.read(fd, KEY_BYTES + 1)
    except OSError as error:
        raise PersonalStoreError(f"the key file {path} cannot be read: {error.strerror}") from error
    finally:
        os.close(fd)
    mode = stat.S_IMODE(status.st_mode)
    if mode & _FOR_OTHERS:
        raise PersonalStoreError(f"the key file {path} is open to others (mode {mode:04o}): run chmod 600 on it")
    if status.st_uid not in (os.geteuid(), 0):
        raise PersonalStoreError(f"the key file {path} belongs to another user: run chown on it")
    if len(secret) != KEY_BYTES:
        length = "longer" if len(secret) > KEY_BYTES else f"{len(secret)} bytes long"
        raise PersonalStoreError(f"the key file {path} must hold exactly {KEY_BYTES} random bytes, but is {length}")
    return secret


def matching_key(path: Path, check: bytes | None, label: bytes, whose: str) -> MasterKey:
    """The key with which a store was begun, of which `check` is what it wrapped then; a new one for a new store.

    `whose`: that store, as the error calls it. Raises as `read_key`, and when it is another key.
    """
    if check is None and not path.exists():
        create_key(path)
    key = read_key(path)
    if check is not None:
        try:
            key.unwrap(check, label)
        except InvalidTag:
            reason = f"the key file {path} is not the one {whose}"
            raise PersonalStoreError(f"{reason}; give the right one, or another path for the store") from None
    return key


def create_key(path: Path) -> None:
    """Write a new key, readable by its owner only; whole or not at all, never over another. Raises as `read_key`."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, secrets.token_bytes(KEY_BYTES))
            os.fsync(fd)
        finally:
            os.close(fd)
        try:
            os.link(partial, path)
        finally:
            partial.unlink()
        _sync_directory(path.parent)
    except FileExistsError:
        return
    except OSError as error:
        reason = f"the key file {path} cannot be created: {error.strerror}"
        raise PersonalStoreError(f"{reason}; check that its directory exists and is writable") from error


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
