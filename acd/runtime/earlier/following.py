"""Following committed events, so that later agents know of earlier conversations; and agents' notes beside them.

Owns the task, the thread of the file, and when it is written. Must not know what counts as what (`encounters`), how it
is kept (`store`), nor who may read it. What a crash takes is told again from the journal: how far the file has got is
written with what it holds. Notes are durable before they are answered.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final, Protocol, TypeVar

from acd.errors import AcdError, EarlierStoreError, PastUnavailable
from acd.runtime.clock import Backoff, Clock, SystemClock, pause
from acd.runtime.config.model import DeskConfig
from acd.runtime.earlier.customers import DAY_US, MAX_A_DAY, names_one
from acd.runtime.earlier.encounters import Encounter, Encounters, Note
from acd.runtime.earlier.store import EarlierStore, NotKept, Place, row_of
from acd.runtime.events import Cursor, EventSource
from acd.runtime.log import Logger
from acd.runtime.single_thread import SingleThread

EVERY_US: Final = 5_000_000
"""So long what has changed may wait to be written, unless somebody asks for it."""

MAX_CHANGED: Final = 1_000
"""Encounters that may wait so."""

FORGET_EVERY_US: Final = 600 * 1_000_000
FORGOTTEN_AT_ONCE: Final = 200

FIRST_PAUSE_US: Final = 1_000_000
LONGEST_PAUSE_US: Final = 30_000_000
PATIENCE: Final = 5
"""Attempts at reading the journal back; after that what it holds is missing here."""

GRACE_SECONDS: Final = 5.0

CATCH_UP_SECONDS: Final = 0.2
"""How long whoever asks waits for what has just been committed; a row without events is never waited for longer."""

MAX_NOTES: Final = 100
"""On one interaction."""

NEWEST: Final = (2**63 - 1, "")

_log = Logger(__name__)
_T = TypeVar("_T")


class Followed(Protocol):
    """The part of a Router that is needed here."""

    @property
    def events(self) -> EventSource:
        """Committed events."""
        ...

    def now_us(self) -> int:
        """The engine's time."""
        ...


