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
    NoteReached,
    OfferInteraction,
    OpenConsult,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
    RevokeOffer,
)
from acd.errors import AcdError, ChannelError, ChatStoreError
from acd.ports.channel import Channel, ChannelHost, Desired
from acd.runtime.chat.calling import ENDS, why_over
from acd.runtime.chat.care import Care
from acd.runtime.chat.conversation import Conversation
from acd.runtime.chat.keeping import Keeper
from acd.runtime.chat.options import ChatOptions, read_options
from acd.runtime.chat.reception import Reception
from acd.runtime.chat.rooms import Room, Rooms
from acd.runtime.log import Logger

SWEEP_SECONDS: Final = 1.0
"""How often is looked at what time does to conversations (`acd.runtime.chat.care`)."""

LOADED_AT_ONCE: Final = 50
"""Conversations that are read from the file in one go."""

_log = Logger(__name__)


class WebChatChannel:
    """`acd.ports.channel.Channel` over conversations in a file."""

    def __init__(self, name: str, options: ChatOptions) -> None:
        """Nothing is opened yet."""
        self.name = name
        self.media = options.media
        self.options = options
        self.rooms = Rooms()
        self._keeper = Keeper(options.path, options.key, on_kept=self._kept)
        self._host: ChannelHost | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self.reception = Reception(name, options, self.rooms, self._keeper, lambda: self.host)
        self._care = Care(name, options, self.rooms, self.reception, lambda: self.host, self._end)

    # ---- acd.ports.channel.Channel

    async def start(self, host: ChannelHost) -> None:
        """Open the file. A file that cannot be opened is tried again with every comparison."""
        self._host = host
        try:
            await self._open()
        except ChatStoreError as error:
            _log.error("conversations cannot be kept", instance=self.name, reason=str(error))
        if self._timer is None and self._sweeping is None:
            self._wait_for_sweep()

    async def perform(self, effect: Effect) -> None:
        """Carry out one effect."""
        if not self.rooms.are_loaded:
            raise ChannelError(f"{self.name}: the conversations have not been read; see the log for what is in the way")
        match effect:
            case ReachCustomer():
                await self._reach(effect.interaction_id, effect.attempt)
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
        await self._care.end_lost()
        for room in self.rooms:
            if self._is_put_off(room):
                await self._leave_aside(room)
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
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait((self._loading,))
        self.rooms.stop()
        await self.reception.beginnings.stop()
        self.rooms.are_loaded = False
        await self._keeper.close()

    def health(self) -> Mapping[str, str | int | bool]:
        """`connected`: conversations can be kept. `conversations` that have not ended, `pages` that are connected."""
        return {"connected": self.rooms.are_loaded, "conversations": len(self.rooms), "pages": self.rooms.pages}

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

    # ---- acd.ports.erasing.Erasing

    async def erase(self, customer: str) -> bool:
        """All conversations of a person, or of a visitor. Raises `ChatStoreError`."""
        return await self._care.erase(customer)

    async def sweep(self) -> None:
        """What time does to conversations."""
        await self._care.sweep()

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
                for offer_id in tuple(chat.talking):
                    chat.leave(offer_id, now_us)
                await self._keep(room)
            case OfferInteraction():
                if effect.offer_id not in chat.talking:
                    chat.ringing[effect.offer_id] = effect.agent_id
            case RevokeOffer():
                chat.ringing.pop(effect.offer_id, None)
            case ConnectInteraction() | JoinAgent():
                chat.join(effect.offer_id, effect.agent_id, now_us)
                await self._keep(room)
            case DisconnectAgent():
                chat.leave(effect.offer_id, now_us)
                await self._keep(room)
            case AnnounceInteraction():
                chat.announce(effect.name, now_us)
                await self._keep(room)
            case ReleaseInteraction():
                standing = self.host.interaction(room.id) if chat.head.later else None
                if standing is not None and standing.state not in ENDS:
                    await self._leave_aside(room)
                else:
                    await self._end(room, effect.reason)
            case _:
                assert_never(effect)

    def _is_put_off(self, room: Room) -> bool:
        """Whether it is a message that was left, whose time has not come."""
        if room.beginning or not room.conversation.head.later or self.host.wish(room.id) is not None:
            return False
        standing = self.host.interaction(room.id)
        return standing is not None and standing.state == "scheduled"

    async def _leave_aside(self, room: Room) -> None:
        """A message that was left is to be answered later, or once more: nobody is with it."""
        chat, now_us = room.conversation, self.host.now_us()
        chat.ringing.clear()
        for offer_id in tuple(chat.talking):
            chat.leave(offer_id, now_us)
        await self._keep(room)

    async def _end(self, room: Room, reason: str) -> None:
        room.conversation.end(room.why or why_over(self.host, room) or reason, self.host.now_us())
        await self._keep(room)
        if self.rooms.lives(room):
            # It was kept while nobody was to know of it yet.
            self._kept(room.conversation)

    async def _keep(self, room: Room) -> None:
        """Keep what is not kept yet, also if somebody else has tried: nothing is done as long as it may be undone."""
        chat = room.conversation
        if chat.kept >= len(chat.entries):
            return
        try:
            await self._keeper.keep(chat)
        except ChatStoreError as error:
            raise ChannelError(f"{self.name}: {error}") from error

    def _kept(self, chat: Conversation) -> None:
        """There is something new that is kept, whoever waited for it."""
        room = self.rooms.get(chat.id)
        if room is None or room.conversation is not chat or room.beginning:
            return
        if chat.is_over and chat.kept == len(chat.entries) and self.rooms.lives(room):
            self.rooms.ended(room)
            self._care.has_ended(room.visitor)
        self.rooms.tell(room, "entries")
        if room.place is not None and not room.waits:
            room.place = None
            self.rooms.tell(room, "place")

    # ---- comparing

    async def _open(self) -> None:
        """The file, and those who were there when it was closed. Whoever is cancelled meanwhile finds it done."""
        if self.rooms.are_loaded:
            return
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load(), name=f"reading conversations of {self.name}")
            self._loading.add_done_callback(_looked_at)
        await asyncio.shield(self._loading)

    async def _load(self) -> None:
        """Nothing is compared before all of them are here: whoever is missing would be taken for lost."""
        await self._keeper.open()
        ids = await self._keeper.living()
        for first in range(0, len(ids), LOADED_AT_ONCE):
            for conversation in await self._keeper.load_all(ids[first : first + LOADED_AT_ONCE]):
                self._admit(conversation)
        self.rooms.are_loaded = True

    def _admit(self, chat: Conversation) -> None:
        """One that had not ended when the file was closed."""
        host = self.host
        if self.rooms.get(chat.id) is not None:
            return
        if not chat.head.accepted:
            if host.wish(chat.id) is None and host.interaction(chat.id) is None:
                self.reception.beginnings.unborn.add(chat.id)
                return
            chat.accept()
        room = Room(chat)
        # Whoever was there comes back within the same time as somebody who has lost the network, and nobody could
        # say anything meanwhile.
        room.gone_us = host.now_us()
        chat.hear(host.now_us())
        self.rooms.add(room)

    async def _heal(self, each: Desired) -> None:
        if each.state == "reaching":
            standing = self.host.interaction(each.interaction_id)
            await self._reach(each.interaction_id, 1 if standing is None else standing.attempts + 1)
            return
        room = self.rooms.get(each.interaction_id)
        if room is None or room.conversation.is_over:
            reason = "lost by the channel"
            await self._submit(EndInteraction(self.host.new_id(), each.interaction_id, by="system", reason=reason))
            return
        chat, now_us = room.conversation, self.host.now_us()
        offers = each.offers() if each.state == "connected" else {}
        for offer_id in tuple(chat.talking):
            if offer_id not in offers:
                chat.leave(offer_id, now_us)
        for offer_id, agent_id in offers.items():
            chat.join(offer_id, agent_id, now_us)
        chat.ringing.clear()
        chat.ringing.update(each.ringing())
        await self._keep(room)

    async def _reach(self, interaction_id: str, attempt: int) -> None:
        """A message that was left is there already. Nobody else can be called on a web page, which is no attempt."""
        room, command_id = self.rooms.get(interaction_id), self.host.new_id()
        if room is not None and room.conversation.head.later and not room.conversation.is_over:
            await self._submit(NoteReached(command_id, interaction_id, attempt))
            return
        await self._submit(FailCallback(command_id, interaction_id, "not-a-telephone", attempt, called=False))

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
            if self.rooms.are_loaded:
                await self.sweep()
        except AcdError as error:
            _log.warning("conversations could not be looked after", instance=self.name, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the next sweep is to come all the same
            _log.error("a fault in looking after conversations", instance=self.name, error=type(error).__name__)
        finally:
            self._sweeping = None
            if self._host is not None:
                self._wait_for_sweep()


def _looked_at(task: "asyncio.Task[None]") -> None:
    """Whoever waited for it may have been cancelled; whoever is next begins another."""
    if not task.cancelled():
        task.exception()


def open_channel(name: str, options: Mapping[str, object]) -> Channel:
    """The entry point: construct, open nothing. Raises `ConfigError` with every problem."""
    return WebChatChannel(name, read_options(name, options))
