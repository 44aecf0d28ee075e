"""What customers and agents do in conversations: write, read, type, leave, rate, look back.

Owns what may be done, and that it is on disk before anybody sees it. Must not know sockets, how agents are let in
(whoever calls has found out who asks), nor how conversations begin (`acd.runtime.chat.beginning`). Refusals are
`Refused`; what cannot be done now raises.
"""

from collections.abc import Callable
from typing import Final

from acd.core.messages import EndInteraction, NoteInteraction
from acd.errors import AcdError, ChannelError, ChatDamaged, ChatStoreError
from acd.ports.channel import ChannelHost
from acd.runtime.chat.beginning import UNAVAILABLE, Beginnings, Invitation, Wanted
from acd.runtime.chat.conversation import Entry, Head, Refused, Side
from acd.runtime.chat.files import Files
from acd.runtime.chat.keeping import Keeper
from acd.runtime.chat.options import ChatOptions
from acd.runtime.chat.rooms import Room, Rooms
from acd.runtime.log import Logger

RATING: Final = "chat.rating"
"""The interaction's attribute that says what the customer thought of it, "1" to "5". A comment stays in the file."""

LOOKED_AT: Final = 5
"""A visitor's last conversations that are looked at for one that can be read."""

_log = Logger(__name__)


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
        self.beginnings = Beginnings(name, options, rooms, keeper, host, self.find)
        self.files = Files(options, keeper, host)

    # ---- customers

    async def begin(self, visitor: str, wanted: Wanted, invited: Invitation | None = None) -> Room | Refused:
        """As `Beginnings.begin`."""
        self._check()
        return await self.beginnings.begin(visitor, wanted, invited)

    def living(self, visitor: str) -> Room | None:
        """The conversation that the visitor has not ended."""
        room = self._rooms.of_visitor(visitor)
        return None if room is None or room.beginning else room

    async def latest(self, visitor: str) -> Room | None:
        """That, or the last one that has ended; None when they have never written. Raises `ChatStoreError`."""
        living = self.living(visitor)
        if living is not None:
            return living
        for head in await self.past(visitor, LOOKED_AT):
            try:
                room = await self.find(head.id)
            except ChatDamaged as error:
                _log.error("a conversation cannot be read", conversation=head.id, reason=str(error))
                continue
            if room is not None:
                return room
        return None

    async def past(self, visitor: str, limit: int) -> list[Head]:
        """A visitor's conversations, newest first. Raises `ChatStoreError`."""
        self._check()
        return [head for head in await self.keeper.heads_of(visitor, limit) if head.ended_us or self._lives(head.id)]

    async def find(self, conversation_id: str) -> Room | None:
        """A conversation, from memory or from the file; None when there is none.

        Raises `ChatStoreError`, and `ChatDamaged` when it cannot be read.
        """
        self._check()
        room = self._rooms.get(conversation_id)
        if room is None:
            conversation = await self.keeper.load(conversation_id)
            room = self._rooms.get(conversation_id)
            if room is None and conversation is not None and conversation.is_over:
                room = Room(conversation)
                self._rooms.add(room)
        return None if room is None or room.beginning else room

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
        if not chat.head.rating_told:
            await self.keeper.keep(chat)
            if is_new:
                self._rooms.tell(room, "rating")
            host = self._host()
            # Whoever says it again has it told again; an interaction that the engine has forgotten takes no rating.
            await host.submit(NoteInteraction(host.new_id(), room.id, ((RATING, str(score)),)))
            chat.tell_rating()
            self.keeper.keep_soon(chat)
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

    # ---- both sides

    async def post(self, room: Room, agent_id: str, message_id: str, text: str) -> Entry | Refused:
        """A message, kept when this returns; of the customer's if `agent_id` is empty. Raises `ChatStoreError`."""
        chat = room.conversation
        posted = chat.post(agent_id, message_id, text, self._host().now_us())
        if isinstance(posted, Refused) or posted.seq <= chat.kept:
            return posted
        if not agent_id:
            room.why = ""  # They have not been silent, whatever the engine was told.
        # Whoever writes has read what was there.
        chat.mark("agent" if agent_id else "customer", read=chat.kept)
        await self.keeper.keep(chat)
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

    def _check(self) -> None:
        """Raises `ChannelError` as long as nobody knows which conversations there are."""
        if not self._rooms.are_loaded:
            raise ChannelError(f"{self._name}: conversations are being read; see the log if that does not end")

    def _lives(self, conversation_id: str) -> bool:
        room = self._rooms.get(conversation_id)
        return room is not None and not room.beginning

    async def _end(self, room: Room) -> Refused | None:
        host, before, room.why = self._host(), room.why, "left"
        try:
            outcome = await host.submit(EndInteraction(host.new_id(), room.id, by="customer", reason="left"))
        except (ChannelError, ChatStoreError):
            room.why = before
            raise
        except AcdError as error:
            room.why = before
            _log.warning("a conversation could not be ended", instance=self._name, error=type(error).__name__)
            return UNAVAILABLE
        if outcome.refusal is not None:
            # It has ended already, of which the channel is told by another way, and more truly.
            room.why = before
        return None
