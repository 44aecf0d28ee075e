"""The least possible error of an estimated wait: an oracle that knows the model and the state, but not the future.

Owns the oracle: it knows every distribution, how long everybody has talked, rung and waited, and plays the future out
many times from there. Its estimate is the median over the futures in which the customer is answered: that makes the
mean absolute error least. It does not know who will come and go home. Must not know how the estimator predicts; it
takes its estimates to set samples straight.

`python -m tests.runtime.wait_oracle [name …]` prints the floors of every kind of traffic: by queue, the oracle's error
by that of the rolling average of `app_queue` on the same answers. `wait_floors.txt` has them.
"""

import heapq
import sys
from bisect import bisect_left, insort
from collections.abc import Callable
from random import Random
from statistics import mean, median
from typing import Final, NamedTuple

import acd.core.messages as m
from acd.core import limits
from acd.core.ordering import key_us
from acd.core.reaching import reach_after
from acd.core.requirement import conjunction
from acd.runtime.estimate import WaitEstimator
from acd.runtime.records import AgentRecord, InteractionRecord
from tests.runtime.wait_centres import CENTRES
from tests.runtime.wait_traffic import RINGING_S, SECOND, Centre, Stream

DRAWS: Final = 10_000
"""Handling times of a stream from which those that last already longer than so long are drawn."""

FUTURES: Final = 50
"""Futures that are played out for one estimate."""


HOURS: Final = 8.0
SEEDS: Final = (1, 2)
"""Runs of each kind of traffic."""

ASKED: Final = 300
"""Customers of a run for whom the oracle is asked; those who are served at once ring for 3 s, it knows."""


class Oracle:
    """Estimates for a centre's customers, at the moment in which they have come in."""

    def __init__(self, centre: Centre, seed: int) -> None:
        self._centre = centre
        self._chance = Random(seed)  # noqa: S311 - a simulation
        self._draws = {
            stream: sorted(stream.handling_s(self._chance) for _ in range(DRAWS)) for stream in centre.streams
        }
        self._settings = {queue.id: queue for queue in centre.queues}
        self._may = {
            (agent.id, queue.id): self._matches(agent, queue) for agent in centre.agents for queue in centre.queues
        }

        places = {(queue.band, queue.reserve, queue.level_delays_us) for queue in centre.queues}
        kinds = {(stream.channel, stream.priority) for stream in centre.streams}
        self.later_ones_matter = len(places) > 1 or len(kinds) > 1
        """Else nobody who comes later can change anything for who is there."""

    def median_s(self, interaction_id: str) -> float | None:
        """Half of those who are answered are answered by then; None if nobody ever was."""
        waits = [wait for _ in range(FUTURES) if (wait := _Future(self, interaction_id).wait_s()) is not None]
        return median(waits) if waits else None

    def _matches(self, agent: m.AgentSettings, queue: m.QueueSettings) -> bool:
        return conjunction(queue.requirement, "").matches(dict(agent.skills), agent.labels, agent.queues)

    # ---- for futures

    @property
    def centre(self) -> Centre:
        return self._centre

    @property
    def chance(self) -> Random:
        return self._chance

    def queue(self, name: str) -> m.QueueSettings:
        return self._settings[name]

    def may(self, agent: str, queue: str) -> bool:
        return self._may[agent, queue]

    def left_s(self, stream: Stream, passed_s: float) -> float:
        """What is left of a handling time of which so much has passed."""
        draws = self._draws[stream]
        begin = min(bisect_left(draws, passed_s), len(draws) - 1)
        return max(0.0, draws[self._chance.randrange(begin, len(draws))] - passed_s)


class _Person:
    """An agent in one future."""

    __slots__ = ("counts", "id", "idle_since", "levels", "shares", "total", "used")

    def __init__(self, row: AgentRecord) -> None:
        self.id = row.id
        self.levels = dict(row.settings.levels)
        self.shares = {share.channel: share for share in row.settings.capacity.channels}
        self.total = row.settings.capacity.total
        self.used = 0
        self.counts: dict[str, int] = {}
        self.idle_since = row.idle_since_us / SECOND

    def share(self, channel: str) -> m.ChannelShare | None:
        return self.shares.get(channel) or self.shares.get("*")

    def has_room(self, channel: str) -> bool:
        share = self.share(channel)
        return (
            share is not None
            and self.used + share.cost <= self.total
            and self.counts.get(share.channel, 0) < share.most
        )

    def take(self, channel: str, sign: int) -> None:
        share = self.share(channel)
        assert share is not None
        self.used += sign * share.cost
        self.counts[share.channel] = self.counts.get(share.channel, 0) + sign


class _Waiting:
    """One in line in one future."""

    __slots__ = ("entered_s", "gone_at", "id", "stream")

    def __init__(self, identity: str, stream: Stream, entered_s: float, gone_at: float) -> None:
        self.id = identity
        self.stream = stream
        self.entered_s = entered_s
        self.gone_at = gone_at


