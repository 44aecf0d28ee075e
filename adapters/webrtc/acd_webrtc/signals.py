"""What a page and the server say to each other about one call, as JSON, and what may be said.

Owns the messages, their sizes, and reading them: whatever comes from a page is read here first. A text on the socket is
a `Hello`, a `Welcome`, a `Got` or a `Numbered`, whose body is one of the messages of `Said` (from a page) or `Told` (to
one). Fields of candidates are those of RTCIceCandidate's `toJSON`.

Must not know who says it, when it may be said (`signalling`), or what is in a description (`descriptions`).
"""

import re
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from acd.errors import ChannelError

MAX_TEXT_BYTES: Final = 131_072
"""One text on the socket."""
MAX_DESCRIPTION_LETTERS: Final = 65_536
MAX_CANDIDATE_LETTERS: Final = 512
MAX_DETAIL_LETTERS: Final = 300
MAX_REASON_BYTES: Final = 120
"""Of the reason of a socket's closing, which has 123 at most (RFC 6455, 5.5)."""
MAX_NUMBER: Final = 2**53 - 1
"""What JavaScript counts exactly."""

_CANDIDATE: Final = re.compile(
    r"candidate:[A-Za-z0-9+/]{1,32} \d{1,3} (?:udp|tcp) \d{1,10} [A-Za-z0-9.:-]{1,255} \d{1,5} "
    r"typ (?:host|srflx|prflx|relay)(?: [\x21-\x7e]{1,255})*",
    re.IGNORECASE,
)

Description = Annotated[str, Meta(min_length=1, max_length=MAX_DESCRIPTION_LETTERS)]
Number = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Kind = Literal["audio", "video", "screen"]
Reason = Literal["hung-up", "declined", "failed", "lost", "unanswered", "unjoined", "overrun", "ended"]
"""Why a call is over: a side hung up, declined or could not go on; it did not come back, did not answer a description,
never came; it let too much pile up; or whoever owns the call ended it."""
RefusalCode = Literal[
    "bad-message",
    "bad-description",
    "bad-candidate",
    "too-many-candidates",
    "offer-pending",
    "no-offer",
    "not-allowed",
    "over",
]


class SignalRefused(ChannelError):
    """What a page said cannot be done, and changed nothing: `code` is stable, `detail` a sentence for a developer.

    Only an offer whose answer is refused waits no more.
    """

    def __init__(self, code: RefusalCode, detail: str) -> None:
        """`detail` is cut at `MAX_DETAIL_LETTERS`."""
        self.code: RefusalCode = code
        self.detail = detail[:MAX_DETAIL_LETTERS]
        super().__init__(f"{code}: {self.detail}")


