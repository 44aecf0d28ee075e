"""Signatures by Standard Webhooks: HMAC-SHA256 over id, time and the very bytes of the body.

Owns keys and headers. Must not know what is sent. https://www.standardwebhooks.com
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
"""What a secret may begin with; the rest is Base64."""

LEAST_BYTES: Final = 24
MOST_BYTES: Final = 64
"""Size of a key."""

_NO_ID = re.compile(r"[^0-9A-Za-z_-]")


def key_of(secret: str) -> bytes | None:
    """The key that a secret holds; None if it is no Base64 of 24 to 64 bytes."""
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if LEAST_BYTES <= len(key) <= MOST_BYTES else None


def headers(keys: Iterable[bytes], message_id: str, at_seconds: int, body: bytes) -> dict[str, str]:
    """The three headers; a signature for every key, so that the receiver may hold any of them."""
    signed = f"{message_id}.{at_seconds}.".encode() + body
    made = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in made),
    }


def id_of(key: str) -> str:
    """A message's key as an id that a header can carry: no full stop, which separates what is signed."""
    return _NO_ID.sub("-", key)
