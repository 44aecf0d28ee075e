"""The file of conversations without blocking the event loop: what comes while one commit runs shares the next.

Between two commits the disk has a rest: the journal's are on the same one, for which telephones wait.

Owns the thread, the gathering, and what becomes of conversations when a commit fails. Must not know how they are kept
(`acd.runtime.chat.store`), nor what is said.

Commits are in order. When one fails, so does everything that waits behind it: entries of one conversation build on each
other, so all that is not kept is taken back, and whoever said it is told to say it again. What waits is bounded by the
conversations there are, each once. Whoever is cancelled while it waits cancels nothing: what has been kept is told to
`on_kept`, whether anybody still waits for it or not.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from acd.errors import ChatStoreError
from acd.ports.machine import OpenWorker
from acd.runtime.chat.conversation import Conversation, Head
from acd.runtime.chat.store import ChatStore, Page
from acd.runtime.log import Logger
from acd.runtime.single_thread import SingleThread

REST_SECONDS: Final = 0.01
"""From the end of one commit to the next: nobody who chats notices, and the journal finds the disk free. Not longer:
all that has gathered is told at once, and telephones wait for that (`bench chat`: 0.03 and 0.1 are worse for them)."""

LATER_SECONDS: Final = 1.0
"""Within this time is kept what nobody waits for, unless something else of the same conversation is kept before."""

CLOSE_SECONDS: Final = 5.0
"""How long closing waits for what is still under way."""

_log = Logger(__name__)

_T = TypeVar("_T")

_Batch = dict[int, tuple[Conversation, list["asyncio.Future[None]"]]]


def _nobody(_conversation: Conversation) -> None:
    """Nobody wants to know what has been kept."""


class Keeper:
    """Conversations, kept as soon as the disk can; `open` first."""

    def __init__(
        self,
        path: Path,
        key_path: Path,
        open_worker: OpenWorker = SingleThread,
        on_kept: Callable[[Conversation], None] = _nobody,
    ) -> None:
        """Nothing is opened yet. `on_kept` is told of conversations of which more entries are kept than before."""
        self._paths = path, key_path
        self._thread = open_worker("acd-chat")
        self._on_kept = on_kept
        self._store: ChatStore | None = None
        self._opening: asyncio.Task[None] | None = None
        self._waiting: _Batch = {}
        self._later: dict[int, Conversation] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rested_at = 0.0
        """Not before this, by the loop's clock, does the next commit begin."""
        self._committing: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether conversations can be kept."""
        return self._store is not None and not self._closed

    def sign(self, text: str) -> bytes:
        """A signature that nobody can make who has not the key file. Raises `ChatStoreError` when not open."""
        return self._opened().key.index(text)

    async def open(self) -> None:
        """Open the file, unless it is. Raises `ChatStoreError`.

        When the caller is cancelled, it is opened all the same, and whoever asks next finds it so.
        """
        if self._opening is None and self._store is None:
            self._opening = asyncio.create_task(self._open(), name="opening conversations")
            self._opening.add_done_callback(_looked_at)
        if self._opening is not None:
            await asyncio.shield(self._opening)

    async def keep(self, conversation: Conversation) -> None:
        """All that is new of it is durable on return, and may be shown. Raises `ChatStoreError`: then it is taken back.

        When the caller is cancelled, it is kept all the same.
        """
        await self._promised(conversation)

    def keep_soon(self, conversation: Conversation) -> None:
        """As `keep`, for what nobody waits for: marks. What cannot be kept now is kept with what comes next."""
        if not self.is_open or id(conversation) in self._waiting:
            return
        self._later[id(conversation)] = conversation
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATER_SECONDS, self._keep_later)

    async def load(self, conversation_id: str) -> Conversation | None:
        """As `ChatStore.load`."""
        return await self._run(lambda store: store.load(conversation_id))

    async def living(self) -> list[str]:
        """As `ChatStore.living`."""
        return await self._run(lambda store: store.living())

    async def load_all(self, conversation_ids: Iterable[str]) -> list[Conversation]:
        """As `ChatStore.load_all`."""
        return await self._run(lambda store: store.load_all(conversation_ids))

    async def heads_of(self, visitor: str, limit: int) -> list[Head]:
        """As `ChatStore.heads_of`."""
        return await self._run(lambda store: store.heads_of(visitor, limit))

    async def forget_surplus(self, visitor: str, most: int) -> list[str]:
        """As `ChatStore.forget_surplus`."""
        return await self._run(lambda store: store.forget_surplus(visitor, most))

    async def forget(self, conversation_id: str) -> list[str]:
        """As `ChatStore.forget`."""
        return await self._run(lambda store: store.forget(conversation_id))

    async def forget_before(self, ended_before_us: int, limit: int) -> list[str]:
        """As `ChatStore.forget_before`."""
        return await self._run(lambda store: store.forget_before(ended_before_us, limit))

    async def erase(self, customer: str) -> list[str]:
        """As `ChatStore.erase`."""
        return await self._run(lambda store: store.erase(customer))

    async def forget_erased(self) -> list[str]:
        """As `ChatStore.forget_erased`."""
        return await self._run(lambda store: store.forget_erased())

    async def size(self) -> int:
        """As `ChatStore.size`."""
        return await self._run(lambda store: store.size())

    async def begin_file(self, conversation_id: str, file_id: str) -> bool:
        """As `FileParts.begin`."""
        return await self._run(lambda store: store.files.begin(conversation_id, file_id))

    async def add_part(self, conversation_id: str, file_id: str, number: int, data: bytes) -> bool:
        """As `FileParts.add`."""
        return await self._run(lambda store: store.files.add(conversation_id, file_id, number, data))

    async def read_part(self, conversation_id: str, file_id: str, number: int) -> bytes | None:
        """As `FileParts.read`."""
        return await self._run(lambda store: store.files.read(conversation_id, file_id, number))

    async def drop_loose_files(self, but: Collection[str]) -> bool:
        """As `FileParts.drop_loose`."""
        return await self._run(lambda store: store.files.drop_loose(but))

    async def clean(self) -> None:
        """As `ChatStore.clean`."""
        await self._run(lambda store: store.clean())

    async def close(self) -> None:
        """Keep what waits, and release the file. Idempotent."""
        if self._closed:
            return
        if self.is_open:
            self._keep_later()
        under_way = [task for task in (self._opening, self._committing) if task is not None]
        if under_way:
            await asyncio.wait(under_way, timeout=CLOSE_SECONDS)
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        store, self._store = self._store, None
        if store is not None:
            await self._thread.run(store.close)
        self._thread.close()

    # ---- inside

    async def _open(self) -> None:
        try:
            store = await self._thread.run(lambda: ChatStore(*self._paths))
            if self._closed:
                store.close()
                raise ChatStoreError("the chat store was closed while it was being opened")
            self._store = store
        finally:
            self._opening = None

    def _promised(self, conversation: Conversation) -> "asyncio.Future[None]":
        """Is done when everything that is there of it now has been kept."""
        self._opened()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._later.pop(id(conversation), None)
        self._waiting.setdefault(id(conversation), (conversation, []))[1].append(future)
        self._begin()
        return future

    def _keep_later(self) -> None:
        """What nobody waits for is kept now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for key, conversation in self._later.items():
            self._waiting.setdefault(key, (conversation, []))
        self._later.clear()
        self._begin()

    def _begin(self) -> None:
        if self._committing is None and self._waiting:
            self._committing = asyncio.create_task(self._commit_all(), name="keeping conversations")

    async def _commit_all(self) -> None:
        """Until nothing waits any more."""
        clock = asyncio.get_running_loop().time
        try:
            while self._waiting:
                await asyncio.sleep(max(0.0, self._rested_at - clock()))
                batch, self._waiting = self._waiting, {}
                pages = [_page(conversation) for conversation, _ in batch.values()]
                try:
                    try:
                        gone = await self._run(partial(_write, pages))
                    finally:
                        self._rested_at = clock() + REST_SECONDS
                except Exception as error:  # noqa: BLE001 - whatever it was, nothing of it is kept
                    self._take_back(batch, error)
                    continue
                for (conversation, futures), page in zip(batch.values(), pages, strict=True):
                    _answer(conversation, futures, page, is_gone=page.head.id in gone)
                # Whoever waits goes on before anybody else is told.
                for (conversation, _), page in zip(batch.values(), pages, strict=True):
                    if page.entries and page.head.id not in gone:
                        self._tell(conversation)
        finally:
            self._committing = None

    def _tell(self, conversation: Conversation) -> None:
        try:
            self._on_kept(conversation)
        except Exception as error:  # noqa: BLE001 - the others are to be told all the same
            _log.error("a fault in telling what has been kept", error=type(error).__name__)

    def _take_back(self, batch: _Batch, error: Exception) -> None:
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


def _write(pages: list[Page], store: ChatStore) -> list[str]:
    return store.write(pages)


def _page(conversation: Conversation) -> Page:
    kept = conversation.kept
    return Page(conversation.head, tuple(conversation.entries[kept:]), not conversation.is_stored, kept)


def _answer(conversation: Conversation, futures: list["asyncio.Future[None]"], page: Page, *, is_gone: bool) -> None:
    """What was written is kept, unless the conversation has been forgotten meanwhile."""
    if is_gone:
        conversation.roll_back()
    else:
        conversation.keep(page.before + len(page.entries), page.head)
    for future in futures:
        _settle(future, ChatStoreError("this conversation has been forgotten") if is_gone else None)


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
