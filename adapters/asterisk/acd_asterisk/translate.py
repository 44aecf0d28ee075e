"""What an ARI event means, and which command it leads to. Pure: no IO, no state, no clock.

Owns the meaning of event types, Stasis arguments, `X_ACD_*` variables and hangup causes, and what of a
caller's data may go where. Must not know REST, WebSockets or the state of a call.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal
from urllib.parse import unquote

from msgspec import Struct, structs

from acd.core import limits
from acd.core.messages import (
    Command,
    DeclineOffer,
    EnqueueInteraction,
    FailOffer,
)
from acd.core.messages.types import ID_PATTERN
from acd_asterisk.names import Names
from acd_asterisk.wire import AriBridge, AriChannel, AriEvent, Party

EVENTS: Final = (
    "StasisStart",
    "StasisEnd",
    "ChannelHangupRequest",
    "ChannelDestroyed",
    "ChannelHold",
    "ChannelUnhold",
    "ChannelEnteredBridge",
    "ApplicationReplaced",
)
"""The event types that this adapter asks Asterisk for; without a filter a call is ten times as many."""

STANDARD_VARIABLES: Final = (
    "X_ACD_QUEUE",
    "X_ACD_REQUIREMENT",
    "X_ACD_PRIORITY",
    "X_ACD_AFTER",
    "X_ACD_DID",
    "X_ACD_AGENT",
)
"""Channel variables that always count; a dialplan may have more, see `Options.variables`."""

VARIABLE_PREFIX: Final = "X_ACD_"
VARIABLE_NAME: Final = re.compile(r"X_ACD_[A-Z0-9_]{1,58}")

MAX_CALLER_NUMBER: Final = 40
MAX_CALLER_NAME: Final = 64
MAX_ENDPOINT: Final = 128

_ID: Final = re.compile(ID_PATTERN)
_ENDPOINT: Final = re.compile(r"[A-Za-z0-9]{1,32}/[A-Za-z0-9_.+@:/-]{1,95}")
_NOT_IN_NUMBER: Final = re.compile(r"[^0-9A-Za-z+*#._-]")
_PRIORITY: Final = re.compile(r"[+-]?[0-9]{1,9}")
_NOT_IN_NAME_KEY: Final = re.compile(r"[^A-Z0-9_]")


class CallerArrived(Struct, frozen=True):
    """A caller has entered the application. `variables` is None when they did not come with the event."""

    channel: AriChannel
    queue: str
    variables: Mapping[str, str] | None


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


class TalkEntered(Struct, frozen=True):
    """Somebody has entered a call's talk bridge; `channel_ids` are in it now."""

    interaction_id: str
    channel_ids: frozenset[str]


class Replaced(Struct, frozen=True):
    """Another controller has taken over the application."""


Happening = (
    CallerArrived
    | CallerHangupRequested
    | CallerLeft
    | LegAnswered
    | LegLeft
    | LegDestroyed
    | LegHeld
    | TalkEntered
    | Replaced
)


def happening(event: AriEvent, names: Names) -> Happening | None:
    """What has happened; None when it is nothing that matters here."""
    if event.type == "ApplicationReplaced":
        return Replaced()
    if event.channel is None:
        return None
    if event.type == "ChannelEnteredBridge":
        return _talk_entered(event.channel, event.bridge, names)
    offer_id = names.offer_of(event.channel.id)
    if offer_id is not None:
        return _leg_happening(event, offer_id)
    if names.is_own(event.channel.id):
        return None
    match event.type:
        case "StasisStart":
            return arrival(event.channel, event.args)
        case "StasisEnd":
            return CallerLeft(event.channel.id)
        case "ChannelHangupRequest":
            return CallerHangupRequested(event.channel.id)
        case _:
            return None


def arrival(channel: AriChannel, args: Iterable[str]) -> CallerArrived:
    """Read Stasis arguments: the queue's name, then `name=value` pairs, values percent-encoded.

    With pairs, or with `channelvars` from ari.conf, the variables are complete and nothing need be fetched.
    """
    queue, *pairs = tuple(args) or ("",)
    given = {_key(name): unquote(value) for name, equals, value in (p.partition("=") for p in pairs) if equals}
    configured = {_key(name): value for name, value in channel.channelvars.items() if _is_ours(name) and value}
    if not pairs and not configured:
        return CallerArrived(channel, queue.strip(), None)
    return CallerArrived(channel, queue.strip(), {**configured, **given})


def arrival_of_waiting(channel: AriChannel) -> CallerArrived:
    """As `arrival`, for a channel found in the application: its arguments stand where the dialplan put them."""
    _app, *args = channel.dialplan.app_data.split(",")
    return arrival(channel, args)


def variables_expression(names: Iterable[str]) -> str:
    """A dialplan expression that yields all these variables at once, so that one request fetches them."""
    return f"EVAL({'&'.join(f'${{URIENCODE(${{{name}}})}}' for name in names)})"


def read_variables(names: Iterable[str], value: str) -> dict[str, str]:
    """Read what `variables_expression` yielded."""
    return {_key(name): text for name, part in zip(names, value.split("&"), strict=False) if (text := unquote(part))}


