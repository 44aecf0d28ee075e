"""Whose telephone it is: nobody's, when it is none."""

import pytest

from acd.ports.channel import AgentStanding
from acd.testing.recording_host import RecordingHost
from acd_asterisk.telephones import agents_at, telephone

ADDRESSES = {"anna": "PJSIP/anna", "ben": "", "carla": "PJSIP/13800138000@trunk"}


def host_of(*agents: str) -> RecordingHost:
    host = RecordingHost(lambda agent, kind: ADDRESSES[agent] if kind == "voice" else "")
    host.staff |= {agent: AgentStanding(agent, "ready") for agent in agents}
    return host


def test_by_the_address() -> None:
    assert [each.agent_id for each in agents_at(host_of(*ADDRESSES), "PJSIP/anna")] == ["anna"]
    assert telephone("PJSIP/anna/sip:anna@10.0.0.1") == "PJSIP/anna"


@pytest.mark.parametrize("agent", ["ben", "carla"])
def test_no_telephone_is_not_that_of_who_has_none(agent: str) -> None:
    assert agents_at(host_of(agent), "") == []
