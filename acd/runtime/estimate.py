"""Estimated waits: for whoever comes in now, a band of seconds, and how good such bands have been.

Owns what goes into a prediction, and what is learnt from every answer. Must not know HTTP, nor change anything. What
stands ahead is decided by band and key (`places`); others ahead count as far as the agents for them are agents for this
one, too (`crowds`); how soon these come free follows from how long they have been at it (`occupied`, `durations`).
`prediction` makes a time of all that, and `calibration` a band. Events are folded after the view has folded them.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from acd.core.messages import (
    ConfigApplied,
    Event,
    InteractionAbandoned,
    InteractionQueued,
    InteractionScheduled,
    OfferAccepted,
    Outcome,
    PresenceChanged,
)
from acd.core.ordering import key_us
from acd.runtime.calibration import Band, Raw
from acd.runtime.crowds import Crowds, Kind
from acd.runtime.durations import Handling
from acd.runtime.hands import Hands
from acd.runtime.learnt import Given, Learnt, Quality
from acd.runtime.occupied import MAX_KINDS, Ended, Occupied
from acd.runtime.places import Arrivals, Key, Lines, Rush
from acd.runtime.prediction import Group, Line, Others, predict
from acd.runtime.records import InteractionRecord
from acd.runtime.view import View

HANDLED_S: Final = 180.0
"""How long an agent is taken to work on an interaction until enough have been seen."""

_SECOND_US: Final = 1_000_000

_UNKNOWN: Final = Handling(HANDLED_S)
"""Of what nobody has ended yet; nothing is learnt into it."""

_LAST: Final = 2**63 - 1
"""Behind all of the same key."""


class WaitEstimator:
    """Follows a view. `estimate` for whoever would come in now, `given` for whoever came, `quality` of a queue's."""

    def __init__(self, view: View, earlier: "WaitEstimator | None" = None) -> None:
        """Nothing is known but the view's present picture, and what an earlier one has learnt: it learns no more."""
        self._view = view
        self._queues: dict[str, Learnt] = {} if earlier is None else earlier._queues  # noqa: SLF001
        self._handled: dict[tuple[str, str], Handling] = {} if earlier is None else earlier._handled  # noqa: SLF001
        self._arrivals: Arrivals = Arrivals() if earlier is None else earlier._arrivals  # noqa: SLF001
        self._lines = Lines()
        self._given: dict[str, Given] = {}
        self._folds: dict[type[Event], Callable[[Any], None]] = {
            ConfigApplied: self._config_applied,
            PresenceChanged: self._presence_changed,
            InteractionQueued: self._interaction_queued,
            OfferAccepted: self._offer_accepted,
            InteractionAbandoned: self._interaction_abandoned,
            InteractionScheduled: self._interaction_scheduled,
        }
        self._look_around()

    def fold(self, outcome: Outcome) -> None:
        """Take in an outcome that the view has folded."""
        for event in outcome.events:
            interaction_id = getattr(event, "interaction_id", None)
            if interaction_id is not None:
                self._stand_anew(interaction_id)
            agent_id = getattr(event, "agent_id", None)
            if agent_id is not None and agent_id in self._view.agents:
                self._look_at(agent_id)
        for event in outcome.events:
            fold = self._folds.get(type(event))
            if fold is not None:
                fold(event)

    # ---- reading

    def estimate(self, queue: str, *, channel: str = "", requirement: str = "", priority: int = 0) -> Band | None:
        """How long whoever came in now would wait for an agent to pick up; None while nobody could take it.

        Without a `channel` that of whoever came in last. O(agents).
        """
        row = self._view.queues.get(queue)
        if row is None:
            return None
        learnt = self._learnt(queue)
        kind = (queue, requirement, channel or learnt.channel)
        if not self._crowds.slots(kind):
            return None
        if not row.waiting and self._hands.are_free(kind, row.settings.reserve):
            return learnt.at_once.band(learnt.ringing())
        key = (key_us(row.settings, self._view.at_us, priority), _LAST)
        return learnt.waiting.band(self._raw(kind, key))

    def given(self, interaction_id: str) -> Band | None:
        """What was estimated when a live interaction came in, from then; None if nothing could be."""
        found = self._given.get(interaction_id)
        return None if found is None else found.band

    def quality(self, queue: str) -> Quality:
        """How good the queue's estimates have been."""
        return self._learnt(queue).quality()

    # ---- learning

    def _config_applied(self, _event: ConfigApplied) -> None:
        queues = self._view.queues
        self._queues = {queue: learnt for queue, learnt in self._queues.items() if queue in queues}
        self._handled = {kind: handling for kind, handling in self._handled.items() if kind[0] in queues}
        for queue in [queue for queue in self._arrivals.queues() if queue not in queues]:
            self._arrivals.forget(queue)
        self._look_around()

    def _presence_changed(self, event: PresenceChanged) -> None:
        self._crowds.presence(event.agent_id, event.presence)

    def _interaction_queued(self, event: InteractionQueued) -> None:
        row = self._view.interactions.get(event.interaction_id)
        if row is None:
            return
        kind, key = _kind(row), (self._view.queues[row.queue].key_us(row), row.order)
        learnt = self._learnt(row.queue)
        learnt.channel = row.channel
        self._arrivals.come(row.queue, row.channel, row.place_at_us - key[0], self._view.at_us)
        at_once = row.state != "queued"
        if not at_once and not self._crowds.slots(kind):
            return
        raw = learnt.ringing() if at_once else self._raw(kind, key)
        kept = learnt.at_once if at_once else learnt.waiting
        self._given[row.id] = Given(row.queue, at_once, raw, kept.band(raw), learnt.rolling_s)

    def _offer_accepted(self, event: OfferAccepted) -> None:
        row = self._view.interactions[event.interaction_id]
        learnt = self._learnt(row.queue)
        waited_s = event.waited_us / _SECOND_US
        learnt.picked_up.add(event.rang_us / _SECOND_US)
        learnt.stopped_waiting(gave_up=False)
        given = self._given.pop(event.interaction_id, None)
        if given is not None and given.queue == row.queue:
            learnt.compare(given, waited_s)
        learnt.roll(waited_s)

    def _interaction_abandoned(self, event: InteractionAbandoned) -> None:
        self._given.pop(event.interaction_id, None)
        row = self._view.interaction(event.interaction_id)
        if row is not None and row.queue in self._view.queues:
            self._learnt(row.queue).stopped_waiting(gave_up=True)

    def _interaction_scheduled(self, event: InteractionScheduled) -> None:
        """What waits on purpose says nothing about waits."""
        self._given.pop(event.interaction_id, None)

    def _ended(self, ended: Ended) -> None:
        if ended.accepted and ended.queue in self._view.queues:
            kind = (ended.queue, ended.channel)
            handling = self._handled.get(kind)
            if handling is None:
                if len(self._handled) >= MAX_KINDS:
                    del self._handled[next(iter(self._handled))]
                handling = self._handled[kind] = Handling(HANDLED_S)
            handling.add(ended.before_us / _SECOND_US, ended.wrap_up_us / _SECOND_US)

    # ---- who stands where, and does what

    def _look_around(self) -> None:
        view = self._view
        self._crowds = Crowds(view.agents, view.queues)
        self._occupied = Occupied(self._crowds.numbers)
        self._hands = Hands(self._crowds, self._occupied)
        self._lines = Lines()
        self._one_band = len({queue.settings.band for queue in view.queues.values()}) <= 1
        for agent_id, agent in view.agents.items():
            if agent.work:
                self._look_at(agent_id)
        for row in view.interactions.values():
            self._stand(row)

    def _look_at(self, agent_id: str) -> None:
        view = self._view
        for ended in self._occupied.look(view.agents[agent_id], view.interactions, view.at_us):
            self._ended(ended)

    def _stand_anew(self, interaction_id: str) -> None:
        self._lines.leave(interaction_id)
        row = self._view.interactions.get(interaction_id)
        if row is not None:
            self._stand(row)
        last = row or self._view.ended.get(interaction_id)
        queue = self._view.queues.get(last.queue) if last is not None else None
        if queue is not None:
            self._learnt(queue.id).count(queue.waiting, self._view.at_us)
        if row is None or row.ended_at_us:
            self._forget_ended(interaction_id)

    def _forget_ended(self, interaction_id: str) -> None:
        """An abandoned one is still to be counted: its event comes in the same outcome."""
        row = self._view.ended.get(interaction_id)
        if row is None or row.state != "abandoned":
            self._given.pop(interaction_id, None)

    def _stand(self, row: InteractionRecord) -> None:
        if row.state == "queued":
            self._lines.enter(row.id, _kind(row), (self._view.queues[row.queue].key_us(row), row.order))

    # ---- predicting

    def _raw(self, kind: Kind, key: Key) -> Raw:
        learnt = self._learnt(kind[0])
        own = self._handling((kind[0], kind[2])).whole
        raw = predict(own, self._groups(kind), self._line(kind, key))
        ringing = learnt.ringing()
        return Raw(raw.mean_s + ringing.mean_s, raw.spread_s + ringing.spread_s / 4)

    def _line(self, kind: Kind, key: Key) -> Line:
        """What stands before a place in line, each counted as far as it needs the same agents. O(kinds that wait)."""
        queue = self._view.queues[kind[0]]
        band = queue.settings.band
        ahead = leaving = 0.0
        others: list[Others] = []
        crowd = self._crowds.of(kind) & self._crowds.staffed
        shared = 0
        for other in self._lines.kinds():
            other_band = self._view.queues[other[0]].settings.band
            count = self._lines.before(other, key if other_band == band else None) if other_band <= band else 0
            if not count:
                continue
            common = crowd & self._crowds.of(other)
            if other == kind:
                share = float(count)
                ahead += share
            elif common:
                share = count * self._share(other, kind)
                others.append(Others(share, common.bit_count() / crowd.bit_count()))
                shared |= common
            else:
                continue
            leaving += share * self._learnt(other[0]).giving_up()
        total = ahead + sum(each.taken for each in others)
        overtaking = [
            (self._share((rush.queue, "", rush.channel), kind) * rush.per_second, rush.for_s)
            for rush in self._rushes(kind, self._view.at_us - key[0])
        ]
        free = 0.0
        if queue.settings.reserve:
            free = self._hands.free(kind) - float(queue.settings.reserve)
        shared_part = shared.bit_count() / max(1, crowd.bit_count())
        return Line(ahead, others, shared_part, leaving / total if total else 0.0, overtaking, free)

    def _rushes(self, kind: Kind, lead_us: int) -> list[Rush]:
        """Who comes later and goes first, by band and head start."""
        found: list[Rush] = []
        if self._one_band and self._arrivals.are_alike:
            return found
        band = self._view.queues[kind[0]].settings.band
        for queue in self._arrivals.queues():
            row = self._view.queues.get(queue)
            if row is None or row.settings.band > band:
                continue
            for rush in self._arrivals.of(queue, self._view.at_us):
                if row.settings.band < band:
                    found.append(rush)
                elif rush.lead_us > lead_us:
                    found.append(rush._replace(for_s=(rush.lead_us - lead_us) / _SECOND_US))
        return found

    def _share(self, other: Kind, kind: Kind) -> float:
        """How much of what agents can do for this kind one of another kind takes."""
        if other == kind:
            return 1.0
        return self._crowds.overlap(other, kind) * self._hands.exchange(other[2], kind[2])

    def _groups(self, kind: Kind) -> list[Group]:
        """Who is at work that could take it, by what they are at."""
        rows, weights = self._hands.occupied(kind)
        ages_s = np.maximum(self._view.at_us - rows["since_us"], 0) / _SECOND_US
        weights = weights * rows["share"]
        groups = []
        for number in np.unique(rows["kind"]):
            handling = self._handling(self._occupied.kinds[number])
            for wrap_up in (False, True):
                chosen = (rows["kind"] == number) & (rows["wrap_up"] == wrap_up)
                if chosen.any():
                    durations = handling.wrap_up if wrap_up and handling.wrap_up is not None else handling.before
                    after_s = 0.0 if wrap_up else handling.after_s
                    groups.append(Group(durations, after_s, ages_s[chosen], weights[chosen]))
        return groups

    def _handling(self, kind: tuple[str, str]) -> Handling:
        return self._handled.get(kind) or _UNKNOWN

    def _learnt(self, queue: str) -> Learnt:
        learnt = self._queues.get(queue)
        if learnt is None:
            learnt = self._queues[queue] = Learnt()
        return learnt


def _kind(row: InteractionRecord) -> Kind:
    return (row.queue, row.requirement, row.channel)
