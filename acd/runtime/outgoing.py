"""Outward messages under a router's life cycle: the outbox is opened, the pump runs, both end in bounded time.

Owns that order, and that nothing about a message disturbs anybody else. Must not know what messages mean, nor
the writer: putting one is not part of any command.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from acd.errors import OutboxError, RouterClosed
from acd.ports.stores import LineStanding, OutboxMessage, Sender
from acd.runtime.config import OutboxConfig
from acd.runtime.log import Logger
from acd.runtime.outbox import Outbox
from acd.runtime.pump import OutboxPump, exponential_backoff
from acd.runtime.webhooks.feeding import Webhooks

LONGEST_REST_US: Final = 300_000_000
"""The longest pause between two attempts at one destination."""

GRACE_SECONDS: Final = 5.0
"""How long deliveries under way may take when the router stops; they are sent again after a restart."""

_log = Logger(__name__)


class Outgoing:
    """`post` and what becomes of it. Without a configured outbox and without senders there is none."""

    def __init__(
        self,
        config: OutboxConfig,
        senders: Mapping[str, Sender],
        chance: Callable[[], float] = random.random,
        webhooks: Webhooks | None = None,
    ) -> None:
        """`senders` by kind: `sms` delivers to `sms` and `sms:…`. `chance` spreads the retries.

        `webhooks` fill the outbox by themselves; a sender that is given for their kind delivers instead of theirs.
        """
        self._config = config
        self._webhooks = webhooks
        self._senders = {**(webhooks.senders if webhooks else {}), **senders}
        self._chance = chance
        self._wanted = config.enabled or bool(self._senders)
        self._outbox: Outbox | None = None
        self._pump: OutboxPump | None = None
        self._pumping: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self, now_us: Callable[[], int]) -> None:
        """Open the outbox and deliver from now on. Raises `OutboxError`."""
        if not self._wanted:
            return
        opening = asyncio.create_task(asyncio.to_thread(Outbox, self._config.path))
        try:
            # Shielded: what a thread has opened must be closed, also when nobody waits for it any more.
            outbox = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise
        self._outbox = outbox
        await asyncio.to_thread(outbox.bring_forward, now_us() + LONGEST_REST_US)
        backoff = exponential_backoff(self._chance, longest_seconds=LONGEST_REST_US / 1_000_000)
        self._pump = OutboxPump(outbox, now_us, backoff)
        for kind, sender in self._senders.items():
            self._pump.register(kind, sender)
        self._pumping = asyncio.create_task(self._pump.run(), name="outbox pump")
        self._pumping.add_done_callback(_tell)
        if self._webhooks is not None:
            await self._webhooks.start(self)

    async def post(self, key: str, destination: str, payload: bytes) -> bool:
        """Take a message: durable on return; False when the key was taken before. Raises `OutboxError`."""
        outbox, pump = self._open()
        taken = await asyncio.to_thread(outbox.put, key, destination, payload)
        pump.wake()
        return taken

    async def put_many(self, messages: Sequence[OutboxMessage], position: int) -> None:
        """Take messages in one commit with the journal's row up to which there are no more. Raises `OutboxError`."""
        outbox, pump = self._open()
        await asyncio.to_thread(outbox.put_many, messages, position)
        if messages:
            pump.wake()

    async def position(self) -> int:
        """The row of the last `put_many`, 0 before the first. Raises `OutboxError`."""
        outbox, _ = self._open()
        return await asyncio.to_thread(outbox.position)

    async def line(self, destination: str) -> LineStanding:
        """How the messages to one destination stand. Raises `OutboxError`."""
        outbox, _ = self._open()
        return await asyncio.to_thread(outbox.line, destination)

    async def dead(self, limit: int) -> tuple[tuple[OutboxMessage, str], ...]:
        """The newest dead letters, each with its last error; none without an outbox. Raises `OutboxError`."""
        if not self._wanted:
            return ()
        outbox, _ = self._open()
        return await asyncio.to_thread(outbox.dead, limit)

    async def revive(self, key: str) -> bool:
        """Let a dead letter wait again; False when there is none of this key. Raises `OutboxFull`, `OutboxError`."""
        if not self._wanted:
            return False
        outbox, pump = self._open()
        revived = await asyncio.to_thread(outbox.revive, key)
        pump.wake()
        return revived

    async def stop(self, *, at_once: bool = False) -> None:
        """Take no more, let deliveries under way end within `GRACE_SECONDS`, close the outbox. Idempotent."""
        self._closed = True
        if self._webhooks is not None:
            await self._webhooks.stop_feeding()
        grace_seconds = 0.0 if at_once else GRACE_SECONDS
        if self._pump is not None:
            await self._pump.stop(grace_seconds)
        if self._pumping is not None:
            await asyncio.wait((self._pumping,), timeout=grace_seconds)
            self._pumping.cancel()
            await asyncio.wait((self._pumping,))
        if self._outbox is not None:
            outbox, self._outbox = self._outbox, None
            await asyncio.to_thread(outbox.close)
        if self._webhooks is not None:
            await self._webhooks.close()

    def health(self) -> dict[str, int] | None:
        """How many messages wait, and how many are dead; None when there is no outbox."""
        if self._outbox is None:
            return None
        pending, dead = self._outbox.counts()
        return {"pending": pending, "dead": dead}

    def _open(self) -> tuple[Outbox, OutboxPump]:
        if self._closed:
            raise RouterClosed("the router is stopping, or has stopped")
        if not self._wanted:
            raise OutboxError("there is no outbox: add [outbox] to the configuration, or give the Router senders")
        if self._outbox is None or self._pump is None:
            raise RouterClosed("the router has not started; use it with: async with Router(...) as router")
        return self._outbox, self._pump


def _close_late(opening: "asyncio.Task[Outbox]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _tell(pumping: "asyncio.Task[None]") -> None:
    """The pump handles every error that it knows; another one is a fault, and must at least be seen."""
    if not pumping.cancelled() and (error := pumping.exception()) is not None:
        _log.error("the outbox pump has failed; messages wait until the router is started again", exc_info=error)
