"""Estimated waits: for whoever comes in now, a band of seconds, and how good such bands have been.

Owns the raw prediction and what is learnt from every answer. Must not know HTTP, nor change anything. The raw
prediction is the queue-length predictor with abandonment (Ibrahim and Whitt, "Real-Time Delay Estimation in
Overloaded Multiserver Queues with Abandonments", 2009): whoever has k others ahead waits for k + 1 agents to come
free, each with the rate at which those who serve the queue finish and those who wait give up. Others ahead count as
far as the agents for them are agents for this one, too, and agents as many times as they can work at once; what stands
ahead is decided by band and key. `calibration` makes a band of it. Events are folded after the view has folded them.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from math import log, sqrt
from typing import Any, Final

from msgspec import Struct

from acd.core.messages import (
    ConfigApplied,
    ConsultMerged,
    Event,
    InteractionAbandoned,
    InteractionQueued,
    InteractionScheduled,
    OfferAccepted,
    Outcome,
    PresenceChanged,
    WorkEnded,
)
from acd.core.ordering import key_us
from acd.runtime.averages import Decayed
from acd.runtime.calibration import Band, Calibration, Raw
from acd.runtime.crowds import Crowds, Kind, slots_of
from acd.runtime.records import InteractionRecord
from acd.runtime.view import View

HANDLED_S: Final = 180.0
"""How long an agent is taken to work on an interaction until enough have been seen."""

QUALITY_WINDOW: Final = 2_000
"""Answers over which the quality of estimates is averaged."""

RINGING_S: Final = 5.0
"""How long an agent is taken to pick up, likewise."""

_SECOND_US: Final = 1_000_000
_SUMMED: Final = 64
"""Others ahead whose steps are summed; beyond, the sum is an integral."""

_LAST: Final = 2**63 - 1
"""Behind all of the same key."""


class Quality(Struct, frozen=True):
    """How good a queue's estimates have been, over the answers of late (seconds; None before the first).

    `answers`: how many were compared in all. `covered`: share of the waits that lay in their 80 % band. `error_s`: mean
    absolute error of the band's middle. `rolling_error_s`: the same of the rolling average that `app_queue`
    announces, `(3 × old + new) >> 2`, on the same answers.
    """

    answers: int
    covered: float | None
    error_s: float | None
    rolling_error_s: float | None


class WaitEstimator:
    """Follows a view. `estimate` for whoever would come in now, `given` for whoever came, `quality` of a queue's."""

    def __init__(self, view: View, earlier: "WaitEstimator | None" = None) -> None:
        """Nothing is known but the view's present picture, and what an earlier one has learnt: it learns no more."""
        self._view = view
        self._crowds = Crowds(view.agents, view.queues)
        self._queues: dict[str, _Learnt] = {} if earlier is None else earlier._queues  # noqa: SLF001
        self._lines: dict[Kind, list[tuple[int, int]]] = {}
        self._places: dict[str, tuple[Kind, tuple[int, int]]] = {}
        self._given: dict[str, _Given] = {}
        self._working: dict[tuple[str, str], int] = {}
        self._folds: dict[type[Event], Callable[[Any], None]] = {
            ConfigApplied: self._config_applied,
            PresenceChanged: self._presence_changed,
            InteractionQueued: self._interaction_queued,
            OfferAccepted: self._offer_accepted,
            InteractionAbandoned: self._interaction_abandoned,
            InteractionScheduled: self._interaction_scheduled,
            WorkEnded: self._work_ended,
            ConsultMerged: self._consult_merged,
        }
        for row in view.interactions.values():
            self._stand(row)

    def fold(self, outcome: Outcome) -> None:
        """Take in an outcome that the view has folded."""
        for event in outcome.events:
            interaction_id = getattr(event, "interaction_id", None)
            if interaction_id is not None:
                self._stand_anew(interaction_id)
        for event in outcome.events:
            fold = self._folds.get(type(event))
            if fold is not None:
                fold(event)

    # ---- reading

    def estimate(self, queue: str, *, channel: str = "", requirement: str = "", priority: int = 0) -> Band | None:
        """How long whoever came in now would wait for an agent to pick up; None while nobody could take it.

        Without a `channel` that of whoever came in last. O(agents) when none of them is free.
        """
        row = self._view.queues.get(queue)
        if row is None:
            return None
        kind = (queue, requirement, channel or self._learnt(queue).channel)
        if not self._crowds.slots(kind):
            return None
        learnt = self._learnt(queue)
        if not row.waiting and self._has_room(kind):
            return learnt.at_once.band(learnt.ringing())
        key = (key_us(row.settings, self._view.at_us, priority), _LAST)
        ahead = self._ahead(kind, row.settings.band, key)
        return learnt.waiting.band(self._raw(kind, ahead))

    def given(self, interaction_id: str) -> Band | None:
        """What was estimated when a live interaction came in, from then; None if nothing could be."""
        found = self._given.get(interaction_id)
        return None if found is None else found.band

    def quality(self, queue: str) -> Quality:
        """How good the queue's estimates have been."""
        learnt = self._learnt(queue)
        return Quality(learnt.answers, learnt.covered.mean(), learnt.error.mean(), learnt.rolling_error.mean())

    # ---- learning

    def _config_applied(self, _event: ConfigApplied) -> None:
        view = self._view
        self._crowds = Crowds(view.agents, view.queues)
        self._queues = {queue: learnt for queue, learnt in self._queues.items() if queue in view.queues}
        self._lines, self._places = {}, {}
        for row in view.interactions.values():
            self._stand(row)

    def _presence_changed(self, event: PresenceChanged) -> None:
        self._crowds.presence(event.agent_id, event.presence)

    def _interaction_queued(self, event: InteractionQueued) -> None:
        row = self._view.interactions.get(event.interaction_id)
        if row is None:
            return
        kind = _kind(row)
        learnt = self._learnt(row.queue)
        learnt.channel = row.channel
        at_once = row.state != "queued"
        if not at_once and not self._crowds.slots(kind):
            return
        place = self._places.get(row.id)
        band = self._view.queues[row.queue].settings.band
        raw = learnt.ringing() if at_once or place is None else self._raw(kind, self._ahead(kind, band, place[1]))
        kept = learnt.at_once if at_once else learnt.waiting
        self._given[row.id] = _Given(row.queue, at_once, raw, kept.band(raw), learnt.rolling_s)

    def _offer_accepted(self, event: OfferAccepted) -> None:
        self._working[event.agent_id, event.interaction_id] = self._view.at_us
        row = self._view.interactions[event.interaction_id]
        learnt = self._learnt(row.queue)
        waited_s = event.waited_us / _SECOND_US
        learnt.picked_up.add(event.rang_us / _SECOND_US)
        learnt.waited_s.add(waited_s)
        learnt.gave_up.add(0.0)
        given = self._given.pop(event.interaction_id, None)
        if given is not None and given.queue == row.queue:
            learnt.compare(given, waited_s)
        learnt.roll(waited_s)

    def _interaction_abandoned(self, event: InteractionAbandoned) -> None:
        given = self._given.pop(event.interaction_id, None)
        row = self._view.interaction(event.interaction_id)
        if row is not None and row.queue in self._view.queues:
            learnt = self._learnt(row.queue)
            learnt.waited_s.add(event.waited_us / _SECOND_US)
            learnt.gave_up.add(1.0 if given is not None else 0.0)

    def _interaction_scheduled(self, event: InteractionScheduled) -> None:
        """What waits on purpose says nothing about waits."""
        self._given.pop(event.interaction_id, None)

    def _work_ended(self, event: WorkEnded) -> None:
        begun_us = self._working.pop((event.agent_id, event.interaction_id), None)
        row = self._view.interaction(event.interaction_id)
        if begun_us is not None and row is not None and row.queue in self._view.queues:
            self._learnt(row.queue).handled.add((self._view.at_us - begun_us) / _SECOND_US)

    def _consult_merged(self, event: ConsultMerged) -> None:
        """The adviser is done with the consult, and begins with the customer."""
        begun_us = self._working.pop((event.agent_id, event.consult_id), None)
        row = self._view.interaction(event.consult_id)
        if begun_us is not None and row is not None and row.queue in self._view.queues:
            self._learnt(row.queue).handled.add((self._view.at_us - begun_us) / _SECOND_US)
        self._working[event.agent_id, event.interaction_id] = self._view.at_us

    # ---- who stands where

    def _stand_anew(self, interaction_id: str) -> None:
        place = self._places.pop(interaction_id, None)
        if place is not None:
            kind, key = place
            line = self._lines[kind]
            del line[bisect_left(line, key)]
            if not line:
                del self._lines[kind]
        row = self._view.interactions.get(interaction_id)
        if row is not None:
            self._stand(row)
        if row is None or row.ended_at_us:
            self._forget_ended(interaction_id)

    def _forget_ended(self, interaction_id: str) -> None:
        """An abandoned one is still to be counted: its event comes in the same outcome."""
        row = self._view.ended.get(interaction_id)
        if row is None or row.state != "abandoned":
            self._given.pop(interaction_id, None)

    def _stand(self, row: InteractionRecord) -> None:
        if row.state == "queued":
            kind, key = _kind(row), (self._view.queues[row.queue].key_us(row), row.order)
            self._places[row.id] = (kind, key)
            insort(self._lines.setdefault(kind, []), key)

    def _ahead(self, kind: Kind, band: int, key: tuple[int, int]) -> float:
        """How many stand ahead, each counted as far as it needs the same agents. O(kinds that wait)."""
        ahead = 0.0
        for other, line in self._lines.items():
            other_band = self._view.queues[other[0]].settings.band
            if other_band > band:
                continue
            count = len(line) if other_band < band else bisect_left(line, key)
            if count:
                ahead += count * (1.0 if other == kind else self._crowds.overlap(other, kind))
        return ahead

    # ---- predicting

    def _raw(self, kind: Kind, ahead: float) -> Raw:
        learnt = self._learnt(kind[0])
        slots = max(1, self._crowds.slots(kind))
        finishing = slots / max(self._handling_s(kind), 0.001)
        given_up, waited_s = learnt.gave_up.mean() or 0.0, learnt.waited_s.mean() or 0.0
        giving_up = given_up / waited_s if waited_s > 0 else 0.0
        mean_s, variance = _steps(finishing, giving_up, ahead)
        ringing = learnt.ringing()
        return Raw(mean_s + ringing.mean_s, sqrt(variance) + ringing.spread_s)

    def _handling_s(self, kind: Kind) -> float:
        """How long the agents of this kind work on an interaction, of whatever they work on."""
        total = weight = 0.0
        for queue, learnt in self._queues.items():
            handled = learnt.handled.mean()
            if handled is None:
                continue
            share = 1.0 if queue == kind[0] else self._crowds.overlap(kind, (queue, "", kind[2]))
            weight += share * learnt.handled.weight
            total += share * learnt.handled.weight * handled
        return total / weight if weight else HANDLED_S

    def _has_room(self, kind: Kind) -> bool:
        crowd = self._crowds.of(kind) & self._crowds.staffed
        for index, agent in enumerate(self._view.agents.values()):
            if crowd >> index & 1:
                items = sum(item.channel == kind[2] for item in agent.work.values())
                if items < slots_of(agent.settings, kind[2]) and (items or not agent.work):
                    return True
        return False

    def _learnt(self, queue: str) -> "_Learnt":
        learnt = self._queues.get(queue)
        if learnt is None:
            learnt = self._queues[queue] = _Learnt()
        return learnt


