"""Many small things side by side, a bounded number at a time. Owns nothing; must not know what is done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

MAX_AT_ONCE: Final = 32
"""Under way at a time."""

_T = TypeVar("_T")
_U = TypeVar("_U")


async def abreast(act: Callable[[_T], Awaitable[_U]], items: Iterable[_T]) -> list[_U]:
    """Do all side by side, `MAX_AT_ONCE` at a time; results in order. The first error ends it, and all the others."""
    free = asyncio.Semaphore(MAX_AT_ONCE)

    async def one(item: _T) -> _U:
        async with free:
            return await act(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _give_up(tasks)


async def _give_up(tasks: list[asyncio.Task[_U]]) -> None:
    """What is given up must not go on beside what is begun in its place.

    None is left in the list: a task knows its error, and that the frame with the list. In such a circle all that any of
    them knows would stay until the collector comes.
    """
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()
