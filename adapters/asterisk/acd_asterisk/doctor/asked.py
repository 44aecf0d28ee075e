"""The doctor's look at one PBX, for `acd check --connect`. Owns what of its findings is said there."""

from typing import Final

from acd.ports.examination import Fault, Surroundings
from acd_asterisk.doctor.examination import examine
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.options import Options

_SAID: Final = frozenset({"configuration"})
"""Looks that need no PBX, and that `acd check` has had itself."""


async def faults(name: str, options: Options, around: Surroundings) -> list[Fault]:
    """What the doctor finds wrong, or had better be otherwise."""
    patient = Patient(name, options, around.addresses, around.journal, around.is_only, given=around.options)
    found = [each for each in await examine(patient) if each.check not in _SAID]
    return [
        Fault("error" if each.state == "wrong" else "warning", each.text, each.key)
        for each in found
        if each.state in {"wrong", "warning"}
    ]
