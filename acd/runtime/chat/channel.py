"""The channel of type `webchat`: what the engine decides about customers who write from a web page.

Owns the engine's side: effects, comparisons, and what time does to conversations. Must not know sockets, nor the form
of messages. What customers and agents do themselves is `acd.runtime.chat.reception`'s.

The world of this channel is its own file: who is there, and who talks, is what the entries say. So a comparison after a
restart finds what was there before, and only an offer that rings has to be told anew.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, assert_never

from acd.core.messages import (
    AnnounceInteraction,
    Command,
    ConnectInteraction,
    DisconnectAgent,
    Effect,
    EndInteraction,
    FailCallback,
    JoinAgent,
    OfferInteraction,
    OpenConsult,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
    RevokeOffer,
)
from acd.errors import AcdError, ChannelError, ChatStoreError
from acd.ports.channel import Channel, ChannelHost, Desired
from acd.runtime.chat.conversation import Entry
from acd.runtime.chat.keeping import Keeper
from acd.runtime.chat.options import ChatOptions, read_options
from acd.runtime.chat.reception import Reception
from acd.runtime.chat.rooms import Room, Rooms
from acd.runtime.log import Logger

SWEEP_SECONDS: Final = 1.0
"""How often is looked at who has been silent or away for too long, and who stands where."""

PLACES_AT_ONCE: Final = 50
"""Customers whose place in line is looked up in one sweep; the others have their turn in the next ones."""

FORGET_EVERY_US: Final = 10 * 60 * 1_000_000
FORGOTTEN_AT_ONCE: Final = 500
"""How often, and how many at a time, conversations are forgotten that have been kept long enough."""

_log = Logger(__name__)


class WebChatChannel:
    """`acd.ports.channel.Channel` over conversations in a file."""

    def __init__(self, name: str, options: ChatOptions) -> None:
        """Nothing is opened yet."""
        self.name = name
        self.media = options.media
        self.options = options
        self.rooms = Rooms()
        self._keeper = Keeper(options.path, options.key)
        self._host: ChannelHost | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._forget_at_us = 0
        self._turn = 0
        self.reception = Reception(name, options, self.rooms, self._keeper, lambda: self.host)

    # ---- acd.ports.channel.Channel

    async def start(self, host: ChannelHost) -> None:
        """Open the file. A file that cannot be opened is tried again with every comparison."""
        self._host = host
        try:
            await self._open()
        except ChatStoreError as error:
            _log.error("conversations cannot be kept", instance=self.name, reason=str(error))
        self._wait_for_sweep()

    async def perform(self, effect: Effect) -> None:
        """Carry out one effect."""
        if not self._keeper.is_open:
            raise ChannelError(f"{self.name}: the chat store is not open; see the log for what is in the way")
        match effect:
            case ReachCustomer():
                await self._cannot_call(effect.interaction_id, effect.attempt)
            case OpenConsult():
                pass  # Agents who ask each other have no need of the customer's page.
            case ReleaseInteraction() | RevokeOffer() | DisconnectAgent() | AnnounceInteraction():
                room = self.rooms.get(effect.interaction_id)
                if room is not None:
                    await self._apply(room, effect)
            case ParkInteraction() | OfferInteraction() | ConnectInteraction() | JoinAgent():
                await self._apply_to_living(effect)
            case _:
                assert_never(effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Compare what the entries say with what is desired, and heal every difference."""
        try:
            await self._open()
        except ChatStoreError as error:
            raise ChannelError(f"{self.name}: {error}") from error
        for room in self.rooms:
            if not room.beginning and self.host.wish(room.id) is None:
                standing = self.host.interaction(room.id)
                reason = standing.reason if standing is not None else ""
                await self._end(room, reason or "lost")
        for each in desired:
            if not each.parent:
                await self._heal(each)

    async def stop(self) -> None:
        """Conversations stay in the file as they are."""
        self._host = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait((self._sweeping,))
        self.rooms.stop()
        await self._keeper.close()

    def health(self) -> Mapping[str, str | int | bool]:
        """`connected`: conversations can be kept. `conversations` that have not ended, `pages` that are connected."""
        return {"connected": self._keeper.is_open, "conversations": len(self.rooms), "pages": self.rooms.pages}

    # ---- for whoever serves it

    @property
    def host(self) -> ChannelHost:
        """The engine's side. Raises `ChannelError` before the start and after the stop."""
        if self._host is None:
            raise ChannelError(f"{self.name}: the engine is starting, or is stopping")
        return self._host

    def now_us(self) -> int:
        """The engine's time. Raises `ChannelError` likewise."""
        return self.host.now_us()

    async def sweep(self) -> None:
        """What time does to conversations: who is silent or away for too long has left; places in line are told."""
        now_us = self.host.now_us()
        waiting: list[Room] = []
        for room in self.rooms:
            chat = room.conversation
            if room.beginning:
                continue
            if chat.talking and now_us - chat.heard_us >= self.options.idle_us:
                await self._give_up(room, "idle")
            elif room.waits and room.gone_us and now_us - room.gone_us >= self.options.away_us:
                await self._give_up(room, "away")
            elif room.waits and self.rooms.is_watched(room.visitor):
                waiting.append(room)
        self._tell_places(waiting)
        if now_us >= self._forget_at_us:
            self._forget_at_us = now_us + FORGET_EVERY_US
            await self._keeper.forget_before(now_us - self.options.keep_us, FORGOTTEN_AT_ONCE)

    # ---- effects

    async def _apply_to_living(
        self, effect: ParkInteraction | OfferInteraction | ConnectInteraction | JoinAgent
    ) -> None:
        """Effects that need a customer."""
        room = self.rooms.get(effect.interaction_id)
        if room is not None and not room.conversation.is_over:
            await self._apply(room, effect)
            return
        wish = self.host.wish(effect.interaction_id)
        if room is None and not (wish is not None and wish.parent):
            raise ChannelError(f"{self.name}: there is no conversation {effect.interaction_id}")

    async def _apply(
        self,
        room: Room,
        effect: ParkInteraction
        | OfferInteraction
        | ConnectInteraction
        | JoinAgent
        | ReleaseInteraction
        | RevokeOffer
        | DisconnectAgent
        | AnnounceInteraction,
    ) -> None:
        chat, now_us = room.conversation, self.host.now_us()
        match effect:
            case ParkInteraction():
                chat.ringing.clear()
                await self._keep(room, *[chat.leave(offer_id, now_us) for offer_id in tuple(chat.talking)])
            case OfferInteraction():
                if effect.offer_id not in chat.talking:
                    chat.ringing[effect.offer_id] = effect.agent_id
            case RevokeOffer():
                chat.ringing.pop(effect.offer_id, None)
            case ConnectInteraction() | JoinAgent():
                await self._keep(room, chat.join(effect.offer_id, effect.agent_id, now_us))
            case DisconnectAgent():
                await self._keep(room, chat.leave(effect.offer_id, now_us))
            case AnnounceInteraction():
                await self._keep(room, chat.announce(effect.name, now_us))
            case ReleaseInteraction():
                await self._end(room, effect.reason)
            case _:
                assert_never(effect)

    async def _end(self, room: Room, reason: str) -> None:
        ended = room.conversation.end(room.why or reason, self.host.now_us())
        await self._keep(room, ended)
        if ended is not None:
            self.rooms.ended(room)
            await self._keeper.forget_surplus(room.visitor, self.options.per_visitor)

    async def _keep(self, room: Room, *entries: Entry | None) -> None:
        """Keep what is new, and tell whoever looks at it."""
        if not any(entries):
            return
        try:
            await self._keeper.keep(room.conversation)
        except ChatStoreError as error:
            raise ChannelError(f"{self.name}: {error}") from error
        self.rooms.tell(room, "entries")

    # ---- comparing

    async def _open(self) -> None:
        """The file, and those who were there when it was closed."""
        if not await self._keeper.open():
            return
        now_us = self.host.now_us()
        for conversation in await self._keeper.living():
            if self.rooms.get(conversation.id) is None:
                room = Room(conversation)
                # Whoever was there comes back within the same time as somebody who has lost the network.
                room.gone_us = now_us
                self.rooms.add(room)

    async def _heal(self, each: Desired) -> None:
        if each.state == "reaching":
            standing = self.host.interaction(each.interaction_id)
            await self._cannot_call(each.interaction_id, 1 if standing is None else standing.attempts + 1)
            return
        room = self.rooms.get(each.interaction_id)
        if room is None or room.conversation.is_over:
            reason = "lost by the channel"
            await self._submit(EndInteraction(self.host.new_id(), each.interaction_id, by="system", reason=reason))
            return
        chat, now_us = room.conversation, self.host.now_us()
        offers = each.offers() if each.state == "connected" else {}
        left = [chat.leave(offer_id, now_us) for offer_id in tuple(chat.talking) if offer_id not in offers]
        joined = [chat.join(offer_id, agent_id, now_us) for offer_id, agent_id in offers.items()]
        chat.ringing.clear()
        chat.ringing.update(each.ringing())
        await self._keep(room, *left, *joined)

    async def _cannot_call(self, interaction_id: str, attempt: int) -> None:
        """Nobody can be called on a web page, which is no attempt."""
        command = FailCallback(self.host.new_id(), interaction_id, "not-a-telephone", attempt, called=False)
        await self._submit(command)

    async def _give_up(self, room: Room, why: str) -> None:
        room.why = why
        await self._submit(EndInteraction(self.host.new_id(), room.id, by="customer", reason=why))

    async def _submit(self, command: Command) -> None:
        try:
            await self.host.submit(command)
        except ChannelError:
            raise
        except AcdError as error:
            # Nothing of it is lost: the next comparison, or the next sweep, finds the same.
            raise ChannelError(f"{self.name}: {type(error).__name__}") from error

    # ---- time

    def _wait_for_sweep(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._begin_sweep)

    def _begin_sweep(self) -> None:
        self._timer = None
        self._sweeping = asyncio.create_task(self._sweep(), name=f"looking after {self.name}")

    async def _sweep(self) -> None:
        try:
            if self._keeper.is_open:
                await self.sweep()
        except AcdError as error:
            _log.warning("conversations could not be looked after", instance=self.name, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the next sweep is to come all the same
            _log.error("a fault in looking after conversations", instance=self.name, error=type(error).__name__)
        finally:
            if self._host is not None:
                self._wait_for_sweep()

    def _tell_places(self, waiting: list[Room]) -> None:
        """Look up some places in line, in turn, and tell those that are others."""
        if not waiting:
            return
        first = self._turn % len(waiting)
        chosen = (waiting[first:] + waiting[:first])[:PLACES_AT_ONCE]
        self._turn = first + len(chosen)
        for room in chosen:
            place = self.host.place(room.id)
            if place != room.place:
                room.place = place
                self.rooms.tell(room, "place")


def open_channel(name: str, options: Mapping[str, object]) -> Channel:
    """The entry point: construct, open nothing. Raises `ConfigError` with every problem."""
    return WebChatChannel(name, read_options(name, options))
