# ruff: noqa: N802 - each on_… carries the name of its command
"""What agents' devices keep from them, by the letter of ARCHITECTURE.md; a part of the naive model."""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_rules import Refused, Rules
from tests.core.naive_state import Veto


class Devices(Rules):
    """Vetoes, which begin and end."""

    def on_NoteDevice(self, command: m.NoteDevice) -> None:
        agent = self.agent(command.agent_id)
        known = [each for each in agent.vetoes if each.channel == command.channel]
        if command.state == "clear":
            for veto in known:
                self.lift_veto(veto, "cleared")
            return
        if not known and len(agent.vetoes) == limits.MAX_VETOES:
            raise Refused("too-many-devices")
        until = self.now + command.lasts_us
        others = [each for each in agent.vetoes if each not in known]
        agent.vetoes = [*others, Veto(agent, command.channel, command.state, (until, self.next_seq()))]
        self.events.append(m.DeviceVetoed(command.agent_id, command.channel, command.state, until))

    def lift_veto(self, veto: Veto, reason: str) -> None:
        """The agent looks for work at once."""
        veto.agent.vetoes.remove(veto)
        self.events.append(m.DeviceCleared(veto.agent.settings.id, veto.channel, reason))
        self.serve(veto.agent)
