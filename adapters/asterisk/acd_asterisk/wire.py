"""The parts of ARI's JSON that this adapter reads, as types.

Owns the shapes and their decoding. Must not know what any of it means (`translate`, `adopt`), nor how it
arrives (`ari`). What is not named here is skipped while decoding.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

MAX_MESSAGE_BYTES: Final = 1 << 20
"""Size of one event; Asterisk's are a few kilobytes."""


_UP: Final = "Up"
_OF_ASTERISK: Final = "Local/"
_T = TypeVar("_T")


class Answer(NamedTuple):
    """What Asterisk answered to a request."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """2xx."""
        return self.status // 100 == 2  # noqa: PLR2004 - the class of success

    @property
    def message(self) -> str:
        """The reason of a refusal, as Asterisk words it."""
        try:
            problem = decode_problem(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        return problem.message or problem.error


class Party(Struct, frozen=True, gc=False):
    """A caller's identity as Asterisk knows it. Personal: never logged."""

    name: str = ""
    number: str = ""


class DialplanPlace(Struct, frozen=True, gc=False):
    """Where a channel stands in the dialplan; in Stasis `app_data` holds the application and its arguments."""

    exten: str = ""
    app_name: str = ""
    app_data: str = ""


class AriChannel(Struct, frozen=True):
    """A channel. `state` is Down, Ring, Ringing, Up …; `name` begins with its endpoint; `creationtime` ISO 8601."""

    id: str
    state: str = ""
    caller: Party = Party()
    dialplan: DialplanPlace = DialplanPlace()
    creationtime: str = ""
    channelvars: dict[str, str] = {}
    name: str = ""
    language: str = ""
    """Of its sounds."""

    @property
    def is_up(self) -> bool:
        """Whether it has been answered."""
        return self.state == _UP

    @property
    def is_of_asterisk(self) -> bool:
        """Whether it is one that Asterisk has made to put it between others, as where a telephone transfers."""
        return self.name.startswith(_OF_ASTERISK)


class AriBridge(Struct, frozen=True):
    """A bridge and the ids of the channels in it."""

    id: str
    channels: tuple[str, ...] = ()


class Playback(Struct, frozen=True, gc=False):
    """Something that is played to a channel or a bridge, and which of its media it has come to."""

    id: str
    state: str = ""
    media_uri: str = ""


class Application(Struct, frozen=True):
    """A Stasis application: with `subscribeAll` off, exactly the channels that are its own."""

    name: str
    channel_ids: tuple[str, ...] = ()
    bridge_ids: tuple[str, ...] = ()
    endpoint_ids: tuple[str, ...] = ()

    @property
    def is_in_use(self) -> bool:
        """Whether Asterisk keeps it for what it has subscribed to, though nobody may listen any more."""
        return bool(self.channel_ids or self.bridge_ids or self.endpoint_ids)


class _System(Struct, frozen=True):
    version: str = ""
    entity_id: str = ""


class _Status(Struct, frozen=True):
    startup_time: str = ""


class Info(Struct, frozen=True):
    """Which Asterisk this is, and since when it runs."""

    system: _System = _System()
    status: _Status = _Status()

    @property
    def identity(self) -> tuple[str, str]:
        """Changes when Asterisk has been restarted."""
        return (self.system.entity_id, self.status.startup_time)


class AriRecording(Struct, frozen=True, gc=False):
    """A recording that has ended. `duration` in seconds, without pauses; -1 when nothing was recorded."""

    name: str
    state: str = ""
    duration: int = -1


class _Destination(Struct, frozen=True):
    destination: str = ""


class ReferTo(Struct, frozen=True):
    """Where a telephone transfers to: a number, or the other end of `destination_channel`, its other line."""

    requested_destination: _Destination = _Destination()
    destination_channel: AriChannel | None = None
    connected_channel: AriChannel | None = None


class ReferredBy(Struct, frozen=True):
    """The channel of the telephone that transfers."""

    source_channel: AriChannel


class AriEvent(Struct, frozen=True):
    """Any event: its type, and the fields that the types we ask for have."""

    type: str
    channel: AriChannel | None = None
    args: tuple[str, ...] = ()
    cause: int = 0
    bridge: AriBridge | None = None
    recording: AriRecording | None = None
    refer_to: ReferTo | None = None
    referred_by: ReferredBy | None = None
    replace_channel: AriChannel | None = None
    """Of StasisStart: whose place the channel has taken; of BridgeBlindTransfer: who has taken the channel's place."""
    transferee: AriChannel | None = None
    """Of BridgeBlindTransfer: who has talked with the channel, if that was one."""
    result: str = ""
    exten: str = ""
    context: str = ""
    transferer_first_leg: AriChannel | None = None
    transferer_second_leg: AriChannel | None = None
    transfer_target: AriChannel | None = None
    destination_link_first_leg: AriChannel | None = None
    """Of BridgeAttendedTransfer: who has taken the place of `transferer_first_leg`."""
    playback: Playback | None = None
    digit: str = ""
    timestamp: str = ""


class DeviceState(Struct, frozen=True, gc=False):
    """A device state of which Stasis applications are the source."""

    name: str
    state: str = ""


class Problem(Struct, frozen=True):
    """ARI's answer to a call that it refused."""

    message: str = ""
    error: str = ""


class VariableValue(Struct, frozen=True):
    """A channel variable's value."""

    value: str = ""


def decoder(kind: type[_T]) -> Callable[[str | bytes], _T]:
    """Reads JSON as `kind`. What cannot be read raises `msgspec.DecodeError`, whatever is wrong with it.

    msgspec has other errors for text that is none, and for what is too deep.
    """
    read = msgspec.json.Decoder(kind).decode

    def decode(text: str | bytes) -> _T:
        try:
            return read(text)
        except (UnicodeError, RecursionError) as error:
            raise msgspec.DecodeError(type(error).__name__) from None

    return decode


decode_event: Final = decoder(AriEvent)
decode_channels: Final = decoder(list[AriChannel])
decode_bridges: Final = decoder(list[AriBridge])
decode_application: Final = decoder(Application)
decode_info: Final = decoder(Info)
decode_device_states: Final = decoder(list[DeviceState])
decode_problem: Final = decoder(Problem)
decode_value: Final = decoder(VariableValue)
