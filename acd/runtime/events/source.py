"""One domain's events for whoever follows them: the stream, what is older, and their public forms.

Owns how a reader gets from what is in memory to what is not. Must not know sockets nor webhooks.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final

from acd.errors import PastUnavailable
from acd.runtime.events.cloud import Envelopes
from acd.runtime.events.lives import Lives
from acd.runtime.events.past import Past
from acd.runtime.events.stream import EventStream, Reader
from acd.runtime.events.told import Cursor, Told, Wanted
from acd.runtime.log import Logger

REFILLED: Final = 8_192
"""Rows before a start of the engine whose events are fetched once, for everybody who comes back after it."""

BATCH: Final = 256
"""Events of one batch."""

_log = Logger(__name__)


class EventSource:
    """What the Router gives as `events`."""

    def __init__(self, domain: str, journal: Path, snapshots: Path, stream: EventStream | None = None) -> None:
        """Files as they are configured."""
        self.domain = domain
        self.stream = stream or EventStream()
        self.lives = Lives(domain, journal)
        self.envelopes = Envelopes(domain, self.lives)
        self._past = Past(journal, snapshots)
        self._refilling: asyncio.Task[None] | None = None

    async def tell(
        self, after: Cursor, wanted: Wanted | None = None, *, patient: bool = False
    ) -> AsyncGenerator[tuple[list[Told], Cursor], None]:
        """Events after a cursor, once and in order, then what comes, until the router stops.

        Yields batches, each with the cursor after it. A reader that is slow is given older events from the journal;
        `patient`: however old they are. Raises `PastUnavailable` when they cannot be had. Close it
        (`contextlib.aclosing`).
        """
        stream, wake, cursor = self.stream, asyncio.Event(), after
        filtered = wanted or Wanted()
        stream.on_end(wake.set)
        try:
            while True:
                reader = await self._joined(cursor, filtered, wake.set)
                batches = _read(reader, wake, stream) if reader else self._before(cursor, filtered, patient=patient)
                async with aclosing(batches):
                    async for batch, reached in batches:
                        cursor = reached
                        yield batch, cursor
                if reader is not None and stream.closed:
                    return
        finally:
            stream.off_end(wake.set)

    async def _joined(self, cursor: Cursor, wanted: Wanted, stir: Callable[[], None]) -> Reader | None:
        reader = self.stream.follow(wanted, stir, cursor)
        if reader is None:
            if cursor.seq > self.stream.seq:
                raise PastUnavailable("unknown", f"the journal does not go as far as {cursor}")
            await self.recall(cursor)
            reader = self.stream.follow(wanted, stir, cursor)
        return reader

    async def _before(
        self, after: Cursor, wanted: Wanted, *, patient: bool
    ) -> AsyncGenerator[tuple[list[Told], Cursor], None]:
        """What is not in memory, up to what is."""
        upto = Cursor(self.stream.floor.seq)
        async with aclosing(self.older(after, patient=patient)) as batches:
            async for batch in batches:
                yield [told for told in batch if wanted.fits(told)], batch[-1].cursor
        yield [], upto

    def older(self, after: Cursor, *, patient: bool = False) -> AsyncGenerator[list[Told], None]:
        """All events after a cursor that is not in memory, up to what is. Raises `PastUnavailable`."""
        return self._past.read(after, self.stream.floor.seq, patient=patient)

    async def recall(self, after: Cursor) -> None:
        """Fetch what is just before the events in memory, if the cursor is there: once, for all who ask at a time.

        After a restart everybody comes back at once, each with a cursor of the last few seconds.
        """
        floor = self.stream.floor
        if after >= floor or after.seq < floor.seq - REFILLED or not self.stream.room:
            return
        if self._refilling is None or self._refilling.done():
            self._refilling = asyncio.create_task(self._refill(), name="events from before the start")
        await asyncio.shield(self._refilling)

    async def _refill(self) -> None:
        floor = self.stream.floor
        begin = Cursor(max(0, floor.seq - REFILLED))
        found: list[Told] = []
        try:
            async for batch in self._past.read(begin, floor.seq):
                found += batch
                over = len(found) - self.stream.room
                if over > 0:
                    begin = found[over - 1].cursor
                    del found[:over]
        except PastUnavailable as error:
            _log.warning("events from before the start cannot be told again", reason=str(error))
            return
        if self.stream.floor == floor:
            self.stream.restore(found, begin)


async def _read(
    reader: Reader, wake: asyncio.Event, stream: EventStream
) -> AsyncGenerator[tuple[list[Told], Cursor], None]:
    """What one reader gets, until it is lost or the stream has ended."""
    try:
        while True:
            wake.clear()
            taken = reader.take(BATCH)
            if taken or reader.idle:
                yield taken, reader.cursor
            if reader.lost and not taken:
                return
            if reader.idle:
                if stream.closed:
                    return
                await wake.wait()
    finally:
        reader.close()
