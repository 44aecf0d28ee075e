"""All queues, rules and agents of a PBX together: the sections of a configuration.

Owns what needs more than one option to be understood: strategies, levels, bands, memberships, positions. Must not know
files or TOML.
"""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Final, NamedTuple

from acd.core import limits
from acd.errors import ConfigError
from acd.runtime.config.table import MAX_TITLE
from acd_asterisk.importing.conf import Entry, Section
from acd_asterisk.importing.members import Member, Person, cleaned, is_true, persons, read_member, whole
from acd_asterisk.importing.penalties import UNLIMITED, Change, Levels, levels, read_change, shrinks
from acd_asterisk.importing.report import Report
from acd_asterisk.importing.settings import (
    DEFAULT_STRATEGY,
    STRATEGIES,
    UNWEIGHTED,
    account_general,
    option_of,
    settings_of,
)
from acd_asterisk.importing.writing import Value, plain, text

GENERAL: Final = "general"

_BY_POSITION: Final = frozenset({"linear", "round-robin"})


class Source(NamedTuple):
    """What was read: sections of queues.conf, of queuerules.conf, and names of agents by number (agents.conf)."""

    queues: tuple[Section, ...]
    rules: tuple[Section, ...] = ()
    agents: Mapping[str, str] = {}
    start: int | None = None
    """QUEUE_MAX_PENALTY as the dialplan sets it; None if that is not known."""


class Part(NamedTuple):
    """One `[agents.ID]` or `[queues.ID]`: its settings, and the section it was made from."""

    id: str
    settings: dict[str, Value]
    origin: str = ""
    at_pbx: Mapping[str, Value] = {}
    """Of a queue: what `[channels.NAME.queues.ID]` has."""


class Result(NamedTuple):
    """The agents and queues of a configuration, in the order in which they were found."""

    agents: tuple[Part, ...]
    queues: tuple[Part, ...]


class _Queue(NamedTuple):
    """A queue half understood: its members, and the levels of their penalties."""

    id: str
    section: Section
    settings: dict[str, Value]
    members: dict[str, Member]
    levels: Levels
    at_pbx: dict[str, Value]


def convert(source: Source, report: Report) -> Result:
    """Everything that was read, as agents and queues. Raises `ConfigError` when there is no queue."""
    sections = _sections(source.queues, report)
    if not sections:
        raise ConfigError(("there is no queue in these files; name queues.conf, or the file that it includes",))
    rules = _rules(source.rules, report)
    taken: set[str] = set()
    queues: list[_Queue] = []
    for section in sections:
        queues.append(_queue(section, rules, source.start, taken, report))
        taken.add(queues[-1].id)
    _account_unused(rules, sections, report)
    _bands(queues, report)
    people = persons([each for queue in queues for each in queue.members.values()], dict(source.agents), report)
    return Result(_agents(queues, people, report), tuple(_part(queue) for queue in queues))


def _sections(found: Sequence[Section], report: Report) -> list[Section]:
    """The queues, each once: as in app_queue the first section of a name counts, and general is none."""
    first: dict[str, Section] = {}
    for section in found:
        if section.name == GENERAL:
            account_general(section, report)
        elif first.setdefault(section.name, section) is not section:
            for entry in section.entries:
                report.add("left", section.name, entry, "there is a section of this name above, which counts alone")
    return list(first.values())


def _queue(
    section: Section, rules: Mapping[str, list[Change]], start: int | None, taken: set[str], report: Report
) -> _Queue:
    last = {option_of(entry): entry for entry in section.entries}
    members = _members(section, report)
    settings: dict[str, Value] = {}
    identity = cleaned(section.name, taken)
    if identity != section.name:
        report.remark(f"the queue {text(section.name)} is called {text(identity)}: say so in your dialplan")
    settings["title"] = plain(section.name)[:MAX_TITLE]
    settings["requirement"] = f"{text(identity)} in queues"
    given = last["strategy"].value.lower() if "strategy" in last else DEFAULT_STRATEGY
    settings.update(_strategy(section, last.get("strategy"), members, report))
    strategy = settings["strategy"]
    read = settings_of(section, report, broadcast=strategy == "broadcast")
    settings.update(read.of_queue)
    found = _levels_of(section, last, members, rules, start, report, weighted=given == UNWEIGHTED)
    if found.delays:
        settings["level_delays"] = [f"{seconds}s" for seconds in found.delays]
    return _Queue(identity, section, settings, members, found, read.at_pbx)


