"""What the runtime keeps of calls that are over: nothing but a few histories of a fixed length, soon full.

A list that grows with every call, and that nobody has thought about, is found here after a thousand of them.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from acd.core import limits
from acd.core.messages import (
    AcceptOffer,
    ConnectInteraction,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    OfferInteraction,
    SignInAgent,
)
from acd.ports.channel import ChannelHost, Desired, Personal
from acd.runtime import ended
from acd.runtime.acquaintances import MAX_KNOWN, STOCK
from acd.runtime.config import loads
from acd.runtime.events import ring, stream
from acd.runtime.keyfile import create_key
from acd.runtime.places import ARRIVALS
from acd.runtime.queue_log import QueueLog
from acd.runtime.router import Router
from acd.runtime.view import DECISIONS_KEPT
from acd.testing import ManualClock
from tests.kept import kept

E = TypeVar("E", bound=Effect)

AGENTS = 6
FIRST, MORE = 200, 600
WARM_UP_SECONDS = 300
CALLS_PER_SECOND = 20

HISTORIES: Mapping[str, int] = {
    "Acquaintances._index_of": MAX_KNOWN,
    "Acquaintances._known": MAX_KNOWN,
    "Acquaintances._stock": STOCK,
    "Ring._blocks": (stream.KEPT + stream.TRIMMED) // ring.BLOCK + 1,
    "Ring._newest": ring.UNPACKED + ring.BLOCK,
    "_Came.latest": ARRIVALS,
    "View.decisions": DECISIONS_KEPT,
    "EndedRecords._newest": ended.UNPACKED,
    "EndedRecords._packed": ended.KEPT,
    "Window._names": limits.OUTCOME_WINDOW + 2 * limits.ENDED_WINDOW,
    "Window._values": limits.OUTCOME_WINDOW + 2 * limits.ENDED_WINDOW,
}
"""How long each can be. A new one has to be full within the warm-up at twenty calls a second, or to take its room at
once: an engine that grows for an hour looks like one that grows for ever."""


class Answering:
    """A channel on which every offer is accepted, and every talk ended at once, when the test gets to it."""

    def __init__(self) -> None:
        self.name = "pbx1"
        self.told: asyncio.Queue[Effect] = asyncio.Queue()

    async def start(self, host: ChannelHost) -> None:
        self.host = host

    async def perform(self, effect: Effect) -> None:
        self.told.put_nowait(effect)

    async def next(self, kind: type[E]) -> E:
        """The next effect of a kind; those before are of no interest."""
        while not isinstance(effect := await self.told.get(), kind):
            pass
        return effect

    async def reconcile(self, desired: tuple[Desired, ...]) -> None: ...

    async def stop(self) -> None: ...

    def health(self) -> Mapping[str, str | int | bool]:
        return {"connected": True}


async def test_nothing_grows_with_calls_but_what_is_named_here(tmp_path: Path) -> None:
    lines = ["[snapshots]", "enabled = false", "[queue_log]", 'path = "queue_log"', "[queues.sales]", "[queues.help]"]
    for number in range(AGENTS):
        lines += [f"[agents.a{number}]", f'addresses.voice = "PJSIP/a{number}"']
    create_key(tmp_path / "acd-personal.key")
    config = loads("\n".join(lines), base=tmp_path)
    channel, clock = Answering(), ManualClock()
    router = Router(config, channels=[channel], clock=clock)
    assert config.queue_log is not None
    queue_log = QueueLog(config.queue_log, config.domain, router)
    async with router:
        await queue_log.start()
        for number in range(AGENTS):
            await router.submit(SignInAgent(router.new_id(), f"a{number}", ready=True))
        await _play(router, channel, clock, range(FIRST))
        before = kept(router) + kept(queue_log)
        await _play(router, channel, clock, range(FIRST, FIRST + MORE))
        grown = kept(router) + kept(queue_log)
        grown.subtract(before)
    await queue_log.close()
    with_calls = {place: count for place, count in grown.items() if count >= MORE / 4}
    assert with_calls.keys() <= HISTORIES.keys()
    for place, count in with_calls.items():
        full_after = HISTORIES[place] / (count / MORE) / CALLS_PER_SECOND
        assert full_after <= WARM_UP_SECONDS, (place, full_after)


async def _play(router: Router, channel: Answering, clock: ManualClock, numbers: range) -> None:
    """Calls from their beginning to their end, each from somebody new."""
    for number in numbers:
        who = await channel.host.remember(Personal(number=f"+4930{number:07}", name=""), durable=False)
        queue, interaction_id = ("sales", "help")[number % 2], f"pbx1-{number}"
        await router.submit(
            EnqueueInteraction(router.new_id(), interaction_id, "voice", queue, customer=who, instance="pbx1")
        )
        offer = await channel.next(OfferInteraction)
        await router.submit(AcceptOffer(router.new_id(), offer.offer_id, offer.agent_id))
        await channel.next(ConnectInteraction)
        clock.advance(1_000_000 // CALLS_PER_SECOND)
        await router.submit(EndInteraction(router.new_id(), interaction_id, by="agent", reason="agent-hung-up"))
    assert not router.view.interactions
