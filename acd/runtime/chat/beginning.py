"""How conversations begin: in the file first, then with the engine, and what becomes of those that come to nothing.

Owns their ids, and that there is one at a time for a visitor. Must not know what is said in them.

There is no moment at which both are written, so that a crash may come between. What is in the file, and of which
neither the file nor the engine says that the engine has it, has never begun: nobody is told of it, nobody finds it.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from acd.core.messages import EnqueueInteraction, Outcome
from acd.errors import (
    AcdError,
    ChannelError,
    ChatDamaged,
    ChatStoreError,
    CommandInvalid,
    OutcomeUnknown,
    RouterClosed,
)
from acd.ports.channel import ChannelHost
from acd.runtime.chat.conversation import REUSED, Conversation, Head, Refused
from acd.runtime.chat.introducing import Introduced, as_before, introduce, is_erased
from acd.runtime.chat.keeping import Keeper
from acd.runtime.chat.options import ChatOptions
from acd.runtime.chat.rooms import Room, Rooms
from acd.runtime.log import Logger

PAGE_ATTRIBUTE: Final = "web."
"""What attributes begin with that a page says: nothing that a page says can be taken for the engine's own."""

IDS: Final = 3
"""Ids of one beginning: the next one is for when the engine has used the one before for something that is over."""

TAKEN: Final = "duplicate-interaction"
"""The engine's refusal of an id that has been used."""

MAX_UNBORN: Final = 10_000
"""Those that came to nothing, and could not be forgotten then; of more, the next start finds them."""

AGAIN_SECONDS: Final = 1.0
"""After so long the engine is asked again what became of a command."""

_ID_DIGITS: Final = 24

UNAVAILABLE: Final = Refused("unavailable", "This cannot be done just now; try again in a few seconds.")

_log = Logger(__name__)


class Wanted(Struct, frozen=True):
    """How a conversation is to begin. `key`: the client's id for it: the same again is the same conversation.

    `place`: from where, if that is known; there is a bound for each. `left`: a message to be answered later, when
    somebody can be reached; then nobody waits for an agent now. `identity`: a statement of the shop's about who they
    are, in place of `name` and `number`.
    """

    key: str
    queue: str = ""
    name: str = ""
    number: str = ""
    attributes: Mapping[str, str] = {}
    place: str = ""
    left: str = ""
    identity: str = ""


class Invitation(Struct, frozen=True):
    """An agent's message that begins a conversation with a visitor, which is offered to this agent first."""

    agent_id: str
    message_id: str
    text: str


