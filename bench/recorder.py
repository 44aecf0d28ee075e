"""The exact commands of a run: what a contact centre would send, found out by running the engine once.

Owns recording a script: an accept names the agent who was chosen, and every step says what everybody must answer. In
steady state each step adds one interaction and finishes one, so the number of busy agents, or the length of the line,
stays as it was. Must not know who is timed, or how.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    ApplyConfig,
    CancelInteraction,
    Command,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    MergeConsult,
    NoteEstimate,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    OfferRevoked,
    Outcome,
    SignInAgent,
    Tick,
    WrapUpStarted,
)
from acd.core.messages.settings import SECOND_US
from bench.policies import (
    CONSULTING,
    ESTIMATED_WAIT_US,
    SCORES,
    TAKING_OVER,
    channel_of,
    policy_settings,
    with_wishes,
)
from bench.workload import (
    LOW_LOAD,
    NOBODY,
    Centre,
    IdleAgent,
    Kind,
    Load,
    Round,
    Script,
    Situation,
    Step,
    Waiting,
    agent_id,
    interaction_id,
    settings_of,
)

_TIED: Final = 0.1
"""Share of the commands that fall on the same microsecond as the one before, so that ties occur."""


def record(
    centre: Centre, load: Load, *, line: int, rounds: int, cycles: int, seed: int, policies: bool = False
) -> Script:
    """Run the engine once and write down what happened.

    `line`: interactions that wait at overload. `cycles`: life cycles in each of the `rounds`. `policies`: all on.
    """
    recorder = Recorder(centre, seed, policies=policies)
    recorder.reach(load, line)
    warm_up = tuple(recorder.sent)
    start = recorder.situation()
    stretches = [start]
    written: list[tuple[Step, ...]] = []
    for _ in range(rounds):
        written.append(recorder.play(cycles))
        stretches.append(recorder.situation())
    played = tuple(Round(begin, steps) for begin, steps in zip(stretches[:-1], written, strict=True))
    return Script(centre, load, policies, warm_up, played, len(start.waiting), len(start.idle))


def new_engine() -> Engine:
    """An engine as every script needs it."""
    return Engine("bench", strategies=SCORES)


def decision_of(kind: Kind, outcome: Outcome) -> int:
    """What an outcome decided: the agent's or the interaction's number, or `NOBODY`. The first, if it was several."""
    for event in outcome.events:
        if type(event) is OfferMade:
            return int(event.agent_id[1:] if kind in ("enqueue", "consult") else event.interaction_id[1:])
    return NOBODY


class Recorder:
    """Plays a contact centre against an engine."""

    def __init__(self, centre: Centre, seed: int, *, policies: bool = False, evenly: bool = False) -> None:
        """`policies`: all on. `evenly`: every class is asked for as often as any other, one after another."""
        self.engine = new_engine()
        self._centre = centre
        self._policies = policies
        self._evenly = evenly
        able = {requirement: agent for agent, asked in enumerate(centre.eligible) for requirement in asked}
        self._firsts = sorted(able.items())
        """Every class, and an agent who can serve it."""
        self._dice = random.Random(seed)
        self._at_us = 3_600 * SECOND_US
        self._commands = 0
        self._asked: list[int] = []
        self._busy: list[tuple[int, int]] = []
        """Interaction and agent, in no order that matters."""
        self._together: set[int] = set()
        """Interactions with several agents; nobody asks for advice there once more."""
        self._ringing: dict[str, tuple[int, int]] = {}
        """Offer → interaction and agent, who will accept."""
        self.sent: list[tuple[Command, int]] = []
        self._steps: list[Step] = []

    def reach(self, load: Load, line: int, warm_up: int | None = None) -> None:
        """Open, take up this load, and go on for so long that every cache is as it will stay.

        So every class is asked for once at first: making one takes 30 to 50 µs among 1,000 agents, once for all.
        `line`: how many wait at overload. `warm_up`: life cycles; by default until nearly everybody has had one.
        """
        self._open()
        if load == "low":
            while len(self._busy) < round(LOW_LOAD * len(self._centre.agents)):
                self._arrive()
        else:
            # Those that wait come in at the same pace as later ones.
            while len(self._asked) - len(self._busy) < line:
                self._arrive()
        for _ in range(2 * len(self._centre.agents) if warm_up is None else warm_up):
            self._cycle()

    def play(self, cycles: int) -> tuple[Step, ...]:
        """So many life cycles, written down."""
        self._steps = []
        for _ in range(cycles):
            self._cycle()
        return tuple(self._steps)

    def situation(self) -> Situation:
        """As it stands now."""
        state = self.engine.state()
        busy = dict(self._busy)
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

    def _open(self) -> None:
        """The configuration, and everybody signs in."""
        settings = policy_settings(self._centre) if self._policies else settings_of(self._centre)
        self._send(ApplyConfig(self._id(), settings))
        everybody = list(range(len(self._centre.agents)))
        self._dice.shuffle(everybody)
        for agent in everybody:
            self._send(SignInAgent(self._id(), agent_id(agent), ready=True))
        if self._policies:
            for queue in settings.queues:
                self._send(NoteEstimate(self._id(), queue.id, ESTIMATED_WAIT_US))

    def _cycle(self) -> None:
        """One arrives, one of those in progress ends."""
        self._arrive()
        if not self._busy:
            return
        if self._policies and self._dice.random() < CONSULTING:
            self._consult(*self._any())
        interaction, agent = self._any()
        outcome = self._note("end", EndInteraction(self._id(), interaction_id(interaction)), interaction, agent)
        self._end_wrap_ups(outcome, interaction)

    def _any(self) -> tuple[int, int]:
        """Take any of those in progress out."""
        spot = self._dice.randrange(len(self._busy))
        self._busy[spot], self._busy[-1] = self._busy[-1], self._busy[spot]
        return self._busy.pop()

    def _end_wrap_ups(self, outcome: Outcome, interaction: int) -> None:
        """Of everybody who has begun one on it, by what has just happened."""
        wrapping = [event.agent_id for event in outcome.events if type(event) is WrapUpStarted]
        for agent in wrapping:
            command = EndWrapUp(self._id(), agent, interaction_id(interaction))
            self._note("end-wrap-up", command, interaction, int(agent[1:]))
        self._answer()

    def _consult(self, interaction: int, agent: int) -> None:
        """The agent asks the same queue for advice; whoever gives it takes over, or joins; or nobody can."""
        if interaction in self._together:
            self._busy.append((interaction, agent))
            return
        child = len(self._asked)
        requirement = self._asked[interaction]
        self._asked.append(requirement)
        name, parent = interaction_id(child), interaction_id(interaction)
        asked = EnqueueInteraction(self._id(), name, channel_of(requirement), f"q{requirement}", parent=parent)
        self._note("consult", asked, child, NOBODY)
        self._answer()
        adviser = next((each for number, each in reversed(self._busy) if number == child), NOBODY)
        if adviser == NOBODY:
            self._busy.append((interaction, agent))
            self._note("merge", CancelInteraction(self._id(), name), child, NOBODY)
            return
        self._busy.remove((child, adviser))
        takes_over = self._dice.random() < TAKING_OVER
        if not takes_over:
            self._together.add(interaction)
        self._busy.append((interaction, adviser if takes_over else agent))
        merge = MergeConsult(self._id(), name, agent_id(agent), "transfer" if takes_over else "conference")
        self._end_wrap_ups(self._note("merge", merge, interaction, agent), interaction)

    def _arrive(self) -> None:
        interaction = len(self._asked)
        requirement, agent = self._wanted(interaction)
        self._asked.append(requirement)
        priority = self._dice.choice((0, 0, 0, 0, 1, 2))
        command = EnqueueInteraction(
            self._id(), interaction_id(interaction), "voice", f"q{requirement}", priority=priority
        )
        if self._policies:
            command = with_wishes(command, self._centre, requirement, agent, self._dice)
        self._note("enqueue", command, interaction, NOBODY, priority)
        self._answer()

    def _wanted(self, interaction: int) -> tuple[int, int]:
        """A class, and an agent who can serve it."""
        if self._evenly:
            return interaction % len(self._centre.requirements), NOBODY
        if interaction < len(self._firsts):
            # Each class once: who is the first to ask for one is a matter of setting up, and rare classes come late.
            return self._firsts[interaction]
        # By way of an agent: a class is asked for as often as there are people for it.
        eligible: Sequence[int] = ()
        agent = NOBODY
        while not eligible:
            agent = self._dice.randrange(len(self._centre.agents))
            eligible = self._centre.eligible[agent]
        return self._dice.choice(eligible), agent

    def _answer(self) -> None:
        """Whoever is rung accepts, in the order in which they were; of several for one interaction the first."""
        while self._ringing:
            offer_id, (interaction, agent) = next(iter(self._ringing.items()))
            del self._ringing[offer_id]
            self._note("accept", AcceptOffer(self._id(), offer_id, agent_id(agent)), interaction, agent)
            self._busy.append((interaction, agent))

    def _note(self, kind: Kind, command: Command, interaction: int, agent: int, priority: int = 0) -> Outcome:
        self._pass()
        due_us = self.engine.next_deadline()
        while due_us is not None and due_us <= self._at_us:
            tick = Tick(self._id())
            self._write("tick", tick, self._send(tick), NOBODY, NOBODY, 0)
            due_us = self.engine.next_deadline()
        outcome = self._send(command)
        self._write(kind, command, outcome, interaction, agent, priority)
        return outcome

    def _write(
        self, kind: Kind, command: Command, outcome: Outcome, interaction: int, agent: int, priority: int
    ) -> None:
        for event in outcome.events:
            match event:
                case OfferMade():
                    self._ringing[event.offer_id] = (int(event.interaction_id[1:]), int(event.agent_id[1:]))
                case OfferRescinded() | OfferRevoked() | OfferExpired():
                    self._ringing.pop(event.offer_id, None)
                case _:
                    pass
        asked = self._asked[interaction] if interaction != NOBODY else NOBODY
        decided = decision_of(kind, outcome)
        self._steps.append(Step(kind, self._at_us, command, interaction, asked, priority, agent, decided))

    def _pass(self) -> None:
        if self._dice.random() >= _TIED:
            self._at_us += self._dice.randint(1, 2_000)

    def _send(self, command: Command) -> Outcome:
        outcome = self._apply(command)
        if outcome.refusal is not None:
            raise RuntimeError(f"the script is wrong: {outcome.refusal}")
        self._keep(command)
        return outcome

    def _apply(self, command: Command) -> Outcome:
        return self.engine.apply(command, self._at_us)

    def _keep(self, command: Command) -> None:
        self.sent.append((command, self._at_us))

    def _id(self) -> str:
        self._commands += 1
        return f"c{self._commands}"
