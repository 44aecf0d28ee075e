"""Signalling of one call between two pages, a customer's and an agent's: a state machine without sockets or clock.

Owns who is on which socket, what each side is told, in which order and once, mute and hold, and how the call ends.
Time is an argument, in microseconds, and never goes back; ask `next_deadline_us`, and call `tick` then. What is to be
done comes back as a list: `Send` and `Close` name a socket by the number that `connect` gave it, `Ended` comes once.

    link, steps = call.connect("customer", first_text, now_us=now)
    steps = call.receive(link, text, now_us=now)
    steps = call.disconnected(link, now_us=now)

A page that lost its socket connects again and says what it has: nothing is lost, nothing comes twice. A page that was
loaded anew begins a new session, and the other side is told to begin anew with it (`Renew`).

Must not know who may take part (whoever opens the socket has seen to that), what carries the texts, or media.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, assert_never

import msgspec

from acd_webrtc.allowance import Allowance
from acd_webrtc.negotiation import POLITE, Negotiation, Side
from acd_webrtc.session import Session
from acd_webrtc.signals import (
    Answer,
    Candidate,
    Got,
    HangUp,
    Hold,
    Kind,
    Mute,
    Numbered,
    Offer,
    Over,
    Reason,
    Refused,
    Renew,
    Said,
    SessionBroken,
    SignalRefused,
    Told,
    Welcome,
    read_hello,
    read_said,
    read_text,
)

MICROSECONDS: Final = 1_000_000
BURST_MESSAGES: Final = 300
"""What a side may send at once; more closes its socket, and it sends the rest again later."""
MESSAGES_PER_SECOND: Final = 20
NORMAL, BROKEN, REPLACED, TOO_MANY = 1_000, 4_400, 4_409, 4_429
"""Codes of closing: the call is over; not our protocol; another socket has taken its place; wait a second."""


class Limits(NamedTuple):
    """How long a call waits, in microseconds."""

    join_us: int = 60 * MICROSECONDS
    """For both sides to connect for the first time."""
    resume_us: int = 30 * MICROSECONDS
    """For a side that lost its socket."""
    answer_us: int = 30 * MICROSECONDS
    """For the answer to an offer, from when a side that was connected got it; losing the socket gives no more."""


class Send(NamedTuple):
    """Send this text over this socket."""

    link: int
    text: str


class Close(NamedTuple):
    """Close this socket; nothing of it is heard any more."""

    link: int
    code: int
    reason: str


class Ended(NamedTuple):
    """The call is over."""

    reason: Reason


Step = Send | Close | Ended


class _End:
    """One side."""

    def __init__(self) -> None:
        self.session = Session(1)
        self.link: int | None = None
        self.joined = False
        self.lost_us = 0
        """When its last socket went; counts while there is none."""
        self.muted: set[Kind] = set()
        self.offer_number = 0
        """The number by which it was told the other's last offer."""
        self.own_offer = 0
        """The number of its own last offer that passed."""
        self.renewed_number = 0
        """That of the last `Renew`: what it had to negotiate before it read this is about a page that is gone."""
        self.allowance = Allowance(BURST_MESSAGES, period_us=MICROSECONDS // MESSAGES_PER_SECOND)


class Call:
    """One call. `ended` says why it is over, or None; `negotiation` has figures.

    `ended_by`: who hung up, or did not come, answer or read; None: nobody of the two.
    """

    def __init__(self, *, now_us: int, limits: Limits | None = None, relay_only: Collection[Side] = ()) -> None:
        """`relay_only`: sides that send by the relay alone; the other is told of no other address of theirs."""
        self.negotiation = Negotiation(relay_only)
        self.ended: Reason | None = None
        self.ended_by: Side | None = None
        self.held = False
        self._limits = limits or Limits()
        self._ends: dict[Side, _End] = {"customer": _End(), "agent": _End()}
        self._links = 0
        self._begun_us = self._now_us = now_us
        self._answer_by_us: int | None = None
        self._steps: list[Step] = []

    def connect(self, side: Side, text: str | bytes, *, now_us: int) -> tuple[int, list[Step]]:
        """A socket of this side is open, and this is its first text, a `Hello`. Gives the socket its number.

        Whatever other socket the side had is closed. A hello that is wrong closes this one and changes nothing.
        """
        self._advance(now_us)
        self._links += 1
        link, end = self._links, self._ends[side]
        try:
            hello = read_hello(text)
            if hello.session is not None and hello.session != end.session.number:
                return link, [Close(link, REPLACED, "this page's session is over: the page was opened again")]
            again = [] if hello.session is None else end.session.again(hello.got)
        except SessionBroken as problem:
            return link, [Close(link, BROKEN, str(problem))]
        if end.link is not None:
            self._steps.append(Close(end.link, REPLACED, "another socket has taken this one's place"))
        if hello.session is None:
            again = self._new_page(side)
        end.link, end.joined = link, True
        if self.negotiation.offerer == _other(side) and self._answer_by_us is None:
            self._answer_by_us = now_us + self._limits.answer_us
        relay_only = True if side in self.negotiation.relay_only else msgspec.UNSET
        self._say(link, Welcome(end.session.number, end.session.got, polite=side == POLITE, relay_only=relay_only))
        for numbered in again:
            self._say(link, numbered)
        if self.ended is not None:
            self._steps.append(Close(link, NORMAL, self.ended))
        return link, self._done()

    def receive(self, link: int, text: str | bytes, *, now_us: int) -> list[Step]:
        """A text came over this socket. One that was closed, or never was, is not listened to."""
        self._advance(now_us)
        side = self._side_of(link)
        if side is None or self.ended is not None:
            return []
        end = self._ends[side]
        try:
            read = read_text(text)
            # What confirms something new is not counted: how much of that comes is the other side's doing.
            if (isinstance(read, Numbered) or read.got <= end.session.confirmed) and not end.allowance.take(now_us):
                return self._cut(side, TOO_MANY, f"more than {MESSAGES_PER_SECOND} messages a second; wait a second")
            body = end.session.take(read)
        except SessionBroken as problem:
            return self._cut(side, BROKEN, str(problem))
        if body is None or not isinstance(read, Numbered):
            return self._done()
        sent, offerer = end.session.sent, self.negotiation.offerer
        try:
            self._said(side, read_said(body), read.got)
        except SignalRefused as refusal:
            self._tell(side, Refused(read.number, refusal.code, refusal.detail))
            self._tell_offerer(offerer, refusal)
        if end.session.sent == sent and end.link is not None:
            self._say(link, Got(end.session.got))
        return self._done()

    def disconnected(self, link: int, *, now_us: int) -> list[Step]:
        """This socket is gone; the side has `Limits.resume_us` to come back."""
        self._advance(now_us)
        side = self._side_of(link)
        if side is not None:
            self._ends[side].link, self._ends[side].lost_us = None, now_us
        return self._done()

    def tick(self, *, now_us: int) -> list[Step]:
        """Time has passed: end the call if somebody took too long."""
        self._advance(now_us)
        for due_us, reason, side in self._deadlines():
            if due_us <= now_us:
                self._end(reason, side)
                break
        return self._done()

    def hold(self, *, held: bool, now_us: int) -> list[Step]:
        """Whoever owns the call has put the customer on hold for the agent, or taken them back: both are told."""
        self._advance(now_us)
        if held != self.held and self.ended is None:
            self.held = held
            for side in self._ends:
                self._tell(side, Hold(held=held))
        return self._done()

    def end(self, *, now_us: int) -> list[Step]:
        """Whoever owns the call ends it; more than once is harmless."""
        self._advance(now_us)
        self._end("ended")
        return self._done()

    @property
    def next_deadline_us(self) -> int | None:
        """When `tick` has something to do; None: never, as it stands."""
        return min((due_us for due_us, _, _ in self._deadlines()), default=None)

    def muted(self, side: Side) -> Sequence[Kind]:
        """What this side has muted, in order."""
        return sorted(self._ends[side].muted)

    def _deadlines(self) -> list[tuple[int, Reason, Side]]:
        """When somebody has taken too long, why that is the end, and who it is; the customer before the agent."""
        if self.ended is not None:
            return []
        found: list[tuple[int, Reason, Side]] = []
        for side, end in self._ends.items():
            if not end.joined:
                found.append((self._begun_us + self._limits.join_us, "unjoined", side))
            elif end.link is None:
                found.append((end.lost_us + self._limits.resume_us, "lost", side))
        if self.negotiation.offerer is not None and self._answer_by_us is not None:
            found.append((self._answer_by_us, "unanswered", _other(self.negotiation.offerer)))
        return sorted(found, key=lambda each: each[:2])

    def _new_page(self, side: Side) -> list[Numbered]:
        """Begin its session; anew, if it had one. Gives what it is to be told first."""
        end, other = self._ends[side], self._ends[_other(side)]
        if not end.joined:
            return end.session.again(0)
        end.session = Session(end.session.number + 1)
        if self.ended is not None:
            return [end.session.send(Over(self.ended))]
        end.muted.clear()
        end.offer_number = end.renewed_number = 0
        self.negotiation.begin_anew()
        states: list[Told] = [Mute(kind, muted=True) for kind in self.muted(_other(side))]
        if self.held:
            states.append(Hold(held=True))
        for told in states:
            end.session.send(told)
        self._tell(_other(side), Renew())
        other.renewed_number = other.session.sent
        return end.session.again(0)

    def _said(self, side: Side, said: Said, got: int) -> None:
        """`got`: what the side had been told when it said so. Raises `SignalRefused`."""
        end, other = self._ends[side], _other(side)
        match said:
            case Offer() | Answer() | Candidate() if got < end.renewed_number:
                return
            case Offer():
                passed = self.negotiation.offer(side, said)
                for each in passed:
                    self._tell(other, each)
                if passed:
                    end.own_offer = end.session.got
                    self._offered(other, len(passed))
            case Answer():
                for each in self.negotiation.answer(side, said, aware=got >= end.offer_number):
                    self._tell(other, each)
            case Candidate():
                for each in self.negotiation.candidate(side, said):
                    self._tell(other, each)
            case Mute():
                self._mute(side, said)
            case Hold():
                if side != "agent":
                    raise SignalRefused("not-allowed", "only the agent can put the other side on hold")
                if said.held != self.held:
                    self.held = said.held
                    self._tell(other, said)
            case HangUp():
                self._end(said.reason, side)
            case _:
                assert_never(said)

    def _tell_offerer(self, offerer: Side | None, refusal: SignalRefused) -> None:
        """Its offer waits no more, and had no answer that could be used: it has to be rolled back."""
        if offerer is not None and self.negotiation.offerer is None:
            self._tell(offerer, Refused(self._ends[offerer].own_offer, refusal.code, f"answer: {refusal.detail}"))

    def _offered(self, side: Side, messages: int) -> None:
        """It was told an offer, the first of so many messages; its time to answer begins when it is there."""
        end = self._ends[side]
        end.offer_number = end.session.sent - messages + 1
        self._answer_by_us = None if end.link is None else self._now_us + self._limits.answer_us

    def _mute(self, side: Side, said: Mute) -> None:
        muted = self._ends[side].muted
        if (said.kind in muted) == said.muted:
            return
        (muted.add if said.muted else muted.discard)(said.kind)
        self._tell(_other(side), said)

    def _tell(self, side: Side, told: Told) -> None:
        """In its turn, now or when it is back. Nobody is told anything after the end."""
        end = self._ends[side]
        if self.ended is not None and not isinstance(told, Over):
            return
        try:
            numbered = end.session.send(told)
        except SessionBroken:
            self._end("overrun", side)
            return
        if end.link is not None:
            self._say(end.link, numbered)

    def _end(self, reason: Reason, by: Side | None = None) -> None:
        if self.ended is not None:
            return
        self.ended, self.ended_by = reason, by
        for side, end in self._ends.items():
            self._tell(side, Over(reason))
            if end.link is not None:
                self._steps.append(Close(end.link, NORMAL, reason))
        self._steps.append(Ended(reason))

    def _cut(self, side: Side, code: int, reason: str) -> list[Step]:
        """Close its socket; it may come back."""
        end = self._ends[side]
        if end.link is not None:
            self._steps.append(Close(end.link, code, reason))
        end.link, end.lost_us = None, self._now_us
        return self._done()

    def _say(self, link: int, text: Welcome | Numbered | Got) -> None:
        self._steps.append(Send(link, msgspec.json.encode(text).decode()))

    def _side_of(self, link: int) -> Side | None:
        return next((side for side, end in self._ends.items() if end.link == link), None)

    def _advance(self, now_us: int) -> None:
        if now_us < self._now_us:
            raise ValueError(f"now_us: {now_us} is before {self._now_us}; time never goes back")
        self._now_us = now_us

    def _done(self) -> list[Step]:
        done, self._steps = self._steps, []
        return done


def _other(side: Side) -> Side:
    return "agent" if side == "customer" else "customer"
