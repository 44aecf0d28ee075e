"""Strategies `score:NAME`: a function of the user's ranks agents, fit breaks its ties.

Owns one pool of tickets per class, and when the function is called: once for the class and each skill profile. Must not
know requirements or offers.
"""

from collections.abc import Callable
from typing import Final, cast

from acd.core import limits
from acd.core.entities import Agent
from acd.core.messages import AgentSettings, Demand, Profile, ScoreFunction
from acd.core.pools.ranked import Ranked, best_fit

_FITS: Final = 1 << 64
"""More than what fit and load take up in the integer that ranks by them."""


class Scored(Ranked):
    """Least (−score, −fit, load, idle since, idle seq)."""

    __slots__ = ("_by_agent", "_by_profile", "_demand", "_function")

    def __init__(self, function: ScoreFunction, demand: Demand) -> None:
        super().__init__(self._place)
        self._function = function
        self._demand = demand
        self._by_profile: dict[Profile, int] = {}
        self._by_agent: dict[Agent, tuple[AgentSettings, int]] = {}
        """With the settings that it was said of: they may change, one agent at a time."""

    def score(self, agent: Agent) -> int:
        """What the function says of the agent."""
        said = self._by_agent.get(agent)
        if said is not None and said[0] is agent.settings:
            return said[1]
        profile = profile_of(agent)
        score = self._by_profile.get(profile)
        if score is None:
            score = self._by_profile[profile] = score_of(self._function, self._demand, profile)
        self._by_agent[agent] = (agent.settings, score)
        return score

    def _place(self, agent: Agent, items: int, load: int, fit: int) -> int:
        return best_fit(agent, items, load, fit) - self.score(agent) * _FITS


def profile_of(agent: Agent) -> Profile:
    """What a function is told of the agent."""
    settings = agent.settings
    return Profile(tuple(sorted(settings.skills)), tuple(sorted(settings.labels)), tuple(sorted(settings.queues)))


def score_of(function: ScoreFunction, demand: Demand, profile: Profile) -> int:
    """What the function says; the least score if it raises, or says anything but an integer in range.

    So it can hold up neither the engine nor a replay: being pure, it fails again in the same way.
    """
    say = cast("Callable[[Demand, Profile], object]", function)
    try:
        score = say(demand, profile)
    except Exception:  # noqa: BLE001 - whatever a user's function raises
        return -limits.MAX_SCORE
    return score if type(score) is int and abs(score) <= limits.MAX_SCORE else -limits.MAX_SCORE
