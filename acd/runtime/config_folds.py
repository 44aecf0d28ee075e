"""What the view makes of events about the configuration: which agents and queues there are, and what they are.

Owns these folds. Must not know the other events, nor who asks the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acd.core.messages import AgentRemoved, AgentsConfigured, AgentSettings, ConfigApplied, Event, QueueRemoved
from acd.runtime.records import AgentRecord, QueueRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acd.runtime.view import View


def table(view: View) -> dict[type[Event], Callable[[Any], None]]:
    """Event → what it does to the view's rows."""
    agents, queues = view.agents, view.queues

    def config_applied(event: ConfigApplied) -> None:
        named = {queue.id: queue for queue in event.settings.queues}
        for queue_id, row in queues.items():
            row.retired = queue_id not in named
        for queue_id, queue in named.items():
            known = queues.get(queue_id)
            if known is None:
                queues[queue_id] = QueueRecord(queue_id, queue)
            else:
                known.settings = queue
        there = {agent.id for agent in event.settings.agents}
        for agent_id, person in agents.items():
            person.retired = agent_id not in there
        _take_over(view, event.settings.agents)
        view.configure(event.settings)

    def agents_configured(event: AgentsConfigured) -> None:
        for agent_id in event.removed:
            agents[agent_id].retired = True
        _take_over(view, event.agents)
        view.configure(None)

    def agent_removed(event: AgentRemoved) -> None:
        del agents[event.agent_id]

    def queue_removed(event: QueueRemoved) -> None:
        del queues[event.queue]

    return {
        ConfigApplied: config_applied,
        AgentsConfigured: agents_configured,
        AgentRemoved: agent_removed,
        QueueRemoved: queue_removed,
    }


def _take_over(view: View, named: Iterable[AgentSettings]) -> None:
    for agent in named:
        known = view.agents.get(agent.id)
        if known is None:
            view.agents[agent.id] = AgentRecord(agent.id, agent, view.at_us)
        else:
            known.settings, known.retired = agent, False
