"""What an ARI event means. Pure: no IO, no state, no clock.

Owns the meaning of event types and of Stasis arguments. Must not know REST, WebSockets, the state of a call, nor what
is done about it (`intake`).
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from acd_asterisk.names import Names
from acd_asterisk.variables import attribute_key, is_ours
from acd_asterisk.wire import AriBridge, AriChannel, AriEvent, ReferredBy, ReferTo

EVENTS: Final = (
    "StasisStart",
    "StasisEnd",
    "ChannelHangupRequest",
    "ChannelDestroyed",
    "ChannelHold",
    "ChannelUnhold",
    "ChannelTransfer",
    "BridgeBlindTransfer",
    "BridgeAttendedTransfer",
    "ChannelEnteredBridge",
    "ChannelDtmfReceived",
    "PlaybackStarted",
    "PlaybackContinuing",
    "PlaybackFinished",
    "RecordingFinished",
    "RecordingFailed",
    "ApplicationReplaced",
    "ChannelUserevent",  # The one that is asked for to be heard (`hearing`).
    "RESTResponse",  # What is asked over the WebSocket has no answer otherwise.
)
"""The event types that this adapter asks Asterisk for; without a filter a call is ten times as many."""

PLAYBACK_ENDS: Final = frozenset({"done", "failed", "canceled"})
"""States of a playback of which nothing more will be heard."""


_TRANSFERS: Final = frozenset({"ChannelTransfer", "BridgeBlindTransfer", "BridgeAttendedTransfer"})

CALLED_BACK: Final = ("back:",)
"""The arguments with which a customer comes in who was called back: what no dialplan calls a queue."""

CODE: Final = "code:"
"""Begins what the dialplan says of an agent's telephone that has dialled a feature code."""


class CallerArrived(Struct, frozen=True):
    """A caller has entered the application. `variables` is None when they did not come with the event."""

    channel: AriChannel
    queue: str
    variables: Mapping[str, str] | None


class CodeDialled(Struct, frozen=True):
    """An agent's telephone, `endpoint` (`PJSIP/anna`), has dialled a feature code.

    `words`: what the dialplan says behind `code:`.
    """

    channel_id: str
    endpoint: str
    words: tuple[str, ...]


class CallerHangupRequested(Struct, frozen=True):
    """The caller's channel is being hung up: leaving the application will mean having hung up."""

    channel_id: str


class CallerLeft(Struct, frozen=True):
    """The caller's channel is no longer in the application."""

    channel_id: str


class LegAnswered(Struct, frozen=True):
    """The agent picked up the leg of this offer."""

    offer_id: str


class LegLeft(Struct, frozen=True):
    """The agent's answered leg is gone."""

    offer_id: str


class LegDestroyed(Struct, frozen=True):
    """A leg is gone, with Q.850 `cause`; only of interest when it was never answered."""

    offer_id: str
    cause: int


class LegHeld(Struct, frozen=True):
    """The agent's telephone put the call on hold (`held`), or took it back."""

    offer_id: str
    held: bool


class Referred(Struct, frozen=True):
    """The agent's telephone transfers the caller.

    Asterisk leaves that to us, or has put the channel `replaced_by` in the leg's place by itself, from `context`.
    Blind: to `number`, as the agent dialled it. Attended: to whom the agent has called on the channel `other_line`, by
    `number`: to the channel `other_end` of `other_endpoint` (`PJSIP/ben`), unless that still rings. With neither number
    nor line, that telephone has taken the caller over by itself.
    """

    offer_id: str
    number: str = ""
    other_line: str = ""
    other_end: str = ""
    other_endpoint: str = ""
    replaced_by: str = ""
    context: str = ""
    by: str = ""
    """The name of the leg's channel, `PJSIP/anna-00000001`, of a blind one."""
    parked: bool = False
    """Asterisk has taken the caller away by itself, to a place where whoever wants to may fetch them."""


class StrayArrived(Struct, frozen=True):
    """Asterisk has put a channel of its own in a caller's place, who has transferred somebody: it is nobody's."""

    channel_id: str


class CustomerAnswered(Struct, frozen=True):
    """A customer who is called back has picked up."""

    channel_id: str


class CustomerGone(Struct, frozen=True):
    """The channel of a customer who was called back is gone, with Q.850 `cause`; of interest if nobody picked up."""

    channel_id: str
    cause: int


