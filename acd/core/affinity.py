"""Whom an interaction prefers though its request names nobody: a dedicated agent, or the customer's last one.

Owns `LastAgents`, the memory of who talked last with which customer, and `Interaction.preferred_by`. Must not know
commands, nor what being preferred leads to (`matching`, `holding`). Customers are opaque references here as everywhere.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from acd.core import limits
from acd.core.messages import AgentPreferred, QueueSettings

if TYPE_CHECKING:
    from acd.core.domain import Domain
    from acd.core.entities import Interaction


_NOBODY: Final = ("", 0)


class LastAgents:
    """Who completed the last conversation with each of the last `limits.AFFINITY_WINDOW` customers, and when.

    Nothing is kept while no queue asks for it.
    """

    __slots__ = ("_of", "of", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        """Whether any queue asks for it."""
        # An OrderedDict, because a dict is slow at forgetting its first entry again and again.
        self._of: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self.of = self._of.get
        """By customer: the agent's id, and when (µs)."""

    def configure(self, queues: Iterable[QueueSettings]) -> None:
        """These are the queues that there are now; forgets everything when none of them asks."""
        self.wanted = any(queue.affinity_us for queue in queues)
        if not self.wanted:
            self._of.clear()

    def remember(self, customer: str, agent_id: str, at_us: int) -> None:
        """A conversation has ended, the latest so far. An unknown customer, the empty reference, is nobody."""
        if not customer:
            return
        self._of[customer] = (agent_id, at_us)
        self._of.move_to_end(customer)
        if len(self._of) > limits.AFFINITY_WINDOW:
            self._of.popitem(last=False)

    def items(self) -> tuple[tuple[str, str, int], ...]:
        """All (customer, agent id, when), oldest first."""
        return tuple((customer, *last) for customer, last in self._of.items())


def prefer(domain: Domain, interaction: Interaction) -> None:
    """Find an agent to be preferred by an interaction that enters its queue and prefers nobody yet, and say so."""
    request = interaction.request
    agent_id = _dedicated(interaction) if request.attributes else ""
    because = "dedicated"
    if not agent_id or not _may_be(domain, interaction, agent_id):
        agent_id, at_us = domain.last_agents.of(request.customer, _NOBODY)
        if not agent_id or domain.now_us - at_us >= interaction.queue.settings.affinity_us:
            return
        if not _may_be(domain, interaction, agent_id):
            return
        because = "last-agent"
    interaction.preferred = agent_id
    interaction.preferred_by = because
    domain.events.append(AgentPreferred(interaction.id, agent_id, because))


def _dedicated(interaction: Interaction) -> str:
    wanted = interaction.queue.settings.dedicated_attribute
    return next((value for name, value in interaction.request.attributes if name == wanted), "")


def _may_be(domain: Domain, interaction: Interaction, agent_id: str) -> bool:
    """Whether there is such an agent, and not one who has just handed it on, or may not be asked for another reason."""
    agent = domain.agents.get(agent_id)
    excluded = interaction.exclusions
    return agent is not None and not agent.retired and not (excluded and agent_id in excluded)
