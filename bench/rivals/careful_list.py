"""Lists, with care: filter all agents by the requirement and sort them; keep the waiting list sorted, stop at a hit.

Owns that rival: objects, comprehensions, `sort`, `insort`. It does nothing but decide: no validation, no
events, no deadlines, no repeated commands, all of which the engine does while it is timed.
"""

from __future__ import annotations

from bisect import insort
from operator import attrgetter

from bench.contest import PlainRouter
from bench.workload import HEAD_START_US, NOBODY, Centre, Situation, Term

_place = attrgetter("key")


class _Agent:
    __slots__ = ("free", "number", "seq", "since", "skills")

    def __init__(self, number: int, skills: dict[int, int]) -> None:
        self.number = number
        self.skills = skills
        self.free = False
        self.since = 0
        self.seq = 0

    def meets(self, terms: tuple[Term, ...]) -> bool:
        get = self.skills.get
        for skill, least in terms:  # noqa: SIM110 - `all()` over a generator takes twice as long
            if get(skill, 0) < least:
                return False
        return True

    def fit(self, terms: tuple[Term, ...]) -> int:
        skills = self.skills
        return 10 * sum(skills.get(skill, 0) for skill, _ in terms) // len(terms)


class _Waiting:
    __slots__ = ("interaction", "key", "terms")

    def __init__(self, interaction: int, key: tuple[int, int], terms: tuple[Term, ...]) -> None:
        self.interaction = interaction
        self.key = key
        self.terms = terms


class CarefulListRouter(PlainRouter):
    """As the module says."""

    name = "careful list"

    def __init__(self, centre: Centre) -> None:
        self._requirements = centre.requirements
        self._strategy = centre.strategy
        self._fit_weight_us = centre.fit_weight_us
        self._agents = [_Agent(number, skills) for number, skills in enumerate(centre.agents)]
        self._waiting: list[_Waiting] = []
        self._busy: dict[int, int] = {}
        self._seq = 0

    def restore(self, start: Situation) -> None:
        """Begin from here."""
        for agent in self._agents:
            agent.free = False
        for place in start.idle:
            agent = self._agents[place.agent]
            agent.free, agent.since, agent.seq = True, place.since_us, place.seq
        self._waiting = [
            _Waiting(row.interaction, (row.key_us, row.seq), self._requirements[row.requirement])
            for row in start.waiting
        ]
        self._busy = dict(start.busy)
        self._seq = start.seq

    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction."""
        self._seq += 1
        terms = self._requirements[requirement]
        candidates = [agent for agent in self._agents if agent.free and agent.meets(terms)]
        if not candidates:
            key = (now_us - priority * HEAD_START_US, self._seq)
            insort(self._waiting, _Waiting(interaction, key, terms), key=_place)
            return NOBODY
        match self._strategy:
            case "longest-idle":
                candidates.sort(key=lambda agent: (agent.since, agent.seq))
            case "best-fit":
                candidates.sort(key=lambda agent: (-agent.fit(terms), agent.since, agent.seq))
            case "weighted":
                weight_us = self._fit_weight_us
                candidates.sort(key=lambda agent: (agent.since - agent.fit(terms) * weight_us, agent.seq))
        best = candidates[0]
        best.free = False
        return best.number

    def accept(self, interaction: int, agent: int) -> int:
        """The agent answers."""
        self._busy[interaction] = agent
        return NOBODY

    def end(self, interaction: int) -> int:
        """The conversation is over; the agent wraps up."""
        del self._busy[interaction]
        return NOBODY

    def end_wrap_up(self, agent: int, now_us: int) -> int:
        """The interaction for an agent who is free again."""
        self._seq += 1
        free = self._agents[agent]
        for index, waiting in enumerate(self._waiting):
            if free.meets(waiting.terms):
                del self._waiting[index]
                free.since, free.seq = now_us, self._seq
                return waiting.interaction
        free.free, free.since, free.seq = True, now_us, self._seq
        return NOBODY
