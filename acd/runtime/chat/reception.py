"""What customers and agents do in conversations: begin, write, read, type, leave, rate, look back.

Owns what may be done, and that it is on disk before anybody sees it. Must not know sockets, nor how agents are let in:
whoever calls has found out who asks. Refusals are `Refused`; what cannot be done now raises.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from acd.core.messages import EndInteraction, EnqueueInteraction, NoteInteraction
from acd.errors import AcdError, ChannelError, ChatStoreError, PersonalStoreError
from acd.ports.channel import ChannelHost, Personal
from acd.runtime.chat.conversation import Conversation, Entry, Head, Refused, Side
from acd.runtime.chat.keeping import Keeper
from acd.runtime.chat.options import ChatOptions
from acd.runtime.chat.rooms import Room, Rooms
from acd.runtime.log import Logger

RATING: Final = "chat.rating"
"""The interaction's attribute that says what the customer thought of it, "1" to "5". A comment stays in the file."""

PAGE_ATTRIBUTE: Final = "web."
"""What attributes begin with that a page says: nothing that a page says can be taken for the engine's own."""

_ID_DIGITS: Final = 24
_UNAVAILABLE: Final = Refused("unavailable", "This cannot be done just now; try again in a few seconds.")

_log = Logger(__name__)


class Wanted(Struct, frozen=True):
    """How a conversation is to begin. `key`: the client's id for it: the same again is the same conversation."""

    key: str
    queue: str = ""
    name: str = ""
    number: str = ""
    attributes: Mapping[str, str] = {}


class Invitation(Struct, frozen=True):
    """An agent's message that begins a conversation with a visitor, which is offered to this agent first."""

    agent_id: str
    message_id: str
    text: str