class SessionBroken(ChannelError):
    """What came over a socket is no part of the protocol, or of this session; the text says what.

    It fits into the reason of a socket's closing.
    """

    def __init__(self, problem: str) -> None:
        """`problem` is cut at `MAX_REASON_BYTES`."""
        super().__init__(problem.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """Settings that all of them share."""


class Offer(_Message, frozen=True, tag="offer"):
    """A description to be answered (JSEP, RFC 8829): the first, a renegotiation, or an ICE restart."""

    sdp: Description


class Answer(_Message, frozen=True, tag="answer"):
    """The description that answers the other side's offer."""

    sdp: Description


class Candidate(_Message, frozen=True, tag="candidate"):
    """One ICE candidate (RFC 8838); an empty `candidate` says there are no more."""

    candidate: Annotated[str, Meta(max_length=MAX_CANDIDATE_LETTERS)]
    sdp_mid: Annotated[str, Meta(max_length=64)] | None = None
    sdp_m_line_index: Annotated[int, Meta(ge=0, le=255)] | None = None
    username_fragment: Annotated[str, Meta(max_length=256)] | None = None
    """Which description it belongs to; None: the side's last."""


class Mute(_Message, frozen=True, tag="mute"):
    """Whether a side sends no sound, picture or screen for the moment. The page stops its own track."""

    kind: Kind
    muted: bool


class Hold(_Message, frozen=True, tag="hold"):
    """Whether the agent has put the customer on hold. The pages stop sending and playing; nothing is negotiated."""

    held: bool


class HangUp(_Message, frozen=True, tag="hang-up"):
    """The side leaves for good."""

    reason: Literal["hung-up", "declined", "failed"] = "hung-up"


class Renew(_Message, frozen=True, tag="renew"):
    """To a page: the other side's page is a new one, which has muted nothing.

    Close the RTCPeerConnection, make another, begin again.
    """


class Refused(_Message, frozen=True, tag="refused"):
    """To a page: its message `number` changed nothing, and why. After an offer: roll it back.

    Comes after an offer, too, whose answer was refused.
    """

    number: Number
    code: RefusalCode
    detail: str


class Over(_Message, frozen=True, tag="over"):
    """To a page: the call is over. The last message."""

    reason: Reason


Said = Offer | Answer | Candidate | Mute | Hold | HangUp
Told = Offer | Answer | Candidate | Mute | Hold | Renew | Refused | Over


class Hello(_Message, frozen=True, tag="hello"):
    """The first text of a page on a socket. A new page says nothing more; one that lost its socket, where it was."""

    session: Annotated[int, Meta(ge=1, le=MAX_NUMBER)] | None = None
    got: Number = 0
    """The number of the last message that it has."""


class Welcome(_Message, frozen=True, tag="welcome", omit_defaults=False):
    """The answer to `Hello`: before it the page says nothing, after it first all of its own beyond number `got`."""

    session: Number
    got: Number
    polite: bool
    """Its part in perfect negotiation (W3C WebRTC, 10.7): the polite side gives way when both offer."""
    relay_only: bool | msgspec.UnsetType = msgspec.UNSET
    """Said where it is true: the page's RTCPeerConnection has `iceTransportPolicy` "relay"."""


class Numbered(_Message, frozen=True, tag="message"):
    """A message with its number: 1, 2, … for each session and direction."""

    number: Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
    got: Number
    """The last message that the sender had acted upon when it said this, however often it is sent."""
    body: msgspec.Raw


class Got(_Message, frozen=True, tag="got"):
    """Only says how far the other's messages have come."""

    got: Number


# Alone, a Struct would be read without its type.
_HELLO: Final[msgspec.json.Decoder[Hello | Got]] = msgspec.json.Decoder(Hello | Got)
_TEXT: Final[msgspec.json.Decoder[Numbered | Got]] = msgspec.json.Decoder(Numbered | Got)
_SAID: Final[msgspec.json.Decoder[Said]] = msgspec.json.Decoder(Said)
_Read = TypeVar("_Read")


def read_hello(text: str | bytes) -> Hello:
    """The first text on a socket. Raises `SessionBroken`."""
    hello = _read(_HELLO, text)
    if not isinstance(hello, Hello):
        raise SessionBroken("the first text has to be a hello")
    return hello


def read_text(text: str | bytes) -> Numbered | Got:
    """Every other text. Raises `SessionBroken`."""
    return _read(_TEXT, text)


def read_said(body: msgspec.Raw) -> Said:
    """What a page said. Raises `SignalRefused`: bad-message, bad-candidate."""
    try:
        said = _SAID.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SignalRefused("bad-message", f"the message cannot be read: {error}") from None
    if isinstance(said, Candidate) and said.candidate and not _CANDIDATE.fullmatch(said.candidate):
        raise SignalRefused(
            "bad-candidate", "candidate: is none as RFC 8839 has it; send what onicecandidate gave, unchanged"
        )
    return said


def _read(decoder: msgspec.json.Decoder[_Read], text: str | bytes) -> _Read:
    if len(text) > MAX_TEXT_BYTES:
        raise SessionBroken(f"a text has more than {MAX_TEXT_BYTES} letters")
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise SessionBroken(f"a text cannot be read: {error}") from None
