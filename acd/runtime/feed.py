"""The feed of committed events, for whoever follows along: APIs, dashboards, exporters.

Owns the bounded buffers and the sign that says when one was too small. Must not know who reads. A reader
that is too slow loses events, is told so, and delays nobody.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Final, Self
from weakref import WeakSet

from msgspec import Struct

from acd.core.messages import Event

DEFAULT_BUFFER: Final = 4_096
"""Commits that wait for one reader."""

MAX_SUBSCRIPTIONS: Final = 10_000
"""Readers at a time."""


class Commit(Struct, frozen=True, gc=False):
    """One committed command: its row in the journal, its moment, and what happened. `events` is never empty."""

    seq: int
    at_us: int
    events: tuple[Event, ...]


class Gap(Struct, frozen=True, gc=False):
    """The reader was too slow, or the router reread its journal: commits after `after_seq` up to `upto_seq` are lost.

    What is known now is in `Router.view`.
    """

    after_seq: int
    upto_seq: int


class Subscription:
    """An async iterator over `Commit`s and `Gap`s after `seq`. Ends when the router closes, or after `close()`."""

    def __init__(self, seq: int, buffer: int) -> None:
        """`seq` is the last commit before the first that will come."""
        self.seq = seq
        self._most = buffer
        self._waiting: deque[Commit | Gap] = deque()
        self._last = seq
        self._wake: asyncio.Future[None] | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> Commit | Gap:
        """The next item; waits for one."""
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        item = self._waiting.popleft()
        self.seq = item.seq if isinstance(item, Commit) else item.upto_seq
        return item

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Nothing more comes; what waits can still be read. Idempotent."""
        self._closed = True
        self._stir()

    def push(self, commit: Commit) -> None:
        """Called by the feed. A full buffer is thrown away whole: a hole at its end would be found out too late."""
        if self._closed:
            return
        if len(self._waiting) >= self._most:
            self.lose(commit.seq)
            return
        self._waiting.append(commit)
        self._last = commit.seq
        self._stir()

    def lose(self, upto_seq: int) -> None:
        """Called by the feed: everything unread, up to `upto_seq`, is lost."""
        if self._closed or upto_seq <= self._last:
            return
        self._waiting.clear()
        self._waiting.append(Gap(self.seq, upto_seq))
        self._last = upto_seq
        self._stir()

    @property
    def closed(self) -> bool:
        """Whether nothing more will be pushed."""
        return self._closed

    def _stir(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class Feed:
    """All subscriptions. One that nobody holds any more vanishes by itself."""

    def __init__(self, most: int = MAX_SUBSCRIPTIONS) -> None:
        """`most`: readers at a time."""
        self._most = most
        self._subscriptions: WeakSet[Subscription] = WeakSet()
        self._closed = False

    def subscribe(self, seq: int, buffer: int = DEFAULT_BUFFER) -> Subscription:
        """A new reader of everything after `seq`. Raises `ValueError`: `buffer` below 1, too many readers."""
        if buffer < 1:
            raise ValueError("a subscription needs a buffer of at least 1")
        if self.readers() >= self._most:
            raise ValueError(f"there are {self._most} subscriptions already; close one")
        subscription = Subscription(seq, buffer)
        if self._closed:
            subscription.close()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def push(self, commit: Commit) -> None:
        """Give a commit to everyone. Costs O(readers)."""
        for subscription in self._subscriptions:
            subscription.push(commit)

    def lose(self, upto_seq: int) -> None:
        """Tell everyone that commits up to `upto_seq` were not told one by one."""
        for subscription in self._subscriptions:
            subscription.lose(upto_seq)

    def readers(self) -> int:
        """How many read."""
        for closed in [each for each in self._subscriptions if each.closed]:
            self._subscriptions.discard(closed)
        return len(self._subscriptions)

    def close(self) -> None:
        """End every subscription. Idempotent."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()
