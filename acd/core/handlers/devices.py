"""What is noted of agents' devices. Owns that command's checks."""

from acd.core import limits, vetoes
from acd.core.domain import Domain
from acd.core.messages import NoteDevice, Refusal


def note_device(domain: Domain, command: NoteDevice) -> Refusal | None:
    """A veto, its renewal, or its end."""
    agent = domain.agents.get(command.agent_id)
    if agent is None:
        return Refusal("unknown-agent", f"no agent {command.agent_id} is configured")
    if command.state == "clear":
        vetoes.lift(domain, agent, command.channel, "cleared")
        return None
    known = agent.vetoes or {}
    if command.channel not in known and len(known) >= limits.MAX_VETOES:
        detail = f"agent {agent.id} has {len(known)} channels that a device vetoes, {limits.MAX_VETOES} at most"
        return Refusal("too-many-devices", detail)
    vetoes.impose(domain, agent, command.channel, command.state, command.lasts_us)
    return None