class _Given(Struct, frozen=True, gc=False):
    """An estimate that was given: to be compared with what comes."""

    queue: str
    at_once: bool
    raw: Raw
    band: Band
    rolling_s: int


class _Learnt:
    """What is known of one queue."""

    __slots__ = (
        "answers",
        "at_once",
        "channel",
        "covered",
        "error",
        "gave_up",
        "handled",
        "picked_up",
        "rolling_error",
        "rolling_s",
        "waited_s",
        "waiting",
    )

    def __init__(self) -> None:
        self.channel = "voice"
        self.handled = Decayed()
        self.picked_up = Decayed()
        self.waited_s = Decayed()
        self.gave_up = Decayed()
        self.at_once = Calibration()
        self.waiting = Calibration()
        self.rolling_s = 0
        self.answers = 0
        self.covered = Decayed(QUALITY_WINDOW)
        self.error = Decayed(QUALITY_WINDOW)
        self.rolling_error = Decayed(QUALITY_WINDOW)

    def ringing(self) -> Raw:
        """The raw prediction for whoever is offered at once."""
        mean_s = self.picked_up.mean()
        if mean_s is None:
            mean_s = RINGING_S
        return Raw(mean_s, mean_s / 2)

    def compare(self, given: _Given, waited_s: float) -> None:
        """An answer came."""
        band = given.band
        self.answers += 1
        self.covered.add(float(band.low_s <= waited_s <= band.high_s))
        self.error.add(abs(band.middle_s - waited_s))
        self.rolling_error.add(abs(given.rolling_s - waited_s))
        (self.at_once if given.at_once else self.waiting).learn(given.raw, band, waited_s)

    def roll(self, waited_s: float) -> None:
        """As `app_queue` averages hold times, in whole seconds."""
        self.rolling_s = (3 * self.rolling_s + int(waited_s)) >> 2


def _kind(row: InteractionRecord) -> Kind:
    return (row.queue, row.requirement, row.channel)


def _steps(finishing: float, giving_up: float, ahead: float) -> tuple[float, float]:
    """Mean (s) and variance (s²) of the time until `ahead` others and this one have been taken; rates per second."""
    whole = int(ahead)
    mean_s = variance = 0.0
    for others in range(min(whole, _SUMMED) + 1):
        step_s = 1.0 / (finishing + others * giving_up)
        mean_s += step_s
        variance += step_s * step_s
    rest = ahead - min(whole, _SUMMED)
    if rest > 0:
        begin, end = (finishing + each * giving_up for each in (min(whole, _SUMMED) + 0.5, ahead + 0.5))
        if end - begin > finishing * 1e-9:
            mean_s += log(end / begin) / giving_up
            variance += (1.0 / begin - 1.0 / end) / giving_up
        else:
            mean_s += rest / begin
            variance += rest / (begin * begin)
    return mean_s, variance
