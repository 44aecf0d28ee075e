"""One thread for calls that block: the journal's, the personal store's.

Owns the way there and back in as few hops as possible. Must not know what is called.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class SingleThread:
    """Runs functions one after another in one thread of its own, which starts with the first."""

    def __init__(self, name: str) -> None:
        """`name` is what debuggers show."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - whatever it takes
        """Run `function(*args)` there. When the caller is cancelled, it runs to its end all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = function(*args)
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits it
                deliver(_fail, future, error)
            else:
                deliver(_resolve, future, result)

        def deliver(how: Callable[..., None], *what: object) -> None:
            # A closed loop means that nobody waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(how, *what)

        # Neither run_in_executor nor wrap_future: they cost a lock and another turn of the loop each.
        self._pool.submit(work)
        return await future

    def close(self) -> None:
        """No more functions. The thread ends by itself after those it has been given; nobody waits for it."""
        self._pool.shutdown(wait=False)


def _resolve(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[T]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
