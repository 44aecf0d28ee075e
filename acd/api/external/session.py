"""One connection of an external channel's process: what it is told, what it says, and what is still to be answered.

Owns the order of messages and every bound of a connection. Must not know sockets (`acd.api.channels` carries the
bytes), nor what is desired. What is told leaves in the order in which it came up: a process that has seen the
outcome of an `enqueue` has seen every comparison that knew nothing of it.

A connection that breaks the protocol, or does not take what it is told, is ended with a word that says why.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Final, get_args

import msgspec
from aiohttp import WSCloseCode
from msgspec import Struct

from acd.api.external.desk import MAX_COMMANDS, Desk, Memory
from acd.api.external.orders import Closing, Told, Welcome, order_of, pages
from acd.api.external.requests import Done, Failed, Hello, Message
from acd.api.sockets import ENGINE_GONE, Ending
from acd.api.wording import explain
from acd.core.messages import Effect
from acd.errors import ChannelError
from acd.ports.channel import Desired
from acd.runtime.events.cloud import Form
from acd.runtime.external import Ended, ExternalChannel

HELLO_SECONDS: Final = 5.0
"""Within this time the first message must have come."""

HEARTBEAT_SECONDS: Final = 10.0
"""How often a ping is sent; a pong has half as long."""

MAX_MESSAGE: Final = 64 * 1024
"""Bytes of one message from the process."""

MAX_WAITING: Final = 10_000
"""Messages that wait to be sent."""

PAGE: Final = 250
"""Interactions of one `reconcile` message."""

SUPERSEDED: Final = 4409
UNANSWERED: Final = 4408
MALFORMED: Final = 4400
"""Close codes of our own, beside 4401 (token expired), 1001, 1009 (message too large), 1012 and 1013."""

_ENDINGS: Final[dict[Ended, Ending]] = {
    "superseded": Ending(
        SUPERSEDED, "superseded", "Another process has connected as this channel. Do not connect again by yourself."
    ),
    "unanswered": Ending(UNANSWERED, "unanswered", "A comparison was not answered in time; connect again."),
    "stopped": ENGINE_GONE,
}
_SLOW: Final = Ending(WSCloseCode.TRY_AGAIN_LATER, "too-slow", "Messages were not taken; connect again.")
_LATE: Final = Ending(
    MALFORMED, "no-hello", f"The first message, hello, did not come within {HELLO_SECONDS:g} seconds."
)


_JSON: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
_PACKED: Final[msgspec.msgpack.Decoder[Message]] = msgspec.msgpack.Decoder(Message)
_SHAPES: Final[dict[str, type[Struct]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Message)}


class _Typed(Struct):
    """What can be read of any message."""

    type: str


class Session:
    """`acd.runtime.external.Line` over one connection; a task reads `outgoing`, another hands in what it `receive`s."""

    def __init__(self, channel: ExternalChannel, form: Form, actor: str, memory: Memory) -> None:
        """`actor`: the token's name, for the journal. `memory`: of what the channel has said on any connection."""
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._channel = channel
        self._form = form
        self._desk = Desk(channel, actor, memory, self.tell)
        self._encode = msgspec.json.encode if form == "json" else msgspec.msgpack.encode
        self._decode: Callable[[bytes], Message] = (_JSON if form == "json" else _PACKED).decode
        self._unreadable = ("malformed", f"A message is not valid {form}, or nested too deeply.")
        self._waiting: deque[Told | Iterator[Told]] = deque()
        self._news = asyncio.Event()
        self._number = 0
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._greeted = False
        self._timer = asyncio.get_running_loop().call_later(HELLO_SECONDS, self.end, _LATE)

    # ---- for the socket

    async def outgoing(self) -> AsyncGenerator[bytes, None]:
        """What is to be sent, message by message, until the connection ends."""
        while True:
            while self._waiting:
                first = self._waiting[0]
                told = next(first, None) if isinstance(first, Iterator) else first
                if told is None or told is first:
                    self._waiting.popleft()
                if told is not None:
                    yield self._encode(told)
            self._news.clear()
            await self._news.wait()

    async def receive(self, payload: bytes) -> None:
        """Take a message. Returns when there is room for the next one."""
        try:
            message = self._decode(payload)
        except msgspec.ValidationError as error:
            self._break_off(*self._complaint(payload, error))
            return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._break_off(*self._unreadable)
            return
        if isinstance(message, Hello):
            self._greet(message)
        elif not self._greeted:
            self._break_off("no-hello", "The first message has to be hello.")
        elif isinstance(message, Done | Failed):
            self._answered(message)
        else:
            await self._desk.take(message)

    def farewell(self, ending: Ending) -> bytes:
        """The last message."""
        return self._encode(Closing(ending.code, ending.detail))

    def end(self, ending: Ending) -> None:
        """It is over, and is to be closed; whoever waits for an answer is told. Idempotent: the first reason counts."""
        if self.ended.done():
            return
        self.ended.set_result(ending)
        self._timer.cancel()
        self._channel.detach(self)
        self._waiting.clear()
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            if not answer.done():
                answer.set_exception(ChannelError(f"{self._channel.name}: the connection ended before the answer"))

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.ended.done()

    def tell(self, message: Told) -> None:
        """Send, behind everything that waits already."""
        self._put(message)

    # ---- acd.runtime.external.Line

    async def carry_out(self, effect: Effect) -> None:
        """Have one effect done."""
        number, answer = self._ask()
        self._put(order_of(effect, number, self._address))
        await self._wait_for(number, answer)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Have it compared: one message after the other is made when there is room for it."""
        number, answer = self._ask()
        self._put(iter(pages(desired, number, self._address, PAGE)))
        await self._wait_for(number, answer)

    def hang_up(self, why: Ended) -> None:
        """The channel has no use for it any more."""
        self.end(_ENDINGS[why])

    # ---- inside

    def _greet(self, hello: Hello) -> None:
        if self._greeted:
            self._break_off("hello-again", "hello comes once, as the first message.")
            return
        channel = self._channel
        self._timer.cancel()
        self._greeted = True
        # First of all: a comparison that follows from being attached stands behind it.
        self._put(
            Welcome(channel.name, channel.media, HEARTBEAT_SECONDS, MAX_MESSAGE, MAX_COMMANDS, channel.may_recall)
        )
        try:
            channel.attach(self, hello.software)
        except ChannelError:
            self.end(ENGINE_GONE)

    def _answered(self, message: Done | Failed) -> None:
        """An answer that comes after its deadline, or twice, is of no interest."""
        answer = self._asked.get(message.number)
        if answer is None or answer.done():
            return
        if isinstance(message, Done):
            answer.set_result(None)
        else:
            answer.set_exception(ChannelError(f"{self._channel.name}: the process says {message.reason}"))

    def _ask(self) -> tuple[int, "asyncio.Future[None]"]:
        if self.is_over:
            raise ChannelError(f"{self._channel.name}: no process is connected")
        self._number += 1
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked[self._number] = answer
        return self._number, answer

    async def _wait_for(self, number: int, answer: "asyncio.Future[None]") -> None:
        try:
            await answer
        finally:
            self._asked.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # looked at, even if the wait itself was given up in the same moment

    def _put(self, what: Told | Iterator[Told]) -> None:
        if self.is_over:
            return
        if len(self._waiting) >= MAX_WAITING:
            self.end(_SLOW)
            return
        self._waiting.append(what)
        self._news.set()

    def _complaint(self, payload: bytes, error: msgspec.ValidationError) -> tuple[str, str]:
        """Code and sentence about a message that is well formed, and none of ours."""
        try:
            kind = (msgspec.json if self._form == "json" else msgspec.msgpack).decode(payload, type=_Typed).type
        except msgspec.ValidationError:
            kind = ""
        except (msgspec.DecodeError, RecursionError):
            return self._unreadable  # what is wrong with it came before what cannot be read
        if kind not in _SHAPES:
            return "unknown-type", f"type: has to be one of {', '.join(_SHAPES)}."
        code, detail = explain(str(error), _SHAPES[kind])
        return code, f"{kind}: {detail}"

    def _break_off(self, code: str, detail: str) -> None:
        self.end(Ending(MALFORMED, code, detail))

    def _address(self, agent_id: str) -> str:
        return self._channel.host.address(agent_id, self._channel.media)
