"""From the stream of events into the outbox, for every configured webhook.

Owns the place up to which the outbox has been fed: it is written in the same commit as the messages, so that after a
crash feeding goes on exactly there, from the journal. Must not know HTTP (`sending`), nor when a message goes out.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Protocol

from acd.errors import OutboxError, PastUnavailable, RouterClosed
from acd.ports.stores import LineStanding, OutboxMessage, Sender
from acd.runtime.config import WebhookConfig
from acd.runtime.events import Cursor, EventSource, Told, Wanted
from acd.runtime.log import Logger
from acd.runtime.outbox import MAX_PAYLOAD
from acd.runtime.webhooks.standing import Pinged, Standing, Tried

if TYPE_CHECKING:
    from acd.runtime.webhooks.sending import WebhookSender

KIND: Final = "webhook"
"""The kind of their destinations: `webhook:crm`."""

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
"""Pauses, doubled, while the outbox is full or cannot be written."""

PATIENCE: Final = 5
"""Attempts at reading the journal back, after which what it holds is given up."""

PROGRESS_ROWS: Final = 1_000
"""Rows without an event for anybody after which the place is written all the same."""

_log = Logger(__name__)


class Feedable(Protocol):
    """The part of the outbox that is needed here."""

    async def put_many(self, messages: Sequence[OutboxMessage], position: int) -> None:
        """Take messages, and the row up to which there are no more, in one commit. Raises `OutboxError`."""
        ...

    async def position(self) -> int:
        """The row of the last `put_many`; 0 before the first. Raises `OutboxError`."""
        ...

    async def line(self, destination: str) -> LineStanding:
        """How the messages to one destination stand. Raises `OutboxError`."""
        ...


class Webhooks:
    """All webhooks of one domain. One task feeds; the outbox's pump delivers."""

    def __init__(
        self, hooks: tuple[WebhookConfig, ...], domain: str, events: EventSource, wall_us: Callable[[], int]
    ) -> None:
        """`wall_us`: the wall clock."""
        self._hooks = hooks
        self._events = events
        self._wall_us = wall_us
        self._sender = _sender(hooks, domain, wall_us) if hooks else None
        self._wanted = {
            hook.name: Wanted(frozenset(hook.queues), frozenset(hook.agents), frozenset(hook.kinds)) for hook in hooks
        }
        self._feeding: asyncio.Task[None] | None = None
        self._outbox: Feedable | None = None
        self._fed = Cursor(0)

    @property
    def senders(self) -> dict[str, Sender]:
        """Who delivers them, by kind."""
        return {} if self._sender is None else {KIND: self._sender}

    async def start(self, outbox: Feedable) -> None:
        """Feed from where it ended last; the first time from now on. Raises `OutboxError`."""
        if not self._wanted:
            return
        position = await outbox.position()
        if not position:
            position = self._events.stream.seq
            await outbox.put_many((), position)
        self._outbox, self._fed = outbox, Cursor(position)
        self._feeding = asyncio.create_task(self._feed(outbox, Cursor(position)), name="webhooks")
        self._feeding.add_done_callback(_tell)

    async def standing(self) -> tuple[Standing, ...]:
        """How each of them stands, by name. Raises `OutboxError`, `RouterClosed`."""
        outbox, _ = self._open() if self._hooks else (None, None)
        return tuple([await self._standing(outbox, hook) for hook in self._hooks if outbox is not None])

    async def ping(self, name: str) -> Pinged | None:
        """Post a signed message to this webhook, once and past the outbox; None when there is none of this name.

        It is a CloudEvent of the type `acd.ping`. Raises `RouterClosed`.
        """
        if name not in self._wanted:
            return None
        _, sender = self._open()
        now_us = self._wall_us()
        return await sender.ping(name, self._events.envelopes.notice("ping", now_us, now_us, self._fed, "json"))

    async def stop_feeding(self) -> None:
        """What has not been fed will be, after the next start. Idempotent."""
        self._outbox = None
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.wait((self._feeding,))

    async def close(self) -> None:
        """Release connections, after the last delivery. Idempotent."""
        if self._sender is not None:
            await self._sender.close()

    async def _feed(self, outbox: Feedable, after: Cursor) -> None:
        fed, failures = after.seq, 0
        while True:
            try:
                async with aclosing(self._events.tell(after, patient=True)) as batches:
                    async for batch, cursor in batches:
                        messages = [message for told in batch for message in self._messages(told)]
                        # Of the last row there may be more to come: it is fed again then, under the same keys.
                        position = cursor.seq if cursor == Cursor(cursor.seq) else cursor.seq - 1
                        if messages or position >= fed + PROGRESS_ROWS:
                            await _put(outbox, messages, position)
                            fed = position
                        after = self._fed = cursor
                        failures = 0
            except PastUnavailable as error:
                failures += error.code != "busy"
                if failures <= PATIENCE:
                    await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**failures))
                    continue
                upto, failures = self._events.stream.told_upto, 0
                what = "events are not posted to webhooks: the journal cannot be read back to them"
                _log.error(what, after=str(after), upto=str(upto), reason=str(error))
                after = self._fed = upto
            else:
                return

    def _open(self) -> "tuple[Feedable, WebhookSender]":
        if self._outbox is None or self._sender is None:
            raise RouterClosed("the router has not started, or has stopped")
        return self._outbox, self._sender

    async def _standing(self, outbox: Feedable, hook: WebhookConfig) -> Standing:
        line = await outbox.line(f"{KIND}:{hook.name}")
        tried = self._sender.tried[hook.name] if self._sender is not None else Tried()
        return Standing(hook, self._fed, self._events.stream.count_after(self._fed), line, tried)

    def _messages(self, told: Told) -> list[OutboxMessage]:
        names = [name for name, wanted in self._wanted.items() if wanted.fits(told)]
        if not names:
            return []
        envelopes = self._events.envelopes
        payload = envelopes.encoded(told, "json")
        if len(payload) > MAX_PAYLOAD:
            payload = envelopes.without_data(told)
        return [OutboxMessage(f"{name}:{told.cursor}", f"{KIND}:{name}", payload) for name in names]


def _sender(hooks: tuple[WebhookConfig, ...], domain: str, wall_us: Callable[[], int]) -> "WebhookSender":
    from acd.runtime.webhooks.sending import WebhookSender  # noqa: PLC0415 - an HTTP client, for whoever has webhooks

    return WebhookSender(hooks, domain, wall_us)


async def _put(outbox: Feedable, messages: Sequence[OutboxMessage], position: int) -> None:
    """Until it is done: meanwhile events wait in the journal, not in memory."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            await outbox.put_many(messages, position)
        except OutboxError as error:
            _log.warning("the outbox takes no events for webhooks; trying again", reason=str(error), seconds=pause)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
        else:
            return


def _tell(feeding: "asyncio.Task[None]") -> None:
    """Every error that is known is handled; another one is a fault, and must at least be seen."""
    if not feeding.cancelled() and (error := feeding.exception()) is not None:
        _log.error("webhooks have failed; events wait until the router is started again", exc_info=error)
