"""What is looked at, in which order, and what is left out when something fails.

Owns the order. Must not know how anything is looked at, nor how findings are shown.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from acd_asterisk.ami import AmiDeaf, AmiUnauthorized, AmiUnavailable, Manager
from acd_asterisk.ami.watch import CLASSES, access_of
from acd_asterisk.ari import AriClient, AriUnauthorized, AriUnavailable
from acd_asterisk.doctor import trial, trial_by_ami, without_ari
from acd_asterisk.doctor.agents import agents
from acd_asterisk.doctor.application import application, is_held, rival
from acd_asterisk.doctor.browser_phones import browser_phones
from acd_asterisk.doctor.connection import clock, reach, sessions
from acd_asterisk.doctor.device_states import device_states, unseen
from acd_asterisk.doctor.dialplan import dialplan
from acd_asterisk.doctor.disk import disk
from acd_asterisk.doctor.findings import Finding, good, unknown, warning, wrong
from acd_asterisk.doctor.loaded import modules
from acd_asterisk.doctor.media import music, sounds
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.doctor.recordings import recordings
from acd_asterisk.doctor.telephones import telephones
from acd_asterisk.options import PasswordUnavailable
from acd_asterisk.options.ami import AmiOptions

BOOT_SECONDS: Final = 5.0
"""How long a PBX may go on booting that lets us in: `acd serve` waits longer."""

Look = Callable[[], Awaitable[Finding | list[Finding]]]


async def examine(patient: Patient, *, place: str = "", agent: str = "") -> list[Finding]:
    """Everything about one PBX. `place`: also call this extension; `agent`: also let this telephone ring."""
    options = patient.options
    found = [
        warning("configuration", f"channels.{patient.name}.{key}: {why}; {fix}", patient.key(*key.split(".")))
        for key, why, fix in options.cautions
    ]
    found += agents(patient)
    found += rival(patient)
    if options.control == "ami":
        return [*found, *await _by_ami(patient, place, agent), await asyncio.to_thread(disk, patient.journal)]
    client = AriClient(options.url, connections=4, deadline_seconds=max(5.0, options.rest_deadline_us / 1e6))
    try:
        found += await reach(patient, client)
        if not any(each.state == "wrong" and each.check in {"reachable", "credentials"} for each in found):
            found += await _by_ari(patient, client, place, agent)
    finally:
        await client.close()
    found += await _by_ami(patient)
    return [*found, await asyncio.to_thread(disk, patient.journal)]


async def _by_ari(patient: Patient, client: AriClient, place: str, agent: str) -> list[Finding]:
    found = await _each(
        {
            "modules": lambda: modules(patient, client),
            "application": lambda: application(patient, client),
            "clock": lambda: clock(client),
            "endpoint": lambda: telephones(patient, client),
            "browser-phones": lambda: browser_phones(patient, client),
            "sounds": lambda: sounds(patient, client),
            "recording": lambda: recordings(patient, client),
        }
    )
    try:
        held = await is_held(patient, client)
    except AriUnavailable:
        held = None
    looks: dict[str, Look] = {}
    if held is False:
        # Beside a controller that has its own connections this would take some from it.
        looks["sessions"] = lambda: sessions(patient)
    if place:
        looks["call"] = lambda: trial.call(patient, client, place, is_held=held)
    if agent:
        looks["ring"] = lambda: trial.ring(patient, client, agent)
    return [*found, *await _each(looks)]


async def _each(looks: dict[str, Look]) -> list[Finding]:
    """One after another; a look that fails says so and no more."""
    found: list[Finding] = []
    for check, look in looks.items():
        try:
            result = await look()
        except AriUnauthorized as error:
            found.append(wrong(check, f"the PBX refuses this to the user of ARI ({error}); look at ari.conf"))
        except AriUnavailable as error:
            found.append(unknown(check, f"the PBX did not answer ({error}); try again"))
        else:
            found += result if isinstance(result, list) else [result]
    return found


async def _by_ami(patient: Patient, place: str = "", agent: str = "") -> list[Finding]:
    """`place`, `agent`: what ARI has not tried already."""
    options = patient.options.ami
    if options is None:
        fix = f"only AMI shows them: add [channels.{patient.name}.ami]"
        return [
            unknown("dialplan", f"the dialplan and the classes of music were not looked at; {fix}"),
            *unseen(patient),
        ]
    try:
        # With events, as `acd serve` has it: a user who hears none is let in, and AMI never comes up.
        manager = Manager(access_of(options), events=CLASSES, wanted=frozenset(), boot_seconds=BOOT_SECONDS)
        await manager.open()
    except PasswordUnavailable as error:
        text = f"channels.{patient.name}.ami.{error}; put the secret of manager.conf there"
        return [wrong("ami", text, patient.key("ami", str(error).partition(":")[0]))]
    except AmiDeaf as error:
        return [wrong("ami", str(error), patient.key("ami", "user"))]
    except AmiUnauthorized as error:
        text = f"{error}; compare channels.{patient.name}.ami with user, secret and permit of manager.conf"
        return [wrong("ami", text, patient.key("ami", "user"))]
    except AmiUnavailable as error:
        text = f"{error}; is AMI enabled in manager.conf, and reachable from here?"
        return [wrong("ami", text, patient.key("ami", "port"))]
    try:
        found = [good("ami", _entered(options))]
        if patient.options.control == "ari":
            found += await dialplan(patient, manager)
        else:
            found += await _without_ari(patient, manager)
        found.append(await music(patient, manager))
        found += await device_states(patient, manager)
        if place:
            found.append(await trial_by_ami.call(patient, manager, place))
        if agent:
            found.append(await trial_by_ami.ring(patient, manager, agent))
    except AmiUnavailable as error:
        return [unknown("ami", f"AMI did not answer ({error}); try again")]
    finally:
        manager.close()
    return found


async def _without_ari(patient: Patient, manager: Manager) -> list[Finding]:
    return [
        await without_ari.rights(patient, manager),
        await without_ari.modules(manager),
        await without_ari.clock(manager),
        *await without_ari.dialplan_without_ari(patient, manager),
    ]


def _entered(options: AmiOptions) -> str:
    return f"AMI of {options.host}:{options.port} lets the user {options.user} in"