class _Future:
    """One way in which it could go on."""

    def __init__(self, oracle: Oracle, interaction_id: str) -> None:
        self._oracle = oracle
        self._chance = oracle.chance
        self._own = interaction_id
        view = oracle.centre.view
        self._begin_s = view.at_us / SECOND
        self._order = 0
        self._coming: list[tuple[float, int, Callable[[float], None]]] = []
        self._line: list[tuple[int, int, int, _Waiting]] = []
        self._people = [_Person(row) for row in view.agents.values() if row.presence == "ready"]
        self._answer: float | None = None
        self._levelled = any(person.levels for person in self._people)
        for person in self._people:
            self._occupy(person, view.agents[person.id])
        for row in view.interactions.values():
            if row.state == "queued":
                self._stand(row)
        for stream in oracle.centre.streams if oracle.later_ones_matter else ():
            self._next_arrival(stream, self._begin_s)

    def wait_s(self) -> float | None:
        """How long its own customer waits, None if they give up."""
        while True:
            now, _, do = heapq.heappop(self._coming)
            do(now)
            if self._answer is not None:
                return None if self._answer < 0 else self._answer - self._begin_s

    # ---- the present

    def _occupy(self, person: _Person, row: AgentRecord) -> None:
        view = self._oracle.centre.view
        for item in row.work.values():
            person.take(item.channel, 1)
            stream = self._oracle.centre.stream_of[item.interaction_id]
            passed_s = self._begin_s - item.since_us / SECOND
            wrap_up_s = self._oracle.queue(stream.queue).wrap_up_us / SECOND
            if item.state == "offered":
                left_s = self._ringing_s(passed_s) + stream.handling_s(self._chance) + wrap_up_s
            elif item.state == "active":
                left_s = self._oracle.left_s(stream, passed_s) + wrap_up_s
            else:
                left_s = (item.deadline_us - view.at_us) / SECOND
            self._at(self._begin_s + left_s, self._ending(person, item.channel))

    def _stand(self, row: InteractionRecord) -> None:
        stream = self._oracle.centre.stream_of[row.id]
        gone_at = self._begin_s + self._chance.expovariate(1 / stream.patience_s)
        self._enter(_Waiting(row.id, stream, row.enqueued_at_us / SECOND, gone_at), row.order)

    def _ringing_s(self, passed_s: float = 0.0) -> float:
        low, high = RINGING_S
        return self._chance.uniform(max(low, passed_s), high) - passed_s

    # ---- what happens

    def _at(self, moment: float, do: Callable[[float], None]) -> None:
        self._order += 1
        heapq.heappush(self._coming, (moment, self._order, do))

    def _next_arrival(self, stream: Stream, now: float) -> None:
        now += self._chance.expovariate(stream.most_per_second)
        while self._chance.random() * stream.most_per_second > stream.per_second(now):
            now += self._chance.expovariate(stream.most_per_second)
        self._at(now, lambda then: self._arrive(stream, then))

    def _arrive(self, stream: Stream, now: float) -> None:
        self._next_arrival(stream, now)
        gone_at = now + self._chance.expovariate(1 / stream.patience_s)
        waiting = _Waiting("", stream, now, gone_at)
        if not self._seek(waiting, now):
            self._order += 1
            self._enter(waiting, 1_000_000_000 + self._order)

    def _enter(self, waiting: _Waiting, order: int) -> None:
        queue = self._oracle.queue(waiting.stream.queue)
        key = key_us(queue, round(waiting.entered_s * SECOND), waiting.stream.priority)
        entry = (queue.band, key, order, waiting)
        insort(self._line, entry)
        self._at(waiting.gone_at, lambda _now: self._give_up(entry))
        for delay_us in queue.level_delays_us:
            self._at(waiting.entered_s + delay_us / SECOND, lambda now: self._open(entry, now))

    def _give_up(self, entry: tuple[int, int, int, _Waiting]) -> None:
        if entry in self._line:
            self._line.remove(entry)
            if entry[3].id == self._own:
                self._answer = -1.0

    def _open(self, entry: tuple[int, int, int, _Waiting], now: float) -> None:
        if entry in self._line and self._seek(entry[3], now):
            self._line.remove(entry)

    def _ending(self, person: _Person, channel: str) -> Callable[[float], None]:
        def end(now: float) -> None:
            person.take(channel, -1)
            person.idle_since = now
            self._serve(person, now)

        return end

    def _serve(self, person: _Person, now: float) -> None:
        """Whoever has come free takes what is theirs to take, the first in line first, their own level first of all.

        Nobody else comes free, unless by a queue's reserve: then one more may be asked, whoever that is.
        """
        while True:
            best = None
            for entry in self._line:
                queue = self._oracle.queue(entry[3].stream.queue)
                if not self._oracle.may(person.id, queue.id) or not person.has_room(entry[3].stream.channel):
                    continue
                level = person.levels.get(queue.id, 1)
                if level > self._reach(queue, entry[3], now) or not self._spares(queue, entry[3].stream.channel):
                    continue
                if best is None or (level, *entry) < best:
                    best = (level, *entry)
                if not self._levelled:
                    break
            if best is None:
                return
            self._line.remove(best[1:])
            if self._oracle.queue(best[4].stream.queue).reserve:
                self._seek(best[4], now)
            else:
                self._give(person, best[4], now)

    def _reach(self, queue: m.QueueSettings, waiting: _Waiting, now: float) -> int:
        if not queue.level_delays_us:
            return limits.MAX_LEVEL
        return reach_after(queue.level_delays_us, round((now - waiting.entered_s) * SECOND) + 1)

    def _spares(self, queue: m.QueueSettings, channel: str) -> bool:
        if not queue.reserve:
            return True
        free = sum(person.has_room(channel) and self._oracle.may(person.id, queue.id) for person in self._people)
        return free > queue.reserve

    def _seek(self, waiting: _Waiting, now: float) -> bool:
        """Whether somebody is free for it: then they have it."""
        stream = waiting.stream
        queue = self._oracle.queue(stream.queue)
        if not self._spares(queue, stream.channel):
            return False
        reach = self._reach(queue, waiting, now)
        free = [
            person
            for person in self._people
            if person.has_room(stream.channel)
            and self._oracle.may(person.id, queue.id)
            and person.levels.get(queue.id, 1) <= reach
        ]
        if not free:
            return False
        best = min(free, key=lambda each: (each.levels.get(queue.id, 1), each.used, each.idle_since))
        self._give(best, waiting, now)
        return True

    def _give(self, person: _Person, waiting: _Waiting, now: float) -> None:
        stream = waiting.stream
        ringing_s = self._ringing_s()
        if waiting.id == self._own:
            self._answer = now + ringing_s
        person.take(stream.channel, 1)
        busy_s = ringing_s + stream.handling_s(self._chance) + self._oracle.queue(stream.queue).wrap_up_us / SECOND
        self._at(now + busy_s, self._ending(person, stream.channel))


