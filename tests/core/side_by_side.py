"""The engine and the naive model, driven side by side.

Owns the comparison, the replays and the shrinking of a failing run. `Steps` are plain (command, time) pairs, so that
any sub-list of them is a run, too.
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import Final

import msgspec

import acd.core.messages as m
from acd.core.engine import Engine
from acd.core.messages.codec import encode
from acd.core.state import EngineState, Relaxation
from tests.core.naive_model import Model, Prediction
from tests.core.naive_requirement import Tree
from tests.core.naive_state import Agent, Interaction, Work
from tests.core.tally import Tally
from tests.core.traffic import Traffic
from tests.core.traffic_settings import Scores

Step = tuple[m.Command, int]
Steps = list[Step]
MakeEngine = Callable[[], Engine]
Check = Callable[[Engine], None]

decode_state = msgspec.msgpack.Decoder(EngineState).decode


class Mismatch(AssertionError):
    """The engine did not do what the model says. `steps`: everything that was done; `trees`: what the model knew."""

    steps: Steps
    trees: dict[str, Tree]


class Pair:
    """One engine and one model."""

    def __init__(self, engine: Engine, trees: dict[str, Tree], check: Check | None = None) -> None:
        """`check` is run on the engine after every step."""
        self.engine = engine
        self.model = Model(trees)
        self.model.strategies = dict(engine.scores)
        self.check = check
        self.hashes: dict[bytes, str] = {}
        self.outcomes: list[bytes] = []
        """The engine's, encoded, of every step: what a replay has to say, too."""

    def step(self, command: m.Command, now_us: int) -> m.Outcome:
        """Apply to both. Raises `Mismatch`."""
        expected = self.model.apply(command, now_us)
        try:
            found = self.engine.apply(command, now_us)
            if self.check is not None:
                self.check(self.engine)
        except (AssertionError, KeyError, ValueError, AttributeError, IndexError, TypeError) as error:
            raise Mismatch(f"the engine raised {error!r}") from error
        self._compare(expected, found)
        self.outcomes.append(encode(found))
        return found

    def compare_states(self) -> None:
        """Compare everything that both remember. Raises `Mismatch`."""
        found = _engine_picture(self.engine.state())
        expected = _model_picture(self.model)
        for part, content in expected.items():
            if found[part] != content:
                raise Mismatch(f"{part}\n  expected {content}\n  found    {found[part]}")

    def _compare(self, expected: Prediction, found: m.Outcome) -> None:
        code = None if found.refusal is None else found.refusal.code
        if code != expected.refusal:
            raise Mismatch(f"expected refusal {expected.refusal}, found {found.refusal}")
        for what, want, have in (
            ("event", expected.events, [self._without_hash(event) for event in found.events]),
            ("effect", expected.effects, list(found.effects)),
        ):
            if want != have:
                raise Mismatch(f"{what}s\n" + _differences(want, have))
        for what, number, other in (
            ("next deadline", self.model.next_deadline(), self.engine.next_deadline()),
            ("seq", self.model.seq, self.engine.seq),
            ("time", self.model.now, self.engine.now_us),
        ):
            if number != other:
                raise Mismatch(f"{what}: expected {number}, found {other}")

    def _without_hash(self, event: m.Event) -> m.Event:
        """The model knows no hash: here it must be the engine's, and one for equal settings."""
        if not isinstance(event, m.ConfigApplied):
            return event
        settings = event.settings
        agents = tuple(sorted(settings.agents, key=lambda each: each.id))
        queues = tuple(sorted(settings.queues, key=lambda each: each.id))
        canonical = encode(m.CoreSettings(agents, queues, settings.semantics, settings.scores))
        if self.hashes.setdefault(canonical, event.hash) != event.hash:
            raise Mismatch("equal settings, different hashes")
        if len(set(self.hashes.values())) < len(self.hashes):
            raise Mismatch("different settings, equal hashes")
        return m.ConfigApplied(settings, "")


PICTURE_EVERY: Final = 50
"""Steps from one comparison of everything that is remembered to the next, at most."""


