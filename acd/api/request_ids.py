"""Ids of requests: `X-Request-Id`, the problem document's `instance`, and what is in the log.

Owns how they are made: UUIDs (RFC 9562, version 8) of a beginning that is drawn at the start of the process and a
number that counts up, because a random one for each request takes longer than finding out who asks. They name a
request; nothing is proved by knowing one.
"""

import secrets
from itertools import count
from typing import Final

_DRAWN: Final = secrets.token_hex(8)
_BEGINNING: Final = f"{_DRAWN[:8]}-{_DRAWN[8:12]}-8{_DRAWN[12:15]}"
_numbers: Final = count(secrets.randbits(32))


def new_request_id() -> str:
    """`7b1c09e2-41d7-8a3f-8000-00000000002a`."""
    number = next(_numbers)
    return f"{_BEGINNING}-8{number >> 48 & 0xFFF:03x}-{number & 0xFFFFFFFFFFFF:012x}"
