"""What the channel and its media process say to each other over pipes: MessagePack, its length before it.

Owns the forms, which are a closed list, and the framing. Must not know processes, nor what is done.
"""

import struct
from typing import Final, Literal

import msgspec
from msgspec import Struct

from acd.ports.recording_names import Side

ENDING: Final = ".wav"
"""Of the files whose names are in messages."""
PARTIAL: Final = f"{ENDING}.part"
"""Likewise, while they are written."""

MAX_FRAME: Final = 262_144
"""Bytes of one message: a description, and what is around it."""

_LENGTH: Final = struct.Struct("!I")

Leg = Literal["caller", "agent"]


class _Order(Struct, frozen=True, tag=True, array_like=True):
    """To the media process. `number`: of a question; its answer has it, too."""


class Prepare(_Order, frozen=True):
    """The first: where files are, and the addresses that pages send to (`RecordingOptions`).

    Files of `channel` that another process has left are brought to their end.
    """

    folder: str
    channel: str
    listen: tuple[str, ...] = ()
    address: str = ""


class Begin(_Order, frozen=True):
    """Record. `files`: names by side; one of side "" has both in it. `longest`: seconds."""

    number: int
    tape: str
    files: tuple[tuple[Side, str], ...]
    longest: float
    paused: bool = False


class Connect(_Order, frozen=True):
    """A page's offer; it takes the place of the one that this side had."""

    number: int
    tape: str
    leg: Leg
    sdp: str


class Pause(_Order, frozen=True):
    """Write nothing more of what is said, or (`paused` is false) write again."""

    number: int
    tape: str
    paused: bool


class End(_Order, frozen=True):
    """The talk is over."""

    tape: str


class Ping(_Order, frozen=True):
    """Whether it is there."""

    number: int


class _Report(Struct, frozen=True, tag=True, array_like=True):
    """From the media process."""


class Answer(_Report, frozen=True):
    """To a question. `fault`: why not; empty when it has been done. `sdp`: the answer to a page's offer."""

    number: int
    fault: str = ""
    sdp: str = ""


class Ended(_Report, frozen=True):
    """A recording is at its end, ordered or not. `seconds`: without pauses.

    `states` by side: `partial`: of one nothing came; `failed`: of nobody, or the disk did not take it; else empty.
    """

    tape: str
    seconds: float
    states: tuple[tuple[Side, str], ...]
    fault: str = ""


class Salvaged(_Report, frozen=True):
    """A file that another process had left."""

    name: str
    seconds: float


Order = Prepare | Begin | Connect | Pause | End | Ping
Report = Answer | Ended | Salvaged

_ENCODER: Final = msgspec.msgpack.Encoder()
ORDERS: Final[msgspec.msgpack.Decoder[Order]] = msgspec.msgpack.Decoder(Order)
REPORTS: Final[msgspec.msgpack.Decoder[Report]] = msgspec.msgpack.Decoder(Report)


def framed(message: Order | Report) -> bytes:
    """As it goes over the pipe."""
    body = _ENCODER.encode(message)
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Bytes as they come, taken apart."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete by now. Raises `ValueError` for one that is too long."""
        self._held += data
        found = []
        while len(self._held) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._held)
            if length > MAX_FRAME:
                raise ValueError(f"a message of {length} bytes; there are {MAX_FRAME} at most")
            end = _LENGTH.size + length
            if len(self._held) < end:
                break
            found.append(bytes(self._held[_LENGTH.size : end]))
            del self._held[:end]
        return found