def run(traffic: Traffic, pair: Pair, length: int, tally: Tally | None = None, steps: Steps | None = None) -> Steps:
    """Drive the pair with random traffic; a `Mismatch` carries the steps so far as `steps`, which grows all along.

    Every step is compared; what is remembered every now and then, and after whatever happens for the first time.
    """
    steps = [] if steps is None else steps
    known: set[tuple[type[m.Command], str]] = set()
    for number in range(length):
        step = traffic.next(pair.model)
        steps.append(step)
        try:
            outcome = pair.step(*step)
            kind = type(step[0]), "" if outcome.refusal is None else outcome.refusal.code
            if number % PICTURE_EVERY == 0 or number == length - 1 or kind not in known:
                pair.compare_states()
                known.add(kind)
        except Mismatch as mismatch:
            mismatch.steps = steps
            raise
        if tally is not None:
            tally.count(step[0], outcome)
    return steps


def seeded(seed: int, *, agents: int | None = None, disorder: float = 0.1, scores: Scores = ()) -> Traffic:
    """The traffic of a seed."""
    return Traffic(Random(seed), agents=agents, disorder=disorder, scores=scores)  # noqa: S311 - traffic, not secrecy


def fails(
    steps: Iterable[Step], make: MakeEngine, trees: dict[str, Tree], check: Check | None = None
) -> Mismatch | None:
    """The mismatch that a run of these steps meets, if any."""
    pair = Pair(make(), trees, check)
    try:
        for step in steps:
            pair.step(*step)
        pair.compare_states()
    except Mismatch as mismatch:
        return mismatch
    return None


