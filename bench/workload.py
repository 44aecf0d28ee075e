"""Who works, what is asked for, and what a script is: seeded, and the same for every contestant.

Owns drawing agents and requirements, and the form of what `recorder` writes down. Must not know who is timed, or how.

One life cycle is four commands: enqueue, accept, end, end of wrap-up.
"""

from __future__ import annotations

import random
from typing import Final, Literal

from msgspec import Struct

from acd.core.messages import AgentSettings, Command, CoreSettings, QueueSettings
from acd.core.messages.settings import SECOND_US, Strategy

Load = Literal["low", "overload"]
LOADS: Final[tuple[Load, ...]] = ("low", "overload")
Kind = Literal["enqueue", "accept", "end", "end-wrap-up", "consult", "merge", "tick"]
KINDS: Final[tuple[Kind, ...]] = ("enqueue", "accept", "end", "end-wrap-up")
"""Those of every life cycle. Some have a `consult` as well, and a `merge` that ends it. A `tick` handles what is due;
without policies nothing ever is.
"""

HEAD_START_US: Final = 60 * SECOND_US
_FIT_WEIGHT_US: Final = 100
"""Times the agents: a point of fit is worth about a thirtieth of how long agents are idle in a script."""

NOBODY: Final = -1
"""The decision not to assign anything."""

LOW_LOAD: Final = 0.3
"""Share of the agents that is busy at low load."""

_SKILLS_PER_AGENT: Final = (3, 8)
_MOST_SKILLS: Final = ((10, 10), (200, 60), (20_000, 400))
"""Skills there are, by number of classes at most."""

Term = tuple[int, int]
"""Skill, least proficiency."""


class Centre(Struct, frozen=True):
    """A contact centre: agents' skills as {skill: proficiency}, and one requirement per class."""

    agents: tuple[dict[int, int], ...]
    requirements: tuple[tuple[Term, ...], ...]
    skills: int
    strategy: Strategy
    profiles: int
    """How many different profiles the agents share; 0: each has one of their own."""
    eligible: tuple[tuple[int, ...], ...]
    """By agent: the classes they may serve."""
    fit_weight_us: int
    """What the strategy `weighted` takes a point of fit for."""


class IdleAgent(Struct, frozen=True):
    """An idle agent's place: idle since (µs), tie-breaker."""

    agent: int
    since_us: int
    seq: int


class Waiting(Struct, frozen=True):
    """A waiting interaction's place: key (µs), tie-breaker; and what the key was made of."""

    interaction: int
    requirement: int
    key_us: int
    seq: int
    enqueued_us: int
    priority: int


class Situation(Struct, frozen=True):
    """Where a round begins. `busy` maps interactions that somebody works on to the agent. `seq`: the last one given."""

    idle: tuple[IdleAgent, ...]
    waiting: tuple[Waiting, ...]
    busy: dict[int, int]
    seq: int


class Step(Struct, frozen=True):
    """One command, for the engine as a message and for the rivals as plain numbers.

    `decided` is what everybody must answer: for `enqueue` the agent, for `end-wrap-up` the interaction; or `NOBODY`.
    """

    kind: Kind
    at_us: int
    command: Command
    interaction: int
    requirement: int
    priority: int
    agent: int
    decided: int


class Round(Struct, frozen=True):
    """A stretch of the script, and the situation that it begins with."""

    start: Situation
    steps: tuple[Step, ...]


class Script(Struct, frozen=True):
    """A whole run: how the engine gets there (`warm_up`, untimed), then the rounds, each going on from the last."""

    centre: Centre
    load: Load
    policies: bool
    """Whether every policy is switched on; then no rival can follow."""
    warm_up: tuple[tuple[Command, int], ...]
    rounds: tuple[Round, ...]
    waiting: int
    idle: int


def draw_centre(agents: int, classes: int, strategy: Strategy, seed: int, *, profiles: int = 0) -> Centre:
    """Skill profiles of 3 to 8 skills, each agent's own or `profiles` shared ones; requirements that somebody meets."""
    dice = random.Random(seed)
    skills = next((most for limit, most in _MOST_SKILLS if classes <= limit), classes // 50)
    drawn: dict[tuple[Term, ...], None] = {}
    while len(drawn) < (profiles or agents):
        held = sorted(dice.sample(range(skills), dice.randint(*_SKILLS_PER_AGENT)))
        drawn[tuple((skill, dice.randint(1, 10)) for skill in held)] = None
    people = tuple(dict(profile) for profile in drawn)
    if profiles:
        people = tuple(people[dice.randrange(profiles)] for _ in range(agents))
    requirements: dict[tuple[Term, ...], None] = {}
    while len(requirements) < classes:
        # Drawn from a living agent's profile, so that nobody asks for what cannot be had.
        profile = list(people[dice.randrange(agents)].items())
        named = sorted(dice.sample(profile, dice.randint(1, 3)))
        requirements[tuple((skill, dice.randint(1, held)) for skill, held in named)] = None
    asked = tuple(requirements)
    return Centre(people, asked, skills, strategy, profiles, _eligible(people, asked), _FIT_WEIGHT_US * agents)


def _eligible(people: tuple[dict[int, int], ...], asked: tuple[tuple[Term, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """By agent: the classes whose every term they meet, looked for among the holders of its first skill."""
    holders: dict[int, list[int]] = {}
    for number, own in enumerate(people):
        for skill in own:
            holders.setdefault(skill, []).append(number)
    found: list[list[int]] = [[] for _ in people]
    for index, terms in enumerate(asked):
        for number in holders[terms[0][0]]:
            own = people[number]
            if all(own.get(skill, 0) >= least for skill, least in terms):
                found[number].append(index)
    return tuple(map(tuple, found))


def settings_of(centre: Centre) -> CoreSettings:
    """The same centre as the engine is told of it: one queue for each class."""
    people = (
        AgentSettings(agent_id(number), tuple(sorted((f"s{skill}", held) for skill, held in own.items())))
        for number, own in enumerate(centre.agents)
    )
    queues = (
        QueueSettings(
            f"q{number}",
            " && ".join(f"skills.s{skill} >= {least}" for skill, least in terms),
            centre.strategy,
            fit_weight_us=centre.fit_weight_us,
            head_start_us=HEAD_START_US,
            wrap_up_us=30 * SECOND_US,
            max_waiting=1_000_000,
        )
        for number, terms in enumerate(centre.requirements)
    )
    return CoreSettings(
        tuple(sorted(people, key=lambda each: each.id)), tuple(sorted(queues, key=lambda each: each.id))
    )


def agent_id(number: int) -> str:
    """An agent's id."""
    return f"a{number}"


def interaction_id(number: int) -> str:
    """An interaction's id."""
    return f"i{number}"
