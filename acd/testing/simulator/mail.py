"""Outward messages: what is posted, what arrives, and whether that is all of it and in order.

Owns both ends' accounts. Must not know the outbox. A message is posted under one key until that is confirmed; the
receiver counts, and says no, or nothing, when told to.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from acd.errors import AcdError
from acd.ports.stores import OutboxMessage
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.process import Process, ProcessDied
from acd.testing.simulator.referee import Referee

SECOND: Final = 1_000_000

Post = Callable[[str, str, bytes], Awaitable[bool]]

DESTINATIONS: Final = ("webhook:crm", "webhook:billing")


class Mail:
    """`write` posts one message; `receiver` is the sender that a router is given."""

    def __init__(self, loop: SimulatedLoop, referee: Referee) -> None:
        self.posted: dict[str, list[str]] = {destination: [] for destination in DESTINATIONS}
        self.received: dict[str, list[str]] = {destination: [] for destination in DESTINATIONS}
        self.deliveries = 0
        self._loop = loop
        self._referee = referee
        self._unconfirmed: tuple[str, str] | None = None
        self._count = 0

    async def write(self, post: Post) -> None:
        """Post the next message, or the last one again if nobody has confirmed it."""
        if self._unconfirmed is None:
            self._count += 1
            self._unconfirmed = (f"note-{self._count}", DESTINATIONS[self._count % len(DESTINATIONS)])
        key, destination = self._unconfirmed
        try:
            await post(key, destination, key.encode())
        except (AcdError, ProcessDied):
            return
        self.posted[destination].append(key)
        self._unconfirmed = None

    def receiver(self, process: Process) -> Callable[[OutboxMessage], Awaitable[None]]:
        """Delivers for one life."""

        async def deliver(message: OutboxMessage) -> None:
            process.point("before-delivery")
            faults = process.faults
            fails = faults.strikes("delivery-failed")
            if fails and faults.dice("delivery-failed").random() < 0.5:  # noqa: PLR2004 - a half is not even received
                raise ConnectionError("simulated: nobody answers")
            self._receive(message)
            process.point("after-delivery")
            if fails:
                raise ConnectionError("simulated: the answer was lost")

        return deliver

    @property
    def pending(self) -> int:
        """Confirmed messages that have not arrived."""
        return sum(len(set(keys) - set(self.received[where])) for where, keys in self.posted.items())

    def _receive(self, message: OutboxMessage) -> None:
        self.deliveries += 1
        seen = self.received[message.destination]
        if message.key in seen:
            return
        seen.append(message.key)
        numbers = [int(key.rpartition("-")[2]) for key in seen[-2:]]
        self._referee.require(numbers == sorted(numbers), f"{message.destination} received {seen[-2:]} in this order")
