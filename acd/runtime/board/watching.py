"""Following committed events for supervisors: the day of every queue is counted, and alarms are raised and cleared.

Owns the task, its file, and when queues are looked at: after events, when a figure may have changed by itself, and no
more often than once a second. Must not know what counts as what (`counting`), nor when a figure is bad (`alarms`). An
alarm is a command like any other, so that it is raised once, whoever asks, and a restart knows it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from acd.core.messages import AgentsConfigured, ConfigApplied, NoteAlarm, Origin, Outcome, QueueRemoved
from acd.core.messages.commands import Command
from acd.errors import AcdError, PastUnavailable, RouterClosed
from acd.runtime.board.alarms import NEVER, Found, Judge, Note
from acd.runtime.board.counting import Counting, Standing
from acd.runtime.board.keeping import Kept, load, path_of, save
from acd.runtime.board.series import Series, Spell
from acd.runtime.board.staffing import Staffing
from acd.runtime.clock import Backoff, Clock, SystemClock, Timer, pause
from acd.runtime.config.model import AlarmLimits
from acd.runtime.events import Cursor, EventSource, Told
from acd.runtime.log import Logger
from acd.runtime.records import QueueRecord
from acd.runtime.single_thread import SingleThread
from acd.runtime.view import View

EVERY_US: Final = 1_000_000
"""Least time between two looks."""

AT_ONCE: Final = 64
"""Queues that one look is for; the others are looked at in the next ones."""

SAVED_US: Final = 60_000_000
"""Time after which the day is saved: so much, and what has come since, is told again after a crash at most."""

OLDEST_US: Final = 24 * 3600 * 1_000_000
"""A day that ended longer ago than this is over: what came after it is not told again."""

FIRST_PAUSE_US: Final = 1_000_000
LONGEST_PAUSE_US: Final = 30_000_000
PATIENCE: Final = 5
"""Attempts at reading the journal back; after that what it holds is missing in the day."""

GRACE_SECONDS: Final = 5.0

_NAMING_AGENTS: Final = ("by_agent", "owner", "to_agent")
_NO_LIMITS: Final = AlarmLimits()
_log = Logger(__name__)


class Watched(Protocol):
    """The part of a Router that is needed here."""

    @property
    def view(self) -> View:
        """The picture of now."""
        ...

    @property
    def events(self) -> EventSource:
        """Committed events."""
        ...

    @property
    def alarms(self) -> Mapping[str, AlarmLimits]:
        """By queue, as they are in force."""
        ...

    async def submit(self, command: Command, origin: Origin | None = None) -> Outcome:
        """Hand in a command."""
        ...

    def new_id(self) -> str:
        """A fresh id."""
        ...

    def now_us(self) -> int:
        """The engine's time."""
        ...


