"""Whose telephone it is, and whose number. Pure.

Owns reading agents' addresses backwards. Must not know why somebody asks. Each question costs O(agents): it is asked
when a person has pressed a key, not for every call.
"""

from acd.ports.channel import AgentStanding, ChannelHost


def telephone(address: str) -> str:
    """The telephone of an address: `PJSIP/anna`, `PJSIP/anna/sip:…` → `PJSIP/anna`; none behind a trunk."""
    technology, _, rest = address.partition("/")
    name = rest.partition("/")[0]
    return "" if not name or "@" in name else f"{technology}/{name}"


def agents_at(host: ChannelHost, endpoint: str) -> list[AgentStanding]:
    """Whoever has this telephone by `addresses.voice`, and is not gone; nobody when it is none."""
    if not endpoint:
        return []  # It would be that of everybody without a telephone of their own.
    return [
        each for each in host.agents() if not each.gone and telephone(host.address(each.agent_id, "voice")) == endpoint
    ]


def agents_with(host: ChannelHost, number: str) -> list[AgentStanding]:
    """Whoever has this number by `addresses.number`, and is not gone."""
    return [each for each in host.agents() if not each.gone and host.address(each.agent_id, "number") == number]
