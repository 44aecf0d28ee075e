"""Whether agents' telephones exist, are there, and can be talked with (`codecs`).

Owns the reading of addresses and the questions about endpoints. Must not know agents beyond their addresses.
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.codecs import codecs
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.options.callbacks import NUMBER
from acd_asterisk.translate import is_endpoint

_ADDRESS: Final = re.compile(r"(?P<technology>[A-Za-z0-9]+)/(?:(?P<number>[^@/&]*)@)?(?P<resource>[^@/&]+)")
_PJSIP: Final = "PJSIP"
_LOOKED_UP: Final = frozenset({_PJSIP, "SIP", "IAX2"})


class _Endpoint(Struct, frozen=True):
    technology: str
    resource: str
    state: str = ""


def endpoint_of(address: str) -> tuple[str, str] | None:
    """Technology and resource of `PJSIP/anna` and `PJSIP/4930123@trunk`; None for what is no endpoint, as Local."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None or parts["technology"].upper() not in _LOOKED_UP:
        return None
    return parts["technology"].upper(), parts["resource"]


async def telephones(patient: Patient, client: AriClient) -> list[Finding]:
    """All telephones of the configuration's agents."""
    dial = patient.options.callbacks.dial
    if not patient.telephones and not dial:
        return [unknown("endpoint", "the configuration names no agent with addresses.voice; nothing was looked up")]
    answer = await client.request("GET", "endpoints")
    try:
        listed = msgspec.json.decode(answer.body, type=list[_Endpoint])
    except msgspec.DecodeError:
        return [unknown("endpoint", "the PBX does not say which endpoints it has")]
    states = {(each.technology.upper(), each.resource): each.state for each in listed}
    found, present = _looked_up(patient, states)
    found.extend(_trunk(patient, states))
    others = [each.resource for each in listed if each.technology == _PJSIP and each.resource not in present]
    return [*found, *await codecs(sorted(present), sorted(others), client)]


def _trunk(patient: Patient, states: dict[tuple[str, str], str]) -> list[Finding]:
    """By which customers are called back, if any are."""
    dial = patient.options.callbacks.dial
    endpoint = endpoint_of(dial.replace(NUMBER, "1")) if dial else None
    if endpoint is None:
        return []
    name = "/".join(endpoint)
    if endpoint not in states:
        fix = f"make it there, or mend channels.{patient.name}.callbacks.dial"
        return [wrong("callbacks", f"customers are called back by {name}, which is no endpoint of this PBX; {fix}")]
    return [good("callbacks", f"customers are called back by {name}, which exists")]


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
            if endpoint[0] == _PJSIP:
                present.add(endpoint[1])
    if not found:
        found.append(good("endpoint", f"all {len(patient.telephones) - len(others)} agents' endpoints exist"))
    if offline:
        fix = "their calls fail at once until they register, or qualify again"
        found.append(warning("registered", f"not reachable at the moment: {named(offline)}; {fix}"))
    if others:
        found.append(unknown("endpoint", f"cannot be looked up: {named(others)}; try one with --ring AGENT"))
    return found, present