class Reception:
    """All conversations of one channel, for those who take part in them."""

    def __init__(
        self, name: str, options: ChatOptions, rooms: Rooms, keeper: Keeper, host: Callable[[], ChannelHost]
    ) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self.keeper = keeper
        self._name = name
        self._options = options
        self._rooms = rooms
        self._host = host

    # ---- customers

    async def begin(self, visitor: str, wanted: Wanted, invited: Invitation | None = None) -> Room | Refused:
        """A new conversation, or the one that the visitor has not ended: there is one at a time.

        `invited`: whose message begins it; the one that the visitor has not ended is no answer to that.

        Raises `ChatStoreError`, `ChannelError`.
        """
        queue = wanted.queue or self._options.queues[0]
        if queue not in self._options.queues:
            return Refused("unknown-queue", "queue: is none that this page may ask for; leave it out.")
        while (living := self._rooms.of_visitor(visitor)) is not None:
            if not living.beginning:
                if invited is None or living.id == self._id(visitor, wanted):
                    return living
                return Refused("conversation-active", "This visitor is in a conversation already; transfer that one.")
            # Another page of theirs was faster; what comes of that decides.
            await living.settled.wait()
        conversation_id = self._id(visitor, wanted)
        if len(self._rooms) >= self._options.conversations:
            return Refused("too-many-conversations", "Too many customers write at the moment; try again later.")
        room = Room(Conversation(Head(conversation_id, visitor, queue, "", self._host().now_us())), beginning=True)
        self._rooms.add(room)
        try:
            return await self._begun(room, wanted, invited)
        except BaseException:
            if room.beginning:
                self._rooms.drop(room)
            raise
        finally:
            room.beginning = False
            room.settled.set()

    async def _begun(self, room: Room, wanted: Wanted, invited: Invitation | None) -> Room | Refused:
        known = await self.keeper.load(room.id)
        if known is not None:
            self._rooms.drop(room)
            again = self._rooms.get(room.id) or Room(known)
            self._rooms.add(again)
            return again
        host, chat = self._host(), room.conversation
        customer = await self._customer(room.visitor, wanted)
        chat.head = Head(room.id, room.visitor, chat.head.queue, customer, chat.head.begun_us)
        if invited is not None:
            answer = chat.invite(invited.agent_id, invited.message_id, invited.text, host.now_us())
            if isinstance(answer, Refused):
                self._rooms.drop(room)
                return answer
        await self.keeper.keep(chat)
        attributes = tuple((PAGE_ATTRIBUTE + name, text) for name, text in sorted(wanted.attributes.items()))
        command = EnqueueInteraction(
            host.new_id(),
            room.id,
            self._options.media,
            chat.head.queue,
            attributes=attributes,
            customer=customer,
            instance=self._name,
            preferred_agent="" if invited is None else invited.agent_id,
        )
        try:
            outcome = await host.submit(command)
        except AcdError as error:
            # It may have been carried out: then the comparison that follows says that nobody is there.
            _log.warning("a conversation could not begin", instance=self._name, error=type(error).__name__)
            await self._never_was(room)
            host.request_reconcile()
            return _UNAVAILABLE
        if outcome.refusal is not None:
            await self._never_was(room)
            return Refused(outcome.refusal.code, "Nobody can be reached here at the moment; try again later.")
        room.beginning = False
        if not self._rooms.is_watched(room.visitor):
            room.gone_us = host.now_us()
        self._rooms.tell(room, "entries")
        return room

    def living(self, visitor: str) -> Room | None:
        """The conversation that the visitor has not ended."""
        return self._rooms.of_visitor(visitor)

    async def latest(self, visitor: str) -> Room | None:
        """That, or the last one that has ended; None when they have never written. Raises `ChatStoreError`."""
        living = self._rooms.of_visitor(visitor)
        if living is not None:
            return living
        heads = await self.keeper.heads_of(visitor, 1)
        return await self.find(heads[0].id) if heads else None

    async def past(self, visitor: str, limit: int) -> list[Head]:
        """A visitor's conversations, newest first. Raises `ChatStoreError`."""
        return await self.keeper.heads_of(visitor, limit)

    async def find(self, conversation_id: str) -> Room | None:
        """A conversation, from memory or from the file; None when there is none. Raises `ChatStoreError`."""
        room = self._rooms.get(conversation_id)
        if room is not None:
            return room
        conversation = await self.keeper.load(conversation_id)
        if conversation is None:
            return None
        room = self._rooms.get(conversation_id) or Room(conversation)
        self._rooms.add(room)
        return room

    async def leave(self, room: Room) -> Refused | None:
        """The customer goes. What has ended already stays as it ended."""
        if room.conversation.is_over:
            return None
        return await self._end(room)

    async def rate(self, room: Room, score: int, comment: str) -> Refused | None:
        """What they thought of it: the score is the interaction's, the comment stays here. Raises `ChatStoreError`."""
        chat = room.conversation
        is_new = not chat.head.rating
        refusal = chat.rate(score, comment)
        if refusal is not None:
            return refusal
        await self.keeper.keep(chat)
        if is_new:
            host = self._host()
            await host.submit(NoteInteraction(host.new_id(), room.id, ((RATING, str(score)),)))
        self._rooms.tell(room, "rating")
        return None

    # ---- agents

    async def let_in(self, room: Room, agent_id: str) -> None:
        """Whoever has accepted talks, also in the moment before the engine's order comes. Raises `ChatStoreError`."""
        chat = room.conversation
        if agent_id in chat.talking.values():
            if chat.kept < len(chat.entries):
                await self.keeper.keep(chat)
            return
        host = self._host()
        wish = host.wish(room.id)
        if wish is None or wish.state != "connected" or agent_id not in wish.offers().values():
            return
        for offer_id, each in wish.offers().items():
            chat.join(offer_id, each, host.now_us())
        await self.keeper.keep(chat)
        self._rooms.tell(room, "entries")

    # ---- both sides

    async def post(self, room: Room, agent_id: str, message_id: str, text: str) -> Entry | Refused:
        """A message, kept when this returns; of the customer's if `agent_id` is empty. Raises `ChatStoreError`."""
        chat = room.conversation
        if room.beginning:
            return Refused("not-begun", "The conversation has not begun yet; wait for its answer.")
        posted = chat.post(agent_id, message_id, text, self._host().now_us())
        if isinstance(posted, Refused) or posted.seq <= chat.kept:
            return posted
        # Whoever writes has read what was there.
        chat.mark("agent" if agent_id else "customer", read=chat.kept)
        await self.keeper.keep(chat)
        self._rooms.tell(room, "entries")
        return posted

    def mark(self, room: Room, side: Side, *, delivered: int = 0, read: int = 0) -> None:
        """One side has got, and read, what is up to here."""
        if room.conversation.mark(side, delivered=delivered, read=read):
            self.keeper.keep_soon(room.conversation)
            self._rooms.tell(room, "marks", side)

    def typing(self, room: Room, agent_id: str) -> None:
        """Somebody types; of the customer's if `agent_id` is empty. Kept nowhere."""
        if not room.conversation.is_over:
            self._rooms.tell(room, "typing", "agent" if agent_id else "customer", agent_id)

    # ---- inside

    @staticmethod
    def _id(visitor: str, wanted: Wanted) -> str:
        """The conversation's: the same for what is said again, also after a restart."""
        return f"chat-{hashlib.sha256(f'{visitor}:{wanted.key}'.encode()).hexdigest()[:_ID_DIGITS]}"

    async def _customer(self, visitor: str, wanted: Wanted) -> str:
        """The opaque reference: of whoever says who they are that person's, else the visitor itself."""
        if not wanted.name and not wanted.number:
            return visitor
        try:
            return await self._host().remember(Personal(wanted.number, wanted.name))
        except PersonalStoreError as error:
            _log.warning("a customer's name could not be kept", instance=self._name, reason=type(error).__name__)
            return visitor

    async def _never_was(self, room: Room) -> None:
        self._rooms.drop(room)
        await self.keeper.forget(room.id)

    async def _end(self, room: Room) -> Refused | None:
        host, room.why = self._host(), "left"
        try:
            await host.submit(EndInteraction(host.new_id(), room.id, by="customer", reason="left"))
        except (ChannelError, ChatStoreError):
            raise
        except AcdError as error:
            _log.warning("a conversation could not be ended", instance=self._name, error=type(error).__name__)
            return _UNAVAILABLE
        return None
