"""Who has the Stasis application.

Owns the question. Never opens the application's WebSocket, which would take it over.
"""

import fcntl
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from acd_asterisk import wire
from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.findings import Finding, good, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient

_NOT_FOUND: Final = 404


async def is_held(patient: Patient, client: AriClient) -> bool | None:
    """Whether some controller has the application, or had it when it went away from calls; None: it is not said."""
    answer = await client.request("GET", f"applications/{quote(patient.options.app, safe='')}")
    if answer.is_success:
        return True
    return False if answer.status == _NOT_FOUND else None


def rival(patient: Patient) -> list[Finding]:
    """Another channel of the same configuration that has it, too. Asks nobody."""
    if not patient.rival:
        return []
    app, fix = patient.options.app, f"give channels.{patient.name}.app and the dialplan behind it another name"
    text = f"channels.{patient.rival} has the same application {app} of the same PBX; {fix}"
    return [wrong("application", text, patient.key("app"))]


async def application(patient: Patient, client: AriClient) -> list[Finding] | Finding:
    """Whether the engine has the application, or can have it."""
    app, name = patient.options.app, patient.name
    if patient.rival:
        return []  # Of two that want it nothing more can be said.
    answer = await client.request("GET", f"applications/{quote(app, safe='')}")
    if answer.status == _NOT_FOUND:
        if engine_runs(patient.journal):
            fix = "`acd healthy` and its log say why"
            text = f"the engine runs, and does not have the application {app}; {fix}"
            return wrong("application", text, patient.key("app"))
        return good("application", f"nobody has the application {app}: the engine can have it")
    try:
        calls = len(wire.decode_application(answer.body).channel_ids)
    except msgspec.DecodeError:
        return unknown("application", f"the PBX does not say who has the application {app}")
    if engine_runs(patient.journal):
        return good("application", f"the application {app} has a controller, and the engine runs ({calls} channels)")
    if calls:
        text = (
            f"the application {app} has {calls} channels, and no engine runs here: they wait for one that has died, "
            "or another controller has it; start the engine, or end the other one"
        )
        return warning("application", text, patient.key("app"))
    fix = f"end it, or choose another name in channels.{name}.app and in the dialplan's Stasis()"
    return wrong("application", f"another controller has the application {app}; {fix}", patient.key("app"))


def engine_runs(journal: Path) -> bool:
    """Whether a process of this machine holds the journal's lock."""
    try:
        handle = os.open(journal.with_name(journal.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
