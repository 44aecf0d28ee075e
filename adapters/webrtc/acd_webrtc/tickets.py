"""Tickets with which a page calls that is in a web chat already: who the customer is, and what the call goes on from.

Owns their form, that each is good once, and how long. Must not know calls. A ticket is bound to this channel, to the
visitor, to the conversation, and to the id that the page has drawn for its call: whoever steals one gets nowhere
without that id, nor after the page has used it, nor a minute later. It is encrypted: what the engine requires of agents
for a customer, and how urgent they are, is not the customer's business.
"""

import base64
import secrets
from binascii import Error as NotBase64
from collections import OrderedDict
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from msgspec import Struct

from acd.ports.continuing import Origin
from acd.runtime.keyfile import MasterKey

LIFE_US: Final = 60 * 1_000_000
"""So long a ticket is good: the page uses it at once."""

MAX_TICKET: Final = 4_096
"""Characters of a ticket: a requirement may be in it."""

MAX_USED: Final = 50_000
"""Tickets that are remembered as used; of more than this in a minute, the oldest are good no more at all."""

_PURPOSE: Final = b"acd call ticket 2"
_BYTES: Final = 12

Fault = Literal["", "ticket-invalid", "ticket-foreign", "ticket-expired", "ticket-used"]


class _Claim(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    channel: str
    number: str
    issued_us: int
    origin: Origin


class Tickets:
    """Those of one channel. What was issued by another process, before this one, is not good any more."""

    def __init__(self, channel: str) -> None:
        """None yet."""
        self._channel = channel
        self._used: OrderedDict[str, int] = OrderedDict()
        self._from_us = 0

    def begin(self, now_us: int) -> None:
        """Tickets of before now are not good: nobody knows whether they have been used."""
        self._from_us = now_us
        self._used.clear()

    def issue(self, key: MasterKey, origin: Origin, now_us: int) -> str:
        """A new one."""
        number = secrets.token_urlsafe(_BYTES)
        claim = msgspec.msgpack.encode(_Claim(self._channel, number, now_us, origin))
        return base64.urlsafe_b64encode(key.wrap(claim, _PURPOSE)).decode().rstrip("=")

    def redeem(self, key: MasterKey, ticket: str, call: str, now_us: int) -> tuple[Origin | None, Fault]:
        """(the origin, ""), and the ticket is used; or (None, why not). `call`: the page's own id of its call."""
        claim = _read(key, ticket)
        if claim is None:
            return None, "ticket-invalid"
        if claim.channel != self._channel or claim.origin.key != call:
            return None, "ticket-foreign"
        if claim.issued_us < self._from_us or now_us >= claim.issued_us + LIFE_US:
            return None, "ticket-expired"
        if claim.number in self._used:
            return None, "ticket-used"
        self._note(claim, now_us)
        return claim.origin, ""

    def _note(self, claim: _Claim, now_us: int) -> None:
        self._used[claim.number] = claim.issued_us
        while self._used:
            number, issued_us = next(iter(self._used.items()))
            if len(self._used) <= MAX_USED and now_us < issued_us + LIFE_US:
                return
            del self._used[number]
            # Of those that are forgotten early, nobody could say whether they have been used.
            self._from_us = max(self._from_us, issued_us + 1) if now_us < issued_us + LIFE_US else self._from_us


def _read(key: MasterKey, ticket: str) -> _Claim | None:
    if len(ticket) > MAX_TICKET or not ticket.isascii():
        return None
    try:
        sealed = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        return msgspec.msgpack.decode(key.unwrap(sealed, _PURPOSE), type=_Claim)
    except (InvalidTag, msgspec.DecodeError, NotBase64):
        return None
