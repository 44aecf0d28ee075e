"""What callers hear of a queue, in which language, and the saying of it.

Owns the choice of sounds for one caller. Must not know when anything is said (`announcer`, `exits`).
"""

import asyncio

import structlog

from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.options.sounds import Sounds
from acd_asterisk.options.waiting import Waiting
from acd_asterisk.orders import Orders
from acd_asterisk.prompts import LONGEST_SECONDS

_log = structlog.get_logger(__name__)


class Voice:
    """Of one channel instance."""

    def __init__(self, desk: Desk, orders: Orders) -> None:
        """Silent."""
        self._desk = desk
        self._orders = orders
        self.prompts = orders.prompts
        self._turns: dict[str, object] = {}
        """What each caller is told at the moment, by interaction."""

    def waiting(self, call: Call) -> Waiting:
        """What is configured for the queue in which the caller waits, or has waited."""
        standing = self._desk.host.interaction(call.interaction_id)
        return self._desk.options.waiting_in("" if standing is None else standing.queue)

    def sounds(self, call: Call) -> Sounds:
        """The sounds in the caller's language."""
        return self._desk.options.sounds_for(self.language(call))

    def language(self, call: Call) -> str:
        """In which the caller is spoken to; empty: that of their channel."""
        return call.language or self.waiting(call).language

    def named(self, call: Call, name: str) -> tuple[str, ...]:
        """What is configured to be said under a name; empty when nothing is."""
        return self.sounds(call).announcements.get(name, ())

    async def say(self, call: Call, media: tuple[str, ...], *, longest_seconds: float = LONGEST_SECONDS) -> None:
        """Say it, wait for the end, and let whoever still waits hear music again.

        A PBX that does not answer is no reason to do anything else. Over AMI nothing can be said: the music goes on.
        """
        if not media or self._desk.options.control == "ami":
            return
        turn = self._turns[call.interaction_id] = object()
        try:
            await self._play(call, media, longest_seconds)
        except AriUnavailable as error:
            name, reason = self._desk.name, str(error)
            _log.warning("a caller was not told something", instance=name, reason=reason, **call.keys)
        finally:
            is_last = self._turns.get(call.interaction_id) is turn
            if is_last:
                del self._turns[call.interaction_id]
        async with call.moving:
            if is_last and call.is_waiting:
                await self.prompts.let_out(call.channel_id)
        if is_last and call.is_waiting:
            self._orders.park(call)

    async def _play(self, call: Call, media: tuple[str, ...], longest_seconds: float) -> None:
        if call.parking is not None:
            await asyncio.wait((call.parking,))
        async with call.moving:
            if call.is_talking or call.lost:
                return  # Whoever is on the way to an agent must not be taken away again.
            call.hold = ""
            playing = await self.prompts.begin(call.channel_id, media, language=self.language(call))
        await self.prompts.end_of(playing, longest_seconds=longest_seconds)
