"""Members of app_queue's queues, and who they are: `member => interface,penalty,name,state interface,…`.

Owns reading a member and telling persons apart. Must not know queues' settings or penalties' meaning.

A member is known by the device whose state app_queue watches: `Local/1001@from-queue/n` with the state interface
`PJSIP/1001`, and `PJSIP/1001` in another queue, are one person.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from acd.core import limits
from acd.runtime.config.problems import quoted
from acd_asterisk.importing.report import Report

MAX_INTERFACE: Final = 256
"""Characters of a device's name; Asterisk itself keeps 80."""

_NOT_IN_IDS: Final = re.compile(r"[\s\"\\]+")
_POOL: Final = "agent"
_TRUE: Final = frozenset({"yes", "true", "y", "t", "1", "on"})


class Member(NamedTuple):
    """One member of one queue. `penalty` is never negative."""

    interface: str
    penalty: int = 0
    name: str = ""
    state_interface: str = ""
    ringinuse: str = ""
    wrapuptime: str = ""
    paused: str = ""

    @property
    def device(self) -> str:
        """What tells this member from others: `pjsip/1001`, `hint/1001@ext-local`, `agent/1001`."""
        technology, _, rest = (self.state_interface or self.interface).replace(":", "/", 1).partition("/")
        return f"{technology.lower()}/{_number(rest)}"


class Person(NamedTuple):
    """One agent to be. `address` is empty when nobody knows which device it will be."""

    id: str
    name: str
    address: str


def read_member(text: str) -> Member | None:
    """What stands behind `member =>`; None when it names no interface."""
    parts = [part.strip() for part in _arguments(text)]
    interface = parts[0]
    if (
        "/" not in interface
        or not interface.strip("/")
        or len(interface) > MAX_INTERFACE
        or not interface.isprintable()
    ):
        return None
    return Member(interface, max(0, whole(_at(parts, 1))), *(_at(parts, index) for index in range(2, 7)))


def is_true(text: str) -> bool:
    """Whether Asterisk takes this for yes."""
    return text.strip().lower() in _TRUE


def whole(text: str) -> int:
    """The number that C's `atoi` reads at the beginning of a text; 0 without one."""
    match = re.match(r"\s*([+-]?\d{1,18})", text, re.ASCII)
    return int(match[1]) if match else 0


def persons(members: Iterable[Member], names: dict[str, str], report: Report) -> dict[str, Person]:
    """Device → who that is, in the order in which they are first named.

    `names`: of agents of agents.conf, by number; those who are members nowhere become agents, too.
    """
    seen: dict[str, Member] = {}
    for member in [*members, *(Member(f"Agent/{number}") for number in names)]:
        first = seen.setdefault(member.device, member)
        if not first.name and member.name:
            seen[member.device] = first._replace(name=member.name)
        elif member.name and member.name != first.name:
            report.remark(
                f"{first.interface} is called {quoted(first.name)} and {quoted(member.name)}: the first is kept"
            )
        if member.interface != first.interface:
            report.remark(f"{member.interface} and {first.interface} have one device: one agent, rung at the latter")
    found: dict[str, Person] = {}
    taken: set[str] = set()
    for device, member in seen.items():
        identity = _identity(device, taken)
        taken.add(identity)
        found[device] = Person(identity, member.name or _pool_name(device, names) or identity, _address(member, report))
    return found


def cleaned(name: str, taken: set[str]) -> str:
    """A name made fit for an id of the engine, different from all that are taken."""
    base = (
        _NOT_IN_IDS.sub("-", "".join(char if char.isprintable() else " " for char in name)).strip("-")[
            : limits.MAX_ID - 8
        ]
        or "unnamed"
    )
    identity, number = base, 1
    while identity in taken:
        number += 1
        identity = f"{base}-{number}"
    return identity


def _identity(device: str, taken: set[str]) -> str:
    technology, _, rest = device.partition("/")
    number = rest.partition("@")[0] if technology in {"local", "hint"} else rest.partition("/")[0]
    if technology in {"dahdi", "iax2", "console", "custom"}:
        number = f"{technology}-{number}"
    return cleaned(number if cleaned(number, set()) not in taken else f"{technology}-{number}", taken)


def _address(member: Member, report: Report) -> str:
    technology = member.interface.partition("/")[0].lower()
    if technology == _POOL:
        report.remark(
            "members like Agent/1001 sign in at any phone (app_agent_pool), so nothing says where they are rung: give "
            'these agents their phones, like addresses = { voice = "PJSIP/1001" }'
        )
        return ""
    if technology == "sip":
        report.remark("members like SIP/1001 need chan_sip, which Asterisk 21 has no more: move them to PJSIP/1001")
    if technology == "local":
        report.remark(
            "members like Local/1001@from-queue/n are rung through the dialplan, as before; an address like PJSIP/1001 "
            "rings the phone itself, which is quicker and shows when it is busy"
        )
    return member.interface


def _pool_name(device: str, names: dict[str, str]) -> str:
    technology, _, number = device.partition("/")
    return names.get(number, "") if technology == _POOL else ""


def _number(rest: str) -> str:
    """Without the options of a Local channel: `1001@agents/n` → `1001@agents`."""
    return re.sub(r"/[a-z]+\Z", "", rest) if "@" in rest else rest


def _at(parts: list[str], index: int) -> str:
    return parts[index] if index < len(parts) else ""


def _arguments(text: str) -> list[str]:
    r"""Split at commas as Asterisk does: not within quotes or round brackets; `\` makes the next character plain."""
    parts, depth, in_quotes, escaped = [""], 0, False, False
    for char in text:
        if escaped:
            parts[-1], escaped = parts[-1] + char, False
        elif char == "\\":
            escaped = True
        elif char == '"':
            in_quotes = not in_quotes
        elif char == "," and not in_quotes and not depth:
            parts.append("")
        else:
            depth = max(0, depth + (char == "(") - (char == ")"))
            parts[-1] += char
    return parts
