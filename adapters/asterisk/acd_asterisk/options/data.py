"""`[channels.NAME.data]`: what goes with a call besides voice, and what is read of its INVITE.

Owns the names, bounds and defaults. Must not know how anything is set or read (`passing`).
"""

import re
from typing import Final

from msgspec import Struct

from acd_asterisk.options.reader import Reader
from acd_asterisk.translate import CONSUMED
from acd_asterisk.variables import attribute_key

MAX_NAMES: Final = 32
"""Entries of each list."""

SOURCES: Final = ("interaction", "queue", "agent")
"""What can go to an agent's telephone besides attributes."""

_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_OWN_HEADER: Final = re.compile(r"X-[A-Za-z0-9-]{1,62}", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_ATTRIBUTE_SOURCE: Final = re.compile(r"attribute\.[a-z0-9][a-z0-9_.-]{0,63}")


class DataOptions(Struct, frozen=True, kw_only=True):
    """What was asked for; nothing by default."""

    headers: tuple[str, ...] = ()
    """INVITE headers of callers that become attributes: `X-Customer-Id` is `x_customer_id`."""
    attributes: tuple[str, ...] = ()
    """Attributes that the dialplan gets, as `ACD_DATA_NAME`."""
    set_on_connect: bool = False
    """The caller's channel has its variables from when an agent is connected, not only when it is sent back."""
    agent_variables: tuple[str, ...] = ()
    """What an agent's leg is dialled with: `queue`, `attribute.order_number`, …"""
    agent_headers: tuple[tuple[str, str], ...] = ()
    """Header → source, for the INVITE to the agent."""


def read_data(reader: Reader) -> DataOptions:
    """Check the table."""
    table = reader.table("data", "what goes with a call")
    return DataOptions(
        headers=_headers(table),
        attributes=_attributes(table),
        set_on_connect=table.flag("set_on_connect", default=False),
        agent_variables=_sources(table),
        agent_headers=_agent_headers(table),
    )


def _headers(table: Reader) -> tuple[str, ...]:
    given = table.texts("headers", (), MAX_NAMES, '["X-Customer-Id"]')
    for each in given:
        if not _HEADER.fullmatch(each):
            table.problem("headers", f"{each!r} is no header's name", "name each one, without wildcards")
        elif attribute_key(each.replace("-", "_")) in CONSUMED:
            fix = "set the variable in the dialplan, where you know who sent it"
            table.problem("headers", f"{each!r} would decide where the call goes, not go with it", fix)
    return given


def _attributes(table: Reader) -> tuple[str, ...]:
    given = table.texts("attributes", (), MAX_NAMES, '["order_number"]')
    for each in given:
        if not _ATTRIBUTE.fullmatch(each):
            table.problem("attributes", f"{each!r} is no attribute's name", "use a to z, 0 to 9, _, - and full stops")
    return given


def _sources(table: Reader) -> tuple[str, ...]:
    given = table.texts("agent_variables", (), MAX_NAMES, '["queue", "attribute.order_number"]')
    for each in given:
        _check_source(table, "agent_variables", each)
    return given


def _agent_headers(table: Reader) -> tuple[tuple[str, str], ...]:
    within = table.entries("agent_headers", "headers for agents", MAX_NAMES)
    found = []
    for name in within.names():
        if not _OWN_HEADER.fullmatch(name):
            within.problem(name, "is no header that can be added", "begin it with X-, of letters, digits and -")
        source = within.text(name, "")
        if source is not None:
            _check_source(within, name, source)
        found.append((name, source or ""))
    return tuple(found)


def _check_source(table: Reader, key: str, source: str) -> None:
    if source not in SOURCES and not _ATTRIBUTE_SOURCE.fullmatch(source):
        table.problem(key, f"{source!r} is nothing that can be told", f"use {', '.join(SOURCES)}, or attribute.NAME")
