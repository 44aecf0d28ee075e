"""Whether agents' telephones exist, are there, and speak a language that others speak, too.

Owns the reading of addresses and the questions about endpoints. Must not know agents beyond their addresses.
"""

import asyncio
import re
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.translate import is_endpoint

MAX_ASKED: Final = 500
"""Endpoints whose codecs are asked for."""

AT_ONCE: Final = 8

_ADDRESS: Final = re.compile(r"(?P<technology>[A-Za-z0-9]+)/(?:(?P<number>[^@/&]*)@)?(?P<resource>[^@/&]+)")
_LOOKED_UP: Final = frozenset({"PJSIP", "SIP", "IAX2"})


class _Endpoint(Struct, frozen=True):
    technology: str
    resource: str
    state: str = ""


class _Setting(Struct, frozen=True):
    attribute: str
    value: str = ""


def endpoint_of(address: str) -> tuple[str, str] | None:
    """Technology and resource of `PJSIP/anna` and `PJSIP/4930123@trunk`; None for what is no endpoint, as Local."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None or parts["technology"].upper() not in _LOOKED_UP:
        return None
    return parts["technology"].upper(), parts["resource"]


async def telephones(patient: Patient, client: AriClient) -> list[Finding]:
    """All telephones of the configuration's agents."""
    if not patient.telephones:
        return [unknown("endpoint", "the configuration names no agent with addresses.voice; nothing was looked up")]
    answer = await client.request("GET", "endpoints")
    try:
        listed = msgspec.json.decode(answer.body, type=list[_Endpoint])
    except msgspec.DecodeError:
        return [unknown("endpoint", "the PBX does not say which endpoints it has")]
    states = {(each.technology.upper(), each.resource): each.state for each in listed}
    found, present = _looked_up(patient, states)
    return [*found, *await _codecs(sorted(present), client)]


def _looked_up(patient: Patient, states: dict[tuple[str, str], str]) -> tuple[list[Finding], set[str]]:
    found: list[Finding] = []
    offline: list[str] = []
    others: list[str] = []
    present: set[str] = set()
    complain = wrong if patient.is_only else warning
    for agent, address in patient.telephones:
        endpoint = endpoint_of(address)
        if not is_endpoint(address):
            fix = f"set agents.{agent}.addresses.voice to one, like PJSIP/{agent}"
            found.append(wrong("endpoint", f"agent {agent}: {address!r} cannot be dialled; {fix}"))
        elif endpoint is None:
            others.append(address)
        elif endpoint not in states:
            fix = f"make it there, or mend agents.{agent}.addresses.voice"
            found.append(complain("endpoint", f"agent {agent}: {address} is no endpoint of this PBX; {fix}"))
        else:
            if states[endpoint] == "offline":
                offline.append(f"{agent} ({address})")
            if endpoint[0] == "PJSIP":
                present.add(endpoint[1])
    if not found:
        found.append(good("endpoint", f"all {len(patient.telephones) - len(others)} agents' endpoints exist"))
    if offline:
        fix = "their calls fail at once until they register, or qualify again"
        found.append(warning("registered", f"not reachable at the moment: {named(offline)}; {fix}"))
    if others:
        found.append(unknown("endpoint", f"cannot be looked up: {named(others)}; try one with --ring AGENT"))
    return found, present


async def _codecs(endpoints: list[str], client: AriClient) -> list[Finding]:
    """Whether two telephones have a codec in common: without one, every call is transcoded, or silent."""
    if not endpoints:
        return []
    free = asyncio.Semaphore(AT_ONCE)

    async def one(resource: str) -> frozenset[str]:
        async with free:
            path = f"asterisk/config/dynamic/res_pjsip/endpoint/{quote(resource, safe='')}"
            answer = await client.request("GET", path)
        try:
            settings = msgspec.json.decode(answer.body, type=list[_Setting])
        except msgspec.DecodeError:
            return frozenset()
        allowed = next((each.value for each in settings if each.attribute == "allow"), "")
        return frozenset(re.findall(r"[a-z0-9_]+", allowed.lower()))

    asked = endpoints[:MAX_ASKED]
    codecs = dict(zip(asked, await asyncio.gather(*map(one, asked)), strict=True))
    return judged_codecs(codecs)


def judged_codecs(codecs: dict[str, frozenset[str]]) -> list[Finding]:
    """Of each endpoint's codecs, by name; an empty set is one of which nothing is known."""
    known = {name: each for name, each in codecs.items() if each}
    if not known:
        return [unknown("codecs", "the PBX does not say which codecs agents' endpoints have")]
    common = frozenset.intersection(*known.values())
    if common:
        return [good("codecs", f"agents' endpoints have in common: {', '.join(sorted(common))}")]
    counts: dict[str, int] = {}
    for each in known.values():
        for codec in each:
            counts[codec] = counts.get(codec, 0) + 1
    usual = max(sorted(counts), key=lambda codec: counts[codec])
    apart = [name for name, each in known.items() if usual not in each]
    fix = f"add {usual} to `allow` of these endpoints"
    return [warning("codecs", f"no codec is common to all agents' endpoints: {named(apart)} lack {usual}; {fix}")]
