"""The file of conversations without blocking the event loop: what comes while one commit runs shares the next.

Owns the thread, the gathering, and what becomes of conversations when a commit fails. Must not know how they are kept
(`acd.runtime.chat.store`), nor what is said.

Commits are in order. When one fails, so does everything that waits behind it: entries of one conversation build on each
other, so all that is not kept is taken back, and whoever said it is told to say it again. What waits is bounded by the
conversations there are, each once.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from acd.errors import ChatStoreError
from acd.ports.machine import OpenWorker
from acd.runtime.chat.conversation import Conversation, Head
from acd.runtime.chat.store import ChatStore, Page
from acd.runtime.single_thread import SingleThread

CLOSE_SECONDS: Final = 5.0
"""How long closing waits for what is still under way."""

_T = TypeVar("_T")


class Keeper:
    """Conversations, kept as soon as the disk can; `open` first."""

    def __init__(self, path: Path, key_path: Path, open_worker: OpenWorker = SingleThread) -> None:
        """Nothing is opened yet."""
        self._paths = path, key_path
        self._thread = open_worker("acd-chat")
        self._store: ChatStore | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[str, tuple[Conversation, list[asyncio.Future[None]]]] = {}
        self._committing: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether conversations can be kept."""
        return self._store is not None and not self._closed

    def sign(self, text: str) -> bytes:
        """A signature that nobody can make who has not the key file. Raises `ChatStoreError` when not open."""
        return self._opened().key.index(text)

    async def open(self) -> bool:
        """Open the file; False when that was done before. Raises `ChatStoreError`."""
        async with self._opening:
            if self._store is not None:
                return False
            self._store = await self._thread.run(lambda: ChatStore(*self._paths))
            return True

    async def keep(self, conversation: Conversation) -> None:
        """All that is new of it is durable on return, and may be shown. Raises `ChatStoreError`: then it is taken back.

        When the caller is cancelled, it is kept all the same.
        """
        await self._promised(conversation)

    def keep_soon(self, conversation: Conversation) -> None:
        """As `keep`, for what nobody waits for: marks. What cannot be kept now is kept with what comes next."""
        if self.is_open:
            self._promised(conversation).add_done_callback(_looked_at)

    async def load(self, conversation_id: str) -> Conversation | None:
        """As `ChatStore.load`."""
        return await self._run(lambda store: store.load(conversation_id))

    async def living(self) -> list[Conversation]:
        """As `ChatStore.living`."""
        return await self._run(lambda store: store.living())

    async def heads_of(self, visitor: str, limit: int) -> list[Head]:
        """As `ChatStore.heads_of`."""
        return await self._run(lambda store: store.heads_of(visitor, limit))

    async def forget_surplus(self, visitor: str, most: int) -> int:
        """As `ChatStore.forget_surplus`."""
        return await self._run(lambda store: store.forget_surplus(visitor, most))

    async def forget(self, conversation_id: str) -> bool:
        """As `ChatStore.forget`."""
        return await self._run(lambda store: store.forget(conversation_id))

    async def forget_before(self, ended_before_us: int, limit: int) -> int:
        """As `ChatStore.forget_before`."""
        return await self._run(lambda store: store.forget_before(ended_before_us, limit))

    async def close(self) -> None:
        """Keep what waits, and release the file. Idempotent."""
        if self._closed:
            return
        if self._committing is not None:
            await asyncio.wait((self._committing,), timeout=CLOSE_SECONDS)
        self._closed = True
        store, self._store = self._store, None
        if store is not None:
            await self._thread.run(store.close)
        self._thread.close()

    # ---- inside

    def _promised(self, conversation: Conversation) -> "asyncio.Future[None]":
        """Is done when everything that is there of it now has been kept."""
        self._opened()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(conversation.id, (conversation, []))[1].append(future)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all(), name="keeping conversations")
        return future

    async def _commit_all(self) -> None:
        """Until nothing waits any more."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                pages = [_page(conversation) for conversation, _ in batch.values()]
                upto = [len(conversation.entries) for conversation, _ in batch.values()]
                try:
                    await self._run(partial(_write, pages))
                except Exception as error:  # noqa: BLE001 - whatever it was, nothing of it is kept
                    self._take_back(batch, error)
                    continue
                for (conversation, futures), seq in zip(batch.values(), upto, strict=True):
                    conversation.keep(seq)
                    for future in futures:
                        _settle(future, None)
        finally:
            self._committing = None

    def _take_back(self, batch: dict[str, tuple[Conversation, list["asyncio.Future[None]"]]], error: Exception) -> None:
        """Nothing of these is kept, nor of what has come since."""
        reason = error if isinstance(error, ChatStoreError) else ChatStoreError(f"a fault: {type(error).__name__}")
        behind, self._waiting = self._waiting, {}
        for conversation, futures in (*batch.values(), *behind.values()):
            conversation.roll_back()
            for future in futures:
                _settle(future, reason)

    async def _run(self, function: Callable[[ChatStore], _T]) -> _T:
        store = self._opened()
        return await self._thread.run(lambda: function(store))

    def _opened(self) -> ChatStore:
        if self._store is None or self._closed:
            raise ChatStoreError("the chat store is not open; see the log for what is in the way")
        return self._store


def _write(pages: list[Page], store: ChatStore) -> None:
    store.write(pages)


def _page(conversation: Conversation) -> Page:
    return Page(conversation.head, tuple(conversation.entries[conversation.kept :]))


def _settle(future: "asyncio.Future[None]", error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _looked_at(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
