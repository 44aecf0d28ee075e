"""Estimated waits: for whoever comes in now, a band of seconds, and how good such bands have been.

Owns what goes into a prediction, and what is learnt from every answer. Must not know HTTP, nor change anything. What
stands ahead is decided by band and key (`places`); others ahead count as far as the agents for them are agents for this
one, too (`crowds`); how soon these come free follows from how long they have been at it (`occupied`, `durations`).
`prediction` makes a time of all that, and `calibration` a band. Events are folded after the view has folded them.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Final, NamedTuple

import numpy as np

from acd.core.messages import (
    AgentsConfigured,
    ConfigApplied,
    CustomerCalled,
    DeviceCleared,
    DeviceVetoed,
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
from acd.runtime.mentioned import named
from acd.runtime.occupied import MAX_KINDS, Ended, Occupied
from acd.runtime.places import Arrivals, Key, Lines
from acd.runtime.prediction import Group, Line, Others, Overtaking, Supply, predict
from acd.runtime.records import InteractionRecord
from acd.runtime.view import View

HANDLED_S: Final = 180.0
"""How long an agent is taken to work on an interaction until enough have been seen."""

FRESH_US: Final = 1_000_000
"""For how long it is not looked again who will come free when."""

SAMPLED_US: Final = 100_000
"""How long after one that has to wait another one of the same kind is given no estimate."""

MAX_SUPPLIES: Final = 64
"""Kinds of which that is remembered."""

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
        self._sampled: set[Kind] = set()
        self._sampled_us = 0
        self._folds: dict[type[Event], Callable[[Any], None]] = {
            ConfigApplied: self._config_applied,
            AgentsConfigured: self._agents_configured,
            PresenceChanged: self._presence_changed,
            DeviceVetoed: self._device_changed,
            DeviceCleared: self._device_changed,
            InteractionQueued: self._interaction_queued,
            OfferAccepted: self._offer_accepted,
            InteractionAbandoned: self._interaction_abandoned,
            InteractionScheduled: self._interaction_aside,
            CustomerCalled: self._interaction_aside,
        }
        self._look_around()

    def fold(self, outcome: Outcome) -> None:
        """Take in an outcome that the view has folded."""
        events = outcome.events
        for interaction_id in named("interaction_id", events):
            self._stand_anew(interaction_id)
        for agent_id in named("agent_id", events):
            if agent_id in self._view.agents:
                self._look_at(agent_id)
        for event in events:
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

    def remaining(self, interaction_id: str) -> Band | None:
        """How long a waiting interaction will go on waiting; None if it does not wait, or nobody could take it."""
        row = self._view.interactions.get(interaction_id)
        if row is None or row.state != "queued" or not self._crowds.slots(kind := _kind(row)):
            return None
        return self._learnt(row.queue).waiting.band(self._raw(kind, self._key(row)))

    def given(self, interaction_id: str) -> Band | None:
        """What was estimated when a live interaction came in, from then; None if nothing could be.

        Nor is anything for whoever has to wait and came in at once behind others of the same kind (`SAMPLED_US`).
        """
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

    def _agents_configured(self, event: AgentsConfigured) -> None:
        known = [self._crowds.change(agent.id, agent) for agent in event.agents]
        for agent_id in event.removed:
            self._crowds.change(agent_id, None)
        if not all(known):
            self._look_around()
            return
        self._hands = Hands(self._crowds, self._occupied)
        self._supplies.clear()

    def _presence_changed(self, event: PresenceChanged) -> None:
        self._crowds.presence(event.agent_id, event.presence)

    def _device_changed(self, event: DeviceVetoed | DeviceCleared) -> None:
        self._crowds.keep_off(event.agent_id, event.channel, is_vetoed=isinstance(event, DeviceVetoed))

    def _interaction_queued(self, event: InteractionQueued) -> None:
        row = self._view.interactions.get(event.interaction_id)
        if row is None:
            return
        kind, key = _kind(row), self._key(row)
        learnt = self._learnt(row.queue)
        learnt.channel = row.channel
        self._arrivals.come(row.queue, row.channel, row.place_at_us - key[0], self._view.at_us)
        at_once = row.state != "queued"
        if not at_once and (self._came_with_others(kind) or not self._crowds.slots(kind)):
            return
        raw = learnt.ringing() if at_once else self._raw(kind, key)
        kept = learnt.at_once if at_once else learnt.waiting
        self._given[row.id] = Given(row.queue, at_once, raw, kept.band(raw), learnt.rolling_s)

    def _came_with_others(self, kind: Kind) -> bool:
        """Whether one of the kind was given an estimate just before: a flood is learnt from by samples."""
        now_us = self._view.at_us
        if now_us >= self._sampled_us + SAMPLED_US:
            self._sampled_us = now_us
            self._sampled.clear()
        before = len(self._sampled)
        self._sampled.add(kind)
        return len(self._sampled) == before

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

    def _interaction_aside(self, event: InteractionScheduled | CustomerCalled) -> None:
        """What waits on purpose, or for the customer, says nothing about waits."""
        self._given.pop(event.interaction_id, None)

    def _ended(self, ended: Ended) -> None:
        if ended.accepted and ended.queue in self._view.queues:
            kind = (ended.queue, ended.channel)
            handling = self._handled.get(kind)
            if handling is None:
                if len(self._handled) >= MAX_KINDS:
                    del self._handled[next(iter(self._handled))]
                handling = self._handled[kind] = Handling(HANDLED_S)
            lasting_s = partial(self._occupied.lasting_s, kind, self._view.at_us)
            handling.add(ended.before_us / _SECOND_US, ended.wrap_up_us / _SECOND_US, lasting_s)

    # ---- who stands where, and does what

    def _look_around(self) -> None:
        view = self._view
        self._crowds = Crowds(view.agents, view.queues)
        self._occupied = Occupied(self._crowds.numbers)
        self._hands = Hands(self._crowds, self._occupied)
        self._lines = Lines()
        self._supplies: dict[Kind, _Kept] = {}
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
        left = self._lines.leave(interaction_id)
        row = self._view.interactions.get(interaction_id)
        if row is not None:
            self._stand(row)
        if left is not None:
            self._count(left[0])
        if row is not None and row.state == "queued" and (left is None or left[0] != row.queue):
            self._count(row.queue)
        if row is None or row.ended_at_us:
            self._forget_ended(interaction_id)

    def _count(self, queue: str) -> None:
        row = self._view.queues.get(queue)
        if row is not None:
            self._learnt(queue).count(row.waiting, self._view.at_us)

    def _forget_ended(self, interaction_id: str) -> None:
        """An abandoned one is still to be counted: its event comes in the same outcome."""
        row = self._view.ended.get(interaction_id)
        if row is None or row.state != "abandoned":
            self._given.pop(interaction_id, None)

    def _stand(self, row: InteractionRecord) -> None:
        if row.state == "queued":
            self._lines.enter(row.id, _kind(row), self._key(row))

    def _key(self, row: InteractionRecord) -> Key:
        return (self._view.queues[row.queue].key_us(row), row.order)

    # ---- predicting

    def _raw(self, kind: Kind, key: Key) -> Raw:
        learnt = self._learnt(kind[0])
        line, following = self._line(kind, key)
        raw = predict(self._supply(kind, following), line)
        ringing = learnt.ringing()
        return Raw(raw.mean_s + ringing.mean_s, raw.spread_s + ringing.spread_s / 4)

    def _line(self, kind: Kind, key: Key) -> tuple[Line, dict[tuple[str, str], float]]:
        """What stands before a place in line, each counted as far as it needs the same agents.

        Also how many of each queue and channel these are.
        """
        queue = self._view.queues[kind[0]]
        band = queue.settings.band
        crowd = self._crowds.of(kind) & self._crowds.there(kind[2])
        ahead = self._lines.before(kind, key)
        leaving = ahead * self._learnt(kind[0]).giving_up()
        shared, others = 0, []
        following: dict[tuple[str, str], float] = {(kind[0], kind[2]): ahead + 1.0}
        every, kinds = self._lines.others(kind)
        for other in kinds:
            other_band = self._view.queues[other[0]].settings.band
            count = self._lines.before(other, key if other_band == band else None) if other_band <= band else 0
            theirs = self._crowds.roughly(other) & self._crowds.there(other[2]) if count else 0
            if theirs & crowd:
                taken = every * count * self._share(theirs, other[2], crowd, kind[2])
                others.append(Others(taken, (theirs & crowd).bit_count() / crowd.bit_count()))
                leaving += taken * self._learnt(other[0]).giving_up()
                shared |= theirs & crowd
                following[other[0], other[2]] = following.get((other[0], other[2]), 0.0) + taken
        total = ahead + sum(each.taken for each in others)
        free = self._hands.free(kind) - float(queue.settings.reserve) if queue.settings.reserve else 0.0
        line = Line(
            ahead,
            others,
            shared.bit_count() / max(1, crowd.bit_count()),
            leaving / total if total else 0.0,
            self._overtaking(kind, crowd, self._view.at_us - key[0]),
            free,
        )
        return line, following

    def _overtaking(self, kind: Kind, crowd: int, lead_us: int) -> list[Overtaking]:
        """Who comes later and goes first, by band and head start."""
        found: list[Overtaking] = []
        if self._one_band and self._arrivals.are_alike:
            return found
        band = self._view.queues[kind[0]].settings.band
        for queue in self._arrivals.queues():
            row = self._view.queues.get(queue)
            if row is None or row.settings.band > band:
                continue
            for rush in self._arrivals.of(queue, self._view.at_us):
                for_s = inf if row.settings.band < band else (rush.lead_us - lead_us) / _SECOND_US
                there = self._crowds.there(rush.channel)
                theirs = self._crowds.of((queue, "", rush.channel)) & there if for_s > 0 else 0
                if theirs & crowd:
                    taken = self._share(theirs, rush.channel, crowd, kind[2]) * self._busy_part(theirs & ~crowd)
                    share = (theirs & crowd).bit_count() / crowd.bit_count()
                    rates = rush.per_second * taken, rush.in_the_long_run * taken
                    found.append(Overtaking(*rates, rush.lately_s, for_s, share))
        return found

    def _busy_part(self, elsewhere: int) -> float:
        """How often whoever comes finds none of these idle, roughly: they are asked instead of those who are busy."""
        return (elsewhere & self._occupied.busy).bit_count() / elsewhere.bit_count() if elsewhere else 1.0

    def _share(self, theirs: int, channel: str, crowd: int, for_channel: str) -> float:
        """How much of what a crowd can do for a channel one takes that others, too, could serve, of another channel."""
        if not theirs:
            return 0.0
        return (theirs & crowd).bit_count() / theirs.bit_count() * self._hands.exchange(channel, for_channel)

    def _supply(self, kind: Kind, following: dict[tuple[str, str], float]) -> Supply:
        """How soon agents come free for this kind. One that is a moment old will do, if nobody has come or gone."""
        now_us, there = self._view.at_us, self._crowds.there(kind[2])
        kept = self._supplies.pop(kind, None)
        if kept is None or kept.there != there or now_us - kept.at_us > FRESH_US:
            if len(self._supplies) >= MAX_SUPPLIES:
                del self._supplies[next(iter(self._supplies))]
            taking = [(count, self._handling(each).whole) for each, count in following.items()]
            kept = _Kept(now_us, there, Supply(taking, self._groups(kind)))
        self._supplies[kind] = kept
        return kept.supply

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


class _Kept(NamedTuple):
    """What was found a moment ago, with these agents there."""

    at_us: int
    there: int
    supply: Supply


def _kind(row: InteractionRecord) -> Kind:
    return (row.queue, row.requirement, row.channel)
