"""Whether a request was made before, for the event loop: looks and answers are gathered, and go to the file together.

Owns the gathering. Must not know HTTP. Whoever looks is answered from all that has been committed by then; an
answer is on disk a moment after it was given, and if the process dies in between, the journal still knows the request.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from acd.runtime.log import Logger
from acd.runtime.repeat_store import Repeat, RepeatStore
from acd.runtime.single_thread import SingleThread

WRITTEN_AFTER_SECONDS: Final = 0.05
"""How long an answer waits for others, or for somebody who looks."""

MAX_WAITING: Final = 10_000
"""Answers that wait to be written; beyond it the oldest is given up. The request is remembered all the same."""

_log = Logger(__name__)


class Repeats:
    """Requests that came with a key, by the names of their keys (`acd.runtime.request_key`)."""

    def __init__(self, store: RepeatStore, now_us: Callable[[], int]) -> None:
        """The store becomes this object's own. `now_us`: the engine's time."""
        self._store = store
        self._now_us = now_us
        self._thread = SingleThread("acd-repeats")
        self._wanted: list[tuple[str, asyncio.Future[Repeat | None]]] = []
        self._answers: dict[str, bytes] = {}
        self._due = False
        self._working: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def find(self, name: str) -> Repeat | None:
        """What became of the request; None when it was never carried out, or too long ago.

        Raises `RepeatsError`, `JournalError`.
        """
        future: asyncio.Future[Repeat | None] = asyncio.get_running_loop().create_future()
        self._wanted.append((name, future))
        self._begin()
        return await future

    def keep(self, name: str, answer: bytes) -> None:
        """How the request of this key, which has been carried out, was answered."""
        self._answers.pop(name, None)
        self._answers[name] = answer
        if len(self._answers) > MAX_WAITING:
            del self._answers[next(iter(self._answers))]
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITTEN_AFTER_SECONDS, self._write)

    async def close(self) -> None:
        """Write what waits, and let go of the file."""
        if self._timer is not None:
            self._timer.cancel()
        self._write()
        if self._working is not None:
            await asyncio.wait((self._working,))
        await self._thread.run(self._store.close)
        self._thread.close()

    def _write(self) -> None:
        """It is time for the answers."""
        self._timer = None
        self._due = bool(self._answers)
        self._begin()

    def _begin(self) -> None:
        if self._working is None and (self._wanted or self._due):
            self._working = asyncio.get_running_loop().create_task(self._work(), name="look for repetitions")

    async def _work(self) -> None:
        """Until nobody waits. What comes in meanwhile is the next round."""
        while self._wanted or self._due:
            wanted, self._wanted = self._wanted, []
            answers: dict[str, bytes] = {}
            if self._due:
                answers, self._answers, self._due = self._answers, {}, False
            names = [name for name, _ in wanted]
            try:
                found = await self._thread.run(self._store.look, list(answers.items()), names, self._now_us())
            except Exception as error:  # noqa: BLE001 - nobody must be left waiting, whatever it was
                _log.error("repetitions cannot be looked for", reason=f"{type(error).__name__}: {error}")
                for _, future in wanted:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), repeat in zip(wanted, found, strict=True):
                if not future.done():
                    future.set_result(repeat)
        self._working = None
