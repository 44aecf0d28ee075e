"""A PBX that is used by AMI alone: whether its user may do what moving calls takes, and its dialplan has all places.

Owns what must be found there, and the look at modules and the clock. Must not know ARI, nor how calls are moved.
"""

import time
from collections.abc import Iterable
from typing import Final

from acd_asterisk.ami import Manager, text_of
from acd_asterisk.ami_only import dialplan as places
from acd_asterisk.doctor.connection import NO_TIME, judged_time
from acd_asterisk.doctor.dialplan import Step, after, by_place, read_steps
from acd_asterisk.doctor.findings import Finding, good, it_or_them, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient

ACTIONS: Final = {
    "CoreShowChannels": "system",
    "CoreStatus": "system",
    "Getvar": "call",
    "Hangup": "call",
    "Originate": "originate",
    "Redirect": "call",
    "Setvar": "call",
    "UserEvent": "user",
}
"""What calls are moved by, and the class of `write` that lets a user do it."""

MODULES: Final = ("app_stack", "app_userevent", "res_musiconhold", "func_uri", "func_timeout", "pbx_config")
"""Of the contexts of the example."""

_END: Final = "T"
_PLACES: Final = (places.ENTER, places.HOLD, places.TALK, places.LEG, places.BACK, _END)
_TOLD: Final = {places.ENTER: "AcdEnter", places.LEG: "AcdAnswered"}
"""The user events of which the name of the application is a part."""

_EXAMPLE: Final = "examples/asterisk/extensions_ami.conf"


async def rights(patient: Patient, manager: Manager) -> Finding:
    """AMI lists what this user may do, and nothing else."""
    reply = await manager.ask("ListCommands")
    lacking = [action for action in ACTIONS if action not in reply.response]
    if lacking:
        classes = ",".join(dict.fromkeys(ACTIONS[action] for action in lacking))
        text = f"the user of AMI may not {named(lacking)}; add {classes} to its `write` in manager.conf"
        return wrong("rights", text, patient.key("ami", "user"))
    return good("rights", "the user of AMI may do what moving calls takes")


async def modules(manager: Manager) -> Finding:
    """What the places of the dialplan are made of."""
    lacking = [name for name in MODULES if not (await manager.ask("ModuleCheck", {"Module": name})).is_success]
    if lacking:
        lost = f"not loaded: {named(lacking)}, without which calls are lost in the dialplan"
        return wrong("modules", f"{lost}; load {it_or_them(lacking)} in modules.conf")
    return good("modules", "all modules are loaded that the dialplan needs")


async def clock(manager: Manager) -> Finding:
    """How far the PBX's clock is from ours."""
    before = time.time()
    said = text_of((await manager.ask("Ping")).response, "Timestamp")
    try:
        return judged_time(float(said), before, time.time())
    except ValueError:
        return unknown("clock", NO_TIME)


async def dialplan_without_ari(patient: Patient, manager: Manager) -> list[Finding]:
    """Ask AMI for all of it."""
    steps = await read_steps(manager)
    if isinstance(steps, Finding):
        return [steps]
    options = patient.options
    return judged_without_ari(steps, options.app, has_switch=options.heartbeat_us > 0)


def judged_without_ari(steps: Iterable[Step], app: str, *, has_switch: bool) -> list[Finding]:
    """The places where calls of an application stand, and every way to them.

    `has_switch`: the configuration winds the dead-man's switch.
    """
    extensions, _ = by_place(steps)
    context = places.context_of(app)
    own = {name: lines for (where, name), lines in extensions.items() if where == context}
    if not own:
        text = f"there is no context [{context}] in the dialplan: no call will arrive"
        return [wrong("dialplan", f"{text}; add the contexts of {_EXAMPLE}, with the name of the application in them")]
    found: list[Finding] = []
    lacking = [name for name in _PLACES if name not in own]
    if lacking:
        found.append(wrong("dialplan", f"[{context}] has no extension {named(lacking)}; take them from {_EXAMPLE}"))
    found += _told(context, own, app)
    entrance = own.get(places.ENTER, [])
    if entrance and not any(places.alive_of(app) in step.data for step in entrance):
        text = f"{context},{places.ENTER}: nothing looks at {places.alive_of(app)}, so that without the engine callers"
        found.append(wrong("fallback", f"{text} wait for nobody; take the GotoIf() of {_EXAMPLE}"))
    if has_switch and entrance and not any("timeout(absolute)" in step.data.lower() for step in entrance):
        fix = "put Set(TIMEOUT(absolute)=30) before its UserEvent(), or set heartbeat = 0"
        found.append(warning("dead-man", f"{context},{places.ENTER}: nothing sets the dead-man's switch; {fix}"))
    doors = [
        (f"{where},{name},{line.priority}", lines[number + 1 :])
        for (where, name), lines in sorted(extensions.items())
        for number, line in enumerate(lines)
        if line.application.lower() == "gosub" and line.data.replace(" ", "").startswith(f"{context},{places.ENTER},")
    ]
    if not doors:
        fix = f"add acd-enter of {_EXAMPLE}"
        found.append(wrong("dialplan", f"nothing in the dialplan leads to Gosub({context},{places.ENTER},1); {fix}"))
    for place, rest in doors:
        found += after(place, rest, of=f"Gosub({context},{places.ENTER},1)")
    return found or [good("dialplan", f"callers come in at {named([place for place, _ in doors])}, with a fallback")]


def _told(context: str, own: dict[str, list[Step]], app: str) -> list[Finding]:
    """The events by which the engine hears of a call name the application."""
    found = []
    for place, event in _TOLD.items():
        said = [step.data for step in own.get(place, []) if step.application.lower() == "userevent"]
        if place in own and not any(_says(each, event, app) for each in said):
            fix = f"write UserEvent({event},App: {app},…) there, as {_EXAMPLE} does"
            found.append(wrong("dialplan", f"{context},{place} does not tell the engine of its calls; {fix}"))
    return found


def _says(data: str, event: str, app: str) -> bool:
    name, *fields = (each.strip() for each in data.split(","))
    return name == event and f"App: {app}" in fields
