"""The network between a browser and a centre, which a test can pull out and put in again.

Owns a thread with the proxy's event loop. Must not know pages.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from tests.adapters.asterisk.proxy import Proxy


class Cable:
    """`address`: where the centre is to be found through it."""

    def __init__(self, address: str) -> None:
        """To the centre at this address."""
        self._loop = asyncio.new_event_loop()
        self._proxy = Proxy(urlsplit(address).port or 0)
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._run(self._proxy.__aenter__())
        self.address = f"http://127.0.0.1:{self._proxy.port}"

    def pull(self) -> None:
        """Cut what is connected, and let nobody connect."""
        self._loop.call_soon_threadsafe(self._proxy.refuse)
        self._run(self._proxy.cut())

    def plug(self) -> None:
        """Let everybody connect again."""
        self._loop.call_soon_threadsafe(self._proxy.accept)

    def hush(self) -> None:
        """Leave every connection as it is, and let nothing through: nobody is told that anything is wrong."""
        self._loop.call_soon_threadsafe(self._proxy.stall)

    def speak(self) -> None:
        """Let everything through again, with what was kept back."""
        self._loop.call_soon_threadsafe(self._proxy.flow)

    def end(self) -> None:
        """For good."""
        self._run(self._proxy.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


@contextmanager
def cable(address: str) -> Iterator[Cable]:
    """One to the centre at this address."""
    made = Cable(address)
    try:
        yield made
    finally:
        made.end()
