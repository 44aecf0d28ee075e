"""Opening hours: queues opened and closed at the moments that their calendars say.

Owns when the commands are given, and giving them again after a failure. Must not know what calendars mean
(`acd.runtime.calendars`), nor TOML. A calendar speaks when the router starts, when it is configured anew, and when
it changes; whatever a supervisor opens or closes in between stays so until then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from acd.core.messages import CloseQueue, Command, OpenQueue, Outcome
from acd.errors import AcdError, RouterClosed
from acd.runtime.calendars import Calendar, missing_workdays, status_at
from acd.runtime.clock import Time, Timer
from acd.runtime.log import Logger
from acd.runtime.records import QueueRecord

REASONS: Final = {"hours": "out-of-hours", "holiday": "public-holiday"}
"""Why a calendar closes a queue. A queue that is closed for one of these and has no calendar any more is opened."""

RETRY_US: Final = 5_000_000
"""Pause before commands that could not be handed in are handed in again."""

AT_ONCE: Final = 256
"""Commands that are handed in together."""

_log = Logger(__name__)

Order = Callable[[Command], Awaitable[Outcome]]


class OpeningHours:
    """Keeps queues to their calendars. `begin` once, then it goes on by itself until `stop`."""

    def __init__(self, order: Order, new_id: Callable[[], str]) -> None:
        """`order` hands a command in and returns when it is durable."""
        self._order = order
        self._new_id = new_id
        self._calendars: Mapping[str, Calendar] = {}
        self._told: dict[str, str | None] = {}
        self._warned: set[str] = set()
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self, time: Time, calendars: Mapping[str, Calendar], queues: Mapping[str, QueueRecord]) -> None:
        """Bring every queue to where it should be. Raises what `order` raises.

        `calendars`: of each queue that has one. `queues` are the view's.
        """
        self.change(calendars, queues)
        await self._catch_up(time)
        self._task = asyncio.create_task(self._run(time), name="opening hours")

    def change(self, calendars: Mapping[str, Calendar], queues: Mapping[str, QueueRecord]) -> None:
        """Other calendars from now on, which speak at once; as for `begin`."""
        self._calendars = calendars
        self._told = {
            row.id: row.closed
            for row in queues.values()
            if not row.retired and (row.id in calendars or row.closed in REASONS.values())
        }
        self._wake.set()

    async def stop(self) -> None:
        """Give no more commands. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self, time: Time) -> None:
        while True:
            await self._wake.wait()
            try:
                await self._catch_up(time)
            except RouterClosed:
                return
            except AcdError as error:
                _log.warning("opening hours: commands could not be given; again in a moment", error=str(error))
                self._look_at(time, time.now_us() + RETRY_US)

    async def _catch_up(self, time: Time) -> None:
        """Give the commands that are due, and see to it that somebody looks again when the next are."""
        self._wake.clear()
        now_us = time.now_us()
        calendars = {calendar.name: calendar for calendar in self._calendars.values()}
        statuses = {name: status_at(calendar, now_us) for name, calendar in calendars.items()}
        self._warn(calendars.values(), now_us)
        due: list[tuple[str, str | None]] = []
        for queue in sorted(self._calendars.keys() | self._told.keys()):
            calendar = self._calendars.get(queue)
            status = None if calendar is None else statuses[calendar.name]
            why = None if status is None or status.is_open else REASONS[status.reason]
            if queue not in self._told or self._told[queue] != why:
                due.append((queue, why))
        for begin in range(0, len(due), AT_ONCE):
            await asyncio.gather(*(self._tell(*each) for each in due[begin : begin + AT_ONCE]))
        if statuses:
            self._look_at(time, min(status.until_us for status in statuses.values()))

    async def _tell(self, queue: str, why: str | None) -> None:
        name = f"calendar-{self._new_id()}"
        command = OpenQueue(name, queue) if why is None else CloseQueue(name, queue, why)
        outcome = await self._order(command)
        if outcome.refusal is not None:
            # The configuration has changed meanwhile, and speaks for itself in a moment.
            _log.info("opening hours: a queue is not there", queue=queue, code=outcome.refusal.code)
        self._told[queue] = why

    def _warn(self, calendars: Iterable[Calendar], now_us: int) -> None:
        """Say once what the calendars do not know."""
        today = datetime.fromtimestamp(now_us // 1_000_000, UTC).date()
        for calendar in calendars:
            problem = missing_workdays(calendar, today)
            if problem and problem not in self._warned:
                self._warned.add(problem)
                _log.warning("opening hours", problem=problem)

    def _look_at(self, time: Time, at_us: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = time.call_at(at_us, self._wake.set)
