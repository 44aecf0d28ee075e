"""The agents of a configuration, all at once: who passes a requirement, who does anything at all, who is nearest.

Owns the skill matrix of the file. Must not know queues or findings. Rows are agents in the order of the file.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from acd.core.expression import Kind, Mask
from acd.core.matrix import SkillMatrix
from acd.core.messages import AgentSettings
from acd.core.requirement import Requirement
from acd.runtime.config.analysis.satisfiable import operands_of

CACHED_CELLS: Final = 64_000_000
"""Answers (requirements × agents) that are kept; further ones are found again."""

Levels = npt.NDArray[np.int8]


class Staff:
    """Everybody. `able`: who has room for some channel, by row. `holders`: by kind and name, their ids."""

    def __init__(self, agents: tuple[AgentSettings, ...]) -> None:
        """Agents with distinct ids."""
        self.agents: Final = agents
        self.matrix: Final = SkillMatrix()
        self._levels: dict[str, list[tuple[int, int]]] = {}
        for row, agent in enumerate(agents):
            self.matrix.set_row(row, agent.skills, agent.labels, agent.queues)
            for queue, level in agent.levels:
                self._levels.setdefault(queue, []).append((row, level))
        self.able: Final[Mask] = np.array([any(_fits(agent).values()) for agent in agents], dtype=np.bool_)
        self._masks: dict[str, Mask] = {}
        kinds: tuple[Kind, ...] = ("skill", "label", "queue")
        self.holders: Final[dict[Kind, dict[str, list[str]]]] = {kind: _holders(agents, kind) for kind in kinds}

    def passing(self, requirement: Requirement) -> Mask:
        """Who satisfies it: bool, shape (agents,). Do not write to it."""
        mask = self._masks.get(requirement.canonical)
        if mask is None:
            mask = requirement.mask(self.matrix)
            if (len(self._masks) + 1) * len(self.agents) <= CACHED_CELLS:
                self._masks[requirement.canonical] = mask
        return mask

    def channels(self) -> list[tuple[Mask, Mask]]:
        """(who does it, who has room for it) of each channel that a capacity names, and of any other."""
        fits = [_fits(agent) for agent in self.agents]
        found = []
        for channel in dict.fromkeys(["*", *(name for each in fits for name in each)]):
            does = [each.get(channel, each.get("*")) for each in fits]
            doing = np.array([each is not None for each in does], dtype=np.bool_)
            found.append((doing, np.array([each is True for each in does], dtype=np.bool_)))
        return found

    def levels(self, queue: str) -> Levels:
        """Everybody's level for a queue: int8, shape (agents,)."""
        levels = np.ones(len(self.agents), dtype=np.int8)
        for row, level in self._levels.get(queue, ()):
            levels[row] = level
        return levels

    def has_levels(self, queue: str) -> bool:
        """Whether anybody has a level above 1 for the queue."""
        return any(level > 1 for _, level in self._levels.get(queue, ()))

    def nearest(self, requirement: Requirement) -> tuple[AgentSettings, list[str]]:
        """The agent who satisfies most parts, the first of them, and the parts that they do not. There are agents."""
        met = np.zeros(len(self.agents), dtype=np.int64)
        for part in operands_of(requirement.tree):
            met += part.mask(self.matrix)
        agent = self.agents[int(np.argmax(2 * met + self.able))]
        return agent, requirement.unmet(dict(agent.skills), agent.labels, agent.queues)

    def names(self, rows: Mask, most: int = 3) -> str:
        """Some of these agents by name, and how many more there are."""
        found = np.flatnonzero(rows)
        named = ", ".join(self.agents[int(row)].id for row in found[:most])
        return f"{named} and {len(found) - most} more" if len(found) > most else named


def _fits(agent: AgentSettings) -> dict[str, bool]:
    """Whether a work item of each channel that the agent does fits into their capacity."""
    return {share.channel: share.cost <= agent.capacity.total for share in agent.capacity.channels}


def _holders(agents: tuple[AgentSettings, ...], kind: Kind) -> dict[str, list[str]]:
    holders: dict[str, list[str]] = {}
    for agent in agents:
        if kind == "skill":
            for name, _ in agent.skills:
                holders.setdefault(name, []).append(agent.id)
        else:
            for name in agent.labels if kind == "label" else agent.queues:
                holders.setdefault(name, []).append(agent.id)
    return holders
