"""Vetoes: what is known of agents' devices keeps offers of a channel from them, for a while.

Owns `Agent.vetoes`. Must not know what a device is, nor who watches it. A device is never the truth: work in hand and
offers that ring stay as they are, the place among the idle too, and every veto ends by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.core.deadlines import ANY_LENGTH
from acd.core.entities import Veto
from acd.core.messages import DeviceCleared, DeviceVetoed

if TYPE_CHECKING:
    from acd.core.entities import Agent
    from acd.core.matching import Matching


def impose(domain: Matching, agent: Agent, channel: str, state: str, lasts_us: int) -> None:
    """Offer the agent nothing of the channel until now + `lasts_us`, whatever was known before."""
    _end(agent, channel)
    until_us = domain.now_us + lasts_us
    veto = Veto(agent, channel, state)
    veto.deadline = domain.deadlines.register(until_us, domain.next_seq(), veto, ANY_LENGTH)
    if agent.vetoes is None:
        agent.vetoes = {}
    agent.vetoes[channel] = veto
    domain.refresh(agent)
    domain.events.append(DeviceVetoed(agent.id, channel, state, until_us))


def lift(domain: Matching, agent: Agent, channel: str, reason: str) -> None:
    """Nothing of the device speaks against the channel any more, if anything did: the agent is served."""
    if agent.vetoes is None or channel not in agent.vetoes:
        return
    _end(agent, channel)
    domain.refresh(agent)
    domain.events.append(DeviceCleared(agent.id, channel, reason))
    domain.serve(agent)


def drop(agent: Agent) -> None:
    """The agent is no more."""
    for channel in list(agent.vetoes or ()):
        _end(agent, channel)


def _end(agent: Agent, channel: str) -> None:
    vetoes = agent.vetoes
    veto = None if vetoes is None else vetoes.pop(channel, None)
    if veto is not None and veto.deadline is not None:
        veto.deadline.alive = False
    if not vetoes:
        agent.vetoes = None
