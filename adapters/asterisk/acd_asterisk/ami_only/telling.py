"""AMI's events as ARI would have told them. No IO.

Owns the meaning of AMI's events for a call. Must not know actions, nor what is done about an event.
"""

from collections import OrderedDict
from typing import Final
from urllib.parse import unquote

from acd_asterisk.ami.wire import Message, text_of
from acd_asterisk.ami_only import dialplan
from acd_asterisk.names import Names, interaction_of_offer
from acd_asterisk.wire import AriBridge, AriChannel, AriEvent, DialplanPlace, Party

EVENTS: Final = frozenset(
    {
        "BlindTransfer",
        "BridgeDestroy",
        "BridgeEnter",
        "BridgeLeave",
        "Hangup",
        "Hold",
        "Newchannel",
        "OriginateResponse",
        "Unhold",
        "UserEvent",
    }
)
CLASSES: Final = "system,call,user"

STASIS: Final = "Stasis"
MAX_BRIDGES: Final = 20_000
"""Of which it is known who is in them."""

MAX_LEGS: Final = 20_000
"""Of which it is remembered whether they have had a channel, until it is known what came of dialling them."""

NO_ROUTE: Final = 3
"""Q.850: no channel could even be made."""

_UNKNOWN: Final = "<unknown>"


class Telling:
    """One application's. `owner` is this controller's own mark."""

    def __init__(self, names: Names, app: str, owner: str) -> None:
        """Nobody is in any bridge."""
        self._names = names
        self._app = app
        self._owner = owner
        self._bridges: OrderedDict[str, set[str]] = OrderedDict()
        self._legs: OrderedDict[str, bool] = OrderedDict()
        """Those for which there has been a channel, and those that have failed without one, as far as is known."""

    def events(self, message: Message) -> list[AriEvent]:
        """What it comes to; nothing when it is of no interest."""
        match text_of(message, "Event"):
            case "UserEvent":
                return self._said(message) if text_of(message, "App") == self._app else []
            case "Newchannel" if self._names.offer_of(text_of(message, "Uniqueid")) is not None:
                self._note(text_of(message, "Uniqueid"), has_channel=True)
            case "Hangup":
                return self._hung_up(message)
            case "Hold" | "Unhold" as name:
                return [AriEvent(f"Channel{name}", channel_of(message))]
            case "BridgeEnter":
                return self._entered(message)
            case "BridgeLeave":
                self._bridges.get(text_of(message, "BridgeUniqueid"), set()).discard(text_of(message, "Uniqueid"))
            case "BridgeDestroy":
                self._bridges.pop(text_of(message, "BridgeUniqueid"), None)
            case "BlindTransfer" if text_of(message, "Result") == "Success":
                return [AriEvent("StasisEnd", AriChannel(text_of(message, "TransfereeUniqueid")))]
            case "OriginateResponse":
                return self._originated(message)
        return []

    def is_early(self, message: Message) -> bool:
        """Whether it says that a telephone could not be dialled, but may have overtaken what is said of its channel.

        Asterisk sends it past the queue in which the events of channels wait. True once for each leg: what is not known
        by the time it is handed on again has never been.
        """
        leg = self._failed(message)
        if not leg or leg in self._legs:
            return False
        self._note(leg, has_channel=False)
        return True

    def _said(self, message: Message) -> list[AriEvent]:
        channel = channel_of(message)
        match text_of(message, "UserEvent"):
            case "AcdEnter":
                return [AriEvent("StasisStart", channel, arguments(text_of(message, "Args")))]
            case "AcdAnswered":
                return [AriEvent("StasisStart", channel)]
            case "AcdLeft":
                return [AriEvent("StasisEnd", channel)]
            case "AcdOwner" if text_of(message, "Owner") != self._owner:
                return [AriEvent("ApplicationReplaced")]
        return []

    def _hung_up(self, message: Message) -> list[AriEvent]:
        channel = channel_of(message)
        cause = text_of(message, "Cause")
        destroyed = AriEvent("ChannelDestroyed", channel, cause=int(cause) if cause.isdecimal() else 0)
        if self._names.offer_of(channel.id) is None:
            return [AriEvent("ChannelHangupRequest", channel), AriEvent("StasisEnd", channel), destroyed]
        is_answered = text_of(message, "Exten") == dialplan.LEG and self._is_ours(message)
        return [AriEvent("StasisEnd", channel), destroyed] if is_answered else [destroyed]

    def _entered(self, message: Message) -> list[AriEvent]:
        bridge_id, channel = text_of(message, "BridgeUniqueid"), channel_of(message)
        inside = self._bridges.setdefault(bridge_id, set())
        inside.add(channel.id)
        if len(self._bridges) > MAX_BRIDGES:
            self._bridges.popitem(last=False)
        interaction_id = talked_of(self._names, inside)
        if not interaction_id:
            return []
        talk = AriBridge(self._names.talk(interaction_id), tuple(sorted(inside)))
        return [AriEvent("ChannelEnteredBridge", channel, bridge=talk)]

    def _originated(self, message: Message) -> list[AriEvent]:
        """A telephone for which no channel could be made: nothing else tells of it."""
        had_channel = self._legs.pop(text_of(message, "ActionID"), False)
        leg = self._failed(message)
        if not leg or had_channel:
            return []  # It was answered, or its end is told.
        return [AriEvent("ChannelDestroyed", AriChannel(leg), cause=NO_ROUTE)]

    def _failed(self, message: Message) -> str:
        """The leg that could not be dialled; empty when that is not what is said."""
        leg = text_of(message, "ActionID")
        is_failure = text_of(message, "Event") == "OriginateResponse" and text_of(message, "Response") == "Failure"
        return leg if is_failure and self._names.offer_of(leg) is not None else ""

    def _note(self, leg: str, *, has_channel: bool) -> None:
        self._legs[leg] = has_channel
        if len(self._legs) > MAX_LEGS:
            self._legs.popitem(last=False)

    def _is_ours(self, message: Message) -> bool:
        return text_of(message, "Context") == dialplan.context_of(self._app)


def channel_of(message: Message) -> AriChannel:
    """The channel of an event, or of a line of CoreShowChannels."""
    exten = text_of(message, "Exten") or text_of(message, "Extension")
    application = text_of(message, "Application")
    return AriChannel(
        text_of(message, "Uniqueid"),
        text_of(message, "ChannelStateDesc"),
        Party(_known(text_of(message, "CallerIDName")), _known(text_of(message, "CallerIDNum"))),
        DialplanPlace(exten, application, text_of(message, "ApplicationData")),
        creationtime=_age(text_of(message, "Uniqueid")),
    )


def arguments(said: str) -> tuple[str, ...]:
    """What the dialplan said, as `Stasis()` would have handed it on."""
    queue, *pairs = said.split("&")
    return (unquote(queue), *pairs)


def talked_of(names: Names, channel_ids: set[str]) -> str:
    """The interaction whose conversation takes place where these are; empty when no agent of ours is among them."""
    offers = sorted(offer for each in channel_ids if (offer := names.offer_of(each)) is not None)
    return interaction_of_offer(offers[0]) if offers else ""


def _known(text: str) -> str:
    return "" if text == _UNKNOWN else text


def _age(uniqueid: str) -> str:
    """Something that sorts as channels were made: the ids are a second, a full stop and a number."""
    second, _, number = uniqueid.rpartition("-")[2].partition(".")
    return f"{second:>12}.{number:>12}"
