"""Connections beside the talk: whoever else is to hear somebody in a call has one of their own with each of them.

Owns these legs: which there are, who is at their ends, what their pages are told, and their signalling. Each is a
`Call` like the talk's, of which the end that makes the first offer has the agent's part. Whatever becomes of a leg, the
talk does not notice. Must not know who is to hear whom (`Pairing` says it), nor the engine.

Sound goes from page to page, so pages decide what they send; what nobody is to hear is not played at the other end,
either.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from acd.ports.pages import Side
from acd_webrtc.messages import IceTold, Peer, PeersTold, Signal, SignalTold
from acd_webrtc.options import WebrtcOptions
from acd_webrtc.signalling import NORMAL, Call, Close, Send, Step
from acd_webrtc.signals import Hello, SessionBroken, read_hello
from acd_webrtc.turn import TurnServer, ice_servers

if TYPE_CHECKING:
    from acd_webrtc.lines import Line
    from acd_webrtc.pages import PageBase

CUSTOMER: Final = "customer"
"""The customer's seat."""

_ID_BYTES: Final = 12


def agent_seat(agent_id: str) -> str:
    """Where an agent sits who is asked, or talks."""
    return f"agent {agent_id}"


def supervisor_seat(agent_id: str) -> str:
    """Where somebody sits who supervises."""
    return f"supervisor {agent_id}"


def adviser_seat(consult_id: str, agent_id: str) -> str:
    """Where an agent sits who is asked for advice, or gives it."""
    return f"adviser {consult_id} {agent_id}"


class Pairing(NamedTuple):
    """Two seats that have a leg. `first` makes the first offer; the flags say whose sound goes over it.

    `holds`: what is on hold is not heard by it, either.
    """

    first: str
    second: str
    first_speaks: bool
    second_speaks: bool
    holds: bool = True


class Leg:
    """One of them, as long as it is wanted; a `Call` that has ended may be followed by another one."""

    def __init__(self, pairing: Pairing, call: Call) -> None:
        """Nobody is connected yet."""
        self.id = secrets.token_hex(_ID_BYTES)
        self.pairing = pairing
        self.call = call
        self.links: dict[int, PageBase] = {}
        self.link_of: dict[PageBase, int] = {}

    def dropped(self, page: "PageBase") -> int | None:
        """Its socket is none of this leg's any more; returns the number that it had."""
        link = self.link_of.pop(page, None)
        if link is not None:
            self.links.pop(link, None)
        return link

    def side_of(self, page: "PageBase") -> Side:
        """The part that this page has in signalling."""
        return "agent" if page.seat == self.pairing.first else "customer"


class Besides:
    """Those of one channel. Everything returns at once."""

    def __init__(
        self, options: WebrtcOptions, now_us: Callable[[], int], turn: Callable[[], TurnServer | None]
    ) -> None:
        """`now_us`: time that does not go back."""
        self._options = options
        self._now_us = now_us
        self._turn = turn

    def settle(self, line: "Line", wanted: Sequence[Pairing]) -> None:
        """Have these legs, and no others; tell whose page is there."""
        before, line.legs, changed = line.legs, {}, set[str]()
        line.had_legs = line.had_legs or bool(wanted)
        for pairing in wanted:
            key = pairing[:2]
            leg = before.pop(key, None)
            if leg is None or leg.pairing != pairing:
                changed |= {*key}
            line.legs[key] = leg or self._made(pairing)
            line.legs[key].pairing = pairing
        for key, leg in before.items():
            changed |= {*key}
            self._carry_out(leg, leg.call.end(now_us=self._now_us()))
        for seat in sorted(changed):
            self.tell(line, line.page_at(seat))

    def came(self, line: "Line", page: "PageBase") -> None:
        """A page has connected: what had failed there is tried again."""
        for key, leg in tuple(line.legs.items()):
            if page.seat in key and leg.call.ended is not None:
                line.legs[key] = self._made(leg.pairing)
                other = key[0] if key[1] == page.seat else key[1]
                self.tell(line, line.page_at(other))
        if line.had_legs:
            self.tell(line, page)

    def left(self, line: "Line", page: "PageBase") -> None:
        """A page's socket is gone."""
        for leg in line.legs.values():
            if (link := leg.dropped(page)) is not None:
                self._carry_out(leg, leg.call.disconnected(link, now_us=self._now_us()))

    def signal(self, line: "Line", page: "PageBase", said: Signal) -> None:
        """A text of signalling of one leg. One that is over is passed over."""
        leg = self._leg(line, page, said.talk)
        if leg is None:
            return
        text, now_us = bytes(said.text), self._now_us()
        link = leg.link_of.get(page)
        if link is not None and is_hello(text):
            leg.dropped(page)
            leg.call.disconnected(link, now_us=now_us)
            link = None
        if link is None:
            link, steps = leg.call.connect(leg.side_of(page), text, now_us=now_us)
            leg.links[link], leg.link_of[page] = page, link
        else:
            steps = leg.call.receive(link, text, now_us=now_us)
        self._carry_out(leg, steps)

    def tell_servers(self, line: "Line", page: "PageBase", talk: str) -> None:
        """New credentials, for a leg of this page's."""
        leg = self._leg(line, page, talk)
        if leg is not None:
            peer = self._peer(leg, page.seat)
            page.tell(IceTold(peer.servers, peer.relay_only, talk))

    def tick(self, line: "Line") -> None:
        """Time has passed."""
        for leg in line.legs.values():
            due_us = leg.call.next_deadline_us
            if due_us is not None and due_us <= self._now_us():
                self._carry_out(leg, leg.call.tick(now_us=self._now_us()))

    def tell(self, line: "Line", page: "PageBase | None") -> None:
        """All legs of a page; those that it is not told of are none any more."""
        if page is None:
            return
        legs = (leg for key, leg in line.legs.items() if page.seat in key and leg.call.ended is None)
        page.tell(PeersTold([self._peer(leg, page.seat) for leg in legs]))

    # ---- inside

    def _made(self, pairing: Pairing) -> Leg:
        return Leg(pairing, Call(now_us=self._now_us(), limits=self._options.limits))

    def _leg(self, line: "Line", page: "PageBase", talk: str) -> Leg | None:
        found = (leg for key, leg in line.legs.items() if leg.id == talk and page.seat in key)
        return next(found, None)

    def _peer(self, leg: Leg, seat: str) -> Peer:
        pairing, turn = leg.pairing, self._turn()
        is_first = seat == pairing.first
        speaks = (pairing.first_speaks, pairing.second_speaks)
        user = f"{leg.id}-{'agent' if is_first else 'customer'}"
        return Peer(
            talk=leg.id,
            polite=not is_first,
            speaks=speaks[0] if is_first else speaks[1],
            hears=speaks[1] if is_first else speaks[0],
            holds=pairing.holds,
            servers=[] if turn is None else ice_servers(turn, user, now_us=self._now_us()),
            relay_only=self._options.relay_only,
        )

    def _carry_out(self, leg: Leg, steps: list[Step]) -> None:
        """Do what signalling wants. A page whose text was none keeps its socket: the leg alone is lost."""
        for step in steps:
            if isinstance(step, Send):
                page = leg.links.get(step.link)
                if page is not None:
                    page.tell(SignalTold(leg.id, msgspec.Raw(step.text.encode())))
            elif isinstance(step, Close) and step.code != NORMAL:
                page = leg.links.get(step.link)
                if page is not None:
                    leg.dropped(page)


def is_hello(text: bytes) -> bool:
    """Whether a text of signalling begins a session, or takes one up."""
    with suppress(SessionBroken):
        return isinstance(read_hello(text), Hello)
    return False
