"""Handing in commands without waiting, and holding the answers against what is on disk.

Owns the tasks of one life that wait for an answer. Must not know who asks.
"""

import asyncio
from collections.abc import Awaitable, Callable

from acd.core.messages import Command, Outcome
from acd.errors import AcdError, JournalUnavailable
from acd.testing.simulator.auditor import Auditor
from acd.testing.simulator.process import Process, ProcessDied

Told = Callable[[Command, Outcome | AcdError], None]
Submit = Callable[[Command], Awaitable[Outcome]]


class Teller:
    """`tell` returns at once; whoever asked is told the committed outcome, or the reason why there is none."""

    def __init__(self, process: Process, auditor: Auditor, submit: Submit) -> None:
        self._process = process
        self._auditor = auditor
        self._submit = submit
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._asked: set[str] = set()

    def tell(self, command: Command, told: Told) -> None:
        """Hand it in."""
        task = asyncio.get_running_loop().create_task(self._ask(command, told))
        self._tasks[task] = None
        task.add_done_callback(self._done)

    def close(self) -> None:
        """Nobody is told anything any more."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _ask(self, command: Command, told: Told) -> None:
        first = command.id not in self._auditor.digests and command.id not in self._asked
        self._asked.add(command.id)
        try:
            outcome = await self._submit(command)
        except ProcessDied:
            return
        except AcdError as error:
            if not self._process.alive:
                return
            if first and isinstance(error, JournalUnavailable):
                self._auditor.denied(command.id)
            told(command, error)
        else:
            if self._process.alive:
                self._auditor.answered(command.id, outcome)
                told(command, outcome)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            # A violation is with the referee already; anything else is unexpected, and raised again by the loop.
            task.result()
