"""Whether what the configuration says of agents' telephones is about agents that there are. Pure.

Owns these comparisons. Must not ask the PBX anything.
"""

from acd_asterisk.doctor.findings import Finding, named, warning
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.telephones import telephone


def agents(patient: Patient) -> list[Finding]:
    """Options of agents who are not there, and telephones of which no code can say whose they are."""
    options, there = patient.options, {agent for agent, _ in patient.telephones}
    found: list[Finding] = []
    absent = [f"channels.{patient.name}.agents.{agent}" for agent in options.phones.agents if agent not in there]
    if absent:
        fix = "mend the names, unless these agents are made over the API"
        key = patient.key("agents", next(each for each in options.phones.agents if each not in there))
        found.append(
            warning("agents", f"about no agent of this file with addresses.voice: {named(absent)}; {fix}", key)
        )
    if not options.codes.codes:
        return found
    owners: dict[str, list[str]] = {}
    for agent, address in patient.telephones:
        owners.setdefault(telephone(address), []).append(agent)
    for device, several in owners.items():
        if device and len(several) > 1 and device not in options.codes.shared:
            fix = f'add it to codes.shared = ["{device}"] and give each an addresses.number, or an own telephone'
            text = f"{device} is the telephone of {named(several)}, so its codes do nothing; {fix}"
            found.append(warning("codes", text, patient.key("codes", "shared")))
    return found