class TalkEntered(Struct, frozen=True):
    """Somebody has entered a call's talk bridge; `channel_ids` are in it now."""

    interaction_id: str
    channel_ids: frozenset[str]


class BesideArrived(Struct, frozen=True):
    """A channel that we made beside the calls, such as a supervisor's telephone, is in the application."""

    channel_id: str


class BesideLeft(Struct, frozen=True):
    """Such a channel is gone, or has never been picked up."""

    channel_id: str


class RecordingEnded(Struct, frozen=True):
    """A recording of this name has ended, after so many seconds that are in it."""

    name: str
    seconds: int
    has_failed: bool


class KeyPressed(Struct, frozen=True):
    """Somebody, a caller or an agent, pressed a key of their telephone: 0 to 9, *, #, A to D."""

    channel_id: str
    key: str


class PlaybackChanged(Struct, frozen=True):
    """One file of a playback begins or ends, at `at` (ISO 8601), or all of it is over (`has_ended`)."""

    playback_id: str
    state: str
    """playing, continuing, done or failed."""
    media: str
    at: str

    @property
    def has_ended(self) -> bool:
        """Whether nothing more of it will be heard."""
        return self.state in PLAYBACK_ENDS


class Replaced(Struct, frozen=True):
    """Another controller has taken over the application."""


Happening = (
    CallerArrived
    | CodeDialled
    | CallerHangupRequested
    | CallerLeft
    | LegAnswered
    | LegLeft
    | LegDestroyed
    | LegHeld
    | Referred
    | StrayArrived
    | CustomerAnswered
    | CustomerGone
    | TalkEntered
    | RecordingEnded
    | BesideArrived
    | BesideLeft
    | KeyPressed
    | PlaybackChanged
    | Replaced
)


def happening(event: AriEvent, names: Names) -> Happening | None:
    """What has happened; None when it is nothing that matters here."""
    if event.type == "ApplicationReplaced":
        return Replaced()
    if event.recording is not None:
        ended = event.recording
        return RecordingEnded(ended.name, max(ended.duration, 0), has_failed=ended.state == "failed")
    if event.playback is not None:
        heard = event.playback
        return PlaybackChanged(heard.id, heard.state, heard.media_uri, event.timestamp)
    if event.type in _TRANSFERS:
        return _transferred(event, names)
    if event.channel is None:
        return None
    if event.type == "ChannelDtmfReceived":
        return KeyPressed(event.channel.id, event.digit)
    if event.type == "ChannelEnteredBridge":
        return _talk_entered(event.channel, event.bridge, names)
    offer_id = names.offer_of(event.channel.id)
    if offer_id is not None:
        return _leg_happening(event, offer_id)
    if names.back_of(event.channel.id) is not None:
        return _customer(event, event.channel)
    if names.is_own(event.channel.id):
        return _beside(event.type, event.channel.id) if names.is_supervising(event.channel.id) else None
    match event.type:
        case "StasisStart":
            if event.replace_channel is not None:
                offer_id = names.offer_of(event.replace_channel.id)
                if offer_id is not None:
                    return _taken_over(event.channel, offer_id)
                if event.channel.is_of_asterisk:
                    return StrayArrived(event.channel.id)
            return code_dialled(event.channel, event.args) or arrival(event.channel, event.args)
        case "StasisEnd":
            return CallerLeft(event.channel.id)
        case "ChannelHangupRequest":
            return CallerHangupRequested(event.channel.id)
        case _:
            return None


def _taken_over(channel: AriChannel, offer_id: str) -> Referred | None:
    """A telephone has put itself in a leg's place, by an INVITE with Replaces of which nothing else tells.

    None when it is a channel of Asterisk's own: then it has carried a transfer out, and another event tells all.
    """
    if channel.is_of_asterisk:
        return None
    return Referred(offer_id, other_endpoint=_endpoint(channel), replaced_by=channel.id)


def code_dialled(channel: AriChannel, args: Iterable[str]) -> CodeDialled | None:
    """Read Stasis arguments that begin with `code:`; None for a caller's."""
    first, *rest = tuple(args) or ("",)
    if not first.startswith(CODE):
        return None
    return CodeDialled(channel.id, _endpoint(channel), (first.removeprefix(CODE), *rest))


