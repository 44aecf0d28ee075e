"""One connection of a customer's page: what it says is done one after the other, what is new is told when it reads.

Owns the order of things and every bound of a connection. Must not know sockets (`acd.api.chats` carries the texts).
What a page has not read waits nowhere: a number says up to which entry it has been told, and flags that there is
something else, so that a page that does not read costs what one costs that does.

What a page says is taken in order, and the next one only when it is known what became of the one before. When something
cannot be kept the connection ends, so that nothing can overtake it: the page connects again, and says again what had no
answer.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final, assert_never, get_args

import msgspec
import structlog
from aiohttp import WSCloseCode
from msgspec import Struct

from acd.api.chat.messages import (
    Begin,
    Closing,
    Done,
    Hello,
    History,
    Leave,
    Mark,
    MarksTold,
    Message,
    Past,
    PastShape,
    PlaceTold,
    Rate,
    Refusal,
    Send,
    Sent,
    Token,
    Told,
    Typing,
    TypingTold,
    Welcome,
    conversation_told,
    entry_shape,
    entry_told,
    marks_shape,
)
from acd.api.rates import Rates
from acd.api.sockets import ENGINE_GONE, Ending
from acd.api.wording import explain
from acd.errors import AcdError, ChannelError
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import MAX_TEXT, Refused, Side
from acd.runtime.chat.reception import Wanted
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
"""Entries of one `history`, and those that are looked at in one go."""

MAX_PAST: Final = 50
"""Conversations of one `history`."""

MALFORMED: Final = 4400
NOT_LET_IN: Final = 4401
TOO_FAST: Final = 4429
"""Close codes of our own, beside 1001, 1009 (message too large), 1011, 1012 and 1013."""

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
_UNREADABLE: Final = Ending(MALFORMED, "malformed", "A message is not valid JSON, or nested too deeply.")

_JSON: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
_encode: Final = msgspec.json.Encoder().encode
_SHAPES: Final[dict[str, type[Struct]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Message)}

_log = structlog.get_logger(__name__)


class _Typed(Struct):
    type: str


class Session:
    """`acd.runtime.chat.rooms.Watcher` of one page; a task reads `outgoing`, another hands in what it `receive`s."""

    def __init__(self, channel: WebChatChannel, rates: Rates) -> None:
        """`rates`: of all visitors of the channel."""
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.visitor = ""
        self._channel = channel
        self._names = dict(channel.options.names)
        self._rates = rates
        self._room: Room | None = None
        self._told = 0
        self._answers: deque[Told] = deque()
        self._flags: set[str] = set()
        self._news = asyncio.Event()
        self._room_for_more = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HELLO_SECONDS, self.end, _LATE)

    # ---- for the socket

    async def outgoing(self) -> AsyncGenerator[str, None]:
        """What is to be sent, message by message, until the connection ends."""
        while True:
            self._news.clear()
            while (told := self._next()) is not None:
                yield _encode(told).decode()
            self._room_for_more.set()
            await self._news.wait()

    async def receive(self, text: str) -> None:
        """Take a message. Returns when it is known what has become of it, and its answer has been sent."""
        if self._rates.take(self.visitor or str(id(self)), self._channel.host.now_us()):
            self.end(_FLOOD)
            return
        try:
            message = _JSON.decode(text)
        except msgspec.ValidationError as error:
            self.end(self._complaint(text, error))
            return
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self.end(_UNREADABLE)
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
            if room.conversation.is_over and self._room is not None:
                return
            self._look_at(room)
        self._room = room
        if news == "typing":
            if side == "customer":
                return
            self._flags.add("typing")
        elif news != "entries":
            self._flags.add(news)
        self._news.set()

    def stopped(self) -> None:
        """The channel stops."""
        self.end(ENGINE_GONE)

    # ---- what is told

    def _next(self) -> Told | None:
        """The next message, if there is any."""
        if self._answers:
            return self._answers.popleft()
        room, flags = self._room, self._flags
        if "token" in flags:
            flags.discard("token")
            return Token(*self._new_token())
        if room is None:
            return None
        chat = room.conversation
        if "conversation" in flags or "rating" in flags:
            flags -= {"conversation", "rating", "marks"}
            return conversation_told(chat)
        entries = chat.since(self._told, 1)
        if entries:
            self._told = entries[0].seq
            return entry_told(chat.id, entries[0], self._names)
        if "marks" in flags:
            flags.discard("marks")
            return MarksTold(marks_shape(chat.marks("customer")), marks_shape(chat.marks("agent")))
        if "place" in flags:
            flags.discard("place")
            return _place_told(room)
        if "typing" in flags:
            flags.discard("typing")
            return TypingTold()
        return None

    def _look_at(self, room: Room, after: int = 0) -> None:
        """This is the conversation from now on."""
        self._room = room
        self._told = min(after, room.conversation.kept)
        self._flags.add("conversation")
        if room.place is not None:
            self._flags.add("place")
        self._news.set()

    # ---- what is said

    async def _take(self, message: Message) -> None:
        if isinstance(message, Hello):
            await self._greet(message)
        elif not self.visitor:
            self.end(Ending(MALFORMED, "no-hello", "The first message has to be hello."))
        elif isinstance(message, Begin):
            await self._begin(message)
        elif isinstance(message, History):
            await self._look_back(message)
        elif self._room is None:
            if not isinstance(message, Mark | Typing | Leave):
                self._refuse(message.id, Refused("no-conversation", "There is no conversation; send begin first."))
        else:
            await self._take_part(self._room, message)

    async def _take_part(self, room: Room, message: Send | Mark | Typing | Leave | Rate) -> None:
        reception = self._channel.reception
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
        if self.ended.done():
            return
        if not channel.rooms.watch(visitor, self):
            self.end(_CROWD)
            return
        self.visitor = visitor
        self._timer.cancel()
        # Another page may have begun one while the file was looked into.
        room = channel.reception.living(visitor) or room
        self._answers.append(Welcome(*self._new_token(), "" if room is None else room.id, MAX_TEXT))
        if room is not None:
            self._look_at(room, hello.after if hello.conversation == room.id else 0)

    async def _begin(self, begin: Begin) -> None:
        wanted = Wanted(begin.id, begin.queue, begin.name, begin.number, begin.attributes)
        answer = await self._channel.reception.begin(self.visitor, wanted)
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
        room = await reception.find(asked.conversation)
        if room is None or room.visitor != self.visitor:
            self._refuse(asked.id, Refused("unknown-conversation", "conversation: there is none of this id."))
            return
        entries = room.conversation.since(asked.after, PAGE)
        more = bool(entries) and entries[-1].seq < room.conversation.kept
        shapes = [entry_shape(entry, self._names) for entry in entries]
        self._answers.append(Past(asked.id, [], shapes, more=more))

    # ---- inside

    def _answer(self, key: str, room: Room, refusal: Refused | None) -> None:
        if refusal is None:
            self._answers.append(Done(key, room.id))
        else:
            self._refuse(key, refusal)

    def _refuse(self, key: str, refusal: Refused) -> None:
        self._answers.append(Refusal(key, refusal.code, refusal.detail))

    def _new_token(self) -> tuple[str, str]:
        """A token, and when it expires; at half of its life there will be another."""
        channel, life_us = self._channel, self._channel.options.token_us
        until_us = channel.host.now_us() + life_us
        token = issue(channel.reception.keeper.sign, channel.name, self.visitor, until_us)
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(life_us / 2_000_000, self._renew)
        return token, moment(until_us)

    def _renew(self) -> None:
        self._flags.add("token")
        self._news.set()

    def _complaint(self, text: str, error: msgspec.ValidationError) -> Ending:
        """About a message that is well formed, and none of ours."""
        try:
            kind = msgspec.json.decode(text, type=_Typed).type
        except msgspec.ValidationError:
            kind = ""
        except (msgspec.DecodeError, RecursionError):
            return _UNREADABLE  # what is wrong with it came before what cannot be read
        if kind not in _SHAPES:
            return Ending(MALFORMED, "unknown-type", f"type: has to be one of {', '.join(_SHAPES)}.")
        code, detail = explain(str(error), _SHAPES[kind])
        return Ending(MALFORMED, code, f"{kind}: {detail}")


def _place_told(room: Room) -> PlaceTold:
    place = room.place
    if place is None or not room.waits:
        return PlaceTold(0, None)
    return PlaceTold(place.position, None if place.expected_us is None else place.expected_us / 1_000_000)
