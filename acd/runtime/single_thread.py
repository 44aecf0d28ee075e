"""One thread for calls that block: the journal's, the personal store's.

Owns the way there and back in as few hops as possible. Must not know what is called.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class SingleThread:
    """Runs functions one after another in one thread of its own, which starts with the first.

    When the interpreter ends, it does not wait for the thread: whoever needs an answer has awaited it before.
    """

    def __init__(self, name: str) -> None:
        """`name` is what debuggers show."""
        self._name = name
        # Neither a pool of threads nor run_in_executor: they cost two locks and a future more, a third of the way.
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._is_started = False
        self._is_closed = False

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - whatever it takes
        """Run `function(*args)` there. When the caller is cancelled, it runs to its end all the same.

        Raises `RuntimeError` after `close`, and what `function` raises.
        """
        if self._is_closed:
            raise RuntimeError(f"the thread {self._name} has been closed")
        if not self._is_started:
            self._is_started = True
            threading.Thread(target=_run_all, args=(self._work,), name=self._name, daemon=True).start()
        return await self._begun(function, args)

    def _begun(self, function: Callable[..., T], args: tuple[Any, ...]) -> "asyncio.Future[T]":
        """Known to nobody but its awaiter: a frame with it would make a circle of frame, future and error."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._work.put((loop, future, function, args))
        return future

    def close(self) -> None:
        """No more functions. The thread ends by itself after those it has been given; nobody waits for it."""
        if not self._is_closed:
            self._is_closed = True
            self._work.put(None)

    def __del__(self) -> None:
        """Whoever has been forgotten without `close` leaves no thread behind."""
        self.close()


def _run_all(work: "SimpleQueue[_Work | None]") -> None:
    while (item := work.get()) is not None:
        _run(*item)
        del item  # A thread that waits keeps nothing alive.


def _run(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]", function: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    how: Callable[..., None] = _resolve
    what: object
    try:
        what = function(*args)
    except BaseException as error:  # noqa: BLE001 - handed to whoever awaits it
        how, what = _fail, error
    # A closed loop means that nobody waits any more.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(how, future, what)
    del what, future  # An error knows this frame: in a circle with it would be all that `function` knew.


def _resolve(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[T]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
