"""The router that people write: filter everybody, sort, take the first; for agents and for interactions alike.

Owns that rival, to the letter of the tutorials: one list of agents, one list of those who wait, a comprehension and a
`sort` for each decision. `careful_list` is the same idea by somebody who has measured it. Like the other rivals it does
nothing but decide.
"""

from __future__ import annotations

from bench.contest import PlainRouter
from bench.workload import HEAD_START_US, NOBODY, Centre, Situation, Term


class _Agent:
    def __init__(self, number: int, skills: dict[int, int]) -> None:
        self.number = number
        self.skills = skills
        self.free = False
        self.since = 0
        self.seq = 0

    def meets(self, terms: tuple[Term, ...]) -> bool:
        return all(self.skills.get(skill, 0) >= least for skill, least in terms)

    def fit(self, terms: tuple[Term, ...]) -> int:
        return 10 * sum(self.skills.get(skill, 0) for skill, _ in terms) // len(terms)


class _Waiting:
    def __init__(self, interaction: int, terms: tuple[Term, ...], key_us: int, seq: int) -> None:
        self.interaction = interaction
        self.terms = terms
        self.key_us = key_us
        self.seq = seq


class NaiveRouter(PlainRouter):
    """As the module says."""

    name = "list and sort"

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
            _Waiting(row.interaction, self._requirements[row.requirement], row.key_us, row.seq) for row in start.waiting
        ]
        self._busy = dict(start.busy)
        self._seq = start.seq

    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction."""
        self._seq += 1
        terms = self._requirements[requirement]
        candidates = [agent for agent in self._agents if agent.free and agent.meets(terms)]
        if not candidates:
            self._waiting.append(_Waiting(interaction, terms, now_us - priority * HEAD_START_US, self._seq))
            return NOBODY
        candidates.sort(key=lambda agent: self._rank(agent, terms))
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
        free.since, free.seq = now_us, self._seq
        fitting = [waiting for waiting in self._waiting if free.meets(waiting.terms)]
        if not fitting:
            free.free = True
            return NOBODY
        fitting.sort(key=lambda waiting: (waiting.key_us, waiting.seq))
        self._waiting.remove(fitting[0])
        return fitting[0].interaction

    def _rank(self, agent: _Agent, terms: tuple[Term, ...]) -> tuple[int, ...]:
        match self._strategy:
            case "longest-idle":
                return (agent.since, agent.seq)
            case "best-fit":
                return (-agent.fit(terms), agent.since, agent.seq)
            case _:
                return (agent.since - agent.fit(terms) * self._fit_weight_us, agent.seq)
