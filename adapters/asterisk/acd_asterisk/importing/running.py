"""A running PBX as sections: its files as Asterisk itself reads them, and the members that no file names.

Owns what is asked and what the answers mean. Must not know the wire (`ami`). Files take `write = config` in
manager.conf; without it AMI tells of a queue its members, strategy, length, service level and weight only.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from acd_asterisk.importing.ami import Ami, AmiRefused, Message, value_of
from acd_asterisk.importing.conf import Entry, Section
from acd_asterisk.importing.report import Report

QUEUES: Final = "queues.conf"
RULES: Final = "queuerules.conf"
AGENTS: Final = "agents.conf"

_TOLD: Final[Mapping[str, str]] = {
    "strategy": "Strategy",
    "maxlen": "Max",
    "servicelevel": "ServiceLevel",
    "weight": "Weight",
}
"""Options that QueueStatus tells of a queue, and what it calls them."""

_TELLS: Final = ", ".join(_TOLD)

_CATEGORY: Final = re.compile(r"Category-(\d+)", re.IGNORECASE)
_LINE: Final = re.compile(r"Line-(\d+)-(\d+)", re.IGNORECASE)
_STATUS: Final = "QueueStatus"


class Running(NamedTuple):
    """What a PBX has: sections as if they had been read from its files."""

    queues: tuple[Section, ...]
    rules: tuple[Section, ...]
    agents: tuple[Section, ...]


def read_running(ami: Ami, report: Report) -> Running:
    """Ask for everything. Raises `ChannelError` when the PBX does not tell its queues at all."""
    read = _file(ami, QUEUES, report)
    sections = list(read or ())
    told = ami.ask_list("QueueStatus", "QueueStatusComplete")
    named = {section.name for section in sections}
    for message in told:
        if value_of(message, "Event") == "QueueParams" and (name := value_of(message, "Queue")) not in named:
            sections.append(Section(name, _params(message), _STATUS, 0))
            if read is not None:
                report.remark(f"[{name}] is in no file but in a database: AMI tells {_TELLS} of it, and no more")
    places = {section.name: place for place, section in reversed(list(enumerate(sections)))}
    for message in told:
        place = places.get(value_of(message, "Queue"))
        if value_of(message, "Event") != "QueueMember" or place is None:
            continue
        if sections[place].name not in named or value_of(message, "Membership") != "static":
            sections[place] = _with_member(sections[place], message)
    return Running(tuple(sections), _file(ami, RULES, report) or (), _file(ami, AGENTS, report) or ())


def _file(ami: Ami, name: str, report: Report) -> tuple[Section, ...] | None:
    """A file's sections; None, with a remark, when it is not to be had."""
    try:
        answer = ami.ask("GetConfig", Filename=name)
    except AmiRefused as refusal:
        if name == QUEUES or "not found" not in str(refusal).lower():
            report.remark(
                f"{name} cannot be read over AMI ({refusal}): give its user write = config in manager.conf, or name "
                "the files instead"
            )
        return None
    return config_sections(answer, name)


def config_sections(answer: Message, file: str) -> tuple[Section, ...]:
    """The answer to GetConfig: Category-000000, Line-000000-000000 and so on. Asterisk leaves templates out.

    Lines are numbered within their section.
    """
    names: dict[str, str] = {}
    entries: dict[str, list[Entry]] = {}
    for key, value in answer:
        if match := _CATEGORY.fullmatch(key):
            names[match[1]] = value
        elif match := _LINE.fullmatch(key):
            name, _, said = value.partition("=")
            entries.setdefault(match[1], []).append(Entry(name, said, file, int(match[2]) + 1))
    return tuple(Section(name, tuple(entries.get(number, ())), file, 0) for number, name in names.items())


def _params(message: Message) -> tuple[Entry, ...]:
    return tuple(Entry(option, value_of(message, key), _STATUS, 0) for option, key in _TOLD.items())


def _with_member(section: Section, message: Message) -> Section:
    """A member who signed in, or is in a database, written as queues.conf would."""
    interface = value_of(message, "Location") or value_of(message, "Interface")
    parts = (interface, value_of(message, "Penalty"), value_of(message, "Name"), value_of(message, "StateInterface"))
    text = ",".join(_argument(part) for part in parts)
    return section._replace(entries=(*section.entries, Entry("member", text, _STATUS, 0)))


def _argument(text: str) -> str:
    r"""With a `\` before whatever would not be plain."""
    return re.sub(r'([,"\\()])', r"\\\1", text)
