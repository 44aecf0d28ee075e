"""Explaining from the journal: the moment of a decision is made again, from the nearest snapshot, with a witness.

Owns finding that moment. Must not know why anything was decided (`acd.core.explain`) nor how it is shown. Reads
beside a living engine, in whatever process asks, and never writes: the running engine does nothing for it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.core.engine import Engine
from acd.core.explain import Decision, Waiting, WitnessEngine
from acd.core.messages import InteractionQueued, InteractionRelaxed, Outcome, Score
from acd.core.states.interaction import TABLE
from acd.ports.journal import JournalReader
from acd.runtime.journal.chain import genesis
from acd.runtime.replay import replay
from acd.runtime.snapshots import snapshots
from acd.runtime.strategies import Strategies

MAX_DECISIONS: Final = 1_000
"""Offers of one interaction that are explained, the newest."""


class Explanation(Struct, frozen=True):
    """What the journal says of an offer, or of an interaction and all its offers.

    `decisions`: in the order in which they were made, each with the command that caused it. `waiting`: where the
    interaction stood at `at_us`, None if it did not exist then. `enqueued_at_us`: 0 if it never was. `ended`: it
    was over by then, though an agent may still wrap up. `seq`: the last row looked at; `replayed`: rows made again
    to find all this. `steps`: those of its queues whose time came, taken or skipped.
    """

    subject: str
    interaction_id: str
    decisions: tuple["Cause", ...]
    waiting: Waiting | None
    enqueued_at_us: int
    ended: bool
    at_us: int
    seq: int
    replayed: int
    steps: tuple["StepDone", ...] = ()


class StepDone(Struct, frozen=True):
    """A step whose time came, and the row that says so."""

    seq: int
    at_us: int
    event: InteractionRelaxed


class Cause(Struct, frozen=True):
    """One decision, and the row that caused it: its number, the kind of its command and the command's id."""

    seq: int
    command: str
    command_id: str
    decision: Decision


class _Start(Struct, frozen=True):
    """Where a replay may begin: after row `seq`."""

    seq: int
    chain: bytes
    engine: Engine


class _Found:
    """What has been seen so far."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.decisions: list[Cause] = []
        self.steps: list[StepDone] = []
        self.enqueued_at_us = 0
        self.replayed = 0

    def is_wanted(self, offer_id: str) -> bool:
        """The offer itself, or any of the interaction."""
        return self.subject in (offer_id, _interaction_of(offer_id))

    @property
    def complete(self) -> bool:
        """Whether nothing earlier can matter: the offer is found, or the interaction's beginning is."""
        return self.enqueued_at_us > 0 or any(each.decision.offer_id == self.subject for each in self.decisions)


def explain(
    journal: JournalReader,
    subject: str,
    *,
    snapshot_directory: Path | None = None,
    until_us: int | None = None,
    strategies: Mapping[str, Score] | None = None,
) -> Explanation:
    """Explain an offer or an interaction, by its id, as of the journal's end or of `until_us` (µs since the epoch).

    Blocks: 100,000 rows take about a second. `strategies` and what is raised: as `acd.runtime.replay.load`.
    """
    given = Strategies().scores if strategies is None else strategies
    found = _Found(subject)
    ends: list[tuple[WitnessEngine, int]] = []
    before = -1
    for start in _starts(journal, snapshot_directory, given):
        if until_us is not None and start.engine.now_us > until_us:
            continue
        ends.append(_make_again(journal, start, found, before, until_us, given))
        if found.complete:
            break
        before = start.seq
    last, seq = ends[0]
    interaction_id = found.decisions[-1].decision.interaction_id if found.decisions else subject
    waiting = last.waiting(interaction_id)
    known = bool(found.decisions or found.enqueued_at_us)
    return Explanation(
        subject,
        interaction_id,
        tuple(found.decisions[-MAX_DECISIONS:]),
        waiting,
        found.enqueued_at_us,
        known and (waiting is None or not TABLE[waiting.state]),
        last.now_us if until_us is None else until_us,
        seq,
        found.replayed,
        tuple(found.steps[-MAX_DECISIONS:]),
    )


def _starts(journal: JournalReader, directory: Path | None, given: Mapping[str, Score]) -> Iterator[_Start]:
    """Snapshots of this journal, newest first; at last its very beginning."""
    tail, _ = journal.tail()
    for snapshot in snapshots(directory, journal.domain, given) if directory is not None else ():
        if snapshot.header.seq <= tail:
            yield _Start(snapshot.header.seq, snapshot.header.chain, snapshot.engine)
    yield _Start(0, genesis(journal.domain), Engine(journal.domain, strategies=given))


def _make_again(
    journal: JournalReader,
    start: _Start,
    found: _Found,
    before: int,
    until_us: int | None,
    given: Mapping[str, Score],
) -> tuple[WitnessEngine, int]:
    """Replay from the start to row `before` (-1: to the end) or to the moment; returns the engine and the last row."""
    engine = WitnessEngine.from_state(start.engine.state(), strategies=given)
    seen: list[Decision] = []
    engine.watch(found.is_wanted, seen.append)
    decisions: list[Cause] = []
    steps: list[StepDone] = []
    seq = start.seq
    rows = journal.rows(start.seq, start.chain)
    if until_us is not None:
        rows = (row for row in rows if row.entry.at_us <= until_us)
    for step in replay(engine, rows):
        seq = step.row.seq
        found.replayed += 1
        decisions += [Cause(seq, type(step.command).__name__, step.command.id, each) for each in seen]
        seen.clear()
        steps += [StepDone(seq, step.row.entry.at_us, each) for each in _steps(step.outcome, found.subject)]
        if not found.enqueued_at_us and _begins(step.outcome, found.subject):
            found.enqueued_at_us = step.row.entry.at_us
        if seq == before:
            break
    # An earlier stretch comes before what was found already.
    found.decisions[:0] = decisions
    found.steps[:0] = steps
    return engine, seq


def _begins(outcome: Outcome, subject: str) -> bool:
    return any(isinstance(event, InteractionQueued) and event.interaction_id == subject for event in outcome.events)


def _steps(outcome: Outcome, subject: str) -> Iterator[InteractionRelaxed]:
    return (
        event for event in outcome.events if isinstance(event, InteractionRelaxed) and event.interaction_id == subject
    )


def _interaction_of(offer_id: str) -> str:
    return offer_id.rpartition(".")[0]
