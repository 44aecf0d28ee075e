"""A real PBX for everyone: Asterisk 22 and SIPp, without root, for the tests, the demo and the bench.

Owns: getting the two programs onto the machine (`provision`), one Asterisk instance (`pbx`), the telephones
of agents and callers played by SIPp (`sipp`), what those saw (`dialogs`), and who was in one bridge with whom, by
Asterisk's own record (`bridges`). Standard library only.

Must not know: the adapter, the engine, or anything else of this project. They are what it is used to examine.

    provisioned = provision()
    agents = SippAgents(provisioned, [(["ann", "ben"], AgentBehaviour(ring_ms=200))])
    async with agents, Pbx(provisioned, agents=agents.telephones) as pbx:
        calls = [CallSpec("+4930100", "4900", hang_up_after_ms=5_000)]
        async with SippCallers(provisioned, calls, sip_port=pbx.sip_port) as callers:
            await callers.finished(seconds=30)
        assert not overlapping(agents.dialogs())
"""

from __future__ import annotations

from acd_asterisk.lab._ami import AmiRefused, AmiSession
from acd_asterisk.lab._config import Dialplan, LabAgent
from acd_asterisk.lab._ports import NoFreePorts
from acd_asterisk.lab._scenario import AgentBehaviour, CallSpec
from acd_asterisk.lab.bridges import ChannelRecord, Stay, Talk, mixed, parse_record, talks
from acd_asterisk.lab.dialogs import (
    AgentDialog,
    AgentEnd,
    CallerDialog,
    CallerEnd,
    overlapping,
    parse_agents,
    parse_callers,
)
from acd_asterisk.lab.ear import Ear
from acd_asterisk.lab.handset import Dialog, Handset
from acd_asterisk.lab.pbx import Pbx, PbxFailed
from acd_asterisk.lab.provision import LabUnavailable, Provisioned, default_cache, provision
from acd_asterisk.lab.sipp import SippAgents, SippCallers, SippFailed

__all__ = [
    "AgentBehaviour",
    "AgentDialog",
    "AgentEnd",
    "AmiRefused",
    "AmiSession",
    "CallSpec",
    "CallerDialog",
    "CallerEnd",
    "ChannelRecord",
    "Dialog",
    "Dialplan",
    "Ear",
    "Handset",
    "LabAgent",
    "LabUnavailable",
    "NoFreePorts",
    "Pbx",
    "PbxFailed",
    "Provisioned",
    "SippAgents",
    "SippCallers",
    "SippFailed",
    "Stay",
    "Talk",
    "default_cache",
    "mixed",
    "overlapping",
    "parse_agents",
    "parse_callers",
    "parse_record",
    "provision",
    "talks",
]
