"""A journal in memory, for tests and simulation, that can fail in every way the contract allows.

Owns the faults. Keeps the same promises as the one in SQLite, except that it forgets with the process.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from acd.errors import JournalCorrupt, JournalUnavailable
from acd.ports.journal import AppendResult, Committed, Entry, Fenced, Rejected, Row, Unknown
from acd.runtime.journal.chain import genesis, link

Fault = Literal[
    "rejected", "unknown-lost", "unknown-written", "fenced", "crash-before-commit", "crash-after-commit", "none"
]
"""What one append does: `fenced` lets a rival take over first; `none` lets it pass."""

MAX_FAULTS: Final = 10_000
"""Injected faults that may wait for their append."""


class SimulatedCrash(Exception):
    """The process "died" in this append. The handle is dead from now on; `twin()` is the next process."""


class _Medium:
    """What survives a crash."""

    def __init__(self) -> None:
        self.epoch = 0
        self.rows: list[Row] = []
        self.quarantine: list[tuple[Entry, str]] = []


class MemoryJournal:
    """`acd.ports.journal.Journal` over a list."""

    def __init__(self, domain: str = "default") -> None:
        """Empty."""
        self._domain = domain
        self._medium = _Medium()
        self._faults: deque[Fault] = deque()
        self._dead: Exception | None = None

    def twin(self) -> "MemoryJournal":
        """Another handle on the same rows: a rival, or the process after a crash."""
        other = MemoryJournal(self._domain)
        other._medium = self._medium
        return other

    def inject(self, *faults: Fault) -> None:
        """Let the next appends fail, one fault each, in order."""
        if len(self._faults) + len(faults) > MAX_FAULTS:
            raise ValueError(f"more than {MAX_FAULTS} faults wait already")
        self._faults.extend(faults)

    @property
    def domain(self) -> str:
        """The domain whose commands these are."""
        return self._domain

    @property
    def quarantined(self) -> tuple[tuple[Entry, str], ...]:
        """Commands that were set aside, with their errors."""
        return tuple(self._medium.quarantine)

    def open_epoch(self) -> int:
        """Take over: raise the epoch, fence off every earlier writer, and return the new epoch."""
        self._alive()
        self._medium.epoch += 1
        return self._medium.epoch

    def tail(self) -> tuple[int, bytes]:
        """(seq, chain) of the last row; (0, genesis) when empty."""
        self._alive()
        rows = self._medium.rows
        return (rows[-1].seq, rows[-1].chain) if rows else (0, genesis(self._domain))

    def append(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> AppendResult:
        """Append the batch, or fail as injected. Raises `SimulatedCrash`."""
        self._alive()
        fault = self._faults.popleft() if self._faults else "none"
        if fault == "rejected":
            return Rejected("injected: the disk is full")
        if fault == "unknown-lost":
            return Unknown("injected: the commit failed")
        if fault == "crash-before-commit":
            raise self._die("before the commit")
        if fault == "fenced":
            self._medium.epoch += 1
        result = self._commit(epoch, expected_seq, batch)
        if fault == "crash-after-commit":
            raise self._die("after the commit")
        if fault == "unknown-written":
            return Unknown("injected: the commit's answer was lost")
        return result

    def rows(self, after_seq: int = 0, after_chain: bytes | None = None) -> Iterator[Row]:
        """Rows in order, the chain verified while reading. Raises `JournalCorrupt` naming the row."""
        self._alive()
        return self._verified(after_seq, after_chain)

    def quarantine(self, entry: Entry, error: str) -> None:
        """Set a poisonous command aside, outside the chain."""
        self._alive()
        self._medium.quarantine.append((entry, error))

    def close(self) -> None:
        """This handle is done; the rows stay for a twin. Idempotent."""
        if self._dead is None:
            self._dead = JournalUnavailable("the journal is closed")

    def _alive(self) -> None:
        if self._dead is not None:
            raise self._dead

    def _die(self, when: str) -> SimulatedCrash:
        self._dead = SimulatedCrash(f"injected: crashed {when}")
        return SimulatedCrash(str(self._dead))

    def _commit(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> Committed | Fenced | Unknown:
        if epoch != self._medium.epoch:
            return Fenced(self._medium.epoch)
        seq, chain = self.tail()
        if seq != expected_seq:
            return Unknown(f"the journal ends at row {seq}, not at {expected_seq}: reread its tail")
        for entry in batch:
            seq += 1
            chain = link(chain, self._domain, epoch, seq, entry)
            self._medium.rows.append(Row(self._domain, epoch, seq, entry, chain))
        return Committed(seq, chain)

    def _verified(self, after_seq: int, after_chain: bytes | None) -> Iterator[Row]:
        rows = self._medium.rows
        if after_seq > len(rows):
            raise JournalCorrupt(f"row {after_seq} of the journal is missing")
        chain = rows[after_seq - 1].chain if after_seq else genesis(self._domain)
        if after_chain is not None and chain != after_chain:
            raise JournalCorrupt(f"row {after_seq} of the journal is not the one it was: its chain value differs")
        for index in range(after_seq, len(rows)):
            row = rows[index]
            chain = link(chain, self._domain, row.epoch, index + 1, row.entry)
            if row.seq != index + 1 or row.chain != chain:
                raise JournalCorrupt(f"row {index + 1} of the journal has been altered")
            yield row
