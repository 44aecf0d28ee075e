"""One domain in a running `acd serve`: its router, its snapshots, its stores, and what the API is given of it.

Owns the order in which these start and stop, and that a domain may fail by itself. Must not know the process, nor other
domains.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING

from acd.api import Domain
from acd.runtime.board import Board
from acd.runtime.config import ApiConfig, Config
from acd.runtime.configurations import Configurations, Source
from acd.runtime.earlier import Earlier
from acd.runtime.follower import Follower
from acd.runtime.following import SnapshotPace
from acd.runtime.history import History
from acd.runtime.queue_log import QueueLog
from acd.runtime.repeat_store import RepeatStore
from acd.runtime.repeats import Repeats
from acd.runtime.router import Router
from acd.runtime.versions import VersionStore

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

    from acd.api.rotation import Read
    from acd.telemetry import Tracing


class LivingDomain:
    """Started once, stopped once."""

    def __init__(self, config: Config, reread: Read | None = None, router: Router | None = None) -> None:
        """Nothing is opened yet. Raises ConfigError. `reread` reads its tokens again.

        `router`: another one than `Router(config)`, not started.
        """
        self.config = config
        self._reread = reread
        self._tracing: Tracing | None = None
        self._around: Middleware | None = None
        self.router = self._router() if router is None else router
        self._stack = AsyncExitStack()
        self._stores: tuple[History, Configurations, Repeats] | None = None
        self._board = _board(config, self.router)
        self._earlier = _earlier(config, self.router)

    @property
    def name(self) -> str:
        """The domain's."""
        return self.config.domain

    async def start(self) -> None:
        """Commands are taken when this returns. Raises `AcdError`; then everything is closed again."""
        config = self.config
        async with AsyncExitStack() as stack:
            if self._tracing is not None:
                stack.push_async_callback(self._tracing.close)
            queue_log = None
            if config.queue_log is not None:
                # It is closed after the router: what that commits at its end is told, too.
                queue_log = QueueLog(config.queue_log, config.domain, self.router)
                stack.push_async_callback(queue_log.close)
            board = self._board
            if board is not None:
                # Likewise: the day as it was at the end is kept.
                stack.push_async_callback(board.close)
            earlier = self._earlier
            if earlier is not None:
                # Likewise.
                stack.push_async_callback(earlier.close)
            await stack.enter_async_context(self.router)
            if earlier is not None:
                await earlier.start()
            if board is not None:
                await board.start()
            if queue_log is not None:
                await queue_log.start()
            if config.snapshots.enabled:
                await _follow(stack, config)
            if config.api is not None:
                self._stores = self._open_stores(stack, config.api)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Finish what waits, stop the channels, close everything. Idempotent."""
        await self._stack.aclose()

    def served(self, api: ApiConfig) -> Domain:
        """What the API needs of it. Where it could not be started, every request will be told that it has stopped."""
        history, configurations, repeats = self._stores or (None, None, None)
        return Domain(
            self.router,
            api,
            history,
            configurations,
            repeats,
            self._reread,
            self._around,
            self._board,
            self._earlier,
        )

    def _router(self) -> Router:
        """With spans if the configuration wants them; what makes them is not even imported otherwise."""
        if self.config.telemetry is None:
            return Router(self.config)
        from acd.telemetry import TracedRouter, open_tracing, tracing_requests  # noqa: PLC0415 - see above

        self._tracing = open_tracing(self.config.telemetry, self.config.domain)
        self._around = tracing_requests(self._tracing)
        return TracedRouter(self.config, self._tracing)

    def _open_stores(self, stack: AsyncExitStack, api: ApiConfig) -> tuple[History, Configurations, Repeats]:
        """The past, the versions of the configuration, and the requests that are remembered."""
        history = History(self.config.journal.path, self.config.snapshots.path)
        stack.callback(history.close)
        store = stack.enter_context(closing(VersionStore(api.versions)))
        configurations = Configurations(Source(self.config.source), store, self.config, self.router)
        stack.callback(configurations.close)
        repeats = Repeats(RepeatStore(api.answers, self.config.journal.path, api.idempotency_us), self.router.now_us)
        stack.push_async_callback(repeats.close)
        return history, configurations, repeats


def _board(config: Config, router: Router) -> Board | None:
    """What supervisors watch, where there is a page for it, or an alarm to be raised."""
    if (config.api is None or config.api.wallboard is None) and not any(queue.alarms.wanted for queue in config.queues):
        return None
    board = Board(config.journal.path, config.domain, router)
    router.on_configured(board.configured)
    return board


def _earlier(config: Config, router: Router) -> Earlier | None:
    """What agents are told of earlier conversations, where they have a desk, and anything is kept."""
    desk = None if config.api is None else config.api.desk
    if desk is None or not desk.keep_us:
        return None
    earlier = Earlier(desk, config.domain, router)
    router.people.with_other(earlier)
    return earlier


async def _follow(stack: AsyncExitStack, config: Config) -> None:
    """Snapshots, from a process of their own."""
    pace = SnapshotPace(config.snapshots.every, config.snapshots.interval_us / 1_000_000, config.snapshots.keep)
    follower = Follower(config.journal.path, config.snapshots.path, pace)
    stack.push_async_callback(follower.stop)
    await follower.start()
