"""Who works, what is asked for, and the exact commands: seeded, and the same for every contestant.

Owns drawing agents and requirements, and recording a script: the engine is run once, untimed, to find out which
commands a contact centre would send (an accept names the agent who was chosen), and what everybody must answer.
Must not know who is timed, or how.

One life cycle is four commands: enqueue, accept, end, end of wrap-up. In steady state each step adds one
interaction and finishes one, so the number of busy agents, or the length of the line, stays as it was.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    Command,
    CoreSettings,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    OfferMade,
    Outcome,
    QueueSettings,
    SignInAgent,
)
from acd.core.messages.settings import SECOND_US, Strategy

Load = Literal["low", "overload"]
LOADS: Final[tuple[Load, ...]] = ("low", "overload")
Kind = Literal["enqueue", "accept", "end", "end-wrap-up"]
KINDS: Final[tuple[Kind, ...]] = ("enqueue", "accept", "end", "end-wrap-up")

HEAD_START_US: Final = 60 * SECOND_US
_FIT_WEIGHT_US: Final = 100
"""Times the agents: a point of fit is worth about a thirtieth of how long agents are idle in a script."""

NOBODY: Final = -1
"""The decision not to assign anything."""

LOW_LOAD: Final = 0.3
"""Share of the agents that is busy at low load."""

_SKILLS_PER_AGENT: Final = (3, 8)
_TIED: Final = 0.1
"""Share of the commands that fall on the same microsecond as the one before, so that ties occur."""

_MOST_SKILLS: Final = ((10, 10), (200, 60), (2_000, 400))
"""Skills there are, by number of classes at most."""

Term = tuple[int, int]
"""Skill, least proficiency."""


class Centre(Struct, frozen=True):
    """A contact centre: agents' skills as {skill: proficiency}, and one requirement per class."""

    agents: tuple[dict[int, int], ...]
    requirements: tuple[tuple[Term, ...], ...]
    skills: int
    strategy: Strategy
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
    warm_up: tuple[tuple[Command, int], ...]
    rounds: tuple[Round, ...]
    waiting: int
    idle: int


