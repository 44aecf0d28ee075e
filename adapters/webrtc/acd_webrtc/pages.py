"""One connection of a page: what it says is done one after the other, what it is told waits, within bounds, to be sent.

Owns the order of things and every bound of a connection. Must not know sockets (`acd.ports.pages.Page` is what carries
the texts), nor what becomes of a call: that is `exchange`'s and `reception`'s.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, ClassVar, Final, assert_never

import msgspec

from acd.errors import AcdError, ChannelError
from acd.ports.pages import Ending, Side
from acd.runtime.chat.visitors import issue, new_visitor, redeem
from acd.runtime.clock import moment
from acd.runtime.keyfile import MasterKey
from acd.runtime.log import Logger
from acd_webrtc.allowance import Allowance
from acd_webrtc.besides import CUSTOMER, adviser_seat, agent_seat, supervisor_seat
from acd_webrtc.messages import (
    AGENT_SAID,
    CUSTOMER_SAID,
    SUPERVISOR_SAID,
    AgentSaid,
    Begin,
    Closing,
    CustomerSaid,
    Hello,
    Ice,
    Leave,
    Part,
    Ping,
    Pong,
    Refusal,
    Sampled,
    Signal,
    SupervisorSaid,
    TapeSaid,
    Token,
    Told,
    Welcome,
    encode,
)
from acd_webrtc.signalling import REPLACED

if TYPE_CHECKING:
    from acd_webrtc.channel import WebrtcChannel
    from acd_webrtc.lines import Line

HELLO_SECONDS: Final = 10.0
"""Within this time a customer's page must have said hello."""

MAX_WAITING: Final = 4_096
MAX_WAITING_BYTES: Final = 8_388_608
"""Texts that a page has not taken: more than signalling itself keeps for one that is away."""

TEXTS_AT_ONCE: Final = 400
TEXTS_PERIOD_US: Final = 33_000
"""How much a page may say: signalling, which counts for itself, and some more."""

MALFORMED: Final = 4_400
NOT_LET_IN: Final = 4_401
TOO_FAST: Final = 4_429
NORMAL: Final = 1_000

_LATE: Final = Ending(MALFORMED, "no-hello", f"The first text, hello, did not come within {HELLO_SECONDS:g} seconds.")
_FLOOD: Final = Ending(TOO_FAST, "too-fast", "Too much was said at once; wait a second, then connect again.")
_SLOW: Final = Ending(1013, "too-slow", "What was sent has not been taken; connect again.")
_GONE: Final = Ending(1012, "closed", "The engine has stopped; connect again later.")
_EXPIRED: Final = Ending(NOT_LET_IN, "token-expired", "This token has expired; connect again without one.")
_INVALID: Final = Ending(
    NOT_LET_IN, "token-invalid", "This token is none of this channel's; connect again without one."
)
_TICKETS: Final[dict[str, str]] = {
    "ticket-invalid": "This is no ticket of ours.",
    "ticket-foreign": "This ticket is for another channel, or for another call than this page's.",
    "ticket-expired": "This ticket is too old; ask the chat for another one.",
    "ticket-used": "This ticket has been used; ask the chat for another one.",
}
_HELLO_FIRST: Final = Ending(MALFORMED, "no-hello", "The first text has to be hello.")
_HELLO_AGAIN: Final = Ending(MALFORMED, "hello-again", "hello comes once, as the first text.")

_log = Logger(__name__)


