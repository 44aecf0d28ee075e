"""Telephones first: what can wait does, for a moment, while Asterisk is asked to have a telephone ring.

Owns for which of them it is being asked, and for how long others wait. Must not know who waits, nor what for. To
answer a caller, to move them or to end a call takes Asterisk a millisecond each; what it is told in the same moment
keeps an INVITE from going out for as long (measured on two cores that others used as well: 0.7 to 1 ms at the median).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

LONGEST_SECONDS: Final = 0.05
"""For so long others wait at most: an Asterisk that takes its time over a telephone keeps nobody from anything."""


class RingFirst:
    """For one channel instance."""

    def __init__(self) -> None:
        """No telephone is to ring."""
        self._asked: set[asyncio.Event] = set()
        """As many as effects may be performed at a time."""

    @contextmanager
    def asking(self) -> Iterator[None]:
        """As long as this lasts, Asterisk is being asked to have one ring."""
        answered = asyncio.Event()
        self._asked.add(answered)
        try:
            yield
        finally:
            self._asked.remove(answered)
            answered.set()

    async def others(self) -> None:
        """Wait until it has answered for all that it has been asked for by now, or `LONGEST_SECONDS` are over."""
        asked = tuple(self._asked)
        if asked:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_SECONDS):
                    for answered in asked:
                        await answered.wait()