def shrink(steps: Steps, make: MakeEngine, trees: dict[str, Tree], check: Check | None = None) -> Steps:
    """A shorter list that still fails: leave out halves, quarters, … single commands, as long as it helps."""
    size = max(1, len(steps) // 2)
    while True:
        start = 0
        while start < len(steps):
            shorter = steps[:start] + steps[start + size :]
            if shorter and fails(shorter, make, trees, check):
                steps = shorter
            else:
                start += size
        if size == 1:
            return steps
        size = max(1, size // 2)


def tell(steps: Steps) -> str:
    """The steps for a person."""
    return "\n".join(f"  {now_us:>12}  {command}" for command, now_us in steps)


def replay_is_identical(
    steps: Steps, pair: Pair, make: MakeEngine, restore: Callable[[EngineState], Engine], at: int
) -> None:
    """A new engine, and from step `at` on one restored from its state, do the same as the pair's, byte for byte.

    Raises `Mismatch`.
    """
    engine = make()
    for number, (step, outcome) in enumerate(zip(steps, pair.outcomes, strict=True)):
        if number == at:
            written = encode(engine.state())
            engine = restore(decode_state(written))
            if encode(engine.state()) != written:
                raise Mismatch(f"a snapshot does not restore itself, before step {number}")
        if encode(engine.apply(*step)) != outcome:
            raise Mismatch(f"a replay, restored before step {at}, decided otherwise at step {number}: {step}")
    last, other = encode(pair.engine.state()), encode(engine.state())
    if (last, pair.engine.digest()) != (other, engine.digest()):
        raise Mismatch(f"a replay, restored before step {at}, ended in another state")


def _differences(want: list[m.Event] | list[m.Effect], have: list[m.Event] | list[m.Effect]) -> str:
    lines = [f"  expected {each}" for each in want] + [f"  found    {each}" for each in have]
    return "\n".join(lines)


Picture = dict[str, object]

LIVE = frozenset({"queued", "offered", "active", "scheduled", "reaching"})
"""What levels are open matters to these only; an ended one may be there for a wrap-up."""


def _model_picture(model: Model) -> Picture:
    agents = sorted(model.agents, key=lambda each: each.settings.id)
    queues = sorted(model.queues, key=lambda each: each.settings.id)
    interactions = sorted(model.interactions, key=lambda each: each.request.interaction_id)
    return {
        "agents": [_agent_picture(each) for each in agents],
        "retired queues": [each.settings for each in queues if each.retired],
        "retired agents": [each.settings for each in agents if each.retired],
        "interactions": [
            (
                each.request,
                each.state,
                each.enqueued_at,
                *model.place_in_line(each)[1:],
                each.offers,
                [(exclusion.agent_id, *exclusion.deadline) for exclusion in each.exclusions],
                (each.entered_at, each.place_at, each.priority, each.queue.settings.id),
                (each.preferred, each.preferred_by),
                (0, 0) if each.hold is None else each.hold.deadline,
                each.hops,
                *_patience_picture(each),
                *_appointment_picture(each),
                (each.reach if each.state in LIVE else 0, (0, 0) if each.opening is None else each.opening.deadline),
                (each.steps_until, each.instead, each.own_dropped, tuple(each.wider)),
                (0, 0) if each.step is None else each.step.deadline,
                tuple(guest.offer_id for guest in each.guests),
                each.asking,
                each.reached,
                (0, 0, 0) if each.reaching is None else (each.reaching.since, *each.reaching.deadline),
                each.uncalled,
            )
            for each in interactions
        ],
        "work": [_work_picture(each) for each in sorted(model.work, key=lambda each: each.offer_id)],
        "ended interactions": list(model.ended_interactions.items()),
        "ended offers": list(model.ended_offers.items()),
        "outcomes": list(model.outcomes),
        "cursors": [(each.settings.id, *each.last_turn) for each in queues if each.last_turn is not None],
        "closed queues": [(each.settings.id, each.closed) for each in queues if each.closed is not None],
        "last agents": model.last_agents,
        "devices": [
            (each.settings.id, veto.channel, veto.state, *veto.deadline)
            for each in agents
            for veto in sorted(each.vetoes, key=lambda found: found.channel)
        ],
        "estimates": [(each.settings.id, each.estimate) for each in queues if each.estimate != -1],
        "alarms": [
            (each.settings.id, kind, was.since, was.value, was.threshold)
            for each in queues
            for kind, was in sorted(each.alarms.items())
        ],
    }


def _agent_picture(agent: Agent) -> tuple[object, ...]:
    return (
        agent.settings.id,
        agent.presence,
        agent.reason,
        agent.next_presence,
        agent.next_reason,
        agent.idle_since,
        agent.idle_seq,
        agent.retired,
    )


def _appointment_picture(interaction: Interaction) -> tuple[object, ...]:
    appointment = interaction.appointment
    if appointment is None:
        return interaction.attempts, 0, 0
    return interaction.attempts, appointment.at, 0 if appointment.deadline is None else appointment.deadline[1]


def _patience_picture(interaction: Interaction) -> tuple[object, ...]:
    patience = interaction.patience
    if patience is None:
        return (0, 0), False
    return patience.deadline or (0, 0), patience.deadline is None


def _work_picture(work: Work) -> tuple[object, ...]:
    return (
        work.offer_id,
        work.interaction.request.interaction_id,
        work.agent.settings.id,
        work.state,
        work.cost,
        work.offered_at,
        work.since,
        *(work.deadline or (0, 0)),
        work.excused,
        work.wants_wrap_up,
        work.disposition,
        "" if work.former is None else work.former.settings.id,
    )


def _engine_picture(state: EngineState) -> Picture:
    return {
        "agents": [msgspec.structs.astuple(each) for each in state.agents],
        "retired queues": list(state.retired_queues),
        "retired agents": list(state.retired_agents),
        "interactions": [
            (
                each.request,
                each.state,
                each.enqueued_at_us,
                each.key_us,
                each.seq,
                each.offers,
                [msgspec.structs.astuple(exclusion) for exclusion in each.exclusions],
                (each.entered_at_us, each.place_at_us, each.priority, each.queue),
                (each.preferred, each.preferred_by),
                (each.held_until_us, each.held_seq),
                each.hops,
                (each.overdue_us, each.overdue_seq),
                each.overdue,
                each.attempts,
                each.due_us,
                each.due_seq,
                (each.reach if each.state in LIVE else 0, (each.opening_us, each.opening_seq)),
                msgspec.structs.astuple(each.relaxed or Relaxation()),
                (each.step_at_us, each.step_seq),
                each.participants,
                each.asking,
                each.reached,
                (each.reaching_since_us, each.reaching_us, each.reaching_seq),
                each.uncalled,
            )
            for each in state.interactions
        ],
        "work": [msgspec.structs.astuple(each) for each in state.work],
        "ended interactions": list(state.ended_interactions),
        "ended offers": list(state.ended_offers),
        "outcomes": [name for name, _ in state.outcomes],
        "cursors": [msgspec.structs.astuple(each) for each in state.cursors],
        "closed queues": list(state.closed_queues),
        "last agents": list(state.last_agents),
        "devices": [msgspec.structs.astuple(each) for each in state.devices],
        "estimates": list(state.estimates),
        "alarms": [msgspec.structs.astuple(each) for each in state.alarms],
    }
