"""How agents stand, for channels: from the view's records, and whenever something has happened to them.

Owns which events concern which agents. Must not know what a channel does with it.
"""

from collections.abc import AsyncGenerator, Iterable
from typing import TYPE_CHECKING, Final

from acd.core.messages import AgentsConfigured, ConfigApplied, Event
from acd.ports.channel import AgentStanding
from acd.runtime.feed import Commit
from acd.runtime.records import AgentRecord

if TYPE_CHECKING:
    from acd.runtime.projections import Projections

BUFFER: Final = 1_024
"""Commits that wait for one who watches; beyond it all agents are told anew."""


def standing_of(agent: AgentRecord) -> AgentStanding:
    """An agent's, by the view's record."""
    work = tuple((item.interaction_id, item.state) for item in agent.work.values())
    devices = tuple((channel, each.state, each.until_us) for channel, each in agent.devices.items())
    return AgentStanding(agent.id, agent.presence, agent.reason, agent.next_presence, work, agent.retired, devices)


async def watch(projections: "Projections") -> AsyncGenerator[tuple[AgentStanding, ...], None]:
    """See `ChannelHost.watch_agents`. What is told is read from the view when it is asked for."""
    told: set[str] = set()

    def stand(agent_ids: Iterable[str]) -> tuple[AgentStanding, ...]:
        agents = projections.view.agents
        standings = tuple(
            AgentStanding(agent_id, "signed-out", gone=True)
            if (agent := agents.get(agent_id)) is None
            else standing_of(agent)
            for agent_id in agent_ids
        )
        told.update(each.agent_id for each in standings)
        told.difference_update(each.agent_id for each in standings if each.agent_id not in agents)
        return standings

    async with projections.feed.subscribe(0, BUFFER) as commits:
        yield stand(projections.view.agents)
        async for item in commits:
            concerned = _concerned(item.events) if isinstance(item, Commit) else None
            if concerned is None:
                # Some may have gone without a word that was kept.
                concerned = tuple(dict.fromkeys((*projections.view.agents, *sorted(told))))
            if concerned:
                yield stand(concerned)


def _concerned(events: Iterable[Event]) -> tuple[str, ...] | None:
    """Agents whose standing may have changed, once each; None: anybody's."""
    found: dict[str, None] = {}
    for event in events:
        if isinstance(event, ConfigApplied):
            return None
        if isinstance(event, AgentsConfigured):
            found.update(dict.fromkeys((*(agent.id for agent in event.agents), *event.removed)))
        elif agent_id := getattr(event, "agent_id", ""):
            found[agent_id] = None
    return tuple(found)
