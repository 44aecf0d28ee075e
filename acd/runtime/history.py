"""The past of a running engine, for whoever asks while it runs: who asked for what, and why it was decided so.

Owns what may be asked at once, and for how long. The engine does nothing for it: explanations are made in a process of
their own (`acd.runtime.explaining`), the journal is looked through in a thread. Must not know HTTP.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from acd.errors import HistoryUnavailable
from acd.runtime.audit import Found, Wanted, look
from acd.runtime.explaining import Asking, Brief
from acd.runtime.log import Logger
from acd.runtime.single_thread import SingleThread

MAX_EXPLAINED: Final = 2
"""Explanations that are made at a time."""

MAX_WAITING: Final = 16
"""Who may wait for their turn, with either question."""

EXPLAIN_SECONDS: Final = 30.0
"""How long an explanation may take; 100,000 rows of the journal after the last snapshot take about a second."""

_BUSY: Final = "Too many ask for the past at once; try again shortly."
_SLOW: Final = f"This takes longer than {EXPLAIN_SECONDS:.0f} s; ask again after the next snapshot."
_FAILED: Final = "The journal could not be read or replayed; the log says why."

_log = Logger(__name__)


class History:
    """The past of one journal."""

    def __init__(self, journal: Path, snapshots: Path | None) -> None:
        """Nothing is opened yet. `snapshots`: their folder, which makes explanations quick."""
        self._journal = journal
        self._snapshots = snapshots
        self._thread = SingleThread("acd-history")
        self._turns = asyncio.Semaphore(MAX_EXPLAINED)
        self._asking = 0

    async def audit(self, wanted: Wanted) -> Found:
        """Who asked for what. Raises `HistoryUnavailable`, `JournalError`."""
        with self._place():
            return await self._thread.run(look, self._journal, wanted)

    async def explain(self, asking: Asking) -> Brief:
        """Why. Raises `HistoryUnavailable`."""
        with self._place():
            async with self._turns:
                return await self._explain(asking)

    def close(self) -> None:
        """No more questions."""
        self._thread.close()

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the places for who asks."""
        if self._asking >= MAX_WAITING:
            raise HistoryUnavailable(_BUSY)
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    async def _explain(self, asking: Asking) -> Brief:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "acd.runtime.explaining",
            str(self._journal),
            "" if self._snapshots is None else str(self._snapshots),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(EXPLAIN_SECONDS):
                answer, _ = await process.communicate(msgspec.msgpack.encode(asking))
        except TimeoutError:
            raise HistoryUnavailable(_SLOW) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            _log.warning("an explanation failed", status=process.returncode)
            raise HistoryUnavailable(_FAILED)
        return msgspec.msgpack.decode(answer, type=Brief)