def _strategy(section: Section, entry: Entry | None, members: Mapping[str, Member], report: Report) -> dict[str, Value]:
    """The strategy, and how many it rings at once."""
    given = entry.value.lower() if entry is not None else DEFAULT_STRATEGY
    strategy, different = STRATEGIES.get(given, STRATEGIES[DEFAULT_STRATEGY])
    said = [different] if different else []
    if given not in STRATEGIES:
        said.append("there is no such strategy, and app_queue takes ringall")
    settings: dict[str, Value] = {"strategy": strategy}
    if strategy == "broadcast":
        settings["broadcast"] = min(max(2, len(members)), limits.MAX_BROADCAST)
        if len(members) > limits.MAX_BROADCAST:
            said.append(f"{limits.MAX_BROADCAST} at most are rung at once, those with the lowest penalty first")
        elif len({member.penalty for member in members.values()}) > 1:
            said.append("all are rung at once, whatever their penalties, as far as level_delays allow")
    if entry is None and said:
        report.remark(f"[{section.name}] names no strategy, which is ringall: {'; '.join(said)}")
    elif entry is not None:
        text_ = "; ".join([f'strategy = "{strategy}"', *said])
        report.add("differs" if said else "mapped", section.name, entry, text_)
    return settings


def _members(section: Section, report: Report) -> dict[str, Member]:
    """Device → member. Accounts for every `member`, but for penalties."""
    found: dict[str, Member] = {}
    for entry in section.entries:
        if option_of(entry) != "member":
            continue
        member = read_member(entry.value)
        if member is None:
            report.add(
                "left", section.name, entry, "names no device like PJSIP/1001, so that app_queue can ring nobody"
            )
        elif member.device in found:
            report.add("left", section.name, entry, "has the device of a member above: one agent is rung once")
        elif len(found) == limits.MAX_AGENTS:
            report.add("left", section.name, entry, f"a domain has {limits.MAX_AGENTS} agents at most")
        else:
            found[member.device] = member
            what = _of_member(member)
            report.add("differs" if what else "mapped", section.name, entry, what or "an agent with this queue")
    return found


def _of_member(member: Member) -> str:
    """What a member says that an agent cannot."""
    said = []
    if is_true(member.ringinuse):
        said.append("nobody is rung during a call, unless the agent's capacity allows it")
    if whole(member.wrapuptime) > 0:
        said.append("wrap-up is the queue's, for all its agents")
    if is_true(member.paused):
        said.append("everybody is signed out at first; agents sign in over the API")
    return "; ".join(said)


def _levels_of(
    section: Section,
    last: Mapping[str, Entry],
    members: Mapping[str, Member],
    rules: Mapping[str, list[Change]],
    start: int | None,
    report: Report,
    *,
    weighted: bool,
) -> Levels:
    limit = last.get("penaltymemberslimit")
    ignored = weighted or (limit is not None and len(members) <= whole(limit.value))
    if limit is not None:
        text_ = (
            "all members have one level, as there are no more of them"
            if ignored
            else "asks for nothing: there are more members"
        )
        report.add("mapped" if ignored and not weighted else "anyway", section.name, limit, text_)
    rule = last.get("defaultrule")
    changes = rules.get(rule.value, []) if rule is not None else []
    if rule is not None:
        _account_rule(section, rule, rules, start, report, ignored=ignored)
    if ignored:
        return Levels({member.penalty: 1 for member in members.values()}, (), merged=False)
    begins = start if start is not None else (0 if any(each.to is not None for each in changes) else UNLIMITED)
    found = levels((member.penalty for member in members.values()), changes, begins)
    if found.merged:
        report.remark(f"[{section.name}] has more than {limits.MAX_LEVEL} penalties: the highest share one level")
    never = [member.interface for member in members.values() if member.penalty not in found.by_penalty]
    if never:
        report.remark(f"[{section.name}] never asks {', '.join(never[:5])}: their penalty is above every maximum")
    return found


def _account_rule(
    section: Section,
    rule: Entry,
    rules: Mapping[str, list[Change]],
    start: int | None,
    report: Report,
    *,
    ignored: bool,
) -> None:
    if rule.value not in rules:
        report.add("left", section.name, rule, "no file that was read has this rule; name queuerules.conf, too")
        return
    changes = rules[rule.value]
    said = []
    if ignored:
        said.append("penalties do not count in this queue")
    elif start is None and any(each.to is not None for each in changes):
        said.append("as if the dialplan set QUEUE_MAX_PENALTY to 0; say otherwise with --max-penalty")
    if any(each.narrows for each in changes):
        said.append("a minimum and a raise have no counterpart: who may take a call never becomes less")
    if shrinks(changes, start or 0):
        said.append("a maximum that becomes less again does not: a level stays open")
    report.add("differs" if said else "mapped", section.name, rule, "; ".join(said) or "level_delays")


