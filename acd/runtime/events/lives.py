"""The lives of a journal: each writer's stretch of rows, and the mark by which a cursor says whence it is.

Owns the marks. Must not know cursors' form, nor who follows events. A mark is made of what nobody else's journal has:
the domain, the writer's epoch, the chain before its first row, and that row's time. A journal that was put back to an
older copy has lost the lives after it, and begins others.
"""

import asyncio
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from acd.errors import JournalError
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.log import Logger

MARK_DIGITS: Final = 8
"""Hexadecimal digits of a mark."""

MAX_LIVES: Final = 10_000
"""Lives that are remembered, the newest: cursors from before were handed out ten thousand starts ago."""

_encode: Final = msgspec.msgpack.Encoder().encode
_log = Logger(__name__)


class Lives:
    """Those of one domain's journal."""

    def __init__(self, domain: str, journal: Path) -> None:
        """The file need not be there yet, nor ever."""
        self.mark = ""
        """The present life's; empty before its first row."""
        self._domain = domain
        self._journal = journal
        self._begun: tuple[int, bytes] | None = None
        self._reading: asyncio.Task[dict[str, int]] | None = None

    def begin(self, epoch: int, chain: bytes) -> None:
        """A writer has taken over, with this epoch, after the row of this chain value."""
        self._begun = epoch, chain

    def commit(self, at_us: int) -> None:
        """Something was committed; the first time decides the mark."""
        if self._begun is not None:
            self.mark = mark_of(self._domain, *self._begun, at_us)
            self._begun = None

    async def has(self, mark: str, seq: int) -> bool:
        """Whether this journal had a life with that mark, which went as far as row `seq`.

        Of the present life, and of one without a mark, nothing is asked. What cannot be read is not known.
        """
        if mark in ("", self.mark):
            return True
        if self._reading is None or (self._reading.done() and not self._reading.result()):
            self._reading = asyncio.create_task(self._read(), name="lives of the journal")
        return seq <= (await asyncio.shield(self._reading)).get(mark, -1)

    async def _read(self) -> dict[str, int]:
        """Each mark, and the last row of its life. Read once: what is over does not change."""
        try:
            return await asyncio.to_thread(read_lives, self._journal)
        except JournalError as error:
            _log.warning("earlier lives of the journal cannot be looked up", reason=str(error))
            return {}


def read_lives(journal: Path) -> dict[str, int]:
    """Each mark, and the last row of its life. Blocks; a tenth of a millisecond for each. Raises `JournalError`."""
    with closing(SqliteJournalReader(journal)) as reader:
        return {
            mark_of(reader.domain, life.epoch, life.chain, life.at_us): life.last_seq
            for life in reversed(reader.lives(MAX_LIVES))
        }


def mark_of(domain: str, epoch: int, chain: bytes, at_us: int) -> str:
    """By the chain value before the first row of a life, and the time of that row."""
    return sha256(_encode((domain, epoch, chain, at_us))).hexdigest()[:MARK_DIGITS]
