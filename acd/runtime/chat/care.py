"""What time does to conversations: who has left, who stands where, what the engine no longer has, what is forgotten.

Owns these bounds. Must not know effects, nor sockets: it is called every second, and does a little each time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from acd.core.messages import EndInteraction
from acd.errors import AcdError, ChannelError
from acd.ports.channel import ChannelHost, InteractionStanding
from acd.runtime.chat.calling import ENDS, is_calling
from acd.runtime.chat.options import ChatOptions
from acd.runtime.chat.reception import Reception
from acd.runtime.chat.rooms import Room, Rooms

PLACES_AT_ONCE: Final = 50
"""Customers whose place in line is looked up in one sweep; the others have their turn in the next ones."""

ASK_AGAIN_US: Final = 30 * 1_000_000
"""After so long the engine is told again that somebody has left."""

AT_ONCE: Final = 200
"""Conversations that are ended together, so that they share commits."""

FORGET_EVERY_US: Final = 10 * 60 * 1_000_000
"""How often is looked at what has been kept long enough."""

FORGOTTEN_AT_ONCE: Final = 20
FORGOTTEN_IN_TURN: Final = 10
"""How many conversations are forgotten in one commit, for which others wait, and how many such commits in a sweep."""

LOOKED_THROUGH: Final = 100
"""Visitors with one more that has ended, of whom is looked in a sweep whether they have too many now."""

LOST: Final = "lost"
"""Why a conversation has ended of which the engine no longer knows why."""


class Care:
    """Of one channel's conversations."""

    def __init__(
        self,
        name: str,
        options: ChatOptions,
        rooms: Rooms,
        reception: Reception,
        host: Callable[[], ChannelHost],
        end: Callable[[Room, str], Awaitable[None]],
    ) -> None:
        """`end` writes down that one has ended, and why. `host` raises `ChannelError` while there is no engine."""
        self._name = name
        self._options = options
        self._rooms = rooms
        self._reception = reception
        self._keeper = reception.keeper
        self._host = host
        self._end = end
        self._turn = 0
        self._forget_at_us = 0
        self._surplus: dict[str, None] = {}
        self._to_clean = False

    def has_ended(self, visitor: str) -> None:
        """A visitor has one more that has ended; there may be too many now."""
        self._surplus[visitor] = None

    async def sweep(self) -> None:
        """Look at all of it once. Raises `ChannelError` and `ChatStoreError`; the next time goes on from there."""
        now_us = self._host().now_us()
        waiting: list[Room] = []
        left: list[tuple[Room, str]] = []
        for room in self._rooms:
            if room.beginning or self._host().wish(room.id) is None:
                continue
            why = self._why(room, now_us)
            if why and now_us - room.asked_us >= ASK_AGAIN_US:
                left.append((room, why))
            elif not why and room.waits and not room.conversation.head.later and self._rooms.is_watched(room.visitor):
                waiting.append(room)
        for first in range(0, len(left), AT_ONCE):
            await _all(self._give_up(room, why, now_us) for room, why in left[first : first + AT_ONCE])
        await self.end_lost()
        self._tell_places(waiting)
        await self._forget(now_us)

    async def erase(self, customer: str) -> bool:
        """Forget a person's conversations, now or when they have ended. Raises `ChatStoreError`."""
        gone = await self._keeper.erase(customer)
        self._gone(gone)
        # Also what an attempt before has not been able to cut from the file.
        await self._keeper.clean()
        return bool(gone) or any(room.conversation.head.customer == customer for room in self._rooms)

    async def end_lost(self) -> None:
        """End those that the engine does not have: all together, because each waits for the same disk."""
        lost = [(room, reason) for room in self._rooms if (reason := self._lost(room))]
        for first in range(0, len(lost), AT_ONCE):
            await _all(self._end(room, reason) for room, reason in lost[first : first + AT_ONCE])

    # ---- inside

    def _why(self, room: Room, now_us: int) -> str:
        """Why the customer is taken to have left; empty as long as they have not."""
        chat = room.conversation
        if chat.talking and chat.is_attended and now_us - chat.heard_us >= self._options.idle_us:
            if not is_calling(self._host(), room):
                return "idle"
            chat.hear(now_us)  # Who talks by voice need not write.
        if chat.head.later:
            return ""  # Whoever has left a message is somewhere else.
        if room.waits and room.gone_us and now_us - room.gone_us >= self._options.away_us:
            return "away"
        return ""

    def _lost(self, room: Room) -> str:
        """Why the engine does not have it any more; empty while it has, or while that is not certain."""
        if room.beginning or self._host().wish(room.id) is not None:
            return ""
        standing = self._host().interaction(room.id)
        if standing is not None and standing.state not in ENDS:
            return ""  # what is told of it is a moment behind
        return _reason(standing)

    async def _give_up(self, room: Room, why: str, now_us: int) -> None:
        """Tell the engine, once in a while: its order follows, or it has refused for a reason of its own."""
        before, room.why, room.asked_us = room.why, why, now_us
        try:
            outcome = await self._host().submit(
                EndInteraction(self._host().new_id(), room.id, by="customer", reason=why)
            )
        except AcdError as error:
            room.why, room.asked_us = before, 0
            raise ChannelError(f"{self._name}: {type(error).__name__}") from error
        if outcome.refusal is not None:
            room.why = before

    def _tell_places(self, waiting: list[Room]) -> None:
        """Look up some places in line, in turn, and tell those that are others."""
        if not waiting:
            return
        first = self._turn % len(waiting)
        chosen = (waiting[first:] + waiting[:first])[:PLACES_AT_ONCE]
        self._turn = first + len(chosen)
        for room in chosen:
            place = self._host().place(room.id)
            if place != room.place:
                room.place = place
                self._rooms.tell(room, "place")

    async def _forget(self, now_us: int) -> None:
        """What is over for long enough, what is too much of one visitor's, what came to nothing; a little at a time."""
        await self._reception.beginnings.tidy()
        await self._reception.files.tidy()
        if self._surplus or not self._forget_at_us:
            self._gone(await self._keeper.forget_erased())
        for _ in range(min(len(self._surplus), LOOKED_THROUGH)):
            visitor = next(iter(self._surplus))
            self._gone(await self._keeper.forget_surplus(visitor, self._options.per_visitor))
            del self._surplus[visitor]
        if now_us >= self._forget_at_us:
            for _ in range(FORGOTTEN_IN_TURN):
                gone = await self._keeper.forget_before(now_us - self._options.keep_us, FORGOTTEN_AT_ONCE)
                self._gone(gone)
                if len(gone) < FORGOTTEN_AT_ONCE:
                    self._forget_at_us = now_us + FORGET_EVERY_US
                    break
        if self._to_clean:
            await self._keeper.clean()
            self._to_clean = False

    def _gone(self, conversation_ids: list[str]) -> None:
        self._rooms.forget(conversation_ids)
        if conversation_ids:
            self._reception.files.let_go()
        self._to_clean = self._to_clean or bool(conversation_ids)


async def _all(doing: Iterable[Awaitable[None]]) -> None:
    """Do all of it, whatever becomes of one. Raises the first error."""
    for result in await asyncio.gather(*doing, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _reason(standing: InteractionStanding | None) -> str:
    """What the customer is told: how it ended, and of a queue's own reasons which; never an agent's words."""
    if standing is None:
        return LOST
    return standing.reason or standing.state if standing.state == "overflowed" else standing.state
