"""Whether Asterisk can write recordings: its folder, and the format of the configuration.

Owns a trial: a bridge of its own, in which nobody is, is recorded for a moment, and file and bridge are removed again.
"""

import asyncio
import secrets
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.doctor.findings import Finding, good, unknown, wrong
from acd_asterisk.doctor.patient import Patient

BEGIN_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 0.05
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422
_FOLDER: Final = "the folder `recording` in Asterisk's astspooldir (asterisk -rx 'core show settings' tells where)"


class _Live(Struct, frozen=True):
    state: str = ""


async def recordings(patient: Patient, client: AriClient) -> list[Finding]:
    """Whether one can be made; nothing when the configuration records no calls."""
    options = patient.options.recording
    if options.mode == "off":
        return []
    name = f"acd-doctor-{secrets.token_hex(4)}"
    try:
        await client.request("POST", f"bridges/{name}", {"type": "mixing", "name": name})
        body = {"name": name, "format": options.format, "ifExists": "fail"}
        answer = await client.request("POST", f"bridges/{name}/record", body)
        if answer.status == _UNPROCESSABLE:
            fix = f"set channels.{patient.name}.recording.format to another, or load its module format_…"
            text = f"Asterisk cannot write {options.format} ({answer.message}); {fix}"
            return [wrong("recording", text, patient.key("recording", "format"))]
        if answer.status == _NOT_FOUND:
            return [unknown("recording", "recordings cannot be tried; load res_ari_recordings in modules.conf")]
        if not answer.is_success:
            return [_unwritable(patient, f"is missing (status {answer.status})")]
        return [await _begun(patient, client, name)]
    finally:
        for path in (f"recordings/live/{name}/stop", f"recordings/stored/{name}", f"bridges/{name}"):
            with suppress(AriUnavailable):
                await client.request("POST" if path.endswith("/stop") else "DELETE", path)


async def _begun(patient: Patient, client: AriClient, name: str) -> Finding:
    """Asterisk says yes at once, then that it records, and only then opens the file: there has to be one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(BEGIN_SECONDS):
            while (answer := await client.request("GET", f"recordings/live/{name}")).status != _NOT_FOUND:
                if answer.is_success and msgspec.json.decode(answer.body, type=_Live).state == "recording":
                    await client.request("POST", f"recordings/live/{name}/stop")
                await asyncio.sleep(LOOK_SECONDS)
            if (await client.request("GET", f"recordings/stored/{name}")).is_success:
                return good("recording", "a recording can be written")
            return _unwritable(patient, "cannot be written")
    return unknown("recording", "a recording was begun and has not started; look at Asterisk's log")


def _unwritable(patient: Patient, what: str) -> Finding:
    fix = "make it, and let the user that Asterisk runs as write there"
    text = f"{_FOLDER} {what}, so that no call is recorded; {fix}"
    return wrong("recording", text, patient.key("recording", "mode"))
