"""Response bodies of explanations, and how they are made of what was replayed.

Owns these JSON shapes. Must not know HTTP. Times and durations as in `acd.api.shapes`; compared values stay as they
were compared, times among them in µs.
"""

from msgspec import Struct
from msgspec.structs import replace

from acd.api.scope import Scope, Sight
from acd.api.shapes import Moment, seconds
from acd.core.explain import Candidate, Waiting
from acd.runtime.clock import moment
from acd.runtime.explain import Cause, StepDone
from acd.runtime.explaining import Brief


class ObstacleShape(Struct):
    """A clause that does not hold. `until`: when the engine looks again by itself, null if it is no matter of time."""

    clause: str
    detail: str
    until: Moment | None


class ComparedShape(Struct):
    """One value of a comparison, in its order; the least is the best. Times in µs."""

    name: str
    value: int | str


class CandidateShape(Struct):
    """An agent, or a waiting interaction, that was looked at. `place` from 1; null for who could not be offered it."""

    id: str
    offerable: bool
    place: int | None
    compared: tuple[ComparedShape, ...]
    obstacles: tuple[ObstacleShape, ...]


class ExplainedDecisionShape(Struct):
    """One offer. `sought`: `agent`, `preferred` or `interaction`, and so are its candidates.

    `decided_by`: the first value in which the chosen one and the next differ, `preferred agent`, or `the only one`.
    `command`, `command_id`, `row`: what caused it, and where in the journal that is.
    """

    offer_id: str
    agent_id: str
    at: Moment
    queue: str
    strategy: str
    requirement: str
    sought: str
    preferred: str | None
    preferred_by: str | None
    waited_seconds: float
    decided_by: str
    command: str
    command_id: str
    row: int
    candidates: tuple[CandidateShape, ...]
    candidates_left_out: int


class ExplainedWaitShape(Struct):
    """Where it stands. `obstacles`: agents kept off, by clause. `position`: in its queue's line from 1, or null.

    `due_at`: until when a scheduled one waits aside, or the customer of a `reaching` one is called; one that is due
    waits for its queue to open. `uncalled`: how often, at the present attempt, nobody could call the customer.
    """

    state: str
    queue: str
    strategy: str
    requirement: str
    position: int | None
    preferred: str | None
    preferred_by: str | None
    waited_seconds: float
    obstacles: dict[str, int]
    candidates: tuple[CandidateShape, ...]
    candidates_left_out: int
    due_at: Moment | None = None
    uncalled: int = 0


class ExplainedStepShape(Struct):
    """A step of its queue whose time came: taken, or skipped because its condition did not hold."""

    at: Moment
    row: int
    after_seconds: float
    taken: bool


class ExplanationShape(Struct):
    """Why an interaction was offered to whom, and why it waits.

    `as_of`: the moment that is explained. `ended`: it was over by then. `replayed`: rows made again to find this.
    """

    interaction_id: str
    as_of: Moment
    enqueued_at: Moment | None
    ended: bool
    decisions: tuple[ExplainedDecisionShape, ...]
    decisions_left_out: int
    steps: tuple[ExplainedStepShape, ...]
    waiting: ExplainedWaitShape | None
    replayed: int


def explanation_shape(found: Brief) -> ExplanationShape:
    """An explanation."""
    it = found.explanation
    return ExplanationShape(
        it.interaction_id,
        moment(it.at_us),
        moment(it.enqueued_at_us) if it.enqueued_at_us else None,
        it.ended,
        tuple(_decision(cause, left) for cause, left in zip(it.decisions, found.candidates, strict=True)),
        found.decisions,
        tuple(_step(each) for each in it.steps),
        None if it.waiting is None else _waiting(it.waiting, found.waiting),
        it.replayed,
    )


def narrowed(found: Brief, scope: Scope, sight: Sight) -> Brief:
    """What of an explanation a limited token sees: decisions in its queues, and candidates in sight."""
    it = found.explanation
    seen = [
        (cause, left_out)
        for cause, left_out in zip(it.decisions, found.candidates, strict=True)
        if scope.has_queue(cause.decision.queue)
    ]
    decisions, left_out = [], []
    for cause, left in seen:
        is_seen = sight.interaction if cause.decision.sought == "interaction" else sight.agent
        before = cause.decision.candidates
        after = tuple(each for each in before if is_seen(scope, each.id))
        decisions.append(replace(cause, decision=replace(cause.decision, candidates=after)))
        left_out.append(left + len(before) - len(after))
    waiting, left = it.waiting, found.waiting
    if waiting is not None:
        candidates = tuple(each for each in waiting.candidates if sight.agent(scope, each.id))
        left += len(waiting.candidates) - len(candidates)
        waiting = replace(waiting, candidates=candidates)
    return replace(
        found,
        explanation=replace(it, decisions=tuple(decisions), waiting=waiting),
        decisions=found.decisions + len(it.decisions) - len(decisions),
        candidates=tuple(left_out),
        waiting=left,
    )


def _decision(cause: Cause, left_out: int) -> ExplainedDecisionShape:
    it = cause.decision
    return ExplainedDecisionShape(
        it.offer_id,
        it.agent_id,
        moment(it.at_us),
        it.queue,
        it.strategy,
        it.requirement,
        it.sought,
        it.preferred or None,
        it.preferred_by or None,
        seconds(it.waited_us),
        it.decided_by,
        cause.command,
        cause.command_id,
        cause.seq,
        tuple(map(_candidate, it.candidates)),
        left_out,
    )


def _waiting(it: Waiting, left_out: int) -> ExplainedWaitShape:
    return ExplainedWaitShape(
        it.state,
        it.queue,
        it.strategy,
        it.requirement,
        it.position or None,
        it.preferred or None,
        it.preferred_by or None,
        seconds(it.waited_us),
        dict(it.obstacles),
        tuple(map(_candidate, it.candidates)),
        left_out,
        moment(it.due_us) if it.due_us else None,
        it.uncalled,
    )


def _candidate(it: Candidate) -> CandidateShape:
    return CandidateShape(
        it.id,
        it.offerable,
        it.place or None,
        tuple(ComparedShape(each.name, each.value) for each in it.rank),
        tuple(
            ObstacleShape(each.clause, each.detail, moment(each.until_us) if each.until_us else None)
            for each in it.obstacles
        ),
    )


def _step(it: StepDone) -> ExplainedStepShape:
    return ExplainedStepShape(moment(it.at_us), it.seq, seconds(it.event.after_us), it.event.applied)
