"""Who a page's customer is: a random id, which a signed token vouches for until it expires.

Owns the form of the token. Must not know pages nor conversations: a signature is a function. A token says nothing but
the channel, the visitor and the end of its life, and nobody can make one without the channel's key file.
"""

import base64
import hmac
import secrets
from binascii import Error as NotBase64
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from msgspec import Struct

MAX_TOKEN: Final = 512
"""Characters of a token."""

_BYTES: Final = 16
_PURPOSE: Final = "acd visitor token 1:"

Sign = Callable[[str], bytes]


class _Claim(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    channel: str
    visitor: str
    until_us: int


def new_visitor() -> str:
    """A fresh id: `cv_` and 26 characters of base 32, 128 random bits."""
    return "cv_" + base64.b32encode(secrets.token_bytes(_BYTES)).decode().rstrip("=").lower()


def issue(sign: Sign, channel: str, visitor: str, until_us: int) -> str:
    """A token for the visitor."""
    body = _text(msgspec.msgpack.encode(_Claim(channel, visitor, until_us)))
    return f"{body}.{_text(sign(_PURPOSE + body))}"


def redeem(sign: Sign, channel: str, token: str, now_us: int) -> tuple[str, Literal["", "invalid", "expired"]]:
    """(visitor, ""), or ("", why not). A token of another channel, or another key, is invalid."""
    body, _, signature = token.partition(".")
    if len(token) > MAX_TOKEN or not body.isascii() or not signature.isascii():
        return "", "invalid"
    if not hmac.compare_digest(_text(sign(_PURPOSE + body)), signature):
        return "", "invalid"
    try:
        claim = msgspec.msgpack.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Claim)
    except (msgspec.DecodeError, NotBase64):
        return "", "invalid"
    if claim.channel != channel:
        return "", "invalid"
    return (claim.visitor, "") if now_us < claim.until_us else ("", "expired")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
