"""One connection of a customer's page: what it says is done one after the other, what is new is told when it reads.

Owns the order of things and every bound of a connection. Must not know sockets (`acd.api.chats` carries the texts), nor
in which order news are told (`acd.api.chat.telling`).

What a page says is taken in order, and the next one only when it is known what became of the one before. When something
cannot be kept the connection ends, so that nothing can overtake it: the page connects again, and says again what had no
answer.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final, assert_never

import msgspec
import structlog
from aiohttp import WSCloseCode

from acd.api.chat.calling import Calling, ticket_of
from acd.api.chat.complaints import MALFORMED, UNREADABLE, complaint
from acd.api.chat.messages import (
    Begin,
    CallInstead,
    Closing,
    Done,
    Hello,
    History,
    Leave,
    Mark,
    Message,
    Past,
    PastShape,
    Ping,
    Rate,
    Refusal,
    Send,
    Sent,
    Token,
    Told,
    Typing,
    Welcome,
    entry_shape,
)
from acd.api.chat.telling import Telling
from acd.api.rates import Rates
from acd.api.sockets import ENGINE_GONE, Ending
from acd.errors import AcdError, ChannelError, ChatDamaged, ChatStoreError
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import MAX_TEXT, Refused, Side
from acd.runtime.chat.rooms import News, Room
from acd.runtime.chat.visitors import issue, new_visitor, redeem
from acd.runtime.clock import moment

HELLO_SECONDS: Final = 10.0
"""Within this time the first message must have come."""

MAX_MESSAGE: Final = 64 * 1024
"""Bytes of one message of a page's."""

MESSAGES_PER_SECOND: Final = 10.0
MESSAGES_AT_ONCE: Final = 60
"""How much one visitor may say, on all pages together: steadily, and in a burst."""

PAGE: Final = 100
"""Entries of one `history`."""

PAGE_CHARACTERS: Final = 40_000
"""Characters of these: an answer waits in memory as long as the page does not take it."""

MAX_PAST: Final = 50
"""Conversations of one `history`."""

NOT_LET_IN: Final = 4401
TOO_FAST: Final = 4429
"""Close codes of our own, beside that of complaints, 1001, 1009 (message too large), 1011, 1012 and 1013."""

_EXPIRED: Final = Ending(NOT_LET_IN, "token-expired", "This token has expired; connect again without one.")
_INVALID: Final = Ending(NOT_LET_IN, "token-invalid", "This token is none of this chat's; connect again without one.")
_LATE: Final = Ending(
    MALFORMED, "no-hello", f"The first message, hello, did not come within {HELLO_SECONDS:g} seconds."
)
_FLOOD: Final = Ending(TOO_FAST, "too-fast", "Too much was said at once; wait five seconds, then connect again.")
_CROWD: Final = Ending(TOO_FAST, "too-many-pages", "Too many pages are open for this visitor; close some.")
_NOT_KEPT: Final = Ending(
    WSCloseCode.TRY_AGAIN_LATER, "not-kept", "This could not be kept; connect again, and say again what had no answer."
)

_NONE: Final = Refused("no-conversation", "There is no conversation; send begin first.")
_UNKNOWN: Final = Refused("unknown-conversation", "conversation: there is none of this id.")

_JSON: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
_encode: Final = msgspec.json.Encoder().encode

_log = structlog.get_logger(__name__)


