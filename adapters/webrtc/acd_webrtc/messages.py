"""What pages and the channel say to each other around a call, as JSON: who calls, how it stands, and what is carried.

Owns the forms; a closed list. Signalling of the talk itself (`signals`) travels inside `Signal`, as it is. Must not
know how texts travel, nor what is done. WEBRTC.md explains it for whoever writes a page.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from acd.core.messages import SupervisionMode
from acd.core.messages.types import Id, OptionalId
from acd.ports.recording import RecordingState
from acd.runtime.chat.visitors import MAX_TOKEN
from acd_webrtc.quality import Packets, Seconds
from acd_webrtc.signals import MAX_DESCRIPTION_LETTERS, MAX_TEXT_BYTES
from acd_webrtc.tickets import MAX_TICKET
from acd_webrtc.turn import IceServer

MAX_BYTES: Final = MAX_TEXT_BYTES + 1_024
"""Of one text: a text of signalling, and what is around it."""
MAX_KEY: Final = 64
MAX_TALK: Final = 32
MAX_NAME: Final = 100
MAX_NUMBER: Final = 40
MAX_ATTRIBUTES: Final = 10
MAX_ATTRIBUTE: Final = 200

Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY)]
_Name = Annotated[str, Meta(max_length=MAX_NAME)]
_Talk = Annotated[str, Meta(max_length=MAX_TALK)]
_Attribute = Annotated[str, Meta(max_length=MAX_ATTRIBUTE)]

State = Literal["waiting", "offered", "talking", "over"]


class _Said(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """What a page says."""


class Hello(_Said, frozen=True, tag="hello"):
    """A customer's first text: who it is, by the last token, and its call, by the key with which it began.

    `ticket`: instead of the token, of the web chat's, for the call that is to begin with this key.
    """

    token: Annotated[str, Meta(max_length=MAX_TOKEN)] = ""
    call: Annotated[str, Meta(max_length=MAX_KEY)] = ""
    ticket: Annotated[str, Meta(max_length=MAX_TICKET)] = ""


class Begin(_Said, frozen=True, tag="begin"):
    """Ask for an agent. `id`: the page's own, another one for every call; the same again is the same call.

    `continues`: the conversation of the ticket; then queue, customer and attributes are that one's.
    """

    id: Key
    queue: OptionalId = ""
    name: _Name = ""
    number: Annotated[str, Meta(max_length=MAX_NUMBER)] = ""
    attributes: Annotated[dict[Id, _Attribute], Meta(max_length=MAX_ATTRIBUTES)] = {}
    continues: OptionalId = ""


class Leave(_Said, frozen=True, tag="leave"):
    """The customer hangs up, whether anybody has answered or not."""


class Signal(_Said, frozen=True, tag="signal"):
    """A text of signalling, of this talk."""

    talk: _Talk
    text: msgspec.Raw


class Ice(_Said, frozen=True, tag="ice"):
    """Ask for servers with new credentials, as before an ICE restart. `talk`: of a leg beside the talk."""

    talk: _Talk = ""


class Ping(_Said, frozen=True, tag="ping"):
    """Whether we are there: a browser finds out late that a network is gone."""


class Sampled(_Said, frozen=True, tag="quality", rename="camel"):
    """How the page heard the other: from `getStats`, as `quality.Sample`, every few seconds."""

    talk: _Talk
    packets_received: Packets
    packets_lost: Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
    jitter: Seconds
    round_trip_time: Seconds | None = None
    packets_discarded: Packets = 0
    jitter_buffer_delay: Annotated[float, Meta(ge=0, le=1e15)] = 0.0
    jitter_buffer_emitted_count: Packets = 0


class TapeSaid(_Said, frozen=True, tag="tape"):
    """The page's offer of a connection by which a copy of its sound goes into this recording. Without candidates."""

    tape: _Talk
    sdp: Annotated[str, Meta(max_length=MAX_DESCRIPTION_LETTERS)]


class Part(_Said, frozen=True, tag="part"):
    """A supervisor does not want to hear it any more."""


