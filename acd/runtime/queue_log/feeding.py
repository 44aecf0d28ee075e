"""From committed events into the `queue_log`: each line once, also over a crash.

Owns the task, and where it goes on after a restart: events after the last standing are told again, the same events
give the same lines, and those that are in the file already are left out. Must not know what a line says.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final, Protocol, TypeVar

from acd.errors import PastUnavailable, PersonalStoreError, RouterClosed
from acd.ports.call_names import CallNames, Named
from acd.ports.channel import Channel, Personal
from acd.runtime.clock import Backoff
from acd.runtime.config import QueueLogConfig
from acd.runtime.events import Cursor, EventSource, Told
from acd.runtime.log import Logger
from acd.runtime.queue_log.calls import Calls
from acd.runtime.queue_log.file import LogFile
from acd.runtime.queue_log.layout import Line
from acd.runtime.queue_log.onward import Onward
from acd.runtime.queue_log.staff import Staff
from acd.runtime.queue_log.standing import Standing, load, save
from acd.runtime.single_thread import SingleThread
from acd.runtime.view import View

SAVED_ROWS: Final = 1_000
"""Rows after which the standing is saved: so many, and what has come since the crash, are told again at most."""

FIRST_PAUSE_US: Final = 1_000_000
LONGEST_PAUSE_US: Final = 30_000_000
"""Pauses, doubled, while the file cannot be written, or the journal not be read."""

PATIENCE: Final = 5
"""Attempts at reading the journal back, after which what it holds is given up."""

ONWARD: Final = "ami"
"""The end of the name of the file that says how far lines have been handed on."""

GRACE_SECONDS: Final = 5.0
"""How long the last lines may take when the router has stopped; they are written after the next start."""

_US: Final = 1_000_000

T = TypeVar("T")

_log = Logger(__name__)


class Followed(Protocol):
    """The part of a Router that is needed here."""

    @property
    def view(self) -> View:
        """The picture of now."""
        ...

    @property
    def events(self) -> EventSource:
        """Committed events."""
        ...

    def channel(self, name: str) -> Channel | None:
        """The channel instance of this name."""
        ...

    async def recall(self, customer: str) -> Personal | None:
        """The person behind a reference. Raises `PersonalStoreError`."""
        ...


class QueueLog:
    """One domain's. Started once, after its router, and closed after it: what is committed last is told, too."""

    def __init__(self, config: QueueLogConfig, domain: str, router: Followed) -> None:
        """Nothing is opened yet."""
        self._config = config
        self._domain = domain
        self._router = router
        self._file = LogFile(config.path)
        self._thread = SingleThread("queue-log")
        self._onward = _onward(config, router)
        self._feeding: asyncio.Task[None] | None = None
        self._named: dict[str, CallNames | None] = {}
        self._row: list[Told] = []
        self._waiting: deque[str] = deque()
        self._there: Counter[bytes] = Counter()
        self._there_upto = 0
        self._seq = 0
        self._at_us = 0
        self._saved_seq = 0
        self._begun = False
        self._saved = False
        self._calls: Calls
        self._staff: Staff

    async def start(self) -> None:
        """Tell from where it ended last; the first time from now on. What cannot be written is tried again."""
        if self._onward is not None:
            await self._onward.start()
        standing = await self._load()
        self._there_upto = self._router.events.stream.seq
        if standing is None:
            self._begin_now()
            # From now on nothing is lost. If it cannot be saved, `_prepare` tries again.
            with suppress(OSError):
                await self._thread.run(self._save_at_once)
        else:
            self._go_on(standing)
        self._feeding = asyncio.create_task(self._feed(standing), name="queue_log")
        self._feeding.add_done_callback(_tell)

    async def close(self) -> None:
        """After the router has stopped: write what there is, within `GRACE_SECONDS`. Idempotent."""
        feeding, self._feeding = self._feeding, None
        if feeding is None:
            return
        await asyncio.wait((feeding,), timeout=GRACE_SECONDS)
        if not feeding.done():
            _log.warning("the last lines of the queue_log are written after the next start")
            feeding.cancel()
            await asyncio.wait((feeding,))
        if self._onward is not None:
            await self._onward.close()
        await self._thread.run(self._file.close)
        self._thread.close()

    # ---- where it begins

    async def _load(self) -> Standing | None:
        path = self._config.state
        try:
            standing = await self._thread.run(load, path)
        except (OSError, ValueError) as error:
            _log.error(
                "how far the queue_log was cannot be read; it goes on from now", file=str(path), reason=str(error)
            )
            return None
        if standing is None:
            return None
        events = self._router.events
        is_known = standing.domain == self._domain and standing.seq <= events.stream.seq
        if is_known and await events.lives.has(standing.life, standing.seq):
            return standing
        _log.error("the queue_log was told of another journal than this; it goes on from now", file=str(path))
        return None

    def _begin_now(self) -> None:
        """Calls that are live already are not told of: nobody could make sense of their ends alone."""
        view = self._router.view
        self._seq, self._at_us = self._router.events.stream.seq, view.at_us
        self._calls = Calls(self._config.channels, self._names)
        self._staff = Staff(view.settings)
        found = (self._staff.member(row.id, row.presence, row.reason) for row in view.agents.values())
        self._staff = Staff(view.settings, tuple(member for member in found if member is not None))
        self._calls.configure(view.settings.queues)

    def _go_on(self, standing: Standing) -> None:
        self._seq, self._at_us, self._begun = standing.seq, standing.at_us, standing.begun
        self._saved_seq = standing.seq
        self._calls = Calls(self._config.channels, self._names, standing.calls, standing.order)
        self._calls.configure(standing.settings.queues)
        self._staff = Staff(standing.settings, standing.members)

    def _names(self, instance: str) -> CallNames | None:
        if instance not in self._named:
            channel = self._router.channel(instance)
            if channel is None:
                return None
            # A check of a protocol costs more than all else of a line.
            self._named[instance] = channel.call_names if isinstance(channel, Named) else None
        return self._named[instance]

    # ---- the task

    async def _feed(self, standing: Standing | None) -> None:
        backoff = Backoff(FIRST_PAUSE_US, LONGEST_PAUSE_US)
        await self._prepare(standing)
        failures = 0
        while True:
            try:
                async with aclosing(self._router.events.tell(Cursor(self._seq), patient=True)) as batches:
                    async for batch, cursor in batches:
                        await self._take(batch, cursor)
                        failures = 0
            except PastUnavailable as error:
                self._row.clear()
                failures += error.code != "busy"
                if failures <= PATIENCE:
                    await asyncio.sleep(backoff.next_us() / _US)
                    continue
                what = "calls are missing in the queue_log: the journal cannot be read back to where it was"
                _log.error(what, after=self._seq, upto=self._router.events.stream.seq, reason=str(error))
                self._begin_now()
                failures = 0
            else:
                await self._save()
                return

    async def _prepare(self, standing: Standing | None) -> None:
        """What a crash has left behind; or the first lines, whose standing comes before them."""
        if standing is not None:
            self._there = await self._patiently(self._file.since, standing.place, standing.at_us // _US)
        elif not self._saved:
            await self._save()
        if not self._begun:
            await self._write(self._staff.begin(self._at_us))
            self._begun = True

    async def _take(self, batch: Sequence[Told], cursor: Cursor) -> None:
        """Rows are taken whole, however they are cut into batches."""
        lines: list[Line] = []
        for told in batch:
            if self._row and self._row[-1].seq != told.seq:
                lines += self._finish()
            self._row.append(told)
        if cursor == Cursor(cursor.seq):
            lines += self._finish()
            self._seq = max(self._seq, cursor.seq)
        await self._write(lines)
        if self._seq > self._there_upto:
            self._there.clear()
        if self._seq >= self._saved_seq + SAVED_ROWS:
            await self._save()

    def _finish(self) -> list[Line]:
        """The lines of a whole row."""
        if not self._row:
            return []
        row, self._row = self._row, []
        self._seq, self._at_us = row[-1].seq, row[-1].at_us
        events = tuple(told.event for told in row)
        lines = self._staff.row(self._at_us, events)
        if any(line.verb == "CONFIGRELOAD" for line in lines):
            self._calls.configure(self._staff.settings.queues)
        return [*lines, *self._calls.row(self._at_us, events)]

    # ---- the files

    async def _write(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if not (self._there and self._is_there(line)):
                self._waiting.append(line.text(await self._caller(line)))
        if self._waiting:
            await self._patiently(self._file.write, self._waiting)
            if self._onward is not None:
                self._onward.tell()

    def _is_there(self, line: Line) -> bool:
        """Whether it was written before a crash. Two that are alike are looked for twice."""
        mark = line.mark()
        self._there[mark] -= 1
        return self._there[mark] >= 0

    async def _caller(self, line: Line) -> str | None:
        """What ENTERQUEUE says of the caller; None: their reference."""
        if not line.customer or self._config.caller == "reference":
            return None
        if self._config.caller == "none":
            return ""
        try:
            person = await self._router.recall(line.customer)
        except (PersonalStoreError, RouterClosed):
            person = None
        return person.number if person is not None else ""

    async def _save(self) -> None:
        """Only ever after the lines of all rows up to `seq` have been written."""
        await self._patiently(self._save_at_once)

    def _save_at_once(self) -> None:
        """Blocks, as long as nothing is taken in. Raises `OSError`.

        Only here the log waits for the disk: what a power failure takes of it after that is told again. An `fsync` for
        every line would hold up those of the journal, for which callers wait.
        """
        place = self._file.place()
        calls, staff = self._calls, self._staff
        life = self._router.events.lives.mark
        standing = Standing(
            domain=self._domain,
            life=life,
            seq=self._seq,
            at_us=self._at_us,
            place=place,
            begun=self._begun,
            order=calls.order,
            calls=calls.kept,
            members=staff.kept,
            settings=staff.settings,
        )
        save(self._config.state, standing)
        self._saved_seq = self._seq

    async def _patiently(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - whatever it takes
        """Until it is done: meanwhile events wait in the journal, not in memory."""
        backoff = Backoff(FIRST_PAUSE_US, LONGEST_PAUSE_US)
        while True:
            try:
                return await self._thread.run(function, *args)
            except OSError as error:
                pause_us = backoff.next_us()
                what = "the queue_log cannot be written; trying again"
                _log.warning(what, file=str(self._config.path), reason=error.strerror, seconds=pause_us / _US)
                await asyncio.sleep(pause_us / _US)


def _onward(config: QueueLogConfig, router: Followed) -> Onward | None:
    """To whom lines are handed on, if to anybody."""
    name = config.ami
    if not name:
        return None
    kept = config.state.with_name(f"{config.state.name}.{ONWARD}")
    return Onward(config.path, kept, name, lambda: router.channel(name))


def _tell(feeding: "asyncio.Task[None]") -> None:
    """Every error that is known is handled; another one is a fault, and must at least be seen."""
    if not feeding.cancelled() and (error := feeding.exception()) is not None:
        _log.error("the queue_log has failed; it goes on when the router is started again", exc_info=error)
