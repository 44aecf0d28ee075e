"""The passwords of telephones in the browser: derived from one key, or read from an agent's own file.

Owns the key's file, the derivation and the digest that Asterisk keeps. Must not know pages or agents. No password is
kept in memory, logged or shown; a file that others may read is refused.
"""

import base64
import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import Final

from acd.errors import PersonalStoreError
from acd.runtime.keyfile import create_key, read_secret
from acd_asterisk.options.browser_phones import BrowserPhoneOptions

MAX_SECRET_BYTES: Final = 512
PASSWORD_BYTES: Final = 24
MICROSECONDS: Final = 1_000_000

_PURPOSE: Final = b"acd browser phones 1: password of "
_FOR_OTHERS: Final = 0o077


class NoPassword(Exception):
    """It cannot be had; the text names the file and the reason, never what is in it."""


def password_of(options: BrowserPhoneOptions, endpoint: str, own: Path | None = None) -> str:
    """The password of an endpoint: what is in its `own` file, or else what follows from the key.

    Raises:
        NoPassword: a file is absent, empty, or open to others.
    """
    if own is not None:
        return read_text(own)
    try:
        key = read_secret(options.key_file)
    except PersonalStoreError as error:
        raise NoPassword(str(error)) from None
    made = hmac.digest(key, _PURPOSE + endpoint.encode(), "sha256")
    return base64.urlsafe_b64encode(made[:PASSWORD_BYTES]).decode()


def make_key(options: BrowserPhoneOptions) -> bool:
    """Make the key's file unless there is one; whether it was made. Raises `NoPassword`."""
    if options.key_file.exists():
        return False
    try:
        create_key(options.key_file)
    except PersonalStoreError as error:
        raise NoPassword(str(error)) from None
    return True


def digest_of(options: BrowserPhoneOptions, endpoint: str, password: str) -> str:
    """What Asterisk checks a password by (RFC 2617, HA1), so that its files have no password in clear."""
    text = f"{endpoint}:{options.realm}:{password}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def turn_credentials(options: BrowserPhoneOptions, user: str, *, now_us: int) -> tuple[str, str]:
    """Name and password for coturn (`use-auth-secret`), until `turn_lifetime` is over.

    SHA-1 is what coturn checks; an HMAC by it is not touched by its collisions. Raises `NoPassword`.
    """
    if options.turn_secret_file is None:
        raise NoPassword("there is no turn_secret_file")
    name = f"{(now_us + options.turn_lifetime_us) // MICROSECONDS}:{user}"
    made = hmac.digest(read_text(options.turn_secret_file).encode(), name.encode(), "sha1")
    return name, base64.b64encode(made).decode()


def read_text(path: Path) -> str:
    """A secret in a file that nobody else may read. Raises `NoPassword`."""
    try:
        with path.open("rb") as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            text = handle.read(MAX_SECRET_BYTES + 1).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NoPassword(f"{path} cannot be read: {reason}") from None
    if mode & _FOR_OTHERS:
        raise NoPassword(f"{path} is open to others (mode {mode:04o}): run chmod 600 on it")
    if not text or len(text) > MAX_SECRET_BYTES or not text.isprintable():
        raise NoPassword(f"{path} has to hold one line of at most {MAX_SECRET_BYTES} characters")
    return text