class PageBase(ABC):
    """`acd.ports.pages.Page`: a task reads `outgoing`, another hands in what it `receive`s. `line`: its call."""

    side: ClassVar[Side]
    seat: str
    """Where it is in its call (`besides`)."""

    def __init__(self, channel: "WebrtcChannel") -> None:
        """Connected just now."""
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.line: Line | None = None
        self._channel = channel
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._allowance = Allowance(TEXTS_AT_ONCE, period_us=TEXTS_PERIOD_US)
        channel.pages.add(self)

    async def outgoing(self) -> AsyncGenerator[str, None]:
        """What is to be sent, text by text, until the connection ends."""
        while True:
            self._news.clear()
            while self._waiting:
                text = self._waiting.popleft()
                self._bytes -= len(text)
                yield text
            await self._news.wait()

    async def receive(self, text: str) -> None:
        """Take a text. Returns when what it asks for has been done."""
        if not self._allowance.take(self._channel.exchange.now_us()):
            self.end(_FLOOD)
            return
        try:
            await self._take(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            self.end(Ending(MALFORMED, "malformed", f"A text cannot be read: {str(error)[:200]}"))
        except ChannelError:
            self.end(_GONE)
        except AcdError as error:
            _log.warning("a page's text led nowhere", instance=self._channel.name, error=type(error).__name__)
            self.end(_GONE)

    def farewell(self, ending: Ending) -> str:
        """The last text."""
        return encode(Closing(ending.code, ending.detail)).decode()

    def end(self, ending: Ending) -> None:
        """It is over, and is to be closed. Idempotent: the first reason counts."""
        if self.ended.done():
            return
        self.ended.set_result(ending)
        self._channel.pages.discard(self)
        self._channel.exchange.left(self)

    def stopped(self) -> None:
        """The channel stops."""
        self.end(_GONE)

    def tell(self, told: Told) -> None:
        """Have it sent in its turn. A page that does not read is cut off."""
        if self.ended.done():
            return
        text = encode(told).decode()
        self._waiting.append(text)
        self._bytes += len(text)
        if len(self._waiting) > MAX_WAITING or self._bytes > MAX_WAITING_BYTES:
            self.end(_SLOW)
        self._news.set()

    @abstractmethod
    async def _take(self, text: str) -> None:
        """Read a text and do what it asks for. Raises `msgspec.DecodeError`, `AcdError`."""

    async def _common(self, said: Signal | Ice | Ping | Sampled | TapeSaid) -> None:
        exchange = self._channel.exchange
        match said:
            case Signal():
                await exchange.signal(self, said)
            case Sampled():
                exchange.sampled(self, said)
            case Ice():
                exchange.tell_servers(self, said.talk)
            case Ping():
                self.tell(Pong())
            case TapeSaid():
                exchange.recorder.offered(self, said)
            case _:
                assert_never(said)


class AgentPage(PageBase):
    """Of an agent, for one interaction, or for one `consult`. Whoever opened it has seen to it that it is theirs."""

    side = "agent"

    def __init__(self, channel: "WebrtcChannel", agent_id: str, consult: str = "") -> None:
        """As above."""
        super().__init__(channel)
        self.agent_id = agent_id
        self.consult = consult
        self.seat = adviser_seat(consult, agent_id) if consult else agent_seat(agent_id)

    def over(self, reason: str) -> None:
        """There is nothing more to be done here."""
        asyncio.get_running_loop().call_soon(self.end, Ending(NORMAL, "over", reason))

    async def _take(self, text: str) -> None:
        said: AgentSaid = AGENT_SAID.decode(text)
        await self._common(said)


class SupervisorPage(PageBase):
    """Of somebody who hears a call, and has no part in its talk. Whoever opened it has seen to it that they may."""

    side = "agent"

    def __init__(self, channel: "WebrtcChannel", agent_id: str) -> None:
        """As whom: `supervisor_id`."""
        super().__init__(channel)
        self.supervisor_id = agent_id
        self.seat = supervisor_seat(agent_id)

    def over(self, reason: str) -> None:
        """There is nothing more to be heard."""
        asyncio.get_running_loop().call_soon(self.end, Ending(NORMAL, "over", reason))

    def replaced(self) -> None:
        """Another page of theirs hears it now."""
        self.end(Ending(REPLACED, "replaced", "Another page has taken this one's place; do not connect again."))

    async def _take(self, text: str) -> None:
        said: SupervisorSaid = SUPERVISOR_SAID.decode(text)
        if isinstance(said, Part):
            self._channel.exchange.parted(self)
        else:
            await self._common(said)


class CustomerPage(PageBase):
    """Of a customer. `visitor`: who it is, empty before its hello. `address`: from where, if that is known."""

    side = "customer"
    seat = CUSTOMER

    def __init__(self, channel: "WebrtcChannel", key: Callable[[], MasterKey], address: str) -> None:
        """`key`: the channel's."""
        super().__init__(channel)
        self.visitor = ""
        self.address = address
        self._key = key
        self._timer = asyncio.get_running_loop().call_later(HELLO_SECONDS, self.end, _LATE)

    def end(self, ending: Ending) -> None:
        """As for any page."""
        self._timer.cancel()
        super().end(ending)

    async def _take(self, text: str) -> None:
        said: CustomerSaid = CUSTOMER_SAID.decode(text)
        reception = self._channel.reception
        match said:
            case Hello():
                self._greet(said)
            case _ if not self.visitor:
                self.end(_HELLO_FIRST)
            case Begin():
                refusal = await reception.begin(self, said)
                if refusal is not None:
                    self.tell(Refusal(said.id, refusal.code, refusal.detail))
            case Leave():
                await reception.leave(self)
            case Signal() | Ice() | Ping() | Sampled() | TapeSaid():
                await self._common(said)
            case _:
                assert_never(said)

    def _greet(self, hello: Hello) -> None:
        if self.visitor:
            self.end(_HELLO_AGAIN)
            return
        channel = self._channel
        visitor = new_visitor()
        if hello.ticket:
            origin, wrong = channel.tickets.redeem(self._key(), hello.ticket, hello.call, channel.now_us())
            if origin is None:
                self.end(Ending(NOT_LET_IN, wrong, _TICKETS[wrong]))
                return
            visitor = origin.visitor
            channel.reception.comes_from(origin)
        elif hello.token:
            visitor, fault = redeem(self._key().index, channel.name, hello.token, channel.now_us())
            if fault:
                self.end(_EXPIRED if fault == "expired" else _INVALID)
                return
        self.visitor = visitor
        self._timer.cancel()
        self.tell(Welcome(*self._new_token()))
        if not hello.ticket:
            channel.reception.resume(self, hello.call)

    def _new_token(self) -> tuple[str, str]:
        """A token, and when it expires; at half of its life there will be another."""
        channel, life_us = self._channel, self._channel.options.token_us
        until_us = channel.now_us() + life_us
        self._timer = asyncio.get_running_loop().call_later(life_us / 2_000_000, self._renew)
        return issue(self._key().index, channel.name, self.visitor, until_us), moment(until_us)

    def _renew(self) -> None:
        try:
            self.tell(Token(*self._new_token()))
        except ChannelError:
            self.stopped()