class Board:
    """One domain's. Started once, after its router, and closed after it."""

    def __init__(self, journal: Path, domain: str, router: Watched, clock: Clock | None = None) -> None:
        """Nothing is opened yet. `journal`: its file, beside which the day is kept."""
        self._router = router
        self._domain = domain
        self._path = path_of(journal)
        self._clock: Clock = clock or SystemClock()
        self._thread = SingleThread("wallboard")
        self._task: asyncio.Task[None] | None = None
        self._submitting: set[asyncio.Task[None]] = set()
        self._pending: set[tuple[str, str]] = set()
        self._counting = Counting(lambda: router.view.service_level_us)
        self._staffing: Staffing | None = None
        self._judges: dict[str, Judge] = {}
        self._next_us: dict[str, int] = {}
        self._dirty: dict[str, None] = {}
        self._limits: Mapping[str, AlarmLimits] | None = None
        self._cursor = Cursor(0)
        self._at_us = 0
        self._saved_us = 0
        self._look_after_us = 0
        self._timer: Timer | None = None
        self._caught_up = Cursor(0)
        self._closed = False

    # ---- reading

    @property
    def staffing(self) -> Staffing:
        """Who is there for each queue, now."""
        view = self._router.view
        if self._staffing is None or self._staffing.view is not view:
            self._staffing = Staffing(view)
        return self._staffing

    @property
    def is_current(self) -> bool:
        """Whether what was missing after a restart has been told again."""
        return self._cursor >= self._caught_up

    def series(self, queue: str) -> Series | None:
        """The day of one queue, if anything has been counted."""
        return self._counting.series.get(queue)

    # ---- living

    async def start(self) -> None:
        """Go on with the day as it was; the first time it begins now."""
        kept = await self._load()
        stream = self._router.events.stream
        self._caught_up = Cursor(stream.seq)
        if kept is None:
            self._begin_now()
            await self._save()  # from now on nothing is lost
        else:
            self._counting = Counting(lambda: self._router.view.service_level_us, kept.series, kept.live)
            self._cursor, self._at_us = kept.cursor, kept.at_us
            if self._router.now_us() - kept.at_us > OLDEST_US:
                self._begin_now()
        self._saved_us = self._router.now_us()
        self._everything_is_dirty()
        self._task = asyncio.create_task(self._follow(), name="wallboard")
        self._task.add_done_callback(_tell)

    async def close(self) -> None:
        """After the router has stopped: keep the day. Idempotent."""
        self._stop_looking()
        task, self._task = self._task, None
        if task is None:
            return
        await asyncio.wait((task,), timeout=GRACE_SECONDS)
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
        for each in tuple(self._submitting):
            each.cancel()
        self._thread.close()

    async def _load(self) -> Kept | None:
        try:
            kept = await self._thread.run(load, self._path)
        except (OSError, ValueError) as error:
            _log.error("the day of the queues cannot be read; it begins anew", file=str(self._path), reason=str(error))
            return None
        if kept is None:
            return None
        events = self._router.events
        is_known = kept.domain == self._domain and kept.seq <= events.stream.seq
        if is_known and await events.lives.has(kept.life, kept.seq):
            return kept
        _log.error("the day of the queues is of another journal than this; it begins anew", file=str(self._path))
        return None

    def _begin_now(self) -> None:
        view = self._router.view
        self._cursor, self._at_us = Cursor(self._router.events.stream.seq), view.at_us
        live = (
            (row.id, Standing(row.queue, row.state == "queued", row.answered)) for row in view.interactions.values()
        )
        self._counting.begin(live, max(view.at_us, self._router.now_us()))

    # ---- following

    async def _follow(self) -> None:
        backoff, failures = Backoff(FIRST_PAUSE_US, LONGEST_PAUSE_US), 0
        self._look_soon()
        while True:
            try:
                async with aclosing(self._router.events.tell(self._cursor, patient=True)) as batches:
                    async for batch, cursor in batches:
                        self._take(batch, cursor)
                        failures = 0
                        if self._at_us >= self._saved_us + SAVED_US:
                            await self._save()
            except PastUnavailable as error:
                failures += error.code != "busy"
                if failures <= PATIENCE:
                    await pause(self._clock, backoff.next_us())
                    continue
                _log.error("a part of the day is missing: the journal cannot be read back", reason=str(error))
                self._begin_now()
                self._caught_up = self._cursor
                failures = 0
            else:
                self._stop_looking()
                await self._save()
                return

    def _take(self, batch: Iterable[Told], cursor: Cursor) -> None:
        staffing, counting = self.staffing, self._counting
        for told in batch:
            event = told.event
            counting.take(told.at_us, event)
            self._at_us = told.at_us
            if isinstance(event, ConfigApplied):
                staffing.recount()
                self._everything_is_dirty()
                continue
            if isinstance(event, AgentsConfigured):
                changed = (*(agent.id for agent in event.agents), *event.removed)
                self._dirty.update(staffing.look(changed))
            if isinstance(event, QueueRemoved):
                self._judges.pop(event.queue, None)
                staffing.forget(event.queue)
            self._dirty.update(dict.fromkeys(told.queues))
            agents = {*told.agents, *(getattr(event, name, "") for name in _NAMING_AGENTS)} - {""}
            if agents:
                self._dirty.update(staffing.look(sorted(agents)))
        self._cursor = max(self._cursor, cursor)
        self._look_soon()

    async def _save(self) -> None:
        """Nothing is taken in meanwhile. A day that cannot be kept is counted all the same."""
        life, self._saved_us = self._router.events.lives.mark, self._at_us
        cursor, counting = self._cursor, self._counting
        kept = Kept(self._domain, life, cursor.seq, cursor.index, self._at_us, counting.series, counting.live)
        try:
            await self._thread.run(save, self._path, kept)
        except OSError as error:
            _log.warning("the day of the queues cannot be kept", file=str(self._path), reason=error.strerror)

    # ---- looking

    def configured(self) -> None:
        """Thresholds may be others."""
        self._everything_is_dirty()
        self._look_soon()

    def _everything_is_dirty(self) -> None:
        self._dirty = dict.fromkeys(self._router.view.queues)

    def _look_soon(self) -> None:
        """Now, or as soon as that is allowed again."""
        if self._closed or not (self._dirty or self._limits is not self._router.alarms):
            return
        now_us = self._router.now_us()
        if now_us >= self._look_after_us:
            self._look(now_us)
        else:
            self._wake_at(self._look_after_us, now_us)

    def _wake_at(self, at_us: int, now_us: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.monotonic_us() + max(0, at_us - now_us), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if not self._closed:
            self._look(self._router.now_us())

    def _look(self, now_us: int) -> None:
        """At queues to which something happened, and those whose time has come."""
        self._look_after_us = now_us + EVERY_US
        limits = self._router.alarms
        if limits is not self._limits:
            self._limits = limits
            self._everything_is_dirty()
        due = dict.fromkeys((*self._dirty, *(queue for queue, at_us in self._next_us.items() if at_us <= now_us)))
        looked = list(due)[:AT_ONCE]
        for queue in looked:
            self._dirty.pop(queue, None)
            self._next_us.pop(queue, None)
            try:
                self._look_at(queue, now_us)
            except Exception:  # noqa: BLE001 - one queue's fault must not stop the others
                _log.exception("a queue could not be looked at")
        at_us = self._look_after_us if len(due) > len(looked) else min(self._next_us.values(), default=NEVER)
        if at_us < NEVER:
            self._wake_at(max(at_us, self._look_after_us), now_us)

    def _look_at(self, queue: str, now_us: int) -> None:
        row = self._router.view.queues.get(queue)
        limits = self._router.alarms.get(queue, _NO_LIMITS)
        if row is None or not (limits.wanted or row.alarms):
            self._judges.pop(queue, None)
            return
        judge = self._judges.setdefault(queue, Judge())
        if row.retired:
            limits = _NO_LIMITS
        notes, next_us = judge.judge(limits, self._found(row, limits, now_us), row.alarms, now_us)
        if next_us < NEVER:
            self._next_us[queue] = next_us
        for note in notes:
            self._hand_in(queue, note)

    def _found(self, row: QueueRecord, limits: AlarmLimits, now_us: int) -> Found:
        spell: Spell | None = None
        if limits.service_level and self.is_current:
            series = self.series(row.id)
            spell = Spell() if series is None else series.window(now_us, limits.window_us)
        return Found(row.oldest_us(), row.waiting, spell, self.staffing.of(row.id).on_duty, row.closed is None)

    def _hand_in(self, queue: str, note: Note) -> None:
        key = (queue, note.kind)
        if key in self._pending:
            return
        self._pending.add(key)
        command = NoteAlarm(self._router.new_id(), queue, note.kind, note.raised, note.value, note.threshold)
        task = asyncio.create_task(self._submit(command), name="an alarm")
        self._submitting.add(task)
        task.add_done_callback(partial(self._handed_in, key))

    async def _submit(self, command: NoteAlarm) -> None:
        await self._router.submit(command)

    def _handed_in(self, key: tuple[str, str], task: "asyncio.Task[None]") -> None:
        """It is durable, or not; what is not is looked at again."""
        self._submitting.discard(task)
        self._pending.discard(key)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, RouterClosed):
            self._stop_looking()
        elif isinstance(error, AcdError):
            _log.info("an alarm could not be handed in; again in a moment", error=str(error))
        elif error is not None:
            _log.error("an alarm could not be handed in", exc_info=error)
        if not self._closed:
            self._dirty[key[0]] = None
            self._look_soon()

    def _stop_looking(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _tell(task: "asyncio.Task[None]") -> None:
    """Every error that is known is handled; another one is a fault, and must at least be seen."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("what supervisors watch has failed; it goes on when the engine is started again", exc_info=error)
