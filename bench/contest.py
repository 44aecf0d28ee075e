"""What a contestant is, and how one turn is timed.

Owns the protocol, the turn and the comparison of answers. Must not know any contestant.
"""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Sequence
from hashlib import sha256
from time import perf_counter_ns, thread_time_ns
from typing import Any, Final, NamedTuple, Protocol

from bench.workload import NOBODY, Kind, Situation, Step

Call = tuple[Callable[..., Any], tuple[object, ...]]
"""What is timed, and with which arguments."""

PREEMPTED_NS: Final = 20_000
"""A command that took so much longer on the clock than on the processor was interrupted by other programs."""


class Cost(NamedTuple):
    """A command's kind, and how many nanoseconds it took."""

    kind: Kind
    ns: int


class Turn(NamedTuple):
    """What a contestant did: the cost of each command, a digest of all decisions, and how many were interrupted."""

    costs: list[Cost]
    digest: str
    interrupted: int


class Contestant(Protocol):
    """Somebody who answers commands."""

    @property
    def name(self) -> str:
        """As the report calls it."""
        ...

    @property
    def networked(self) -> bool:
        """Whether somebody else does the work while it waits: then only the clock counts."""
        ...

    def restore(self, start: Situation) -> None:
        """Begin a round from here. Untimed."""
        ...

    def calls(self, steps: Sequence[Step]) -> list[Call]:
        """The steps as calls, everything prepared that is not part of the work. Untimed."""
        ...

    def answer(self, step: Step, given: object) -> int:
        """What a call's result decided: the agent's or the interaction's number, or `NOBODY`. Untimed."""
        ...


class PlainRouter(ABC):
    """A contestant who takes plain numbers and does nothing but decide."""

    name: str
    networked: bool = False

    @abstractmethod
    def restore(self, start: Situation) -> None:
        """Begin from here."""

    @abstractmethod
    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction, who is reserved, or `NOBODY`: then it waits."""

    @abstractmethod
    def end_wrap_up(self, agent: int, now_us: int) -> int:
        """The interaction for an agent who is free again, or `NOBODY`: then the agent is idle."""

    def accept(self, interaction: int, agent: int) -> int:  # noqa: ARG002 - a rival may need to know
        """The agent answers: nothing to decide."""
        return NOBODY

    def end(self, interaction: int) -> int:  # noqa: ARG002 - a rival may need to know
        """The conversation is over, the agent wraps up: nothing to decide."""
        return NOBODY

    def calls(self, steps: Sequence[Step]) -> list[Call]:
        """As `Contestant.calls`."""
        return [self._call(step) for step in steps]

    def answer(self, step: Step, given: object) -> int:  # noqa: ARG002 - others need the step
        """As `Contestant.answer`."""
        assert isinstance(given, int)
        return given

    def _call(self, step: Step) -> Call:
        match step.kind:
            case "enqueue":
                return self.enqueue, (step.interaction, step.requirement, step.priority, step.at_us)
            case "accept":
                return self.accept, (step.interaction, step.agent)
            case "end":
                return self.end, (step.interaction,)
            case "end-wrap-up":
                return self.end_wrap_up, (step.agent, step.at_us)
            case "consult" | "merge" | "tick":
                raise ValueError("there is no such command without policies, and with them no rival can follow")


class Disagreement(Exception):
    """A contestant decided otherwise than the script says."""


def take_turn(contestant: Contestant, steps: Sequence[Step], *, collect: bool) -> Turn:
    """Let a contestant answer the steps.

    A command costs what the clock says, unless other programs had the processor meanwhile: then what the processor
    says. `collect`: the garbage collector stays on. Raises `Disagreement`.
    """
    taken = array("q", bytes(8 * len(steps)))
    worked = array("q", bytes(8 * len(steps)))
    answers = array("q", bytes(8 * len(steps)))
    calls = contestant.calls(steps)
    clock, processor, answer = perf_counter_ns, thread_time_ns, contestant.answer
    gc.collect()
    if not collect:
        gc.disable()
    try:
        for index, (call, arguments) in enumerate(calls):
            free = processor()
            begun = clock()
            given = call(*arguments)
            taken[index] = clock() - begun
            worked[index] = processor() - free
            answers[index] = answer(steps[index], given)
    finally:
        gc.enable()
    for index, step in enumerate(steps):
        if answers[index] != step.decided:
            raise Disagreement(f"{contestant.name} decided {answers[index]}, not {step.decided}, at {step}")
    interrupted = 0 if contestant.networked else undisturbed(taken, worked)
    costs = [Cost(step.kind, taken[index]) for index, step in enumerate(steps)]
    return Turn(costs, sha256(answers.tobytes()).hexdigest()[:16], interrupted)


def undisturbed(taken: array[int], worked: array[int]) -> int:
    """Put the processor's time in place of the clock's where a command was interrupted; gives how many were."""
    interrupted = 0
    for index, ns in enumerate(taken):
        if ns - worked[index] > PREEMPTED_NS:
            taken[index] = worked[index]
            interrupted += 1
    return interrupted
