"""Whether the PBX can be reached, lets us in, lets us act, is the right one, and keeps the same time.

Owns the questions about the connection itself. Must not know anything of calls.
"""

import asyncio
import re
import time
from contextlib import suppress
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from acd_asterisk import wire
from acd_asterisk.ari import AriClient, AriUnauthorized, AriUnavailable
from acd_asterisk.doctor.findings import Finding, good, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.options import PasswordUnavailable

OLDEST_MAJOR: Final = 16
"""Of Asterisk, as tested."""

CLOCK_SECONDS: Final = 2.0
"""Two clocks that differ by more cannot be laid side by side in logs and reports."""

SETTLE_SECONDS: Final = 0.5
"""In which Asterisk ends the connections beyond its limit."""

_TIME: Final = "%Y-%m-%dT%H:%M:%S.%f%z"
_MAJOR: Final = re.compile(r"(?:certified/)?([0-9]+)\.")
_FORBIDDEN: Final = "status 403"
_NOT_FOUND: Final = 404


class _Ping(Struct, frozen=True):
    timestamp: str = ""


async def reach(patient: Patient, client: AriClient) -> list[Finding]:
    """Log in and ask who is there; when the last finding is `wrong`, nothing else can be looked at."""
    name, options = patient.name, patient.options
    try:
        client.log_in(options.user, options.password.read())
    except PasswordUnavailable as error:
        text = f"channels.{name}.{error}; put the password of ari.conf there"
        return [wrong("credentials", text, patient.key_of_password())]
    try:
        answer = await client.request("GET", "asterisk/info?only=system,status")
    except AriUnauthorized:
        text = (
            f"the PBX refuses the user {options.user} or its password; compare channels.{name}.user and its password "
            "with ari.conf, then `asterisk -rx 'module reload res_ari'`"
        )
        refused = wrong("credentials", text, patient.key_of_password())
        return [good("reachable", f"something answers at {options.url}"), refused]
    except AriUnavailable as error:
        fix = "is Asterisk running, `enabled = yes` in http.conf, and bindaddr and bindport the ones of this url?"
        return [wrong("reachable", f"nobody answers at {options.url} ({error}); {fix}", patient.key("url"))]
    if answer.status == _NOT_FOUND:
        return [_not_ari(patient)]
    try:
        info = wire.decode_info(answer.body)
    except msgspec.DecodeError:
        return [_not_ari(patient)]
    found = [
        good("reachable", f"ARI answers at {options.url}"),
        good("credentials", f"the user {options.user} is let in"),
        _version(info.system.version),
    ]
    rights = await _rights(patient, client)
    return [*found, rights]


def _not_ari(patient: Patient) -> Finding:
    fix = "set `enabled = yes` in ari.conf, load res_ari and res_ari_asterisk, or mend the url"
    text = f"what answers at {patient.options.url} is not ARI, or lacks a part of it; {fix}"
    return wrong("reachable", text, patient.key("url"))


def _version(version: str) -> Finding:
    major = _MAJOR.match(version)
    if major is None:
        return unknown("version", f"the PBX says that it is {version!r}; what is tested is Asterisk 16 and 22")
    if int(major[1]) < OLDEST_MAJOR:
        return wrong("version", f"this is Asterisk {version}; use {OLDEST_MAJOR} or later, 22 if you can choose")
    return good("version", f"this is Asterisk {version}")


async def _rights(patient: Patient, client: AriClient) -> Finding:
    """Removing a bridge that cannot be there is refused to a user who may only read, and does nothing for others."""
    user = patient.options.user
    try:
        await client.request("DELETE", "bridges/acd-doctor-none")
    except AriUnauthorized as error:
        if str(error) == _FORBIDDEN:
            fix = f"set `read_only = no` for [{user}] in ari.conf, then `asterisk -rx 'module reload res_ari'`"
            return wrong("rights", f"the user {user} may only read; {fix}", patient.key("user"))
        raise
    return good("rights", f"the user {user} may act")


NO_TIME: Final = "the PBX does not say what time it is"


async def clock(client: AriClient) -> Finding:
    """How far the PBX's clock is from ours."""
    before = time.time()
    answer = await client.request("GET", "asterisk/ping")
    return judged_clock(answer.body, before, time.time())


def judged_clock(body: bytes, before: float, after: float) -> Finding:
    """Of what the PBX said when it was asked for the time, between `before` and `after` in seconds since 1970."""
    try:
        theirs = datetime.strptime(msgspec.json.decode(body, type=_Ping).timestamp, _TIME).timestamp()  # noqa: DTZ007 - the format has %z
    except (msgspec.DecodeError, ValueError):
        return unknown("clock", NO_TIME)
    return judged_time(theirs, before, after)


def judged_time(theirs: float, before: float, after: float) -> Finding:
    """Of the PBX's time in seconds since 1970, which it told between `before` and `after`."""
    # What lies between asking and being answered is nobody's fault.
    difference = max(before - theirs, theirs - after, 0.0)
    if difference > CLOCK_SECONDS:
        way = "behind" if theirs < before else "ahead of"
        fix = "let both keep time by NTP, or logs and reports will not fit"
        return warning("clock", f"the PBX's clock is {difference:.1f} s {way} ours; {fix}")
    return good("clock", "both clocks agree")


async def sessions(patient: Patient) -> Finding:
    """Whether as many connections as the engine may open are allowed: idle ones are opened, and closed again."""
    options = patient.options
    parts = urlsplit(options.url)
    if parts.scheme != "http":
        return unknown("sessions", "how many connections the PBX allows is not tried over TLS")
    readers: list[asyncio.StreamReader] = []
    writers: list[asyncio.StreamWriter] = []
    ended = 0
    try:
        for _ in range(options.connections):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            readers.append(reader)
            writers.append(writer)
        await asyncio.sleep(SETTLE_SECONDS)
        ended = sum(reader.at_eof() for reader in readers)
    except OSError:
        ended = options.connections - len(writers)
    finally:
        for writer in writers:
            writer.close()
        for writer in writers:
            with suppress(OSError):
                await writer.wait_closed()
    if ended:
        allowed = options.connections - ended
        fix = f"raise sessionlimit in http.conf (100 is usual), or set connections = {max(4, allowed - 4)}"
        text = f"the PBX allows {allowed} connections at a time, of {options.connections}; {fix}"
        return wrong("sessions", text, patient.key("connections"))
    return good("sessions", f"the PBX allows the {options.connections} connections of `connections`")