def enqueue(
    arrived: CallerArrived,
    variables: Mapping[str, str],
    *,
    command_id: str,
    interaction_id: str,
    default_queue: str,
    customer: str,
    instance: str,
) -> EnqueueInteraction:
    """The command for a caller. What the dialplan got wrong in form is dropped or cut, never a reason to lose a caller.

    A queue or a requirement that is wrong in content is left to the engine to refuse.
    """
    did = variables.get("DID") or arrived.channel.dialplan.exten
    pairs = {"did": did, **{k.lower(): v for k, v in variables.items() if k not in _CONSUMED}}
    attributes = ((key, _text(value)) for key, value in pairs.items() if value and _is_id(key))
    return EnqueueInteraction(
        id=command_id,
        interaction_id=interaction_id,
        channel="voice",
        queue=arrived.queue or variables.get("QUEUE", "").strip() or default_queue,
        requirement=variables.get("REQUIREMENT", "").strip(),
        priority=_priority(variables.get("PRIORITY", "")),
        attributes=tuple(sorted(attributes))[: limits.MAX_ATTRIBUTES],
        customer=customer,
        instance=instance,
        preferred_agent=_agent(variables.get("AGENT", "").strip()),
    )


def renamed(command: EnqueueInteraction, interaction_id: str, command_id: str) -> EnqueueInteraction:
    """The same caller under another interaction id."""
    return structs.replace(command, id=command_id, interaction_id=interaction_id)


def is_queue_name(queue: str) -> bool:
    """Whether a queue can have this name at all."""
    return _is_id(queue)


LegVerdict = Literal["decline", "busy", "unreachable", "failed"]

_CAUSES: Final[Mapping[int, LegVerdict]] = {
    1: "unreachable",  # unallocated number: SIP 404, 410, 604
    2: "unreachable",  # no route to the network
    3: "unreachable",  # no route to the destination
    17: "busy",  # SIP 486, 600
    18: "unreachable",  # no user responding: SIP 408
    19: "unreachable",  # the device gave up by itself: SIP 480
    20: "unreachable",  # subscriber absent
    21: "decline",  # SIP 403, 603
    22: "unreachable",  # number changed
    27: "unreachable",  # destination out of order: SIP 502
    28: "unreachable",  # address incomplete
    102: "unreachable",  # recovery on timer expiry: SIP 504
}


def leg_verdict(cause: int) -> LegVerdict:
    """What the end of a leg that was never answered says of the agent: Q.850 cause → verdict.

    Whatever is nobody's fault (congestion, no common codec, a temporary failure) is `failed`.
    """
    return _CAUSES.get(cause, "failed")


def leg_command(verdict: LegVerdict, *, command_id: str, offer_id: str, agent_id: str) -> Command:
    """The command for a leg that ended unanswered."""
    if verdict == "decline":
        return DeclineOffer(id=command_id, offer_id=offer_id, agent_id=agent_id)
    return FailOffer(id=command_id, offer_id=offer_id, reason=verdict)


def is_endpoint(address: str) -> bool:
    """Whether an agent's configured address is one dial string and nothing else: `PJSIP/anna`, `PJSIP/1@trunk`."""
    return len(address) <= MAX_ENDPOINT and _ENDPOINT.fullmatch(address) is not None


def caller_id(party: Party) -> str:
    """The caller's identity as ARI's `callerId` takes it, of allow-listed characters only; empty when there is none."""
    number = clean_number(party.number)
    name = clean_name(party.name)
    if name and number:
        return f'"{name}" <{number}>'
    return number or (f'"{name}" <>' if name else "")


def clean_number(number: str) -> str:
    """Letters, digits and `+ * # . _ -` of a caller's number."""
    return _NOT_IN_NUMBER.sub("", number)[:MAX_CALLER_NUMBER]


def clean_name(name: str) -> str:
    """Letters and digits of any script, blanks and `. _ -` of a caller's name."""
    kept = "".join(char if char.isalnum() or char in " ._-" else " " for char in name)
    return " ".join(kept.split())[:MAX_CALLER_NAME].strip()


def _talk_entered(channel: AriChannel, bridge: AriBridge | None, names: Names) -> TalkEntered | None:
    interaction_id = None if bridge is None else names.talk_of(bridge.id)
    if bridge is None or interaction_id is None:
        return None
    return TalkEntered(interaction_id, frozenset((*bridge.channels, channel.id)))


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


_CONSUMED: Final = frozenset({"QUEUE", "REQUIREMENT", "PRIORITY", "AFTER", "DID", "AGENT"})


def _key(name: str) -> str:
    """`X-ACD-Tier`, `X_ACD_TIER` and `tier` → `TIER`."""
    return _NOT_IN_NAME_KEY.sub("_", name.strip().upper()).removeprefix(VARIABLE_PREFIX)


def _is_ours(name: str) -> bool:
    return name.upper().startswith(VARIABLE_PREFIX)


def _is_id(text: str) -> bool:
    return len(text) <= limits.MAX_ID and _ID.fullmatch(text) is not None


def _agent(text: str) -> str:
    """An agent's id, or nothing."""
    return text if _is_id(text) else ""


def _priority(text: str) -> int:
    """An integer within the engine's bounds; 0 when it is none."""
    if not _PRIORITY.fullmatch(text.strip()):
        return 0
    return max(-limits.MAX_PRIORITY, min(limits.MAX_PRIORITY, int(text)))


def _text(value: str) -> str:
    """One line of printable characters that fits an attribute."""
    return "".join(char if char.isprintable() else " " for char in value)[: limits.MAX_TEXT]
