"""What one commit holds, who waits for it, and who is told.

Owns answering: everybody exactly once, with what the journal holds. Must not know how a batch comes about.
"""

import asyncio
from typing import Protocol

from acd.core.messages import Command, Outcome
from acd.core.state import EngineState
from acd.errors import AcdError, CommandQuarantined, JournalUnavailable
from acd.ports.journal import Entry
from acd.runtime.ledger import EngineLike


class Audience(Protocol):
    """Who is told what the writer has done."""

    def committed(self, first_seq: int, batch: "Batch") -> None:
        """This is durable; its first entry's row is `first_seq`. Called before anybody is answered."""
        ...

    def reread(self, state: EngineState, seq: int) -> None:
        """The journal holds something else than what was told; this is what it holds."""
        ...

    def recovered(self) -> None:
        """The journal can be written again; commands have been refused meanwhile."""
        ...

    def ended(self, status: str) -> None:
        """No further command will be taken: `fenced` or `failed`."""
        ...


class Request:
    """A command on its way: validated, its bytes for the journal, and who waits (None for a tick)."""

    __slots__ = ("command", "future", "origin", "raw")

    def __init__(self, command: Command, raw: bytes, origin: str, future: "asyncio.Future[Outcome] | None") -> None:
        self.command = command
        self.raw = raw
        self.origin = origin
        self.future = future

    def answer(self, outcome: Outcome) -> None:
        """To whoever still waits."""
        if self.future is not None and not self.future.done():
            self.future.set_result(outcome)

    def fail(self, error: AcdError) -> None:
        """To whoever still waits."""
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


class Batch:
    """What one commit will hold, and everyone who waits for it."""

    __slots__ = ("at_us", "entries", "outcomes", "poison", "taken")

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us
        self.taken: list[tuple[Request, Outcome]] = []
        """Everyone to be answered, repeated commands included."""
        self.entries: list[Entry] = []
        self.outcomes: list[Outcome] = []
        """One per entry."""
        self.poison: tuple[Request, Exception] | None = None

    def answer(self) -> None:
        """Everyone gets what has been decided. Only after the commit."""
        for request, outcome in self.taken:
            request.answer(outcome)

    def answer_as_recorded(self, engine: EngineLike, reason: str) -> None:
        """Everyone gets what the journal holds, by `engine` loaded from it; what it does not hold has not happened."""
        for request, _ in self.taken:
            recorded = engine.recorded(request.command.id)
            if recorded is None:
                request.fail(JournalUnavailable(f"{reason}; the command was not carried out"))
            else:
                request.answer(recorded)

    def fail(self, error: AcdError) -> None:
        """Whoever has not been answered yet gets the error."""
        for request, _ in self.taken:
            request.fail(error)

    def held_by(self, engine: EngineLike) -> bool:
        """Whether the engine knows an outcome of every entry."""
        return all(engine.recorded(entry.command_id) is not None for entry in self.entries)


def quarantined(command_id: str) -> CommandQuarantined:
    """The answer to a command that was set aside."""
    return CommandQuarantined(f"command {command_id} made the engine raise; it was set aside and changed nothing")
