"""Who goes next, where not all can go at once: whom somebody waits for now before what can wait.

Owns the order and the numbers. Must not know what a turn is for. Each kind goes in the order in which it came. None
starves: while both wait, every `SHARE`th turn is a patient one's, unless as many of those are under way as may be.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

SHARE: Final = 4
"""Of so many turns one is a patient one's, while both kinds wait."""


class Turns:
    """So many at a time. Those who wait are as many as ask at once: whoever asks has a bound of their own."""

    def __init__(self, most: int, *, most_patient: int | None = None) -> None:
        """`most` under way at a time, of which `most_patient` may be patient; all of them by default."""
        self._most = most
        self._most_patient = most if most_patient is None else most_patient
        self._under_way = 0
        self._patient = 0
        """Of those under way."""
        self._pressing_waiting: deque[asyncio.Future[None]] = deque()
        self._patient_waiting: deque[asyncio.Future[None]] = deque()
        self._passed_by = 0
        """Pressing ones that went while a patient one could have gone, since the last that did."""

    @property
    def under_way(self) -> int:
        """How many have their turn at the moment."""
        return self._under_way

    @asynccontextmanager
    async def turn(self, *, patient: bool = False) -> AsyncGenerator[None]:
        """Wait for a turn, and have it for as long as this lasts. `patient`: those who are not may go first."""
        # Where there is room for its kind, nobody of its kind waits.
        if self._has_room(patient=patient):
            self._begin(patient=patient)
        else:
            await self._wait(patient=patient)
        try:
            yield
        finally:
            self._end(patient=patient)

    def _has_room(self, *, patient: bool) -> bool:
        return self._under_way < self._most and (not patient or self._patient < self._most_patient)

    def _begin(self, *, patient: bool) -> None:
        self._under_way += 1
        self._patient += patient

    def _end(self, *, patient: bool) -> None:
        self._under_way -= 1
        self._patient -= patient
        self._call_next()

    async def _wait(self, *, patient: bool) -> None:
        waiting = self._patient_waiting if patient else self._pressing_waiting
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called.cancelled():
                with suppress(ValueError):  # It may have been passed over already.
                    waiting.remove(called)
            else:
                self._end(patient=patient)  # Called in the moment in which it was given up.
            raise

    def _call_next(self) -> None:
        """Whoever is called has the turn from now on, though it runs a little later."""
        while (called := self._next()) is not None:
            called.set_result(None)

    def _next(self) -> "asyncio.Future[None] | None":
        may_be_patient = _somebody(self._patient_waiting) and self._has_room(patient=True)
        if _somebody(self._pressing_waiting) and self._has_room(patient=False):
            if not may_be_patient or self._passed_by < SHARE - 1:
                self._passed_by += may_be_patient
                self._begin(patient=False)
                return self._pressing_waiting.popleft()
        elif not may_be_patient:
            return None
        self._passed_by = 0
        self._begin(patient=True)
        return self._patient_waiting.popleft()


def _somebody(waiting: "deque[asyncio.Future[None]]") -> bool:
    """Whether anybody waits who has not given up."""
    while waiting and waiting[0].done():
        waiting.popleft()
    return bool(waiting)