class Earlier:
    """One domain's. Started once, after its router, and closed after it. `acd.ports.erasing.Erasing`."""

    def __init__(self, config: DeskConfig, domain: str, router: Followed, clock: Clock | None = None) -> None:
        """Nothing is opened yet."""
        self._paths: tuple[Path, Path] = config.path, config.key
        self.keep_us = config.keep_us
        """How long an encounter is told of after its end."""
        self._domain = domain
        self._router = router
        self._clock: Clock = clock or SystemClock()
        self._thread = SingleThread("acd-earlier")
        self._store: EarlierStore | None = None
        self._task: asyncio.Task[None] | None = None
        self._encounters = Encounters()
        self._cursor = Cursor(0)
        self._moved = asyncio.Event()
        self._writing = asyncio.Lock()
        self._written_us = 0
        self._forgotten_us = 0

    # ---- living

    async def start(self) -> None:
        """Go on where it was; the first time it begins now. A file that cannot be opened is told, and nothing else."""
        events = self._router.events
        try:
            self._store = await self._thread.run(lambda: EarlierStore(*self._paths))
            place, begun = await self._in_store(lambda store: store.begun())
            if place is not None and await self._is_ours(place):
                self._cursor, self._encounters = Cursor(place.seq, place.index), Encounters(begun)
            else:
                if place is not None:
                    _log.error("earlier conversations are of another journal than this; they go on from now")
                await self._begin_now()
        except EarlierStoreError as error:
            _log.error("earlier conversations and notes cannot be kept", reason=str(error))
            return
        self._task = asyncio.create_task(self._follow(), name=f"earlier conversations of {events.domain}")
        self._task.add_done_callback(_tell)

    async def close(self) -> None:
        """After the router has stopped: keep what it has told. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait((task,), timeout=GRACE_SECONDS)
            task.cancel()
            await asyncio.wait((task,))
        store, self._store = self._store, None
        if store is not None:
            await self._thread.run(store.close)
        self._thread.close()

    # ---- reading and writing

    async def of_customer(self, customer: str, but: str, before: tuple[int, str], limit: int) -> list[Encounter]:
        """A customer's, newest first, those that began before (µs, id), and not `but`. Raises `EarlierStoreError`."""
        await self._catch_up()
        oldest_us = self._router.now_us() - self.keep_us
        found = await self._in_store(lambda store: store.of_customer(customer, but, before, limit))
        return [each for each in found if not each.ended_us or each.ended_us >= oldest_us]

    async def encounter(self, interaction_id: str) -> Encounter | None:
        """One of them. Raises `EarlierStoreError`."""
        await self._catch_up()
        return await self._in_store(lambda store: store.encounter(interaction_id))

    async def notes(self, interaction_ids: list[str]) -> list[Note]:
        """On these interactions, oldest first. Raises `EarlierStoreError`."""
        return await self._in_store(lambda store: store.notes(interaction_ids))

    async def is_one(self, customer: str) -> bool:
        """Whether this reference names one customer, and not whoever an application does not know."""
        if not names_one(customer):
            return False
        since_us = self._router.now_us() - DAY_US
        return not await self._in_store(lambda store: store.has_more(customer, since_us, MAX_A_DAY))

    async def add(self, note: Note) -> Note | NotKept:
        """Keep a note; the one that is there under its id is returned instead. Raises `EarlierStoreError`."""
        return await self._in_store(lambda store: store.add(note, MAX_NOTES))

    async def erase(self, customer: str) -> bool:
        """Forget all of a person, also on disk, and keep nothing more of them. Raises `EarlierStoreError`."""
        await self._catch_up()  # whose notes those are that were written before anybody knew whose
        now_us = self._router.now_us()
        found = await self._in_store(lambda store: store.erase(customer, now_us))
        await self._in_store(lambda store: store.clean())
        return found

    # ---- following

    async def _follow(self) -> None:
        backoff, failures = Backoff(FIRST_PAUSE_US, LONGEST_PAUSE_US), 0
        while True:
            try:
                async with aclosing(self._router.events.tell(self._cursor, patient=True)) as batches:
                    async for batch, cursor in batches:
                        for told in batch:
                            self._encounters.take(told)
                        self._cursor = max(self._cursor, cursor)
                        self._moved.set()
                        failures = 0
                        await self._keep_pace()
            except PastUnavailable as error:
                failures += error.code != "busy"
                if failures <= PATIENCE:
                    await pause(self._clock, backoff.next_us())
                    continue
                _log.error("some earlier conversations are missing: the journal cannot be read", reason=str(error))
                with suppress(EarlierStoreError):
                    await self._begin_now()
                failures = 0
            except EarlierStoreError as error:
                _log.warning("earlier conversations cannot be kept", reason=str(error))
                await pause(self._clock, backoff.next_us())
            else:
                await self._write()
                return

    async def _keep_pace(self) -> None:
        now_us = self._router.now_us()
        changed = self._encounters.changed
        if changed and (now_us - self._written_us >= EVERY_US or len(changed) >= MAX_CHANGED):
            await self._write()
        if now_us - self._forgotten_us >= FORGET_EVERY_US:
            before_us = now_us - self.keep_us
            gone = await self._in_store(lambda store: store.forget(before_us, FORGOTTEN_AT_ONCE))
            if gone:
                await self._in_store(lambda store: store.clean())
            if gone < FORGOTTEN_AT_ONCE:
                self._forgotten_us = now_us

    async def _catch_up(self) -> None:
        """What is committed now is in the file, as far as that takes no time."""
        seq = self._router.events.stream.seq
        with suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_SECONDS):
                while self._cursor.seq < seq:
                    self._moved.clear()
                    await self._moved.wait()
        await self._write()

    async def _write(self) -> None:
        """What has changed up to now. What could not be written is written with what follows."""
        async with self._writing:
            changed = self._encounters.changed
            if not changed:
                return
            self._encounters.changed = {}
            life, cursor = self._router.events.lives.mark, self._cursor
            place = Place(self._domain, life, cursor.seq, cursor.index)
            rows = [row_of(each) for each in changed.values()]
            try:
                await self._in_store(lambda store: store.write(place, rows))
            except BaseException:
                self._encounters.changed = {**changed, **self._encounters.changed}
                raise
            self._encounters.settled()
            self._written_us = self._router.now_us()

    async def _begin_now(self) -> None:
        self._cursor, self._encounters = Cursor(self._router.events.stream.seq), Encounters()
        place = Place(self._domain, self._router.events.lives.mark, self._cursor.seq, self._cursor.index)

        def begin(store: EarlierStore) -> None:
            store.abandon()
            store.write(place, ())

        await self._in_store(begin)

    async def _is_ours(self, place: Place) -> bool:
        events = self._router.events
        known = place.domain == self._domain and place.seq <= events.stream.seq
        return known and await events.lives.has(place.life, place.seq)

    async def _in_store(self, what: Callable[[EarlierStore], _T]) -> _T:
        store = self._store
        if store is None:
            raise EarlierStoreError("the store of earlier conversations is not open; see the log for why")
        return await self._thread.run(lambda: what(store))


def _tell(task: "asyncio.Task[None]") -> None:
    """Every error that is known is handled; another one is a fault, and must at least be seen."""
    if not task.cancelled() and (error := task.exception()) is not None:
        if isinstance(error, AcdError):
            _log.error("earlier conversations are not followed any more", reason=str(error))
        else:
            _log.error("earlier conversations are not followed any more", exc_info=error)
