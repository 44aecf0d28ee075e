"""Two accounts of the same calls, and their comparison: the journal's, replayed, and SIPp's.

Owns the reckoning. Must not know how anything is run. Times are µs since 1970, on one machine's clock.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from acd.core import invariants
from acd.core.engine import Engine
from acd.core.messages import (
    Event,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionQueued,
    InteractionRequeued,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    PresenceChanged,
)
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.replay import replay, verify
from acd_asterisk.lab import AgentDialog, CallerDialog, overlapping

INVARIANTS_EVERY = 97
"""Rows of the journal between two checks of the invariants, which look at everything."""


@dataclass
class Story:
    """What the journal says of one call."""

    call: str
    interaction_id: str
    queue: str
    queued_us: int
    place: int
    """Counts all who were queued: the same moment may have several."""
    offers: list[tuple[int, str]] = field(default_factory=list)
    """When, and to whom."""
    accepted: list[tuple[int, str]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    """Why it was queued again, each time."""
    end: str = ""
    """`completed`, `abandoned` or `cancelled`."""
    by: str = ""
    reason: str = ""
    agent: str = ""
    ended_us: int = 0


@dataclass
class Account:
    """The journal, replayed from its first row."""

    stories: dict[str, list[Story]]
    """By call: one for each time the caller was queued anew."""
    presence: list[tuple[int, PresenceChanged]]
    lapsed: list[tuple[int, str]]
    """When an offer expired on which agent."""
    refusals: dict[str, int]
    rows: int

    def one(self, call: str) -> Story:
        """The story of a call that was queued once."""
        (story,) = self.stories[call]
        return story

    def all(self) -> list[Story]:
        """Every story, in the order in which they began."""
        return sorted((each for found in self.stories.values() for each in found), key=lambda each: each.place)


def read_account(journal: Path, *, ended: bool = True) -> Account:
    """Replay; asserts that the journal is whole, every outcome repeats, and the invariants hold on the way.

    `ended`: also that nothing is left alive.
    """
    report = verify(journal)
    assert report.ok, report.problem
    assert not report.quarantined, "commands were set aside"
    account = Account({}, [], [], defaultdict(int), report.rows)
    by_interaction: dict[str, Story] = {}
    reader = SqliteJournalReader(journal)
    try:
        engine = Engine(reader.domain)
        for step in replay(engine, reader.rows()):
            if step.outcome.refusal is not None:
                account.refusals[f"{type(step.command).__name__} {step.outcome.refusal.code}"] += 1
            for event in step.outcome.events:
                _fold(account, by_interaction, step.row.entry.at_us, event)
            if step.row.seq % INVARIANTS_EVERY == 0:
                invariants.check(engine)
        invariants.check(engine)
        state = engine.state()
        assert not ended or not state.interactions, f"ghosts: {state.interactions}"
        assert not ended or not state.work, f"ghosts: {state.work}"
    finally:
        reader.close()
    return account


def _fold(account: Account, by_interaction: dict[str, Story], at_us: int, event: Event) -> None:
    match event:
        case InteractionQueued():
            call = dict(event.attributes).get("call", event.interaction_id)
            story = Story(call, event.interaction_id, event.queue, at_us, len(by_interaction))
            by_interaction[event.interaction_id] = story
            account.stories.setdefault(call, []).append(story)
        case OfferMade():
            by_interaction[event.interaction_id].offers.append((at_us, event.agent_id))
        case OfferAccepted():
            by_interaction[event.interaction_id].accepted.append((at_us, event.agent_id))
        case InteractionRequeued():
            by_interaction[event.interaction_id].returned.append(event.reason)
        case InteractionCompleted():
            _end(by_interaction[event.interaction_id], at_us, "completed", event.reason, event.by, event.agent_id)
        case InteractionAbandoned():
            _end(by_interaction[event.interaction_id], at_us, "abandoned", event.reason)
        case InteractionCancelled():
            _end(by_interaction[event.interaction_id], at_us, "cancelled", event.reason)
        case PresenceChanged():
            account.presence.append((at_us, event))
        case OfferExpired():
            account.lapsed.append((at_us, event.agent_id))
        case _:
            pass  # Nothing that is compared.


def _end(story: Story, at_us: int, end: str, reason: str, by: str = "", agent: str = "") -> None:
    assert not story.end, f"{story.call} ended twice: {story.end}, {end}"
    story.end, story.reason, story.by, story.agent, story.ended_us = end, reason, by, agent, at_us


# ---- SIPp's side


def by_caller(dialogs: Iterable[AgentDialog]) -> dict[str, list[AgentDialog]]:
    """What the telephones saw of each caller, in order."""
    found: defaultdict[str, list[AgentDialog]] = defaultdict(list)
    for dialog in dialogs:
        found[dialog.caller].append(dialog)
    return dict(found)


def assert_no_overlap(dialogs: Iterable[AgentDialog]) -> None:
    """No agent has two dialogs at a time, by the telephones' own account."""
    pairs = overlapping(dialogs)
    assert not pairs, f"{len(pairs)} overlaps, the first ones: " + "; ".join(
        f"{one.agent}: {one.caller} {one.how} ended {_gap(one, other)} ms after the INVITE of {other.caller}"
        for one, other in pairs[:5]
    )


