"""`[channels.NAME.phones]` and `[channels.NAME.agents.AGENT]`: how agents' telephones ring, and what lights up on them.

Owns their names, bounds and defaults. Must not know ARI, calls or agents.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from msgspec import Struct

from acd_asterisk.options.browser_phones import read_phone_password
from acd_asterisk.options.reader import Reader

LampKind = Literal["agent", "pause", "sign-in"]
"""How the agent stands at all; whether paused; whether signed in."""

AutoAnswer = Literal["off", "call-info", "alert-info"]
"""Which header asks a telephone to pick up by itself: telephones differ."""

LAMP_KINDS: Final[tuple[LampKind, ...]] = get_args(LampKind)

MAX_HEADERS: Final = 8

ANY_NAME: Final = "{name}"
"""What agents see of a caller unless something else is wanted."""

AUTO_ANSWER_HEADERS: Final[Mapping[AutoAnswer, tuple[tuple[str, str], ...]]] = {
    "off": (),
    "call-info": (("Call-Info", "<sip:acd.invalid>;answer-after=0"),),
    "alert-info": (("Alert-Info", "<http://acd.invalid>;info=alert-autoanswer;delay=0"),),
}
"""Most telephones and soft phones heed `call-info`, some `alert-info`, both often only when their settings allow it."""

_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_HEADER_VALUE: Final = re.compile(r"[A-Za-z0-9 <>:;=/.@_+*!?%()'-]{1,200}")
_FIELD: Final = re.compile(r"\{(?:queue|name|number)\}")
_LITERAL: Final = re.compile(r"[\w .:/,-]{0,64}")
_RESERVED: Final = frozenset(
    {"call-id", "contact", "content-length", "content-type", "cseq", "from", "max-forwards", "record-route", "route"}
    | {"to", "via"}
)


class PhoneOptions(Struct, frozen=True, kw_only=True):
    """How the telephones of all agents ring, unless an agent's own options say otherwise."""

    lamps: tuple[LampKind, ...] = ()
    auto_answer: AutoAnswer = "off"
    headers: tuple[tuple[str, str], ...] = ()
    """Further SIP headers of the INVITE to an agent, the same for all."""
    caller_name: str = ANY_NAME
    """The name that agents see, with `{queue}`, `{name}` and `{number}`."""


class AgentOptions(Struct, frozen=True, kw_only=True):
    """What is different for one agent; None: as for all."""

    auto_answer: AutoAnswer | None = None
    confirm: bool | None = None
    """Whether a key is needed to accept."""
    phone_password_file: Path | None = None
    """Of a telephone in the browser whose password the PBX has already; else one follows from `browser_phones`."""


class Phones(Struct, frozen=True, kw_only=True):
    """Both together."""

    everyone: PhoneOptions = PhoneOptions()
    agents: Mapping[str, AgentOptions] = {}

    def headers(self, agent_id: str) -> tuple[tuple[str, str], ...]:
        """Headers of the INVITE to one agent."""
        own = self.agents.get(agent_id)
        wanted = self.everyone.auto_answer if own is None or own.auto_answer is None else own.auto_answer
        return (*AUTO_ANSWER_HEADERS[wanted], *self.everyone.headers)


def read_phones(reader: Reader) -> Phones:
    """Read `phones` and `agents` of the channel's table; problems are the reader's."""
    table = reader.table("phones", "agents' telephones")
    everyone = PhoneOptions(
        lamps=_lamps(table),
        auto_answer=_auto_answer(table),
        headers=_headers(table),
        caller_name=read_caller_name(table),
    )
    agents = {agent_id: _agent(each) for agent_id, each in reader.tables("agents", "an agent's telephone").items()}
    return Phones(everyone=everyone, agents=agents)


def read_caller_name(table: Reader) -> str:
    """The key `caller_name`, which queues have as well."""
    text = table.text("caller_name", ANY_NAME) or ""
    rest = _FIELD.sub("", text)
    if not _LITERAL.fullmatch(rest):
        fix = 'write it like "{queue}: {name}", with letters, digits and . : / _ - besides {queue}, {name} and {number}'
        table.problem("caller_name", f"{text!r} cannot be used", fix)
        return ANY_NAME
    return text


def _agent(table: Reader) -> AgentOptions:
    return AgentOptions(
        auto_answer=_auto_answer(table) if table.has("auto_answer") else None,
        confirm=table.flag("confirm", default=False) if table.has("confirm") else None,
        phone_password_file=read_phone_password(table),
    )


def _auto_answer(table: Reader) -> AutoAnswer:
    return table.choice("auto_answer", "off", "call-info", "alert-info")


def _lamps(table: Reader) -> tuple[LampKind, ...]:
    given = table.texts("lamps", (), len(LAMP_KINDS), '["agent", "pause"]')
    for each in given:
        if each not in LAMP_KINDS:
            table.problem("lamps", f"{each!r} is no lamp", f"known are {', '.join(LAMP_KINDS)}")
    return tuple(kind for kind in LAMP_KINDS if kind in given)


def _headers(table: Reader) -> tuple[tuple[str, str], ...]:
    within = table.entries("headers", "SIP headers", MAX_HEADERS)
    found: list[tuple[str, str]] = []
    for name in within.names():
        value = within.text(name, "")
        if not _HEADER.fullmatch(name) or name.lower() in _RESERVED:
            within.problem(name, "is no header that can be added", 'use one like "Alert-Info"')
        elif value is not None and not _HEADER_VALUE.fullmatch(value):
            within.problem(name, "has characters that a header cannot have here", "use letters, digits and <>:;=/.@_+-")
        elif value:
            found.append((name, value))
    return tuple(found)