class Session:
    """`acd.runtime.chat.rooms.Watcher` of one page; a task reads `outgoing`, another hands in what it `receive`s."""

    def __init__(self, channel: WebChatChannel, rates: Rates, place: str = "", calling: Calling | None = None) -> None:
        """`rates`: of all visitors of the channel. `place`: from where the page connects, if that is known.

        `calling`: where its customer may call instead.
        """
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.visitor = ""
        self._channel = channel
        self._names = dict(channel.options.names)
        self._rates = rates
        self._place = place
        self._calling = calling
        self._room: Room | None = None
        self._telling = Telling(self._names)
        self._wants_token = False
        self._begins = False
        self._answers: deque[Told] = deque()
        self._news = asyncio.Event()
        self._room_for_more = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HELLO_SECONDS, self.end, _LATE)

    # ---- for the socket

    async def outgoing(self) -> AsyncGenerator[str, None]:
        """What is to be sent, message by message, until the connection ends."""
        while True:
            self._news.clear()
            try:
                while (told := self._next()) is not None:
                    yield _encode(told).decode()
            except (ChannelError, ChatStoreError):
                self.end(ENGINE_GONE)  # of which the page is told by whoever closes the connection
                return
            self._room_for_more.set()
            await self._news.wait()

    async def receive(self, text: str) -> None:
        """Take a message. Returns when it is known what has become of it, and its answer has been sent."""
        try:
            # Before hello nobody says more than that, and how often pages connect is bounded.
            too_fast = self._rates.take(self.visitor, self._channel.host.now_us()) if self.visitor else 0.0
        except ChannelError:
            self.end(ENGINE_GONE)
            return
        if too_fast:
            self.end(_FLOOD)
            return
        try:
            message = _JSON.decode(text)
        except msgspec.ValidationError as error:
            self.end(complaint(text, error))
            return
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self.end(UNREADABLE)
            return
        try:
            await self._take(message)
        except ChannelError:
            self.end(ENGINE_GONE)
        except AcdError as error:
            _log.warning("a page's message could not be kept", instance=self._channel.name, error=type(error).__name__)
            self.end(_NOT_KEPT)
        if self._answers and not self.ended.done():
            self._room_for_more.clear()
            self._news.set()
            await self._room_for_more.wait()

    def farewell(self, ending: Ending) -> str:
        """The last message."""
        return _encode(Closing(ending.code, ending.detail)).decode()

    def end(self, ending: Ending) -> None:
        """It is over, and is to be closed. Idempotent: the first reason counts."""
        if self.ended.done():
            return
        self.ended.set_result(ending)
        self._timer.cancel()
        self._room_for_more.set()
        if self.visitor:
            try:
                now_us = self._channel.host.now_us()
            except ChannelError:
                now_us = 0  # The engine stops, and knows by its next start who is not there.
            self._channel.rooms.unwatch(self.visitor, self, now_us)

    # ---- acd.runtime.chat.rooms.Watcher

    def notice(self, room: Room, news: News, side: Side | None = None) -> None:
        """Something is new."""
        if self._room is None or self._room.id != room.id:
            if self._begins:
                return  # its answer comes first
            if room.conversation.is_over and self._room is not None:
                return
            self._look_at(room)
        self._room = room
        if news == "typing" and side == "customer":
            return
        self._telling.note(room, news)
        self._news.set()

    def stopped(self) -> None:
        """The channel stops."""
        self.end(ENGINE_GONE)

    # ---- what is told

    def _next(self) -> Told | None:
        """The next message, if there is any."""
        if self._answers:
            return self._answers.popleft()
        if self._wants_token:
            self._wants_token = False
            return Token(*self._new_token())
        return self._telling.next()

    def _look_at(self, room: Room, after: int = 0) -> None:
        """This is the conversation from now on."""
        self._room = room
        self._telling.look_at(room, after)
        self._news.set()

    # ---- what is said

    async def _take(self, message: Message) -> None:
        if isinstance(message, Hello):
            await self._greet(message)
        elif not self.visitor:
            self.end(Ending(MALFORMED, "no-hello", "The first message has to be hello."))
        elif isinstance(message, Ping):
            self._answers.append(Done(message.id, "" if self._room is None else self._room.id))
        elif isinstance(message, Begin):
            await self._begin(message)
        elif isinstance(message, History):
            await self._look_back(message)
        elif isinstance(message, CallInstead):
            await self._call_instead(message)
        else:
            await self._take_part(message)

    async def _take_part(self, message: Send | Mark | Typing | Leave | Rate) -> None:
        reception = self._channel.reception
        named = "" if isinstance(message, Typing) else message.conversation
        room = await self._meant(named)
        if room is None:
            if not isinstance(message, Mark | Typing):
                self._refuse("" if isinstance(message, Leave) else message.id, _UNKNOWN if named else _NONE)
            return
        match message:
            case Send():
                posted = await reception.post(room, "", message.id, message.text)
                if isinstance(posted, Refused):
                    self._refuse(message.id, posted)
                else:
                    self._answers.append(Sent(message.id, posted.seq))
            case Mark():
                reception.mark(room, "customer", delivered=message.delivered, read=message.read)
            case Typing():
                reception.typing(room, "")
            case Leave():
                self._answer("", room, await reception.leave(room))
            case Rate():
                self._answer(message.id, room, await reception.rate(room, message.score, message.comment))
            case _:
                assert_never(message)

    async def _greet(self, hello: Hello) -> None:
        if self.visitor:
            self.end(Ending(MALFORMED, "hello-again", "hello comes once, as the first message."))
            return
        channel = self._channel
        visitor = new_visitor()
        if hello.token:
            visitor, fault = redeem(channel.reception.keeper.sign, channel.name, hello.token, channel.host.now_us())
            if fault:
                self.end(_EXPIRED if fault == "expired" else _INVALID)
                return
        room = await channel.reception.latest(visitor)
        last = await self._own(hello.conversation, visitor) if room is None or hello.conversation != room.id else None
        if self.ended.done():
            return
        if not channel.rooms.watch(visitor, self):
            self.end(_CROWD)
            return
        self.visitor = visitor
        self._timer.cancel()
        # Another page may have begun one while the file was looked into.
        room = channel.reception.living(visitor) or room
        self._answers.append(self._welcome(room))
        if last is not None and hello.after < last.conversation.kept:
            self._look_at(last, hello.after)  # to its end, and only then the one that has begun since
        if room is not None:
            self._look_at(room, hello.after if hello.conversation == room.id else 0)

    async def _begin(self, begin: Begin) -> None:
        wanted = Wanted(
            begin.id,
            begin.queue,
            begin.name,
            begin.number,
            begin.attributes,
            place=self._place,
            left=begin.left,
            identity=begin.identity,
        )
        self._begins = True
        try:
            answer = await self._channel.reception.begin(self.visitor, wanted)
        finally:
            self._begins = False
        if isinstance(answer, Refused):
            self._refuse(begin.id, answer)
            return
        if self._room is None or self._room.id != answer.id:
            self._look_at(answer)
        self._answers.append(Done(begin.id, answer.id))

    async def _look_back(self, asked: History) -> None:
        reception = self._channel.reception
        if not asked.conversation:
            heads = await reception.past(self.visitor, MAX_PAST)
            past = [
                PastShape(each.id, each.queue, moment(each.begun_us), moment(each.ended_us) if each.ended_us else None)
                for each in heads
            ]
            self._answers.append(Past(asked.id, past, [], more=False))
            return
        room = await self._own(asked.conversation, self.visitor)
        if room is None:
            self._refuse(asked.id, _UNKNOWN)
            return
        entries = room.conversation.since(asked.after, PAGE, PAGE_CHARACTERS)
        more = bool(entries) and entries[-1].seq < room.conversation.kept
        shapes = [entry_shape(entry, self._names) for entry in entries]
        self._answers.append(Past(asked.id, [], shapes, more=more))

    async def _call_instead(self, asked: CallInstead) -> None:
        room = await self._own(asked.conversation, self.visitor)
        if room is None and asked.conversation:
            self._refuse(asked.id, _UNKNOWN)
            return
        found = ticket_of(self._calling, asked.id, self.visitor, room)
        if isinstance(found, Refused):
            self._refuse(asked.id, found)
        else:
            self._answers.append(found)

    # ---- inside

    async def _meant(self, named: str) -> Room | None:
        """The conversation that a message names, or the one there is."""
        if not named or (self._room is not None and self._room.id == named):
            return self._room
        return await self._own(named, self.visitor)

    async def _own(self, conversation_id: str, visitor: str) -> Room | None:
        """A conversation of this visitor's, if it is one and can be read."""
        try:
            room = await self._channel.reception.find(conversation_id) if conversation_id else None
        except ChatDamaged:
            return None
        return room if room is not None and room.visitor == visitor else None

    def _answer(self, key: str, room: Room, refusal: Refused | None) -> None:
        if refusal is None:
            self._answers.append(Done(key, room.id))
        else:
            self._refuse(key, refusal)

    def _refuse(self, key: str, refusal: Refused) -> None:
        self._answers.append(Refusal(key, refusal.code, refusal.detail))

    def _welcome(self, room: Room | None) -> Welcome:
        options = self._channel.options
        return Welcome(
            *self._new_token(),
            "" if room is None else room.id,
            MAX_TEXT,
            options.messages,
            "" if self._calling is None else self._calling.channel,
            options.file_bytes,
            options.file_kinds if options.files else (),
        )

    def _new_token(self) -> tuple[str, str]:
        """A token, and when it expires; at half of its life there will be another."""
        channel, life_us = self._channel, self._channel.options.token_us
        until_us = channel.host.now_us() + life_us
        token = issue(channel.reception.keeper.sign, channel.name, self.visitor, until_us)
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(life_us / 2_000_000, self._renew)
        return token, moment(until_us)

    def _renew(self) -> None:
        self._wants_token = True
        self._news.set()
