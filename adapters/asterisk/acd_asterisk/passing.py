"""What goes with a call besides voice. Pure.

Variables of the caller's channel, variables and SIP headers of the agent's leg, and the INVITE headers that come with
a caller. Owns names, what may be in a value, and which of them were asked for. Must not know REST, nor when anything
happens. Values come from the engine and may once have been a caller's: of them only allow-listed characters go out, so
that no dialplan, and no telephone, reads one as anything but text.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from acd.ports.channel import InteractionStanding
from acd_asterisk.options.data import DataOptions
from acd_asterisk.ringing import PJSIP
from acd_asterisk.variables import MENU_TRAIL, attribute_key

MAX_VALUE: Final = 200
"""Characters of a variable or a header that goes out."""

ATTRIBUTE: Final = "attribute."
"""Begins the source of a value that is an attribute: `attribute.order_number`."""

_BESIDE_LETTERS: Final = frozenset(" ._-+@:#*/=")
_INHERITED: Final = "__"
"""Begins the name of a variable that the channels made by this one get, too: the far half of a Local channel."""


def outcome(
    asked: DataOptions, standing: InteractionStanding | None, interaction_id: str, result: str
) -> dict[str, str]:
    """Variables for a caller's channel. All of them every time, so that none of an earlier visit is left.

    `result`: connected, completed, cancelled, released, …; `standing` is None when the engine knows nothing of it.
    """
    known = standing or InteractionStanding(interaction_id, "", "")
    waited_us = known.waited_us or 0
    return {
        "ACD_RESULT": result,
        "ACD_INTERACTION": interaction_id,
        "ACD_QUEUE": clean(known.queue),
        "ACD_AGENT": clean(known.agent_id),
        "ACD_WAIT": str(waited_us // 1_000_000),
        "ACD_REASON": clean(known.reason),
        MENU_TRAIL: "",
        **{variable_of(f"{ATTRIBUTE}{name}"): clean(dict(known.attributes).get(name, "")) for name in asked.attributes},
    }


def unanswered(standing: InteractionStanding | None) -> str:
    """The result for a caller whom nobody has answered: `released` when their queue let them go, else `cancelled`.

    The one was decided for them, and may have a callback in their place; the other has lost the ACD only.
    """
    return "released" if standing is not None and standing.state == "overflowed" else "cancelled"


def for_agent(asked: DataOptions, standing: InteractionStanding | None, agent_id: str, endpoint: str) -> dict[str, str]:
    """Variables with which an agent's leg is dialled; for an INVITE, those that add a header to it among them."""
    if standing is None:
        return {}
    variables = {
        f"{_INHERITED}{variable_of(source)}": _value(source, standing, agent_id) for source in asked.agent_variables
    }
    headers = {f"PJSIP_HEADER(add,{name})": _value(source, standing, agent_id) for name, source in asked.agent_headers}
    if endpoint.upper().startswith(PJSIP):
        variables |= headers
    return {name: value for name, value in variables.items() if value}


def variable_of(source: str) -> str:
    """The variable for a value: `queue` → `ACD_QUEUE`, `attribute.order_number` → `ACD_DATA_ORDER_NUMBER`."""
    if source.startswith(ATTRIBUTE):
        return f"ACD_DATA_{attribute_key(source.removeprefix(ATTRIBUTE))}"
    return f"ACD_{source.upper()}"


def header_expression(name: str) -> str:
    """What yields an INVITE header, in the place of a variable's name."""
    return f"PJSIP_HEADER(read,{name})"


def named(headers: Iterable[str], brought: Mapping[str, str]) -> dict[str, str]:
    """What was brought, with the headers by the names that routing knows: `X-Customer-Id` → `X_CUSTOMER_ID`."""
    names = {attribute_key(header_expression(header)): attribute_key(header) for header in headers}
    return {names.get(key, key): value for key, value in brought.items()}


def clean(text: str) -> str:
    """Letters and digits of any script, blanks and a few signs; everything else is a blank."""
    kept = "".join(char if char.isalnum() or char in _BESIDE_LETTERS else " " for char in text)
    return " ".join(kept.split())[:MAX_VALUE].strip()


def _value(source: str, standing: InteractionStanding, agent_id: str) -> str:
    if source.startswith(ATTRIBUTE):
        return clean(dict(standing.attributes).get(source.removeprefix(ATTRIBUTE), ""))
    own = {"interaction": standing.interaction_id, "queue": standing.queue, "agent": agent_id}
    return clean(own[source])
