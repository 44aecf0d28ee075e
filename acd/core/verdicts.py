"""Verdicts: how each clause of being offerable turned out for a pair, in words.

Owns the sentence for every clause of `eligibility.CLAUSES`. Must not know how candidates are found, nor where
the words are shown. Times are µs, as everywhere in the core; whoever shows them makes them readable.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from acd.core.eligibility import CLAUSES
from acd.core.entities import Agent, Interaction


class Verdict(Struct, frozen=True, gc=False):
    """One clause for one pair. `detail` says what is in the way, or is empty when the clause holds.

    `until_us`: when the engine will look again by itself, 0 if it is not a matter of time.
    """

    clause: str
    holds: bool
    detail: str = ""
    until_us: int = 0


def verdicts(interaction: Interaction, agent: Agent) -> tuple[Verdict, ...]:
    """Every clause, in their order."""
    return tuple(
        _verdict(clause.name, interaction, agent, holds=clause.holds(interaction, agent)) for clause in CLAUSES
    )


def _verdict(name: str, interaction: Interaction, agent: Agent, *, holds: bool) -> Verdict:
    if holds:
        return Verdict(name, holds=True)
    detail, until_us = DETAILS[name](interaction, agent)
    return Verdict(name, holds=False, detail=detail, until_us=until_us)


Detail = tuple[str, int]

_DEVICE: Final = {"in-use": "in use", "unavailable": "unavailable"}
"""States of devices that veto, in words."""


def _presence(_interaction: Interaction, agent: Agent) -> Detail:
    reason = f" ({agent.reason})" if agent.reason else ""
    towards = f" towards {agent.next_presence}" if agent.next_presence else ""
    return f"{agent.presence}{towards}{reason}" + (", no longer configured" if agent.retired else ""), 0


def _device(interaction: Interaction, agent: Agent) -> Detail:
    assert agent.vetoes is not None
    veto = agent.vetoes[interaction.request.channel]
    return f"device {_DEVICE[veto.state]}", 0 if veto.deadline is None else veto.deadline.key


def _exclusion(interaction: Interaction, agent: Agent) -> Detail:
    assert interaction.exclusions is not None
    deadline = interaction.exclusions[agent.id].deadline
    return "was asked already, and is not asked again yet", 0 if deadline is None else deadline.key


def _work(interaction: Interaction, agent: Agent) -> Detail:
    item = next(each for each in agent.work.values() if each.interaction is interaction)
    return f"has work on it already ({item.state})", 0 if item.deadline is None else item.deadline.key


def _asks(interaction: Interaction, _agent: Agent) -> Detail:
    return f"talks with the customer it is about, in {interaction.request.parent}", 0


def _hold(interaction: Interaction, _agent: Agent) -> Detail:
    deadline = None if interaction.held is None else interaction.held.deadline
    return f"held for {interaction.preferred}", 0 if deadline is None else deadline.key


def _reserve(interaction: Interaction, _agent: Agent) -> Detail:
    gate, kept = interaction.cls.gate, interaction.queue.settings.reserve
    free = 0 if gate is None else gate.free
    return f"kept free for others: {free} could take it just now, and the last {kept} are not for this queue", 0


def _turn(interaction: Interaction, _agent: Agent) -> Detail:
    called = interaction.queue.reaching
    return f"its customer comes first: {called} of the queue are being called, and no more at once", 0


def _level(interaction: Interaction, agent: Agent) -> Detail:
    deadline = None if interaction.opening is None else interaction.opening.deadline
    detail = f"is of level {agent.level(interaction.queue.id)}, and {interaction.reach} is the highest that is open yet"
    return detail, 0 if deadline is None else deadline.key


def _requirement(interaction: Interaction, agent: Agent) -> Detail:
    requirement = interaction.cls.requirement
    missing = requirement.unmet(agent.skills, agent.labels, agent.queues)
    return "does not satisfy " + " && ".join(missing), 0


def _room(interaction: Interaction, agent: Agent) -> Detail:
    channel = interaction.request.channel
    share = agent.share(channel)
    if share is None:
        return f"does not do {channel}", 0
    items = sum(agent.share(item.channel) is share for item in agent.work.values())
    if items >= share.most:
        return f"has {items} work items of {share.channel}, {share.most} at most", 0
    return f"{agent.in_the_way(share)} of {agent.total} units in use, {share.cost} are needed", 0


DETAILS: Final[dict[str, Callable[[Interaction, Agent], Detail]]] = {
    "ready": _presence,
    "device": _device,
    "not-excluded": _exclusion,
    "not-on-it": _work,
    "not-asking": _asks,
    "preferred": _hold,
    "reserve": _reserve,
    "turn": _turn,
    "level": _level,
    "requirement": _requirement,
    "room": _room,
}
"""Clause → what is in the way when it does not hold."""
