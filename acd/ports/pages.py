"""What a channel may be able to do besides its contract: talk with pages in browsers over sockets of the API.

Owns the two sides of that: `Page`, one connection as whoever carries its texts sees it, and `BrowserCalls`, a channel
whose customers and agents hear each other by their browsers. So an adapter has routes without bringing any: the API has
them, with tokens, domains, scopes and origins, and asks the channel only what is said.

Must not know any channel, HTTP, or what the texts mean.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

Side = Literal["customer", "agent"]
Figure = Literal["score", "loss", "jitter", "round_trip"]


class Ending(Struct, frozen=True):
    """Why a socket is closed: a close code, a stable word, and a sentence."""

    close_code: int
    code: str
    detail: str


class Page(Protocol):
    """One connection of a page. Texts come in by `receive`, one after the other, and go out by `outgoing`."""

    @property
    def ended(self) -> asyncio.Future[Ending]:
        """Done when the connection is to be closed, with the reason."""
        ...

    def outgoing(self) -> AsyncGenerator[str, None]:
        """What is to be sent, when it is asked for."""
        ...

    async def receive(self, text: str) -> None:
        """The page has said something. Returns when the next may come."""
        ...

    def end(self, ending: Ending) -> None:
        """It is over, or its socket is gone. Idempotent: the first reason counts."""
        ...

    def farewell(self, ending: Ending) -> str:
        """The last text."""
        ...


class Claimed(Struct, frozen=True):
    """Who a customer's page says they are. Nobody vouches for it: nothing is looked up by it."""

    name: str = ""
    number: str = ""


class Heard(Struct, frozen=True):
    """How well a side has heard the other so far, as means over the call; None: nobody knows yet.

    `score` is an estimated mean opinion, from 1 to 4.5; `loss` in percent, `jitter` and `round_trip` in milliseconds.
    """

    side: Side
    seconds: float
    score: float | None = None
    loss: float | None = None
    jitter: float | None = None
    round_trip: float | None = None


class Rated(Struct, frozen=True):
    """One figure of `Heard` over all calls that have ended: how many were not above each bound, and their sum."""

    figure: Figure
    side: Side
    buckets: tuple[tuple[str, int], ...]
    total: float


@runtime_checkable
class BrowserCalls(Protocol):
    """A channel whose customers call from a page, and whose agents answer in theirs."""

    name: str

    @property
    def origins(self) -> Collection[str]:
        """Web origins, in lower case, whose pages customers may call from."""
        ...

    @property
    def queues(self) -> tuple[str, ...]:
        """Those that a page may ask for; the first by default."""
        ...

    @property
    def connections(self) -> int:
        """So many customers' pages at a time."""
        ...

    @property
    def most_bytes(self) -> int:
        """Of one text of a page."""
        ...

    def health(self) -> Mapping[str, str | int | bool]:
        """As of any channel."""
        ...

    def now_us(self) -> int:
        """The engine's time. Raises `ChannelError` before the start and after the stop."""
        ...

    @property
    def per_address(self) -> int:
        """So many customers' pages of one address at a time; 0 for any number."""
        ...

    def customer_page(self, address: str) -> Page:
        """A customer's page has connected from there, empty where that cannot be told; who it is, it says itself."""
        ...

    def agent_page(self, interaction_id: str, agent_id: str) -> Page:
        """The page of an agent, who may take part in this interaction, has connected for it."""
        ...

    def claimed(self, interaction_id: str) -> Claimed:
        """Who the customer's page says they are, in a call that is going on."""
        ...

    def heard(self, interaction_id: str) -> tuple[Heard, ...]:
        """How well both sides hear each other in a call that is going on."""
        ...

    def rated(self) -> tuple[Rated, ...]:
        """How well they did in the calls that have ended."""
        ...