def draw_centre(agents: int, classes: int, strategy: Strategy, seed: int) -> Centre:
    """Unique skill profiles of 3 to 8 skills; requirements of 1 to 3 skills that somebody meets."""
    dice = random.Random(seed)
    skills = next((most for limit, most in _MOST_SKILLS if classes <= limit), classes // 5)
    profiles: dict[tuple[Term, ...], None] = {}
    while len(profiles) < agents:
        held = sorted(dice.sample(range(skills), dice.randint(*_SKILLS_PER_AGENT)))
        profiles[tuple((skill, dice.randint(1, 10)) for skill in held)] = None
    people = tuple(dict(profile) for profile in profiles)
    requirements: dict[tuple[Term, ...], None] = {}
    while len(requirements) < classes:
        # Drawn from a living agent's profile, so that nobody asks for what cannot be had.
        profile = list(people[dice.randrange(agents)].items())
        named = sorted(dice.sample(profile, dice.randint(1, 3)))
        requirements[tuple((skill, dice.randint(1, held)) for skill, held in named)] = None
    asked = tuple(requirements)
    eligible = tuple(
        tuple(index for index, terms in enumerate(asked) if all(own.get(skill, 0) >= least for skill, least in terms))
        for own in people
    )
    return Centre(people, asked, skills, strategy, eligible, _FIT_WEIGHT_US * agents)


def settings_of(centre: Centre) -> CoreSettings:
    """The same centre as the engine is told of it: one queue for each class."""
    people = (
        AgentSettings(_agent_id(number), tuple(sorted((f"s{skill}", held) for skill, held in own.items())))
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


def record(centre: Centre, load: Load, *, line: int, rounds: int, cycles: int, seed: int) -> Script:
    """Run the engine once and write down what happened.

    `line`: interactions that wait at overload. `cycles`: life cycles in each of the `rounds`.
    """
    recorder = _Recorder(centre, seed)
    recorder.open()
    if load == "low":
        recorder.fill(round(LOW_LOAD * len(centre.agents)))
    else:
        recorder.overfill(line)
    # Long enough that nearly everybody has had an interaction, and every cache is as it will stay.
    for _ in range(2 * len(centre.agents)):
        recorder.cycle()
    warm_up = tuple((step, at_us) for step, at_us in recorder.sent)
    start = recorder.situation()
    stretches = [start]
    written: list[tuple[Step, ...]] = []
    for _ in range(rounds):
        recorder.steps = []
        for _ in range(cycles):
            recorder.cycle()
        written.append(tuple(recorder.steps))
        stretches.append(recorder.situation())
    played = tuple(Round(begin, steps) for begin, steps in zip(stretches[:-1], written, strict=True))
    return Script(centre, load, warm_up, played, len(start.waiting), len(start.idle))


def decision_of(kind: Kind, outcome: Outcome) -> int:
    """What an outcome decided: the agent's or the interaction's number, or `NOBODY`."""
    for event in outcome.events:
        if type(event) is OfferMade:
            return int(event.agent_id[1:] if kind == "enqueue" else event.interaction_id[1:])
    return NOBODY


class _Recorder:
    """Plays a contact centre against the engine."""

    def __init__(self, centre: Centre, seed: int) -> None:
        self._centre = centre
        self._dice = random.Random(seed)
        self._engine = Engine("bench")
        self._at_us = 3_600 * SECOND_US
        self._commands = 0
        self._interactions = 0
        self._asked: list[int] = []
        self._active: list[tuple[int, int]] = []
        """Interaction and agent, in no order that matters."""
        self.sent: list[tuple[Command, int]] = []
        self.steps: list[Step] = []

    def open(self) -> None:
        """The configuration, and everybody signs in."""
        self._send(ApplyConfig(self._id(), settings_of(self._centre)))
        everybody = list(range(len(self._centre.agents)))
        self._dice.shuffle(everybody)
        for agent in everybody:
            self._send(SignInAgent(self._id(), _agent_id(agent), ready=True))

    def fill(self, busy: int) -> None:
        """Interactions arrive until so many agents are busy."""
        while len(self._active) < busy:
            self._arrive()

    def overfill(self, line: int) -> None:
        """Interactions arrive until so many wait. Those that wait come in at the same pace as later ones."""
        while len(self._asked) - len(self._active) < line:
            self._arrive()

    def cycle(self) -> None:
        """One arrives, one of those in progress ends."""
        self._arrive()
        if not self._active:
            return
        spot = self._dice.randrange(len(self._active))
        self._active[spot], self._active[-1] = self._active[-1], self._active[spot]
        interaction, agent = self._active.pop()
        ended = EndInteraction(self._id(), _interaction_id(interaction))
        self._note("end", ended, interaction, agent)
        wrapped = EndWrapUp(self._id(), _agent_id(agent), _interaction_id(interaction))
        taken = self._note("end-wrap-up", wrapped, interaction, agent)
        if taken != NOBODY:
            self._accept(taken, agent)

    def situation(self) -> Situation:
        """As it stands now."""
        state = self._engine.state()
        busy = dict(self._active)
        taken = set(busy.values())
        idle = (
            IdleAgent(int(row.id[1:]), row.idle_since_us, row.idle_seq)
            for row in state.agents
            if int(row.id[1:]) not in taken
        )
        waiting = (
            Waiting(
                int(row.request.interaction_id[1:]),
                int(row.request.queue[1:]),
                row.key_us,
                row.seq,
                row.enqueued_at_us,
                row.request.priority,
            )
            for row in state.interactions
            if row.state == "queued"
        )
        return Situation(tuple(idle), tuple(sorted(waiting, key=lambda row: (row.key_us, row.seq))), busy, state.seq)

    def _arrive(self) -> None:
        interaction = self._interactions
        self._interactions += 1
        # By way of an agent: a class is asked for as often as there are people for it.
        eligible: Sequence[int] = ()
        while not eligible:
            eligible = self._centre.eligible[self._dice.randrange(len(self._centre.agents))]
        requirement = self._dice.choice(eligible)
        self._asked.append(requirement)
        priority = self._dice.choice((0, 0, 0, 0, 1, 2))
        command = EnqueueInteraction(
            self._id(), _interaction_id(interaction), "voice", f"q{requirement}", priority=priority
        )
        agent = self._note("enqueue", command, interaction, NOBODY, priority)
        if agent != NOBODY:
            self._accept(interaction, agent)

    def _accept(self, interaction: int, agent: int) -> None:
        command = AcceptOffer(self._id(), f"{_interaction_id(interaction)}.1", _agent_id(agent))
        self._note("accept", command, interaction, agent)
        self._active.append((interaction, agent))

    def _note(self, kind: Kind, command: Command, interaction: int, agent: int, priority: int = 0) -> int:
        outcome = self._send(command)
        decided = decision_of(kind, outcome)
        asked = self._asked[interaction]
        self.steps.append(Step(kind, self._at_us, command, interaction, asked, priority, agent, decided))
        return decided

    def _send(self, command: Command) -> Outcome:
        if self._dice.random() >= _TIED:
            self._at_us += self._dice.randint(1, 2_000)
        outcome = self._engine.apply(command, self._at_us)
        if outcome.refusal is not None:
            raise RuntimeError(f"the script is wrong: {outcome.refusal}")
        self.sent.append((command, self._at_us))
        return outcome

    def _id(self) -> str:
        self._commands += 1
        return f"c{self._commands}"


def _agent_id(number: int) -> str:
    return f"a{number}"


def _interaction_id(number: int) -> str:
    return f"i{number}"
