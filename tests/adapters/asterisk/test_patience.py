"""Deadlines of a process that may have stood still."""

import asyncio
import time

import pytest

from acd_asterisk.patience import GRACE_SECONDS, STOOD_STILL_SECONDS, answer_within

DEADLINE_SECONDS = 0.05


def stand_still() -> None:
    """Nothing of this process happens until well after the deadline."""
    end = time.monotonic() + DEADLINE_SECONDS + 1.2 * STOOD_STILL_SECONDS
    while time.monotonic() < end:
        pass


async def ask_in_vain() -> None:
    async with answer_within(DEADLINE_SECONDS):
        await asyncio.Event().wait()


async def test_what_has_come_meanwhile_is_read() -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()

    def read() -> None:
        # Not at once: it takes a few turns from the socket to whoever waits.
        loop.call_soon(lambda: loop.call_soon(answer.set_result, 204))

    async with answer_within(DEADLINE_SECONDS):
        loop.call_soon(stand_still)
        loop.call_later(DEADLINE_SECONDS / 2, read)
        assert await answer == 204


async def test_what_has_not_come_is_not_waited_for_for_ever() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    loop.call_soon(stand_still)
    with pytest.raises(TimeoutError):
        await ask_in_vain()
    assert loop.time() - begun >= DEADLINE_SECONDS + GRACE_SECONDS


async def test_a_deadline_is_one() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(TimeoutError):
        await ask_in_vain()
    assert loop.time() - begun >= DEADLINE_SECONDS
    async with answer_within(DEADLINE_SECONDS):
        pass


async def test_whoever_is_cancelled_is_not_late() -> None:
    """Nor is an error of what is awaited."""

    asking = asyncio.create_task(ask_in_vain())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    with pytest.raises(KeyError):
        async with answer_within(DEADLINE_SECONDS):
            raise KeyError
