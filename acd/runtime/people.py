"""People for the runtime: the personal store in a thread of its own, opened when it is first needed.

Owns that thread, so that a commit of the journal never waits for a person's, and the gathering of those
to be remembered: whoever comes while one commit runs shares the next. Must not know how people are kept.

Two commits at a time make each other slow on one disk. So those who need not be durable at once are committed a moment
later, when the journal is done with the command that they came for. Where the store can tell a reference at once, they
wait for no thread either.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from acd.errors import PersonalStoreError
from acd.ports.channel import Personal
from acd.ports.erasing import Erasing
from acd.ports.machine import OpenWorker
from acd.ports.stores import PersonStore, PromptStore, References
from acd.runtime.config import PersonalConfig
from acd.runtime.log import Logger
from acd.runtime.single_thread import SingleThread

CLOSE_SECONDS: Final = 5.0
"""How long closing may wait for a call that is still under way."""

MAX_TOGETHER: Final = 256
"""People in one commit."""

COMMIT_AFTER_SECONDS: Final = 0.02
"""How long those may stay uncommitted for whom nobody waits."""

LEARN_PAUSE_SECONDS: Final = 0.002
"""Between two steps in which the store gets to know who is in it: callers go first."""

LEARN_AGAIN_SECONDS: Final = 60.0
"""After a step that failed."""

MAX_LEARN_FAILURES: Final = 10
"""Steps that may fail; after that references are told at once only of those whom this process has met."""

MAX_WAITING: Final = 10_000
"""People who may wait to be remembered."""

_log = Logger(__name__)

_Waiting = tuple[Personal, "asyncio.Future[str]", bool]
"""A person, who waits for the reference, and whether until it is durable."""


class People:
    """Remembers, recalls and erases without blocking the event loop."""

    def __init__(
        self,
        config: PersonalConfig,
        store: PersonStore | None,
        open_worker: OpenWorker = SingleThread,
        others: Iterable[object] = (),
    ) -> None:
        """A `store` that is given stays the caller's. `others` may keep something of people, too (`Erasing`)."""
        self._config = config
        self._store = store
        self._given = store is not None
        self._thread = open_worker("acd-personal")
        self._waiting: list[_Waiting] = []
        self._remembering: asyncio.Task[None] | None = None
        self._stir = asyncio.Event()
        """Somebody has come, or it is time to commit."""
        self._trouble = ""
        self._failing = False
        """What was last asked of the store failed: nobody is told a reference that may lead nowhere."""
        self._prompt: PromptStore | None = None
        """The store, once it is open, if it can tell references at once."""
        self._learning: asyncio.Task[None] | None = None
        self._owing = False
        """Somebody was told a reference at once, and no commit has begun since."""
        self._soon: asyncio.TimerHandle | None = None
        """When the commit that is owed begins."""
        self._erasing: set[asyncio.Task[bool]] = set()
        self._closed = False
        self._others = [each for each in others if isinstance(each, Erasing)]

    async def remember(self, person: Personal, *, durable: bool = True) -> str:
        """The reference of a person who is now kept. Raises `PersonalStoreError`.

        Not `durable`: as soon as the reference is known, and the commit follows `COMMIT_AFTER_SECONDS` later; if it
        fails, or the process dies before it, the reference leads nowhere.
        """
        self._check_open()
        if not durable and (known := self._at_once(person)) is not None:
            return known
        if len(self._waiting) >= MAX_WAITING:
            raise PersonalStoreError(f"{MAX_WAITING} people wait to be remembered already; try again shortly")
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((person, future, durable))
        self._stir.set()
        self._see_to_it()
        return await future

    async def recall(self, customer: str) -> Personal | None:
        """The person, or None. Raises `PersonalStoreError`."""
        self._check_open()
        return await self._thread.run(lambda: self._opened().recall(customer))

    def with_other(self, other: Erasing) -> None:
        """This keeps something of people, too."""
        self._others.append(other)

    async def erase(self, customer: str) -> bool:
        """Make the person unreadable for good, and all that others keep of them; False when there was nothing.

        Raises `PersonalStoreError`, or another `AcdError` of one of the others, once all of them have been asked;
        erasing again then tries again.
        """
        self._check_open()
        found = await asyncio.gather(
            self._erase(customer), *(each.erase(customer) for each in self._others), return_exceptions=True
        )
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return any(found)

    async def _erase(self, customer: str) -> bool:
        # Whoever comes from now on must not be told the old reference, even while the thread has something else to do,
        # or nobody waits for it any more.
        erasing = asyncio.create_task(self._thread.run(lambda: self._opened().erase(customer)), name="erasing somebody")
        self._erasing.add(erasing)
        erasing.add_done_callback(self._erasing.discard)
        return await asyncio.shield(erasing)

    async def close(self) -> None:
        """Finish what waits, close the store if it is ours, let go of the thread. What hangs is given up in time."""
        self._closed = True
        self._stir.set()
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.wait((self._learning,), timeout=CLOSE_SECONDS)
        if self._owing:
            self._see_to_it()
        if self._remembering is not None:
            await asyncio.wait((self._remembering,), timeout=CLOSE_SECONDS)
        if self._store is not None and not self._given:
            closing = asyncio.create_task(self._thread.run(self._store.close))
            await asyncio.wait((closing,), timeout=CLOSE_SECONDS)
            closing.cancel()
        self._thread.close()

    def _at_once(self, person: Personal) -> str | None:
        """The reference without waiting for the thread, if the store can tell it; a commit follows."""
        if self._prompt is None or self._failing or self._erasing:
            return None
        try:
            reference = self._prompt.remember_at_once(person)
        except Exception:  # noqa: BLE001 - a fault of the store's own: from now on it is asked as any other
            _log.exception("the personal store failed; it is asked for no reference at once any more")
            self._prompt = None
            return None
        if reference is not None:
            self._owing = True
            self._commit_soon()
        return reference

    def _commit_soon(self) -> None:
        if self._soon is None and self._remembering is None:
            self._soon = asyncio.get_running_loop().call_later(COMMIT_AFTER_SECONDS, self._see_to_it)

    def _see_to_it(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._remembering is None:
            self._remembering = asyncio.create_task(self._remember_all(), name="remembering people")

    async def _remember_all(self) -> None:
        try:
            await self._remember_some()
            while self._waiting or (self._owing and self._closed):
                await self._remember_some()
        finally:
            self._remembering = None
            if self._owing:
                self._commit_soon()

    async def _remember_some(self) -> None:
        """Those who wait, those who come before it is time to commit, and those who were answered at once."""
        begun: list[_Waiting] = []
        known: list[str | PersonalStoreError] = []
        failure: References | PersonalStoreError | None = await self._begin(begun, known)
        if failure is None:
            self._owing = False
            failure = await self._in_store(_commit)
        if isinstance(failure, PersonalStoreError):
            known = [failure] * len(begun)
        else:
            self._well()
        _answer(list(zip(begun, known, strict=True)))

    async def _begin(self, begun: list[_Waiting], known: list[str | PersonalStoreError]) -> PersonalStoreError | None:
        """Fill both lists alike until it is time to commit; returns why nobody of them is kept, if so."""
        if not self._waiting:
            return None
        over = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(COMMIT_AFTER_SECONDS, self._time_is_over, over)
        try:
            while len(begun) < MAX_TOGETHER:
                together, self._waiting = self._waiting[:MAX_TOGETHER], self._waiting[MAX_TOGETHER:]
                if together:
                    begun += together
                    found = await self._in_store(partial(_begin_many, tuple(person for person, _, _ in together)))
                    if isinstance(found, PersonalStoreError):
                        return found
                    known += found
                    _answer([entry for entry in zip(together, found, strict=True) if not entry[0][2]])
                if self._closed or over.is_set() or any(durable for _, _, durable in together):
                    break
                if not self._waiting:
                    self._stir.clear()
                    await self._stir.wait()
        finally:
            timer.cancel()
        return None

    def _time_is_over(self, over: asyncio.Event) -> None:
        over.set()
        self._stir.set()

    async def _in_store(self, what: Callable[[PersonStore], References]) -> References | PersonalStoreError:
        """Call the store in its thread; an error of whatever kind is returned."""
        try:
            results = await self._thread.run(lambda: what(self._opened()))
        except PersonalStoreError as error:
            self._note(error)
            self._failing = True
            return error
        except Exception as error:  # noqa: BLE001 - a fault of the store's own: those who wait are told, and it goes on
            _log.exception("the personal store failed")
            self._failing = True
            return PersonalStoreError(f"the personal store failed ({type(error).__name__}); see the log")
        if self._learning is None and not self._closed and isinstance(self._store, PromptStore):
            self._prompt = self._store
            self._learning = asyncio.create_task(self._learn(self._prompt), name="getting to know people")
        return results

    async def _learn(self, store: PromptStore) -> None:
        """Let the store prepare to tell references at once, a little at a time."""
        for failures in range(1, MAX_LEARN_FAILURES + 1):
            try:
                await self._learn_all(store)
            except Exception as error:  # noqa: BLE001 - a fault of the store's own; callers are served without
                _log.warning("the personal store could not be read", error=type(error).__name__, failures=failures)
                await asyncio.sleep(LEARN_AGAIN_SECONDS)
            else:
                return
        _log.error("references of new people are not told at once any more: the personal store cannot be read")

    async def _learn_all(self, store: PromptStore) -> None:
        whole = False
        while not whole:
            whole = await self._thread.run(store.learn)
            await asyncio.sleep(LEARN_PAUSE_SECONDS)

    def _check_open(self) -> None:
        if self._closed:
            raise PersonalStoreError("the router has stopped, and with it the personal store; start another router")

    def _note(self, error: PersonalStoreError) -> None:
        """Say once that nobody can be remembered, and why: whoever asks is told no more than that it is so."""
        if not self._trouble:
            _log.error("people cannot be remembered; nothing is stored about whoever comes now", reason=str(error))
        self._trouble = str(error)

    def _well(self) -> None:
        self._failing = False
        if self._trouble:
            _log.warning("people can be remembered again", trouble=self._trouble)
            self._trouble = ""

    def _opened(self) -> PersonStore:
        """In the thread: the store."""
        if self._store is None:
            # Encryption is loaded when the first person is to be kept, not by everyone who routes.
            from acd.runtime.personal import PersonalStore  # noqa: PLC0415 - see above

            self._store = PersonalStore(self._config.path, self._config.key_file, self._config.region)
        return self._store


def _begin_many(people: tuple[Personal, ...], store: PersonStore) -> References:
    return store.begin_many(people)


def _commit(store: PersonStore) -> References:
    store.commit()
    return ()


def _answer(entries: list[tuple[_Waiting, str | PersonalStoreError]]) -> None:
    """Tell those who have not been told."""
    for (_, future, _), result in entries:
        if future.done():
            continue
        if isinstance(result, PersonalStoreError):
            future.set_exception(result)
        else:
            future.set_result(result)
