"""Which calls there are, who is connected for them, and which talk goes on in each.

Owns the registry and its bounds. Must not know the engine, nor what is said.
"""

import asyncio
import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from acd.ports.channel import Desired, Place
from acd.ports.pages import Claimed, Side
from acd_webrtc.quality import Quality
from acd_webrtc.signalling import Call

if TYPE_CHECKING:
    from acd_webrtc.besides import Leg
    from acd_webrtc.pages import AgentPage, CustomerPage, PageBase
    from acd_webrtc.watching import Watch

MAX_ENDED: Final = 1_000
"""Calls that have ended, for pages that come back afterwards and ask what has become of theirs."""

_TALK_BYTES: Final = 12


class Talk:
    """One agent and the customer, from when they are to hear each other: `call` is its signalling.

    `links`: which sockets, by signalling's numbers, and the other way round.
    """

    def __init__(self, offer_id: str, agent_id: str, call: Call) -> None:
        """Nobody is connected yet."""
        self.id = secrets.token_urlsafe(_TALK_BYTES)
        self.offer_id = offer_id
        self.agent_id = agent_id
        self.call = call
        self.links: dict[int, PageBase] = {}
        self.link_of: dict[PageBase, int] = {}

    def is_end(self, page: "PageBase") -> bool:
        """Whether the page is at one of its ends."""
        return page.side == "customer" or getattr(page, "agent_id", "") == self.agent_id

    def connected(self, page: "PageBase", link: int) -> None:
        """This page has this number."""
        self.links[link], self.link_of[page] = page, link

    def dropped(self, page: "PageBase") -> int | None:
        """It has none any more; returns the one it had."""
        link = self.link_of.pop(page, None)
        if link is not None:
            self.links.pop(link, None)
        return link


class Line:
    """One interaction. `beginning`: the engine has not been told of it yet, or has not answered.

    `visitor` and `key` are empty after a restart, until the customer's page has come back. `address`: from where it
    began, `claimed`: who its page said they are; both are forgotten with a restart. `ringing`, `talking`: offers
    with their agents, oldest first; the first who talks has the customer's ear. `gone_us`: since when no page of the
    customer's is connected, None while one is. `why`: for what the engine has been told that it is over.
    """

    def __init__(
        self,
        interaction_id: str,
        visitor: str = "",
        key: str = "",
        *,
        address: str = "",
        claimed: Claimed | None = None,
        beginning: bool = False,
    ) -> None:
        """As above."""
        self.id = interaction_id
        self.visitor = visitor
        self.key = key
        self.address = address
        self.claimed = claimed or Claimed()
        self.beginning = beginning
        self.settled = asyncio.Event()
        """It has begun, or come to nothing."""
        self.ringing: dict[str, str] = {}
        self.talking: dict[str, str] = {}
        self.talk: Talk | None = None
        self.customer: CustomerPage | None = None
        self.agents: dict[str, AgentPage] = {}
        self.watches: dict[str, Watch] = {}
        """Who supervises it, by agent."""
        self.advice: dict[str, Desired] = {}
        """What agents are asked about it, by consult."""
        self.advisers: dict[tuple[str, str], AgentPage] = {}
        """Pages of those who are, by consult and agent."""
        self.legs: dict[tuple[str, str], Leg] = {}
        """Connections beside the talk, by the seats at their ends."""
        self.had_legs = False
        self.gone_us: int | None = None
        self.why = ""
        self.place: Place | None = None
        self.held: set[str] = set()
        """Agents who hold it, as the engine has it."""
        self.holding = 0
        """Commands about holding that are under way."""
        self.quality: dict[Side, Quality] = {"customer": Quality(), "agent": Quality()}

    @property
    def waits(self) -> bool:
        """Whether the customer hears nobody yet."""
        return not self.talking

    def page_at(self, seat: str) -> "PageBase | None":
        """Whoever is connected for this seat."""
        supervisors = (each.page for each in self.watches.values())
        pages = (self.customer, *self.agents.values(), *self.advisers.values(), *supervisors)
        return next((page for page in pages if page is not None and page.seat == seat), None)


class Lines:
    """All of one channel."""

    def __init__(self) -> None:
        """None yet."""
        self._living: dict[str, Line] = {}
        self._of_visitor: dict[str, Line] = {}
        self.consults: dict[str, Line] = {}
        """Which call a consult is about."""
        self._ended: OrderedDict[str, str] = OrderedDict()
        self.of_address: Counter[str] = Counter()
        """How many have not ended, by where they were begun, as far as that is known."""

    def __len__(self) -> int:
        """Calls that have not ended."""
        return len(self._living)

    def __iter__(self) -> Iterator[Line]:
        """Those, oldest first."""
        return iter(tuple(self._living.values()))

    def get(self, interaction_id: str) -> Line | None:
        """One that has not ended."""
        return self._living.get(interaction_id)

    def of_visitor(self, visitor: str) -> Line | None:
        """The one that a visitor has not ended."""
        return self._of_visitor.get(visitor)

    def add(self, line: Line) -> None:
        """It is there from now on."""
        self._living[line.id] = line
        if line.address:
            self.of_address[line.address] += 1
        if line.visitor:
            self._of_visitor[line.visitor] = line

    def known(self, line: Line, visitor: str, key: str) -> None:
        """Whose it is, has been found out."""
        line.visitor, line.key = visitor, key
        self._of_visitor[visitor] = line

    def drop(self, line: Line, reason: str = "") -> None:
        """It is over, for this reason; without one it never was."""
        if self._living.pop(line.id, None) is not None and line.address:
            self.of_address[line.address] -= 1
            if not self.of_address[line.address]:
                del self.of_address[line.address]
        for consult_id in line.advice:
            self.consults.pop(consult_id, None)
        if self._of_visitor.get(line.visitor) is line:
            del self._of_visitor[line.visitor]
        if reason:
            self._ended[line.id] = reason
            if len(self._ended) > MAX_ENDED:
                self._ended.popitem(last=False)

    def why(self, interaction_id: str) -> str:
        """Why it is over; empty when that is not remembered."""
        return self._ended.get(interaction_id, "")
