"""The journals: SQLite for real, memory for tests and simulation. One contract: `acd.ports.journal`."""

from acd.runtime.journal.chain import genesis, link
from acd.runtime.journal.memory import MemoryJournal
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.journal.sqlite import SqliteJournal

__all__ = ["MemoryJournal", "SqliteJournal", "SqliteJournalReader", "genesis", "link"]
