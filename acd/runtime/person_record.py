"""What the record of one person may hold, and what becomes of it when more is told.

Owns the bounds. Must not know where records are kept, nor how.
"""

from typing import Final

import msgspec

from acd.errors import PersonalStoreError
from acd.ports.channel import Personal
from acd.runtime.numbering import normalised

MAX_NUMBER: Final = 256
"""Characters of a number."""

MAX_NAME: Final = 512
"""Characters of a name."""

MAX_EXTRA: Final = 64
"""Further details of one person; beyond it the oldest are dropped."""

MAX_EXTRA_TEXT: Final = 4_096
"""Characters of a detail's key or value."""

encode: Final = msgspec.msgpack.Encoder().encode
decode: Final = msgspec.msgpack.Decoder(Personal).decode


def merged(known: Personal, told: Personal) -> Personal:
    """What is known of somebody after this: what is new wins, but for the number.

    That is one and the same, written otherwise, by whoever calls or asks with it; and it is dialled as it is written.
    Only its international form (+ and digits, E.164), which says no less than any other, takes its place.
    """
    extra = tuple({**dict(known.extra), **dict(told.extra)}.items())[-MAX_EXTRA:]
    number = told.number if not known.number or _is_international(told.number) else known.number
    return Personal(number, told.name or known.name, extra)


def check(person: Personal) -> None:
    """Types and sizes. Raises `PersonalStoreError`, whose reasons never quote what they complain about."""
    try:
        decode(encode(person))
    except (msgspec.DecodeError, UnicodeError, TypeError):
        raise PersonalStoreError("a person's number, name and details must be text") from None
    if len(person.number) > MAX_NUMBER:
        raise PersonalStoreError(f"a number has at most {MAX_NUMBER} characters")
    if len(person.name) > MAX_NAME:
        raise PersonalStoreError(f"a name has at most {MAX_NAME} characters")
    if len(person.extra) > MAX_EXTRA:
        raise PersonalStoreError(f"a person has at most {MAX_EXTRA} further details")
    if any(len(text) > MAX_EXTRA_TEXT for pair in person.extra for text in pair):
        raise PersonalStoreError(f"a further detail has at most {MAX_EXTRA_TEXT} characters")


def _is_international(number: str) -> bool:
    # No region reads it otherwise.
    return number.startswith("+") and normalised(number, "") == f"tel:{number}"
