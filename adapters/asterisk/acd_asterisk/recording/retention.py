"""Deletes recordings that have been kept long enough.

Owns when to look, which files are ours and old, and how many go at a time. Must not know calls. When a recording began
is in its name, so that nothing need be remembered: after a restart it goes on.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from acd.ports.recording_names import Labels
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.recording.tapes import Tapes

ROUND_SECONDS: Final = 3_600.0
"""From one round to the next."""

LOOK_SECONDS: Final = 30.0
"""How often it is looked whether a round is due."""

MAX_DELETED: Final = 500
"""Files of one round, the oldest first."""

_log = structlog.get_logger(__name__)


class Retention:
    """The sweeping of one PBX."""

    def __init__(self, tapes: Tapes, labels: Labels, keep_us: int, instance: str) -> None:
        """`keep_us` of 0: nothing is ever deleted."""
        self._tapes = tapes
        self._labels = labels
        self._keep_us = keep_us
        self._instance = instance
        self._next = 0.0

    async def run(self, is_live: Callable[[], bool]) -> None:
        """For ever. `is_live`: whether the PBX is connected."""
        while self._keep_us:
            await asyncio.sleep(LOOK_SECONDS)
            if is_live():
                with suppress(AriUnavailable):  # The next look is not far.
                    await self.sweep()

    async def sweep(self, now: float | None = None) -> int:
        """Delete what is old, if it is time to look again; returns how many. `now` is in seconds since 1970.

        Raises `AriUnavailable`.
        """
        if not self._keep_us or time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + ROUND_SECONDS
        oldest = (time.time() if now is None else now) - self._keep_us / 1e6
        old = self._labels.old((stored.name for stored in await self._tapes.stored()), oldest)
        for name in old[:MAX_DELETED]:
            await self._tapes.delete(name)
        if old:
            _log.info("old recordings deleted", instance=self._instance, deleted=len(old[:MAX_DELETED]))
        if len(old) > MAX_DELETED:
            self._next = 0.0  # There are more.
        return len(old[:MAX_DELETED])
