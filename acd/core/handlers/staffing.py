"""Agents configured one by one: what ApplyConfig would do, at the cost of these agents alone.

Owns that command's checks and moves. An administrative command: costs O(crews) for each agent; O(agents + queues +
interactions) only where everybody's place in a fixed order changes.
"""

from collections.abc import Iterable
from typing import Final

from acd.core import holding
from acd.core.domain import Domain
from acd.core.entities import Agent, Interaction
from acd.core.handlers.settings import rebuild, retire, twice_in, twice_named
from acd.core.messages import AgentsConfigured, AgentSettings, ConfigureAgents, Refusal

_BY_POSITION: Final = ("linear", "round-robin")
"""Strategies that go by rows, which are numbered by (position, id)."""


def configure_agents(domain: Domain, command: ConfigureAgents) -> Refusal | None:
    """Some agents are others from now on, or new, or gone."""
    refusal = _check(domain, command)
    if refusal is not None:
        return refusal
    changed = sorted(command.agents, key=lambda each: each.id)
    removed = sorted(command.remove)
    domain.events.append(AgentsConfigured(command.agents, command.remove))
    domain.edited = True
    affected = [domain.agents.get(each) for each in (*(each.id for each in changed), *removed)]
    held = [interaction for agent in affected if agent is not None for interaction in (agent.holds or {}).values()]
    anew = any(_moves_rows(domain, settings) for settings in changed)
    for agent_id in removed:
        retire(domain, domain.agents[agent_id])
    for settings in changed:
        _take_over(domain, settings)
    if anew:
        rebuild(domain)
        domain.classes.risen += domain.classes.open_gates()
    _reconsider(domain, held)
    for settings in changed:
        domain.serve(domain.agents[settings.id])
    return None


def _check(domain: Domain, command: ConfigureAgents) -> Refusal | None:
    twice = twice_named("agent", (*(agent.id for agent in command.agents), *command.remove))
    for agent in command.agents:
        twice = twice or twice_in(agent)
    if twice:
        return Refusal("duplicate-entity", twice)
    for agent_id in command.remove:
        known = domain.agents.get(agent_id)
        if known is None or known.retired:
            return Refusal("unknown-agent", f"no agent {agent_id} is configured")
    return None


def _moves_rows(domain: Domain, settings: AgentSettings) -> bool:
    """Whether the agent cannot be taken in one by one."""
    if domain.classes.needs_rows_anew(settings):
        return True
    known = domain.agents.get(settings.id)
    if known is not None and known.settings.position == settings.position:
        return False
    return any(queue.settings.strategy in _BY_POSITION for queue in domain.queues.values())


def _take_over(domain: Domain, settings: AgentSettings) -> None:
    """The agent has these settings, in every crew that follows from them."""
    agent = domain.agents.get(settings.id)
    if agent is None:
        agent = domain.agents[settings.id] = Agent(settings)
    else:
        if agent.ticket is not None:
            agent.ticket.alive = False
            agent.ticket = None
        domain.classes.withdraw(agent)
        agent.retired = False
        agent.configure(settings)
    domain.classes.enrol(agent)
    domain.refresh(agent)


def _reconsider(domain: Domain, held: Iterable[Interaction]) -> None:
    """Nobody waits any longer for somebody who has gone, or would not do any more."""
    for interaction in sorted(held, key=lambda each: (each.queue.settings.band, each.key, each.seq)):
        if interaction.held is not None:
            holding.reconsider(domain, interaction)
            domain.leave(interaction)
            domain.place(interaction)
