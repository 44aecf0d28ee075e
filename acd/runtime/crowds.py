"""Who could serve what, as bit masks: the agents of a queue and requirement, and how many of them are there.

Owns reading requirements for all agents at once, presence as one number, and how far two crowds overlap. Must not know
waits or calibration. A mask is a Python integer with a bit for each agent: `&` and `bit_count` of 100,000 agents
take a microsecond or two, and a change of presence flips one bit.
"""

from collections.abc import Mapping
from typing import Final

from acd.core.messages import AgentSettings
from acd.core.requirement import conjunction
from acd.errors import RequirementError
from acd.runtime.records import AgentRecord, QueueRecord

MAX_CROWDS: Final = 512
"""Crowds that are remembered; beyond it all are counted anew when they are asked for."""

Kind = tuple[str, str, str]
"""Queue, the interaction's own requirement, channel."""


class Crowds:
    """The crowds of one configuration. Make a new one when the configuration changes. O(agents)."""

    def __init__(self, agents: Mapping[str, AgentRecord], queues: Mapping[str, QueueRecord]) -> None:
        self._queues = queues
        self._bits = {agent_id: 1 << index for index, agent_id in enumerate(agents)}
        self._people = [(self._bits[agent.id], agent.settings) for agent in agents.values() if not agent.retired]
        self._crowds: dict[Kind, int] = {}
        self._slots: dict[str, dict[int, int]] = {}
        self.staffed = 0
        """Who is ready."""
        for agent in agents.values():
            self.presence(agent.id, agent.presence)

    def presence(self, agent_id: str, presence: str) -> None:
        """An agent's presence has changed."""
        bit = self._bits.get(agent_id, 0)
        self.staffed = self.staffed | bit if presence == "ready" else self.staffed & ~bit

    def of(self, kind: Kind) -> int:
        """Every agent who may serve this kind, there or not. O(agents) the first time."""
        crowd = self._crowds.get(kind)
        if crowd is None:
            if len(self._crowds) >= MAX_CROWDS:
                self._crowds.clear()
            crowd = self._crowds[kind] = self._count(kind)
        return crowd

    def slots(self, kind: Kind) -> int:
        """How many interactions of this kind those who are there could work on at once."""
        there = self.of(kind) & self.staffed
        channel = kind[2]
        by_slots = self._slots.get(channel)
        if by_slots is None:
            by_slots = self._slots[channel] = {}
            for bit, settings in self._people:
                most = slots_of(settings, channel)
                by_slots[most] = by_slots.get(most, 0) | bit
        return sum(most * (mask & there).bit_count() for most, mask in by_slots.items())

    def overlap(self, of: Kind, with_: Kind) -> float:
        """Which share of those who are there for the kind `of` could serve `with_`, too. 0 when nobody is there."""
        there = self.of(of) & self.staffed
        return (there & self.of(with_)).bit_count() / there.bit_count() if there else 0.0

    def _count(self, kind: Kind) -> int:
        queue_id, requirement, channel = kind
        queue = self._queues.get(queue_id)
        try:
            asked = conjunction(queue.settings.requirement if queue else "", requirement)
        except RequirementError:
            return 0
        crowd = 0
        for bit, settings in self._people:
            if slots_of(settings, channel) and asked.matches(dict(settings.skills), settings.labels, settings.queues):
                crowd |= bit
        return crowd


def slots_of(settings: AgentSettings, channel: str) -> int:
    """How many interactions of the channel the agent can have at once, with nothing else in hand."""
    shares = {share.channel: share for share in settings.capacity.channels}
    share = shares.get(channel) or shares.get("*")
    return 0 if share is None else min(share.most, settings.capacity.total // share.cost)
