"""The pump: takes messages out of the outbox and hands them to senders, again and again until they are through.

Owns the retries. Must not know what a message means, which clock there is, or where chance comes from: clock and
backoff are given. Each destination is a line of its own, in order; one that fails rests alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Final

from acd.errors import DeliveryRefused, OutboxError
from acd.ports.stores import OutboxMessage, Sender
from acd.runtime.log import Logger
from acd.runtime.outbox import Outbox

MAX_LINES: Final = 32
"""Destinations that are sent to at the same time."""

LINE_MESSAGES: Final = 16
"""Messages of one destination taken at once."""

MAX_WAIT_SECONDS: Final = 60.0
"""The longest the pump sleeps when messages wait for a retry."""

_MICROSECONDS: Final = 1_000_000

Backoff = Callable[[int], int]
"""How long (µs) to wait after the n-th failure in a row, n from 1."""

Announce = Callable[[str], Awaitable[None]]
"""Told the key of a message whose fate is known."""

_log = Logger(__name__)


def exponential_backoff(
    chance: Callable[[], float], initial_seconds: float = 1.0, longest_seconds: float = 300.0
) -> Backoff:
    """Doubling from `initial_seconds` up to `longest_seconds`, of which a random half to whole is waited.

    `chance` returns a number from 0 to 1, so that many engines do not all come back at one moment.
    """

    def backoff(failures: int) -> int:
        whole = min(longest_seconds, initial_seconds * 2.0 ** min(failures - 1, 60))
        return int(whole * (0.5 + 0.5 * chance()) * _MICROSECONDS)

    return backoff


class OutboxPump:
    """Delivers what waits in one outbox. All methods belong to one event loop.

    A message is sent, then announced to `on_done`, then marked as delivered: after a crash in between it is sent and
    announced again, under the same key. An `on_done` that raises counts as a failed attempt. `on_dead` hears of dead
    letters. `send_seconds` bounds one delivery.
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: Callable[[], int],
        backoff: Backoff,
        *,
        send_seconds: float = 30.0,
        on_done: Announce | None = None,
        on_dead: Announce | None = None,
    ) -> None:
        """`clock` returns µs, on the scale that the outbox was used with before."""
        self._outbox = outbox
        self._clock = clock
        self._backoff = backoff
        self._send_seconds = send_seconds
        self._on_done = on_done
        self._on_dead = on_dead
        self._senders: dict[str, Sender] = {}
        self._lines: dict[str, asyncio.Task[None]] = {}
        self._orphans: set[str] = set()
        self._trouble = 0
        self._wake = asyncio.Event()
        self._stopping = False

    def register(self, kind: str, sender: Sender) -> None:
        """Who delivers to `kind` and `kind:…`. Messages of a kind without a sender wait for one."""
        self._senders[kind] = sender
        self._orphans.clear()
        self._wake.set()

    def wake(self) -> None:
        """Something was put."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until `stop`. An outbox that cannot be used is tried again after the backoff."""
        while not self._stopping:
            self._wake.clear()
            try:
                await self._begin_lines()
                wait_us = await self._wait_us()
            except OutboxError as error:
                wait_us = self._in_trouble(error)
            await self._until_woken(wait_us)

    async def deliver_due(self) -> None:
        """Deliver everything that is due now, and return when no more is: for tests, and for a last run."""
        while await self._begin_lines() or self._lines:
            if self._lines:
                await asyncio.wait(self._lines.values())

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Take no more; give deliveries under way `grace_seconds`, then abandon them: they are sent again later."""
        self._stopping = True
        self._wake.set()
        if not self._lines:
            return
        _, late = await asyncio.wait(self._lines.values(), timeout=grace_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _begin_lines(self) -> bool:
        """Start a task per destination that has something due; False when none has."""
        room = MAX_LINES - len(self._lines)
        if room <= 0 or self._stopping:
            return False
        skip = {*self._lines, *self._orphans}
        due = await asyncio.to_thread(self._outbox.due, self._clock(), room * LINE_MESSAGES, skip, each=LINE_MESSAGES)
        for destination, messages in groupby(due, key=lambda message: message.destination):
            kind = destination.partition(":")[0]
            if kind in self._senders:
                self._lines[destination] = asyncio.create_task(self._line(destination, list(messages)))
            else:
                self._orphans.add(destination)
                _log.warning("no sender for this kind of destination; its messages wait", kind=kind)
        return bool(due)

    async def _line(self, destination: str, messages: list[OutboxMessage]) -> None:
        """Deliver the messages of one destination in order, up to the first that fails."""
        try:
            for message in messages:
                if self._stopping or not await self._deliver(message):
                    break
            self._trouble = 0
        except OutboxError as error:
            # Sent, perhaps, but not noted. Not again at once: whatever keeps the disk from writing needs time.
            await self._pause(self._in_trouble(error))
        finally:
            del self._lines[destination]
            self._wake.set()

    async def _deliver(self, message: OutboxMessage) -> bool:
        """Send one; False when the line must rest."""
        sender = self._senders[message.destination.partition(":")[0]]
        try:
            async with asyncio.timeout(self._send_seconds):
                await sender(message)
            if self._on_done is not None:
                await self._on_done(message.key)
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
                raise
            # Else something that the sender awaited was cancelled: a failure like any other, that has to wait its turn.
            return await self._failed(message, error)
        await asyncio.to_thread(self._outbox.done, message.key)
        return True

    async def _failed(self, message: OutboxMessage, error: BaseException) -> bool:
        failures = message.attempts + 1
        refused = isinstance(error, DeliveryRefused)
        dead = refused or failures >= self._outbox.max_attempts
        # The text may quote what was sent: it goes to the outbox, never to a log.
        _log.warning(
            "message not delivered",
            key=message.key,
            destination=message.destination,
            error=type(error).__name__,
            dead=dead,
        )
        if dead and self._on_dead is not None:
            try:
                await self._on_dead(message.key)
            except Exception as failure:  # noqa: BLE001 - so is whoever listens
                _log.error("dead letter not announced", key=message.key, error=type(failure).__name__)
        retry_at_us = self._clock() + self._backoff(failures)
        text = f"{type(error).__name__}: {error}"
        return await asyncio.to_thread(self._outbox.failed, message.key, text, retry_at_us, final=dead)

    def _in_trouble(self, error: OutboxError) -> int:
        self._trouble += 1
        wait_us = self._backoff(self._trouble)
        _log.error("outbox not usable", reason=str(error), wait_us=wait_us)
        return wait_us

    async def _wait_us(self) -> int | None:
        """How long until a resting destination may be tried; None when only a wake-up can bring something."""
        if len(self._lines) >= MAX_LINES:
            return None
        retry_us = await asyncio.to_thread(self._outbox.next_retry_us, {*self._lines, *self._orphans})
        return None if retry_us is None else max(0, retry_us - self._clock())

    async def _until_woken(self, wait_us: int | None) -> None:
        timeout = None if wait_us is None else min(MAX_WAIT_SECONDS, wait_us / _MICROSECONDS)
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _pause(self, wait_us: int) -> None:
        await asyncio.sleep(wait_us / _MICROSECONDS)
