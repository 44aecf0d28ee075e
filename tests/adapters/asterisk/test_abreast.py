"""Many small things side by side."""

import asyncio

import pytest

from acd_asterisk.abreast import MAX_AT_ONCE, abreast


async def test_results_come_in_order_and_few_at_a_time() -> None:
    busy, most = 0, 0

    async def act(number: int) -> int:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return number

    assert await abreast(act, range(100)) == list(range(100))
    assert most == MAX_AT_ONCE


async def test_nothing_goes_on_after_the_first_error() -> None:
    """Neither what is under way nor what has not begun."""
    begun, ended = list[int](), list[int]()

    async def act(number: int) -> None:
        if number == 1:
            raise KeyError(number)
        begun.append(number)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(KeyError):
        await abreast(act, range(100))
    assert sorted(begun) == sorted(ended)
    assert len(begun) <= MAX_AT_ONCE