def _gap(one: AgentDialog, other: AgentDialog) -> float:
    return float("inf") if one.ended_us is None else (one.ended_us - other.invited_us) / 1000


def assert_in_order(first: Iterable[tuple[str, int, int]], *, tolerance_us: int) -> None:
    """Of (who, place in line, first rung at), nobody was rung before somebody who stood further ahead.

    `tolerance_us`: two offers of the same moment are dialled side by side.
    """
    earliest_behind, who_behind = float("inf"), ""
    for who, _place, rung_us in sorted(first, key=lambda each: each[1], reverse=True):
        assert rung_us <= earliest_behind + tolerance_us, (
            f"{who_behind} was rung {(rung_us - earliest_behind) / 1000:.0f} ms before {who}, who was ahead in line"
        )
        if rung_us < earliest_behind:
            earliest_behind, who_behind = rung_us, who


def summary(values_us: Sequence[int]) -> str:
    """`p50/p95/p99/max` in milliseconds."""
    if len(values_us) < 2:
        return f"{len(values_us)} values"
    cuts = quantiles(values_us, n=100, method="inclusive")
    parts = (cuts[49], cuts[94], cuts[98], max(values_us))
    return "/".join(f"{part / 1000:.1f}" for part in parts) + f" ms (p50/p95/p99/max of {len(values_us)})"


def rung_delays(
    account: Account, callers: Mapping[str, CallerDialog], rung: Mapping[str, Sequence[AgentDialog]]
) -> list[int]:
    """From the caller's INVITE to the agent's, of those for whom an agent was free at once."""
    return [
        rung[call][0].invited_us - callers[call].invited_us
        for call, stories in account.stories.items()
        if call in rung and stories[0].offers and stories[0].offers[0][0] == stories[0].queued_us
    ]


def turn_delays(account: Account, dialogs: Iterable[AgentDialog], is_waiting: Callable[[Story], bool]) -> list[int]:
    """An agent's idle time while callers wait: from the end of one dialog to the INVITE of the next, by SIPp."""
    waited = {story.call for story in account.all() if is_waiting(story)}
    last: dict[str, int] = {}
    found: list[int] = []
    for dialog in sorted(dialogs, key=lambda each: each.invited_us):
        before = last.get(dialog.agent)
        if before is not None and dialog.caller in waited:
            found.append(dialog.invited_us - before)
        if dialog.ended_us is not None:
            last[dialog.agent] = dialog.ended_us
    return found


def dice(seed: int, name: str) -> random.Random:
    """Chance for one purpose, the same whenever the seed is the same."""
    return random.Random(f"{seed}/{name}")  # noqa: S311 - a test's
