"""Whether agents' telephones exist, are there, and can be talked with (`codecs`).

Owns the reading of addresses and the questions about endpoints, which ARI lists. Must not know agents beyond their
addresses, nor how others are looked up (`device_states`).
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.codecs import codecs
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient, key_of
from acd_asterisk.options.callbacks import NUMBER
from acd_asterisk.translate import is_endpoint

_ADDRESS: Final = re.compile(r"(?P<technology>[A-Za-z0-9]+)/(?:(?P<number>[^@/&]*)@)?(?P<resource>[^@/&]+)")
_PJSIP: Final = "PJSIP"

FAIL_UNTIL: Final = "their calls fail at once until they register, or qualify again"
"""What to know of telephones that are not reachable."""

_LOOKED_UP: Final = frozenset({_PJSIP, "SIP", "IAX2"})


class _Endpoint(Struct, frozen=True):
    technology: str
    resource: str
    state: str = ""


def endpoint_of(address: str) -> tuple[str, str] | None:
    """Technology and resource of `PJSIP/anna` and `PJSIP/4930123@trunk`; None for what ARI does not list, as Local."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None or parts["technology"].upper() not in _LOOKED_UP:
        return None
    return parts["technology"].upper(), parts["resource"]


def unusable(patient: Patient) -> list[Finding]:
    """Addresses that cannot be dialled at all. Asks nobody."""
    found = []
    for agent, address in patient.telephones:
        if not is_endpoint(address):
            fix = f"set agents.{agent}.addresses.voice to one, like PJSIP/{agent}"
            found.append(wrong("endpoint", f"agent {agent}: {address!r} cannot be dialled; {fix}", key_of(agent)))
    return found


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
        key = patient.key("callbacks", "dial")
        text = f"customers are called back by {name}, which is no endpoint of this PBX"
        return [wrong("callbacks", f"{text}; make it there, or mend channels.{patient.name}.callbacks.dial", key)]
    return [good("callbacks", f"customers are called back by {name}, which exists")]


def _looked_up(patient: Patient, states: dict[tuple[str, str], str]) -> tuple[list[Finding], set[str]]:
    found = unusable(patient)
    offline: list[tuple[str, str]] = []
    present: set[str] = set()
    complain = wrong if patient.is_only else warning
    listed = [(agent, address, each) for agent, address in patient.telephones if (each := endpoint_of(address))]
    for agent, address, endpoint in listed:
        if not is_endpoint(address):
            continue
        if endpoint not in states:
            fix = f"make it there, or mend agents.{agent}.addresses.voice"
            text = f"agent {agent}: {address} is no endpoint of this PBX; {fix}"
            found.append(complain("endpoint", text, key_of(agent)))
            continue
        if states[endpoint] == "offline":
            offline.append((agent, address))
        if endpoint[0] == _PJSIP:
            present.add(endpoint[1])
    if listed and not found:
        found.append(good("endpoint", f"all {len(listed)} agents' endpoints exist"))
    if offline:
        text = f"not reachable at the moment: {named([f'{agent} ({address})' for agent, address in offline])}"
        found.append(warning("registered", f"{text}; {FAIL_UNTIL}", key_of(offline[0][0])))
    return found, present
