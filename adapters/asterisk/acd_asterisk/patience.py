"""A deadline for an answer, by one who may have stood still: the process, or its machine.

Owns the time that an answer has. Must not know what is asked. When everything has stood still (a machine that is moved,
a processor that others have), all deadlines are over at the same moment, though the answers may be there and have yet
to be read. To take them for lost would fail everything at once, and lead to as much work again.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

STOOD_STILL_SECONDS: Final = 0.25
"""A deadline that is noticed later than this says more of the process than of who was asked."""

GRACE_SECONDS: Final = 0.5
"""What there is then to read what has come meanwhile; once."""


@asynccontextmanager
async def answer_within(seconds: float) -> AsyncGenerator[None]:
    """As `asyncio.timeout`, but for the grace. Raises `TimeoutError`."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    async with asyncio.timeout(None) as limit:

        def over() -> None:
            now = loop.time()
            limit.reschedule(now + GRACE_SECONDS if now - due >= STOOD_STILL_SECONDS else now)

        timer = loop.call_at(due, over)
        try:
            yield
        finally:
            timer.cancel()
