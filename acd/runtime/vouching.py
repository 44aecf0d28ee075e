"""Who a page's customer is, as the shop's own server vouches: a short-lived signed statement that the page passes on.

Owns the form of the statement (a JSON Web Token, RFC 7519, with HS256 and no other algorithm) and every check of it.
Must not know pages, nor what a person is remembered by. A statement is for one channel (`aud`), names the shop's own id
of the customer (`sub`), and ends soon (`exp`): whoever has got hold of one is the customer until then, and no longer.
"""

import base64
import hmac
import re
from binascii import Error as NotBase64
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Literal

import msgspec
from msgspec import Struct

from acd.runtime.config.secrets import Secret

MAX_STATEMENT: Final = 2_048
"""Characters of a statement."""

MAX_LIFE_SECONDS: Final = 24 * 3_600
"""How far ahead a statement may end."""

SKEW_SECONDS: Final = 60
"""How far the shop's clock may be from ours."""

LEAST_SECRET: Final = 32
"""Characters of the secret: it can be guessed by whoever has one statement, without asking us."""

MAX_ACCOUNT: Final = 100
MAX_NUMBER: Final = 40
MAX_NAME: Final = 100

_SECOND_US: Final = 1_000_000
_ACCOUNT: Final = re.compile(rf"[!-~]{{1,{MAX_ACCOUNT}}}")
_NUMBER: Final = re.compile(rf"\+?[0-9][0-9 ()./-]{{2,{MAX_NUMBER - 2}}}")

Fault = Literal["identity-invalid", "identity-expired"]


class Vouched(Struct, frozen=True):
    """Whom the shop vouches for. `account`: the shop's own id of the customer. `number`, `name`: empty if not said."""

    account: str
    number: str = ""
    name: str = ""


class NotVouched(Struct, frozen=True):
    """Why a statement says nothing: a stable word, and a sentence for the shop's developer, which quotes nothing."""

    code: Fault
    detail: str


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    """Whatever else a header may ask for (`crit`, keys from elsewhere) is not followed, hence not let in."""

    alg: Literal["HS256"]
    typ: str = "JWT"
    kid: str = ""


class _Claims(Struct, frozen=True):
    sub: str
    aud: str | list[str]
    exp: int | float
    nbf: int | float = 0
    number: str = ""
    name: str = ""


_head_of: Final = msgspec.json.Decoder(_Head).decode
_claims_of: Final = msgspec.json.Decoder(_Claims).decode


def vouched(secrets: Iterable[Secret], audience: str, statement: str, now_us: int) -> Vouched | NotVouched:
    """What the statement says, if one of the secrets has signed it for this audience and it is in force now."""
    if len(statement) > MAX_STATEMENT or not statement.isascii():
        return _invalid(f"is no JSON Web Token of at most {MAX_STATEMENT} characters")
    head, _, rest = statement.partition(".")
    body, _, signature = rest.partition(".")
    signed = f"{head}.{body}".encode()
    # All of them are tried, so that the time tells nothing; the signature's text has one form only.
    if not sum(hmac.compare_digest(_signature(each, signed), signature.encode()) for each in secrets):
        return _invalid("is not signed with the channel's identity_secret by HS256")
    try:
        _head_of(_plain(head))
        claims = _claims_of(_plain(body))
    except (msgspec.DecodeError, NotBase64, ValueError, RecursionError):
        return _invalid("needs the header alg HS256 and typ JWT alone, and the claims sub, aud and exp")
    return _checked(claims, audience, now_us)


def _checked(claims: _Claims, audience: str, now_us: int) -> Vouched | NotVouched:
    """What is signed may still be for somebody else, for another time, or no person at all."""
    now, skew = now_us / _SECOND_US, SKEW_SECONDS
    if audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        return _invalid("aud has to be the channel's name")
    # Written so that what is no number is refused, too.
    if not now - skew < claims.exp:
        return NotVouched("identity-expired", "identity: exp is over; sign a new one for every page that is loaded.")
    if not claims.exp <= now + MAX_LIFE_SECONDS + skew:
        return _invalid(f"exp has to be within {MAX_LIFE_SECONDS // 3_600} hours")
    if not claims.nbf <= now + skew:
        return _invalid("nbf is still to come")
    if not _ACCOUNT.fullmatch(claims.sub):
        return _invalid(f"sub has to be 1 to {MAX_ACCOUNT} printable ASCII characters without white space")
    if claims.number and not _NUMBER.fullmatch(claims.number):
        return _invalid("number has to be a telephone number, best in its international form")
    if len(claims.name) > MAX_NAME or not claims.name.isprintable():
        return _invalid(f"name has to be at most {MAX_NAME} printable characters")
    return Vouched(claims.sub, claims.number, claims.name)


def _signature(secret: Secret, signed: bytes) -> bytes:
    digest = hmac.digest(secret.reveal().encode(), signed, sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def _plain(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _invalid(what: str) -> NotVouched:
    return NotVouched("identity-invalid", f"identity: {what}.")
