"""Whether the dialplan hands callers to our application, and serves them when nobody is there to take them.

Owns what AMI shows of the dialplan, and what must be found in it. ARI shows nothing of it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from acd.runtime.config.problems import Key
from acd_asterisk.ami import Manager, Message, text_of
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.happenings import CODE

MAX_VARIABLES: Final = 20
"""Global variables that are looked up."""

MAX_INCLUDES: Final = 100
"""Contexts that are followed from one."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_STASIS: Final = "stasis"
_OF_STASIS: Final = "res_stasis"
"""Registers a context `stasis-APP` for each application that has a controller; no caller comes that way."""
_DEAD_MAN: Final = "timeout(absolute)"
LAST_WORDS: Final = frozenset({"hangup", "return", "noop"})


class Step(Struct, frozen=True):
    """One line of the dialplan; `application` is empty for an `include`, whose context is in `data`."""

    context: str
    extension: str
    priority: int
    application: str
    data: str


async def dialplan(patient: Patient, manager: Manager) -> list[Finding]:
    """Ask AMI for all of it."""
    steps = await read_steps(manager)
    if isinstance(steps, Finding):
        return [steps]
    known = {name: await _value(manager, name) for name in sorted(_variables(steps))[:MAX_VARIABLES]}
    steps = [_resolved(step, known) for step in steps]
    options = patient.options
    found = judged_dialplan(steps, options.app, has_switch=options.heartbeat_us > 0, key=patient.key("app"))
    return [*found, *judged_codes(steps, options.app)] if options.codes.codes else found


async def read_steps(manager: Manager) -> list[Step] | Finding:
    """Every line of the dialplan, or why there is none."""
    reply = await manager.ask_list("ShowDialPlan")
    if not reply.is_success:
        fix = "give the AMI user `write = config,reporting`"
        return unknown("dialplan", f"the dialplan cannot be looked at ({reply.reason}); {fix}")
    return [step for item in reply.items if (step := _step(item)) is not None]


def by_place(steps: Iterable[Step]) -> tuple[dict[tuple[str, str], list[Step]], dict[str, list[str]]]:
    """Lines by context and extension, in their order; and the contexts that each includes."""
    extensions: dict[tuple[str, str], list[Step]] = {}
    includes: dict[str, list[str]] = {}
    for step in steps:
        if step.application:
            extensions.setdefault((step.context, step.extension), []).append(step)
        elif step.data:
            includes.setdefault(step.context, []).append(step.data)
    for lines in extensions.values():
        lines.sort(key=lambda step: step.priority)
    return extensions, includes


def _step(item: Message) -> Step | None:
    include = text_of(item, "IncludeContext")
    priority = text_of(item, "Priority")
    if (not include and not priority.isdecimal()) or text_of(item, "Registrar") == _OF_STASIS:
        return None
    return Step(
        text_of(item, "Context"),
        text_of(item, "Extension"),
        int(priority) if priority.isdecimal() else 0,
        "" if include else text_of(item, "Application"),
        include or text_of(item, "AppData"),
    )


def _variables(steps: Iterable[Step]) -> set[str]:
    """Those in the first argument of `Stasis()`: the application's name may be a global one."""
    return {
        name
        for step in steps
        if step.application.lower() == _STASIS
        for name in _VARIABLE.findall(step.data.partition(",")[0])
    }


async def _value(manager: Manager, name: str) -> str:
    return text_of((await manager.ask("Getvar", {"Variable": name})).response, "Value")


def _resolved(step: Step, known: Mapping[str, str]) -> Step:
    if step.application.lower() != _STASIS:
        return step
    return msgspec.structs.replace(step, data=_VARIABLE.sub(lambda found: known.get(found[1]) or found[0], step.data))


def judged_dialplan(steps: Iterable[Step], app: str, *, has_switch: bool, key: Key = ()) -> list[Finding]:
    """Every place that hands callers to the application.

    `has_switch`: the configuration winds the dead-man's switch. `key`: where `app` is written.
    """
    extensions, includes = by_place(steps)
    found: list[Finding] = []
    doors: list[str] = []
    for (context, extension), lines in sorted(extensions.items()):
        for number, line in enumerate(lines):
            if _leads_to(line, app) and not _is_code(line):
                place = f"{context},{extension},{line.priority}"
                doors.append(place)
                found += after(place, lines[number + 1 :], of="Stasis()")
                if has_switch:
                    contexts = _reached(context, includes)
                    has_end = any((each, "T") in extensions for each in contexts)
                    found += _switch(place, context, lines[:number], has_end=has_end)
    if not doors:
        fix = f"add the contexts of examples/asterisk/extensions.conf, whose Stasis() names {app}"
        return [wrong("dialplan", f"nothing in the dialplan leads to Stasis({app},…): no call will arrive; {fix}", key)]
    return found or [good("dialplan", f"callers come in at {named(doors)}, with a fallback and a dead-man's switch")]


def judged_codes(steps: Iterable[Step], app: str) -> list[Finding]:
    """Whether what agents dial gets to the application at all. These lines let no callers in, and need no fallback."""
    if any(_leads_to(step, app) and _is_code(step) for step in steps):
        return [good("codes", "feature codes come in")]
    fix = f"add `exten => _*4X!,1,Stasis({app},code:${{EXTEN}})`, as in PHONES.md, to the context of agents' telephones"
    return [warning("codes", f"nothing in the dialplan leads to Stasis({app},code:…): feature codes do nothing; {fix}")]


def _leads_to(step: Step, app: str) -> bool:
    return step.application.lower() == _STASIS and step.data.split(",")[0].strip() == app


def _is_code(step: Step) -> bool:
    return step.data.partition(",")[2].strip().startswith(CODE)


def after(place: str, rest: list[Step], *, of: str) -> list[Finding]:
    """A caller whom no engine takes goes on with what follows `of`."""
    if all(step.application.lower() in LAST_WORDS for step in rest):
        fix = f"add what serves callers meanwhile, Queue() or VoiceMail(), after `{of}`"
        return [wrong("fallback", f"{place}: without the engine callers are hung up on; {fix}")]
    return []


def _switch(place: str, context: str, before: list[Step], *, has_end: bool) -> list[Finding]:
    found: list[Finding] = []
    if not any(step.application.lower() == "set" and _DEAD_MAN in step.data.lower() for step in before):
        fix = "put Set(TIMEOUT(absolute)=30) before it, or set heartbeat = 0"
        found.append(warning("dead-man", f"{place}: nothing sets the dead-man's switch before Stasis(); {fix}"))
    if not has_end:
        fix = f"add `exten => T,1,Goto(…)` to [{context}], to where your fallback is"
        found.append(wrong("dead-man", f"{place}: should the engine die, its callers are hung up on; {fix}"))
    return found


def _reached(context: str, includes: dict[str, list[str]]) -> list[str]:
    """A context and those that it includes."""
    found = [context]
    for each in found:
        if len(found) > MAX_INCLUDES:
            break
        found += [name for name in includes.get(each, ()) if name not in found]
    return found