def arrival(channel: AriChannel, args: Iterable[str]) -> CallerArrived:
    """Read Stasis arguments: the queue's name, then `name=value` pairs, values percent-encoded.

    With pairs, or with `channelvars` from ari.conf, the variables are complete and nothing need be fetched.
    """
    queue, *pairs = tuple(args) or ("",)
    given = {attribute_key(name): unquote(value) for name, equals, value in (p.partition("=") for p in pairs) if equals}
    configured = {attribute_key(name): value for name, value in channel.channelvars.items() if is_ours(name) and value}
    if not pairs and not configured:
        return CallerArrived(channel, queue.strip(), None)
    return CallerArrived(channel, queue.strip(), {**configured, **given})


def arrival_of_waiting(channel: AriChannel) -> CallerArrived:
    """As `arrival`, for a channel found in the application: its arguments stand where the dialplan put them."""
    _app, *args = channel.dialplan.app_data.split(",")
    return arrival(channel, args)


def _talk_entered(channel: AriChannel, bridge: AriBridge | None, names: Names) -> TalkEntered | None:
    interaction_id = None if bridge is None else names.talk_of(bridge.id)
    if bridge is None or interaction_id is None:
        return None
    return TalkEntered(interaction_id, frozenset((*bridge.channels, channel.id)))


def _beside(kind: str, channel_id: str) -> Happening | None:
    match kind:
        case "StasisStart":
            return BesideArrived(channel_id)
        case "StasisEnd" | "ChannelDestroyed":
            return BesideLeft(channel_id)
        case _:
            return None


def _customer(event: AriEvent, channel: AriChannel) -> Happening | None:
    """Whoever has been called back hangs up as any caller does, and is one after they have been in the dialplan."""
    match event.type:
        case "StasisStart":
            if event.args == CALLED_BACK:
                return CustomerAnswered(channel.id)
            return code_dialled(channel, event.args) or arrival(channel, event.args)
        case "StasisEnd":
            return CallerLeft(channel.id)
        case "ChannelHangupRequest":
            return CallerHangupRequested(channel.id)
        case "ChannelDestroyed":
            return CustomerGone(channel.id, event.cause)
        case _:
            return None


def _transferred(event: AriEvent, names: Names) -> Referred | None:
    """None when it has failed."""
    if event.refer_to is not None and event.referred_by is not None:
        return _referred(event.refer_to, event.referred_by, names)
    leg = event.channel or event.transferer_first_leg
    offer_id = None if leg is None else names.offer_of(leg.id)
    if offer_id is None or event.result != "Success":
        return None
    line, other = event.transferer_second_leg, event.transfer_target
    replaced_by = event.replace_channel or event.destination_link_first_leg
    is_blind = event.type == "BridgeBlindTransfer"
    return Referred(
        offer_id,
        number=event.exten if line is None else line.dialplan.exten,
        other_line="" if line is None else line.id,
        other_end="" if other is None else other.id,
        other_endpoint="" if other is None else _endpoint(other),
        replaced_by="" if replaced_by is None else replaced_by.id,
        context=event.context,
        by=leg.name if leg is not None and is_blind else "",
        # Where anybody else is called, a channel is in the agent's place who does that.
        parked=is_blind and replaced_by is None and event.transferee is not None,
    )


def _referred(refer_to: ReferTo, referred_by: ReferredBy, names: Names) -> Referred | None:
    """None on a channel that is no leg of ours."""
    offer_id = names.offer_of(referred_by.source_channel.id)
    if offer_id is None:
        return None
    line, other = refer_to.destination_channel, refer_to.connected_channel
    if line is None:
        return Referred(offer_id, refer_to.requested_destination.destination, by=referred_by.source_channel.name)
    number = line.dialplan.exten
    if other is None:
        return Referred(offer_id, number, other_line=line.id)
    return Referred(offer_id, number, other_line=line.id, other_end=other.id, other_endpoint=_endpoint(other))


def _endpoint(channel: AriChannel) -> str:
    """A channel's name is its endpoint's, a hyphen and a number of Asterisk's."""
    return channel.name.rpartition("-")[0]


def _leg_happening(event: AriEvent, offer_id: str) -> Happening | None:
    match event.type:
        case "StasisStart":
            return LegAnswered(offer_id)
        case "StasisEnd":
            return LegLeft(offer_id)
        case "ChannelDestroyed":
            return LegDestroyed(offer_id, event.cause)
        case "ChannelHold" | "ChannelUnhold":
            return LegHeld(offer_id, held=event.type == "ChannelHold")
        case _:
            return None
