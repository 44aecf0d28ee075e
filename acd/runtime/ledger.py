"""The writer's side of the journal: its epoch, its place in it, and the engine that follows from it.

Owns the one thread in which the journal is used. Must not know what is done when an append fails.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol

from acd.core.engine import Engine
from acd.core.messages import Command, Outcome, Score
from acd.core.state import EngineState
from acd.errors import JournalUnavailable
from acd.ports.journal import AppendResult, Committed, Entry, Journal
from acd.ports.machine import OpenWorker
from acd.runtime.replay import load
from acd.runtime.single_thread import SingleThread

CLOSE_SECONDS: Final = 5.0
"""How long closing may wait for a call that is still under way."""


class EngineLike(Protocol):
    """What the writer needs of an engine."""

    @property
    def settings_hash(self) -> str:
        """The hash of the configuration in force."""
        ...

    def apply(self, command: Command, now_us: int) -> Outcome:
        """Carry out one command."""
        ...

    def next_deadline(self) -> int | None:
        """When the next Tick is due."""
        ...

    def recorded(self, command_id: str) -> Outcome | None:
        """The outcome of a recent command."""
        ...

    def state(self) -> EngineState:
        """The whole state."""
        ...


class EngineType(Protocol):
    """What an engine is made by; `acd.core.engine.Engine` unless a test says otherwise."""

    def from_state(self, state: EngineState) -> EngineLike:
        """An engine that goes on from a state."""
        ...


class Ledger:
    """A journal with an epoch of its own, used in a thread of its own."""

    engine: EngineLike
    """The one that was loaded or revived last; the writer goes on with it."""

    def __init__(
        self,
        journal: Journal | Callable[[], Journal],
        snapshots: Path | None,
        engine_type: EngineType,
        strategies: Mapping[str, Score],
        open_worker: OpenWorker = SingleThread,
    ) -> None:
        """A `journal` that is given stays the caller's; one that is made here, in the thread, is closed here.

        `snapshots` is their folder, None to replay from the first row. `strategies`: what an `Engine` is given.
        """
        self._given = journal
        self._snapshots = snapshots
        self._engine_type = engine_type
        self._strategies = strategies
        self._thread = open_worker("acd-journal")
        self._journal: Journal | None = None
        self.epoch = 0
        self.seq = 0
        self.chain = b""
        """Of the last row when it was loaded."""
        self.at_us = 0
        self._appending_since: float | None = None

    async def open(self) -> None:
        """Take over the journal and load the engine. Raises `JournalError`."""
        await self._thread.run(self._open)

    async def append(self, entries: Sequence[Entry]) -> AppendResult:
        """Append after the last row. Raises what the journal raises."""
        self._appending_since = perf_counter()
        try:
            result = await self._thread.run(self._there().append, self.epoch, self.seq, entries)
        finally:
            self._appending_since = None
        if isinstance(result, Committed):
            self.seq = result.seq
        return result

    def appending_seconds(self) -> float:
        """How long the append under way has taken so far, 0 without one: a disk that hangs answers nobody."""
        return 0.0 if self._appending_since is None else perf_counter() - self._appending_since

    async def reload(self) -> None:
        """Make the engine anew from what the journal holds. Raises `JournalError`."""
        await self._thread.run(self._load)

    async def quarantine(self, entry: Entry, error: str) -> None:
        """Set a command aside. Raises `JournalUnavailable`."""
        await self._thread.run(self._there().quarantine, entry, error)

    def revive(self, state: EngineState) -> EngineLike:
        """An engine that goes on from `state`."""
        ours = self._engine_type is Engine
        self.engine = (
            Engine.from_state(state, strategies=self._strategies) if ours else self._engine_type.from_state(state)
        )
        return self.engine

    async def close(self) -> None:
        """Let go of the thread, and of the journal if it is ours. An append that hangs is given up after a while."""
        if callable(self._given):
            # In the thread, and so after an opening that may still be under way.
            closing = asyncio.create_task(self._thread.run(self._close))
            await asyncio.wait((closing,), timeout=CLOSE_SECONDS)
            closing.cancel()
        self._thread.close()

    def _open(self) -> None:
        self._journal = self._given() if callable(self._given) else self._given
        self.epoch = self._journal.open_epoch()
        self._load()

    def _close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _load(self) -> None:
        restored = load(self._there(), self._snapshots, self._strategies)
        engine: EngineLike = restored.engine
        if self._engine_type is not Engine:
            engine = self._engine_type.from_state(restored.engine.state())
        self.engine, self.seq, self.at_us = engine, restored.seq, restored.at_us
        self.chain = restored.chain

    def _there(self) -> Journal:
        if self._journal is None:
            raise JournalUnavailable("the journal has not been opened")
        return self._journal
