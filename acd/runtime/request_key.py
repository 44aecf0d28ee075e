"""An `Idempotency-Key` as a command's id: `key-`, whose key for what, and what was asked.

Owns the form of such ids. Must not know HTTP, nor where they are looked up. The journal holds the id, so that it holds
all that tells a repetition from a mistake, without a word of the request.
"""

import re
from hashlib import sha256
from typing import Final

from msgspec import Struct

PREFIX: Final = "key-"
"""How the ids of commands begin that were handed in under a key."""

AFTER_PREFIX: Final = "key."
"""The first text behind all that begin like that."""

_DIGITS: Final = 40
_FINGERPRINT_DIGITS: Final = 16
_FORM: Final = re.compile(rf"{PREFIX}([0-9a-f]{{{_DIGITS}}})(?:-([0-9a-f]{{{_FINGERPRINT_DIGITS}}}))?$(?!\n)")


class RequestKey(Struct, frozen=True):
    """`name`: 40 hexadecimal digits, whose key for what; `fingerprint`: 16, what was asked; "" where not known."""

    name: str
    fingerprint: str

    @property
    def command_id(self) -> str:
        """The id of the command that the request becomes."""
        return f"{PREFIX}{self.name}-{self.fingerprint}" if self.fingerprint else PREFIX + self.name

    def fits(self, fingerprint: str) -> bool:
        """Whether the same may have been asked."""
        return not fingerprint or not self.fingerprint or fingerprint == self.fingerprint


def request_key(who: str, method: str, path: str, key: str, content: bytes) -> RequestKey:
    """A key counts per token (`who`), method and path, so that one client's never meets another's: hence a hash."""
    name = sha256(repr((who, method, path, key)).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return RequestKey(name, sha256(content).hexdigest()[:_FINGERPRINT_DIGITS])


def numbered(key: RequestKey, number: int) -> RequestKey:
    """The key of one command of several that a request becomes, from 0; the first one has the request's own."""
    if not number:
        return key
    return RequestKey(sha256(f"{key.name}#{number}".encode()).hexdigest()[:_DIGITS], key.fingerprint)


def parsed(command_id: str) -> RequestKey | None:
    """The key that a command was handed in under; None when there was none."""
    found = _FORM.match(command_id)
    return None if found is None else RequestKey(found[1], found[2] or "")
