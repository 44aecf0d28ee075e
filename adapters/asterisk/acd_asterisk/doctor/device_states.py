"""Addresses that ARI lists nowhere: whether they are there, by the state of the device, of which only AMI tells.

Owns the question and what the answers mean. Must not know endpoints (`telephones`). A `Local` channel has the state of
its extension, so that the dialplan is looked at, too; of some technologies, DAHDI among them, nothing is known before
a call. Without ARI there is no other way for any address.
"""

from typing import Final, Literal

from acd.runtime.config.problems import dotted
from acd_asterisk.ami import Manager, text_of
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient, key_of
from acd_asterisk.doctor.telephones import FAIL_UNTIL, endpoint_of, unusable
from acd_asterisk.options.callbacks import NUMBER
from acd_asterisk.translate import is_endpoint

MAX_ASKED: Final = 500
"""Addresses whose states are asked for; of further ones nothing is known."""

_Existence = Literal["there", "offline", "absent", "unknown"]

_MEANINGS: Final[dict[str, _Existence]] = {
    "INVALID": "absent",
    "UNAVAILABLE": "offline",
    "UNKNOWN": "unknown",
    "": "unknown",
}
"""Of what is none of these, somebody has told Asterisk."""


async def device_states(patient: Patient, manager: Manager) -> list[Finding]:
    """Of agents' addresses, and of where customers are called back. Raises `AmiUnavailable`."""
    is_alone = patient.options.control == "ami"
    found: list[Finding] = [*unusable(patient)] if is_alone else []
    complain = wrong if patient.is_only else warning
    silent: list[tuple[str, str]] = []
    offline: list[tuple[str, str]] = []
    there = 0
    wanted = patient.telephones if is_alone else _beyond(patient)
    for number, (agent, address) in enumerate(each for each in wanted if is_endpoint(each[1])):
        state = await _existence(address, manager) if number < MAX_ASKED else "unknown"
        if state == "absent":
            fix = f"make it there, or mend agents.{agent}.addresses.voice"
            found.append(complain("endpoint", f"agent {agent}: {address} {_absent(address)}; {fix}", key_of(agent)))
        elif state == "unknown":
            silent.append((agent, address))
        elif state == "offline":
            offline.append((agent, address))
        else:
            there += 1
    if there and not found:
        found.append(good("endpoint", f"{there} agents' addresses exist by the state of the device"))
    if offline:
        text = f"not reachable at the moment: {named([f'{agent} ({address})' for agent, address in offline])}"
        found.append(warning("registered", f"{text}; {FAIL_UNTIL}", key_of(offline[0][0])))
    if silent:
        text = f"it is not known whether these are there: {named([address for _, address in silent])}"
        found.append(unknown("endpoint", f"{text}; try one with --ring AGENT"))
    return [*found, *await _way_back(patient, manager)]


def unseen(patient: Patient) -> list[Finding]:
    """What is to be said of these addresses when there is no AMI to ask."""
    others = [address for _, address in _beyond(patient)]
    if patient.options.callbacks.dial and _is_beyond(patient.options.callbacks.dial.replace(NUMBER, "1")):
        others.append(patient.options.callbacks.dial)
    if not others:
        return []
    fix = f"add [channels.{patient.name}.ami], or try one with --ring AGENT"
    return [unknown("endpoint", f"only AMI could tell whether these are there: {named(others)}; {fix}")]


def _beyond(patient: Patient) -> tuple[tuple[str, str], ...]:
    """Agents' addresses of which ARI knows nothing."""
    return tuple((agent, address) for agent, address in patient.telephones if _is_beyond(address))


def _is_beyond(address: str) -> bool:
    return is_endpoint(address) and endpoint_of(address) is None


async def _existence(address: str, manager: Manager) -> _Existence:
    endpoint = endpoint_of(address)
    device = address if endpoint is None else "/".join(endpoint)
    said = text_of((await manager.ask("Getvar", {"Variable": f"DEVICE_STATE({device})"})).response, "Value")
    return _MEANINGS.get(said.strip(), "there")


def _absent(address: str) -> str:
    if address.lower().startswith("local/"):
        return "leads to no extension of the dialplan"
    return "is nothing that this PBX knows: there is no such device, or no driver of its kind"


async def _way_back(patient: Patient, manager: Manager) -> list[Finding]:
    """By which customers are called back, if ARI does not list that."""
    dial = patient.options.callbacks.dial
    if not dial or not _is_beyond(dial.replace(NUMBER, "1")):
        return []
    if dial.lower().startswith("local/"):
        # Which numbers the dialplan has an extension for, it alone knows.
        return [unknown("callbacks", f"customers are called back by {dial}, which cannot be tried without a call")]
    key = patient.key("callbacks", "dial")
    match await _existence(dial.replace(NUMBER, "1"), manager):
        case "absent":
            fix = f"make it there, or mend {dotted(key)}"
            text = f"customers are called back by {dial}, which {_absent(dial)}; {fix}"
            return [wrong("callbacks", text, key)]
        case "unknown":
            return [unknown("callbacks", f"Asterisk does not say whether {dial} is there, before a call")]
        case _:
            return [good("callbacks", f"customers are called back by {dial}, which exists")]
