"""What a caller brings, or a telephone says, and which command it leads to. Pure: no IO, no state, no clock.

Owns the meaning of variables and hangup causes for the engine, and what of a caller's data may go where. Must not know
REST, WebSockets or the state of a call.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import structs

from acd.core import limits
from acd.core.messages import (
    Command,
    DeclineOffer,
    EnqueueInteraction,
    FailOffer,
)
from acd.core.messages.types import ID_PATTERN
from acd_asterisk.happenings import CallerArrived

MAX_CALLER_NUMBER: Final = 40
MAX_CALLER_NAME: Final = 64
MAX_ENDPOINT: Final = 128

CONSUMED: Final = frozenset({"QUEUE", "REQUIREMENT", "PRIORITY", "AFTER", "DID", "AGENT"})
"""Variables that say where a call goes; all others become attributes."""

_ID: Final = re.compile(ID_PATTERN)
_ENDPOINT: Final = re.compile(r"[A-Za-z0-9]{1,32}/[A-Za-z0-9_.+@:/-]{1,95}")
_NOT_IN_NUMBER: Final = re.compile(r"[^0-9A-Za-z+*#._-]")
_PRIORITY: Final = re.compile(r"[+-]?[0-9]{1,9}")


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
    pairs = {"did": did, **{k.lower(): v for k, v in variables.items() if k not in CONSUMED}}
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

REJECTED: Final = 21
"""The Q.850 cause of a call that somebody did not want."""

_CAUSES: Final[Mapping[int, LegVerdict]] = {
    1: "unreachable",  # unallocated number: SIP 404, 410, 604
    2: "unreachable",  # no route to the network
    3: "unreachable",  # no route to the destination
    17: "busy",  # SIP 486, 600
    18: "unreachable",  # no user responding: SIP 408
    19: "unreachable",  # the device gave up by itself: SIP 480
    20: "unreachable",  # subscriber absent
    REJECTED: "decline",  # SIP 403, 603
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


def clean_number(number: str) -> str:
    """Letters, digits and `+ * # . _ -` of a caller's number."""
    return _NOT_IN_NUMBER.sub("", number)[:MAX_CALLER_NUMBER]


def clean_name(name: str) -> str:
    """Letters and digits of any script, blanks and `. _ -` of a caller's name."""
    kept = "".join(char if char.isalnum() or char in " ._-" else " " for char in name)
    return " ".join(kept.split())[:MAX_CALLER_NAME].strip()


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
