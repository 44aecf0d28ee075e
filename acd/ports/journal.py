"""The journal's contract: an append-only, fenced, hash-chained record of commands with their outcomes.

Owns the row and the answers. Must not know SQLite, files or any other medium.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from msgspec import Struct

SCHEMA_VERSION = 1


class Entry(Struct, frozen=True, gc=False):
    """One command about to be appended. `command` is its MessagePack; `outcome` the digest of what it led to.

    `outcome` is a refusal code, or a short hash over effects and events, so that a replay can be verified.
    """

    command_id: str
    origin: str
    at_us: int
    command: bytes
    outcome: str
    schema: int = SCHEMA_VERSION


class Row(Struct, frozen=True, gc=False):
    """One appended command: the entry with its place. `chain` is SHA-256 over the previous chain and this row."""

    domain: str
    epoch: int
    seq: int
    entry: Entry
    chain: bytes


class Committed(Struct, frozen=True, gc=False):
    """The batch is durable; `seq` is the last one's."""

    seq: int
    chain: bytes


class Fenced(Struct, frozen=True, gc=False):
    """Another epoch has taken over; nothing was written."""

    epoch: int


class Unknown(Struct, frozen=True, gc=False):
    """It is not known whether the batch was written. The writer must discard its memory and reread the tail."""

    reason: str


class Rejected(Struct, frozen=True, gc=False):
    """Nothing was written, for certain (a full disk). The writer must discard its memory and may try again."""

    reason: str


AppendResult = Committed | Fenced | Unknown | Rejected


class JournalReader(Protocol):
    """The reading half: what replay, the follower and the command line need."""

    @property
    def domain(self) -> str:
        """The domain whose commands these are."""
        ...

    def tail(self) -> tuple[int, bytes]:
        """(seq, chain) of the last row; (0, genesis) when empty."""
        ...

    def rows(self, after_seq: int = 0, after_chain: bytes | None = None) -> Iterator[Row]:
        """Rows in order, the chain verified while reading. Raises `JournalCorrupt` naming the row.

        `after_chain` is an anchor: the chain value that row `after_seq` must have (a snapshot knows it), so that
        a long journal need not be read from its beginning.
        """
        ...

    def close(self) -> None:
        """Release everything. Idempotent."""
        ...


class Journal(JournalReader, Protocol):
    """A journal of one domain. All methods may block: the runtime calls them from one thread of their own."""

    def open_epoch(self) -> int:
        """Take over: raise the epoch, fence off every earlier writer, and return the new epoch."""
        ...

    def append(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> AppendResult:
        """Append the batch as rows expected_seq + 1 …, all or nothing, durable when `Committed`."""
        ...

    def quarantine(self, entry: Entry, error: str) -> None:
        """Set a poisonous command aside, durably, outside the chain."""
        ...


Durability = Literal["full", "normal"]
