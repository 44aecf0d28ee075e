"""One domain's events for whoever follows them: the stream, what is older, and their public forms.

Owns how a reader gets from what is in memory to what is not. Must not know sockets nor webhooks.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from acd.errors import PastUnavailable
from acd.runtime.events.cloud import Envelopes
from acd.runtime.events.past import Past
from acd.runtime.events.stream import EventStream
from acd.runtime.events.told import Cursor, Told
from acd.runtime.log import Logger

REFILLED: Final = 8_192
"""Rows before a start of the engine whose events are fetched once, for everybody who comes back after it."""

_log = Logger(__name__)


class EventSource:
    """What the Router gives as `events`."""

    def __init__(self, domain: str, journal: Path, snapshots: Path, stream: EventStream | None = None) -> None:
        """Files as they are configured."""
        self.stream = stream or EventStream()
        self.envelopes = Envelopes(domain)
        self._past = Past(journal, snapshots)
        self._refilling: asyncio.Task[None] | None = None

    def older(self, after: Cursor) -> AsyncGenerator[list[Told], None]:
        """All events after a cursor that is not in memory, up to what is. Raises `PastUnavailable`."""
        return self._past.read(after, self.stream.floor.seq)

    async def recall(self, after: Cursor) -> None:
        """Fetch what is just before the events in memory, if the cursor is there: once, for all who ask at a time.

        After a restart everybody comes back at once, each with a cursor of the last few seconds.
        """
        floor = self.stream.floor
        if after >= floor or after.seq < floor.seq - REFILLED:
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
                if len(found) > self.stream.room:
                    del found[: len(found) - self.stream.room]
                    begin = found[0].cursor
                    del found[0]
        except PastUnavailable as error:
            _log.warning("events from before the start cannot be told again", reason=str(error))
            return
        if self.stream.floor == floor:
            self.stream.restore(found, begin)