class Beginnings:
    """Those of one channel."""

    def __init__(
        self,
        name: str,
        options: ChatOptions,
        rooms: Rooms,
        keeper: Keeper,
        host: Callable[[], ChannelHost],
        find: Callable[[str], Awaitable[Room | None]],
    ) -> None:
        """`host` raises `ChannelError` while there is no engine; `find` is `Reception.find`."""
        self._name = name
        self._options = options
        self._rooms = rooms
        self._keeper = keeper
        self._host = host
        self._find = find
        self._tasks: dict[str, asyncio.Task[Room | Refused]] = {}
        self.unborn: set[str] = set()
        """In the file, and never begun: to be forgotten."""

    async def begin(self, visitor: str, wanted: Wanted, invited: Invitation | None = None) -> Room | Refused:
        """A new conversation, or the one that the visitor has not ended: there is one at a time.

        `invited`: whose message begins it; the one that the visitor has not ended is no answer to that.

        When the caller is cancelled, it begins all the same, and is found by whoever asks again. Raises
        `ChatStoreError`, `ChannelError`.
        """
        queue = wanted.queue or self._options.queues[0]
        if queue not in self._options.queues:
            return Refused("unknown-queue", "queue: is none that this page may ask for; leave it out.")
        if wanted.left and not self._options.messages:
            return Refused("no-messages", "left: no messages can be left here; leave it out.")
        while (beginning := self._tasks.get(visitor)) is not None:
            # Another page of theirs was faster; what comes of that decides.
            await asyncio.wait((beginning,))
        living = self._rooms.of_visitor(visitor)
        if living is not None:
            return living if invited is None else _invited(living, invited)
        about_to = sum(self._rooms.of_visitor(each) is None for each in self._tasks)
        if len(self._rooms) + about_to >= self._options.conversations:
            return Refused("too-many-conversations", "Too many customers write at the moment; try again later.")
        most = self._options.per_address
        if most and wanted.place and self._rooms.of_place[wanted.place] >= most:
            return Refused("too-many-conversations", "Too many conversations go on from this address; end one of them.")
        wanted = replace(wanted, queue=queue)
        beginning = asyncio.create_task(self._begun(visitor, wanted, invited), name="beginning a conversation")
        self._tasks[visitor] = beginning
        beginning.add_done_callback(partial(self._begins_no_more, visitor))
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            if beginning.cancelled():
                raise ChannelError(f"{self._name}: the engine is stopping") from None
            raise

    async def tidy(self) -> None:
        """Forget what came to nothing, where that has not been possible before. Raises `ChatStoreError`."""
        for conversation_id in tuple(self.unborn):
            if conversation_id in self.unborn:  # else there is a new one of this id meanwhile
                await self._keeper.forget(conversation_id)
                self.unborn.discard(conversation_id)

    async def stop(self) -> None:
        """What begins is let go: with the next start the engine says what has become of it."""
        beginnings = tuple(self._tasks.values())
        for task in beginnings:
            task.cancel()
        if beginnings:
            await asyncio.wait(beginnings)

    # ---- inside

    def _begins_no_more(self, visitor: str, task: "asyncio.Task[Room | Refused]") -> None:
        del self._tasks[visitor]
        if not task.cancelled():
            task.exception()  # Looked at, if only here: whoever asked may be gone.

    async def _begun(self, visitor: str, wanted: Wanted, invited: Invitation | None) -> Room | Refused:
        """What this was before, if it is said again; else a new one, under the first id that is free."""
        agent_id = "" if invited is None else invited.agent_id
        ids = [_id(visitor, agent_id, wanted.key, number) for number in range(IDS)]
        for each in tuple(ids):
            try:
                known = await self._find(each)
            except ChatDamaged as error:
                _log.error("a conversation cannot be read", conversation=each, reason=str(error))
                ids.remove(each)
                continue
            if known is not None:
                return known if invited is None else _invited(known, invited)
        if await self._keeper.size() >= self._options.megabytes * 1_000_000:
            _log.error("the file is as large as it may be, so nothing begins", instance=self._name)
            return UNAVAILABLE
        who = await self._who(visitor, wanted, invited)
        if isinstance(who, Refused):
            return who
        for each in ids:
            answer = await self._begun_as(each, visitor, who, wanted, invited)
            if not isinstance(answer, Refused) or answer.code != TAKEN:
                return answer
        return UNAVAILABLE

    async def _who(self, visitor: str, wanted: Wanted, invited: Invitation | None) -> Introduced | Refused:
        """Whose conversation it is to be."""
        if wanted.identity:
            return await introduce(self._name, self._options, self._host(), wanted.identity)
        if invited is None:
            return Introduced(visitor, wanted.name, wanted.number)
        before = as_before(visitor, next(iter(await self._keeper.heads_of(visitor, 1)), None))
        return Introduced(visitor) if await is_erased(self._host(), before) else before

    async def _begun_as(
        self, conversation_id: str, visitor: str, who: Introduced, wanted: Wanted, invited: Invitation | None
    ) -> Room | Refused:
        """A new one with this id."""
        host = self._host()
        head = Head(
            conversation_id,
            visitor,
            wanted.queue,
            who.customer,
            host.now_us(),
            name=who.name,
            number=who.number,
            later=bool(wanted.left),
            vouched=who.vouched,
        )
        chat = Conversation(head)
        first = Invitation("", wanted.key, wanted.left) if wanted.left else invited
        if first is not None:
            answer = chat.open(first.agent_id, first.message_id, first.text, host.now_us())
            if isinstance(answer, Refused):
                return answer
        room = Room(chat, beginning=True, begun_from=wanted.place)
        self._rooms.add(room)
        try:
            await self._kept(chat)
            if await is_erased(host, who):
                await self._never_was(room)
                await self._keeper.clean()
                return UNAVAILABLE
            refusal = await self._enqueued(room, wanted, invited)
        finally:
            if room.beginning:
                self._rooms.drop(room)
        if refusal is not None:
            await self._never_was(room)
            return refusal
        if not self._rooms.is_watched(visitor):
            room.gone_us = host.now_us()
        self._rooms.tell(room, "entries")
        return room

    async def _kept(self, chat: Conversation) -> None:
        """It takes the place of one of this id that came to nothing, if that is still in the file."""
        is_there = chat.head.id in self.unborn
        self.unborn.discard(chat.head.id)
        try:
            await self._keeper.keep(chat)
        except ChatStoreError:
            if is_there:
                self.unborn.add(chat.head.id)
            raise

    async def _enqueued(self, room: Room, wanted: Wanted, invited: Invitation | None) -> Refused | None:
        """Ask the engine; None when it has begun. Raises `ChannelError` when the next start finds that out.

        A message that was left is a callback: nobody waits for it, and it never becomes too old.
        """
        host, head = self._host(), room.conversation.head
        command = EnqueueInteraction(
            host.new_id(),
            room.id,
            self._options.media,
            head.queue,
            priority=self._options.message_priority if head.later else 0,
            attributes=tuple((PAGE_ATTRIBUTE + name, text) for name, text in sorted(wanted.attributes.items())),
            customer=head.customer,
            instance=self._name,
            preferred_agent="" if invited is None else invited.agent_id,
            kind="callback" if head.later else "live",
        )
        try:
            outcome = await self._submitted(command)
        except (ChannelError, RouterClosed) as error:
            raise ChannelError(f"{self._name}: the engine is stopping") from error
        except CommandInvalid as error:
            _log.warning("a conversation could not begin", instance=self._name, reason=str(error))
            return Refused("invalid-field", "attributes: a name or a value is not one that may be.")
        except AcdError as error:
            _log.warning("a conversation could not begin", instance=self._name, error=type(error).__name__)
            return UNAVAILABLE
        if outcome.refusal is not None and (outcome.refusal.code != TAKEN or host.wish(room.id) is None):
            return Refused(outcome.refusal.code, "Nobody can be reached here at the moment; try again later.")
        room.beginning = False
        room.conversation.accept()
        self._keeper.keep_soon(room.conversation)
        return None

    async def _submitted(self, command: EnqueueInteraction) -> Outcome:
        """Its outcome, however long the journal is away: the same command again is carried out once."""
        while True:
            try:
                return await self._host().submit(command)
            except OutcomeUnknown as error:
                _log.warning("it is not known whether a conversation began", instance=self._name, reason=str(error))
                await asyncio.sleep(AGAIN_SECONDS)

    async def _never_was(self, room: Room) -> None:
        try:
            await self._keeper.forget(room.id)
        except ChatStoreError as error:
            # Nobody finds it as long as it is not in memory, and the next one of this id takes its place.
            _log.warning("what came to nothing is still in the file", instance=self._name, reason=str(error))
            if len(self.unborn) < MAX_UNBORN:
                self.unborn.add(room.id)


def _id(visitor: str, agent_id: str, key: str, number: int) -> str:
    """The conversation's: the same for what the same side says again, also after a restart."""
    origin = "\0".join((visitor, agent_id, key, str(number)))
    return f"chat-{hashlib.sha256(origin.encode()).hexdigest()[:_ID_DIGITS]}"


def _invited(room: Room, invited: Invitation) -> Room | Refused:
    """Whether this conversation is the invitation, said again."""
    first = room.conversation.entries[0] if room.conversation.entries else None
    if first is not None and (first.agent_id, first.key) == (invited.agent_id, invited.message_id):
        return room if first.text == invited.text else REUSED
    return Refused("conversation-active", "This visitor is in a conversation already; transfer that one.")