def _rules(sections: Sequence[Section], report: Report) -> dict[str, list[Change]]:
    """Name → changes. Accounts for every line; whether a rule is used is accounted for with its queue."""
    found: dict[str, list[Change]] = {}
    for section in sections:
        if section.name == GENERAL:
            account_general(section, report)
            continue
        changes = found.setdefault(section.name, [])
        for entry in section.entries:
            change = read_change(entry.value) if entry.name.lower() == "penaltychange" else None
            if change is None:
                report.add(
                    "left", section.name, entry, "app_queue passes over it: it is no penaltychange => SECONDS,CHANGE"
                )
                continue
            changes.append(change)
            if change.to is None:
                report.add("left", section.name, entry, "a minimum or a raise: who may take a call never becomes less")
            elif change.narrows:
                report.add("differs", section.name, entry, "its minimum and raise are left out")
            else:
                report.add("mapped", section.name, entry, "level_delays of the queues with this rule")
    return found


def _account_unused(rules: Mapping[str, list[Change]], sections: Sequence[Section], report: Report) -> None:
    used = {entry.value for section in sections for entry in section.entries if option_of(entry) == "defaultrule"}
    for name in rules.keys() - used:
        report.remark(f"the rule [{name}] is no queue's defaultrule; the dialplan may name it: Queue(…,rule)")


def _bands(queues: Sequence[_Queue], report: Report) -> None:
    """Weights become bands: the highest is served first."""
    entries = {queue.id: {option_of(entry): entry for entry in queue.section.entries}.get("weight") for queue in queues}
    weights = {name: whole(entry.value) if entry else 0 for name, entry in entries.items()}
    ranks = {weight: rank for rank, weight in enumerate(sorted(set(weights.values()), reverse=True), 1)}
    for queue in queues:
        entry = entries[queue.id]
        band = min(ranks[weights[queue.id]], limits.MAX_BAND)
        if len(ranks) > 1:
            queue.settings["band"] = band
        if entry is not None:
            same = "all queues have this weight"
            report.add(
                *(
                    ("mapped", queue.section.name, entry, f"band = {band}")
                    if len(ranks) > 1
                    else ("anyway", queue.section.name, entry, same)
                )
            )


def _agents(queues: Sequence[_Queue], people: Mapping[str, Person], report: Report) -> tuple[Part, ...]:
    positions = _positions(queues, people, report)
    memberships: dict[str, dict[str, int]] = {device: {} for device in people}
    for queue in queues:
        for device, member in queue.members.items():
            level = queue.levels.by_penalty.get(member.penalty)
            if level is None:
                continue
            if len(memberships[device]) == limits.MAX_SKILLS:
                report.remark(f"{people[device].id} is in more than {limits.MAX_SKILLS} queues; the rest is left out")
                continue
            memberships[device][queue.id] = level
    found = []
    for device, person in people.items():
        settings: dict[str, Value] = {"name": plain(person.name)[:MAX_TITLE]}
        if memberships[device]:
            settings["queues"] = list(memberships[device])
        above = {name: level for name, level in memberships[device].items() if level > 1}
        if above:
            settings["levels"] = above
        if device in positions:
            settings["position"] = positions[device]
        if person.address:
            settings["addresses"] = {"voice": person.address}
        found.append(Part(person.id, settings))
    return tuple(found)


def _positions(queues: Sequence[_Queue], people: Mapping[str, Person], report: Report) -> dict[str, int]:
    """Device → place in the one order that suits all queues that go by order, if there is one."""
    ordered = [queue for queue in queues if queue.settings["strategy"] in _BY_POSITION]
    devices = dict.fromkeys(device for queue in ordered for device in queue.members)
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(devices, ()))
    for queue in ordered:
        for before, after in pairwise(queue.members):
            sorter.add(after, before)
    try:
        order = list(sorter.static_order())
    except CycleError:
        order = list(devices)
    places = {device: place for place, device in enumerate(order, 1)}
    for queue in ordered:
        if any(places[before] > places[after] for before, after in pairwise(queue.members)):
            report.remark(f"[{queue.section.name}] has its members in another order than queues above: theirs is taken")
    return {device: places[device] for device in people if device in places}


def _part(queue: _Queue) -> Part:
    return Part(queue.id, queue.settings, queue.section.name, queue.at_pbx)
