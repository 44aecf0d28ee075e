"""The hash chain: what makes an altered, moved or missing row show.

Owns the encoding that is hashed. chain(n) = SHA-256(chain(n − 1) ‖ MessagePack[domain, epoch, seq,
command id, origin, at, schema, command, outcome]). The previous value has a fixed length and MessagePack
is self-delimiting, so no two rows share an encoding. Anybody can check it with a few lines of any
language. It shows tampering to whoever knows one later chain value (a snapshot, a copy); it does not
stop somebody who can rewrite everything.
"""

from hashlib import sha256
from typing import Any, Final

import msgspec

from acd.ports.journal import Entry

CHAIN_BYTES: Final = 32

Fields = tuple[Any, ...]
"""Domain, epoch, seq, command id, origin, at, schema, command, outcome: what is hashed."""

_encode = msgspec.msgpack.Encoder().encode


def genesis(domain: str) -> bytes:
    """The chain value before the first row; every domain has its own."""
    return sha256(b"acd-journal-1\x00" + domain.encode()).digest()


def link(previous: bytes, domain: str, epoch: int, seq: int, entry: Entry) -> bytes:
    """The chain value of the row that holds `entry` at `seq`."""
    return link_fields(previous, fields_of(domain, epoch, seq, entry))


def link_fields(previous: bytes, fields: Fields) -> bytes:
    """The chain value of the row that is made of these fields, in the order in which they are hashed."""
    return sha256(previous + _encode(fields)).digest()


def fields_of(domain: str, epoch: int, seq: int, entry: Entry) -> Fields:
    """What is hashed of the row that holds `entry` at `seq`."""
    return (
        domain,
        epoch,
        seq,
        entry.command_id,
        entry.origin,
        entry.at_us,
        entry.schema,
        entry.command,
        entry.outcome,
    )
