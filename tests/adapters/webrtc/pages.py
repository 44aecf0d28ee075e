"""Pages as they should be, without a browser: a session, an RTCPeerConnection's states, perfect negotiation.

Owns what a page says and what it makes of what it is told (W3C WebRTC, 10.7); asserts what no browser would bear: an
answer without an offer, a candidate of a description that it does not have. Knows sockets as queues of texts.
"""

from collections import deque
from itertools import count
from typing import Final

import msgspec

from acd_webrtc.session import Session
from acd_webrtc.signals import (
    Answer,
    Candidate,
    Got,
    Hello,
    Numbered,
    Offer,
    Over,
    Refused,
    Renew,
    Said,
    Told,
    Welcome,
)

TOLD: Final[msgspec.json.Decoder[Told]] = msgspec.json.Decoder(Told)
DOWN: Final[msgspec.json.Decoder[Welcome | Numbered | Got]] = msgspec.json.Decoder(Welcome | Numbered | Got)
FINGERPRINT: Final = ":".join(["A7"] * 32)
CANDIDATE: Final = "candidate:1 1 udp 2122260223 192.0.2.{} 54321 typ host generation 0"


def sdp(number: int, ufrag: str, *media: str) -> str:
    """A description that is told apart by its number."""
    lines = ["v=0", f"o=- {number} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for kind in media or ("audio",):
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", f"a=ice-ufrag:{ufrag}"]
        lines += [f"a=ice-pwd:{'p' * 22}", f"a=fingerprint:sha-256 {FINGERPRINT}", "a=setup:actpass", "a=mid:0"]
    return "\r\n".join(lines) + "\r\n"


def ufrag_of(description: str) -> str:
    return description.partition("a=ice-ufrag:")[2].partition("\r")[0]


class Connection:
    """An RTCPeerConnection, as far as signalling sees it."""

    def __init__(self) -> None:
        self.local: str | None = None
        self.remote: str | None = None
        self.offered: str | None = None
        """A local offer that waits for its answer: the state have-local-offer."""
        self.ignored: set[str] = set()
        self.sent: list[Candidate] = []
        self.added: list[Candidate] = []


class Page:
    """One side's page, through sockets and reloads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._numbers = count(1)
        self.load()

    def load(self) -> None:
        """Begin with nothing, as after a reload."""
        self.session: Session | None = None
        self.polite = False
        self.connection = Connection()
        self.link: int | None = None
        self.welcome = False
        """Whether the server has said what it has: before that nothing is sent but the hello."""
        self.up: deque[str] = deque()
        self.told: list[Told] = []
        self.said: deque[tuple[Said, int]] = deque()
        """What the server has not taken yet, with how much the page had been told."""

    def hello(self) -> str:
        session = self.session
        return text_of(Hello() if session is None else Hello(session.number, session.got))

    def lose(self) -> None:
        """The socket, and what is under way on it."""
        self.link = None
        self.welcome = False
        self.up.clear()

    def say(self, said: Said) -> None:
        assert self.session is not None
        numbered = self.session.send(said)
        self.said.append((said, len(self.told)))
        if self.welcome:
            self.up.append(text_of(numbered))

    def offer(self, *, restart: bool, early: int) -> None:
        """As after `negotiationneeded`; `early` candidates overtake it."""
        connection = self.connection
        assert connection.offered is None
        anew = restart or connection.local is None
        connection.offered = self._description(None if anew else connection.local)
        for _ in range(early):
            self.trickle(connection.offered)
        self.say(Offer(connection.offered))

    def trickle(self, description: str | None = None) -> None:
        """A candidate of the description that counts for gathering."""
        connection = self.connection
        of = description or connection.offered or connection.local
        if of is not None:
            number = next(self._numbers)
            candidate = Candidate(CANDIDATE.format(number), "0", 0, ufrag_of(of))
            connection.sent.append(candidate)
            self.say(candidate)

    def hear(self, text: str) -> None:
        read = DOWN.decode(text)
        if isinstance(read, Welcome):
            self.polite, self.welcome = read.polite, True
            if self.session is None:
                self.session = Session(read.session)
            assert self.session.number == read.session
            self.up.extend(text_of(numbered) for numbered in self.session.again(read.got))
            return
        assert self.session is not None
        body = self.session.take(read)
        if body is not None:
            told = TOLD.decode(body)
            self.told.append(told)
            self._heed(told)
            self.up.append(text_of(Got(self.session.got)))

    def _heed(self, told: Told) -> None:
        connection = self.connection
        match told:
            case Offer():
                if connection.offered is not None and not self.polite:
                    connection.ignored.add(ufrag_of(told.sdp))
                    return
                connection.offered = None  # rolled back, if there was one
                same = connection.remote is not None and ufrag_of(connection.remote) == ufrag_of(told.sdp)
                answer = self._description(connection.local if same else None)
                connection.remote, connection.local = told.sdp, answer
                self.trickle(answer)
                self.say(Answer(answer))
            case Answer():
                assert connection.offered is not None
                connection.local, connection.remote, connection.offered = connection.offered, told.sdp, None
            case Candidate():
                assert told.username_fragment is not None
                if connection.remote is None or told.username_fragment != ufrag_of(connection.remote):
                    assert told.username_fragment in connection.ignored
                else:
                    connection.added.append(told)
            case Renew():
                self.connection = Connection()
            case Refused():
                raise AssertionError(told)
            case _:
                pass

    def _description(self, former: str | None) -> str:
        number = next(self._numbers)
        return sdp(number, ufrag_of(former) if former is not None else f"{self.name}{number:06}")

    @property
    def over(self) -> bool:
        return bool(self.told) and isinstance(self.told[-1], Over)


def text_of(message: msgspec.Struct) -> str:
    return msgspec.json.encode(message).decode()