class _Answer(NamedTuple):
    """What was estimated for somebody, and what came; `oracle_s` only for those for whom it was asked."""

    waited_s: float
    estimate_s: float
    rolling_s: float
    oracle_s: float | None


def floors(make: Callable[[int], Centre]) -> dict[str, float]:
    """The oracle's error by the rolling average's, by queue.

    The oracle is asked for a sample. The error of an estimate on everybody by that on the sample tells how the sample
    is off, hence the estimator.
    """
    answers: dict[str, list[_Answer]] = {}
    for seed in SEEDS:
        _run(make(seed), seed, answers)
    found = {}
    for queue, all_of_it in sorted(answers.items()):
        sample = [each for each in all_of_it if each.oracle_s is not None]
        error = mean(abs(each.estimate_s - each.waited_s) for each in all_of_it)
        rolling = mean(abs(each.rolling_s - each.waited_s) for each in all_of_it)
        own = mean(abs(each.estimate_s - each.waited_s) for each in sample)
        oracle = mean(abs((each.oracle_s or 0.0) - each.waited_s) for each in sample)
        found[queue] = oracle / own * error / rolling
    return found


def _run(centre: Centre, seed: int, answers: dict[str, list[_Answer]]) -> None:
    waits = WaitEstimator(centre.view)
    oracle = Oracle(centre, seed)
    chance = Random(seed)  # noqa: S311 - a simulation
    expected = HOURS * 3_600 * sum(stream.rate for stream in centre.streams)
    asked: dict[str, tuple[float, float, float | None]] = {}
    rolling: dict[str, int] = {}

    def watch(outcome: m.Outcome) -> None:
        waits.fold(outcome)
        for event in outcome.events:
            if isinstance(event, m.InteractionQueued):
                band = waits.given(event.interaction_id)
                if band is not None:
                    at_once = centre.view.interactions[event.interaction_id].state != "queued"
                    told = mean(RINGING_S) if at_once else None
                    if chance.random() * expected > ASKED:
                        told = None
                    elif not at_once:
                        told = oracle.median_s(event.interaction_id)
                    asked[event.interaction_id] = (band.middle_s, rolling.get(event.queue, 0), told)
            elif isinstance(event, m.OfferAccepted):
                queue = centre.view.interactions[event.interaction_id].queue
                waited_s = event.waited_us / SECOND
                if event.interaction_id in asked:
                    answers.setdefault(queue, []).append(_Answer(waited_s, *asked.pop(event.interaction_id)))
                rolling[queue] = (3 * rolling.get(queue, 0) + int(waited_s)) >> 2

    centre.run(HOURS, watch)


def main() -> None:
    """Print the floors of the kinds of traffic that are named, or of all."""
    for make in CENTRES:
        if len(sys.argv) == 1 or make.__name__ in sys.argv[1:]:
            for queue, floor in floors(make).items():
                print(f"{make.__name__} {queue} {floor:.3f}", flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