CustomerSaid = Hello | Begin | Leave | Signal | Ice | Ping | Sampled | TapeSaid
AgentSaid = Signal | Ice | Ping | Sampled | TapeSaid
SupervisorSaid = Signal | Ice | Ping | Part


class _Told(Struct, frozen=True, tag_field="type"):
    """What a page is told."""


class Welcome(_Told, frozen=True, tag="welcome"):
    """You are let in. Keep `token` for the next `hello`."""

    token: str
    expires_at: str


class Token(_Told, frozen=True, tag="token"):
    """A new token in place of the last one."""

    token: str
    expires_at: str


class CallTold(_Told, frozen=True, tag="call"):
    """How the call stands. `key`: with which the customer began it. `agent`: the name that customers see, if any.

    `reason`: why it is over.
    """

    id: str
    key: str
    state: State
    agent: str = ""
    reason: str = ""


class PlaceTold(_Told, frozen=True, tag="place"):
    """Where in line the customer stands, 0 when in none; half wait no longer than `expected_seconds`."""

    position: int
    expected_seconds: float | None


class Announced(_Told, frozen=True, tag="announced"):
    """Something is to be told to whoever waits; the page knows what stands behind the name."""

    name: str


class TalkTold(_Told, frozen=True, tag="talk"):
    """The two are to hear each other: begin signalling, with a hello.

    The same `talk` again: go on, with a hello that says where. Another one, and the same `pair`: signalling begins
    anew, and connections that stand may stay. Another pair: somebody else is at the other end.
    """

    talk: str
    pair: str
    servers: list[IceServer]
    relay_only: bool


class SignalTold(_Told, frozen=True, tag="signal"):
    """A text of signalling, of this talk."""

    talk: str
    text: msgspec.Raw


class IceTold(_Told, frozen=True, tag="ice"):
    """Servers with new credentials; `talk`: for a leg beside the talk."""

    servers: list[IceServer]
    relay_only: bool
    talk: str = ""


class Peer(Struct, frozen=True):
    """One leg beside the talk: a connection of its own, by the signalling of `talk`. The polite end waits for an offer.

    `speaks`: the page sends its sound there; `hears`: it plays what comes; `holds`: not while the customer is held.
    """

    talk: str
    polite: bool
    speaks: bool
    hears: bool
    holds: bool
    servers: list[IceServer]
    relay_only: bool


class PeersTold(_Told, frozen=True, tag="peers"):
    """All legs that the page has beside the talk; what is not in it is over."""

    peers: list[Peer]


class SupervisionTold(_Told, frozen=True, tag="supervision"):
    """To a supervisor: how they take part."""

    mode: SupervisionMode


class RecordingTold(_Told, frozen=True, tag="recording"):
    """Whether what is said in this talk is recorded: show it. `tape`: where a copy is wanted; another, another one."""

    talk: str
    state: RecordingState
    tape: str = ""


class TapeTold(_Told, frozen=True, tag="tape"):
    """The answer to a page's offer of a copy."""

    tape: str
    sdp: str


class Pong(_Told, frozen=True, tag="pong"):
    """We are."""


class Refusal(_Told, frozen=True, tag="error"):
    """Not done, and not by saying it again; `id` is of `begin`."""

    id: str
    code: str
    detail: str


class Closing(_Told, frozen=True, tag="closing"):
    """The last text."""

    code: str
    detail: str


Told = (
    Welcome
    | Token
    | CallTold
    | PlaceTold
    | Announced
    | TalkTold
    | SignalTold
    | IceTold
    | PeersTold
    | SupervisionTold
    | RecordingTold
    | TapeTold
    | Pong
    | Refusal
    | Closing
)

SUPERVISOR_SAID: Final[msgspec.json.Decoder[SupervisorSaid]] = msgspec.json.Decoder(SupervisorSaid)
CUSTOMER_SAID: Final[msgspec.json.Decoder[CustomerSaid]] = msgspec.json.Decoder(CustomerSaid)
AGENT_SAID: Final[msgspec.json.Decoder[AgentSaid]] = msgspec.json.Decoder(AgentSaid)
encode: Final = msgspec.json.Encoder().encode
