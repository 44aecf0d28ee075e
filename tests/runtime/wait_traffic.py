"""Contact centres that live fast: seeded traffic through a real Engine and View, without asyncio and without waiting.

Owns arrivals, patience, talks, shifts and their distributions. Must not know estimates: it calls `watch` after every
fold.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random

import acd.core.messages as m
from acd.core.engine import Engine
from acd.runtime.view import View

SECOND = 1_000_000

RINGING_S = (1.0, 5.0)
"""How long a device rings before it is picked up: uniform between."""

Watch = Callable[[m.Outcome], None]


@dataclass(frozen=True)
class Stream:
    """Arrivals in one queue: per second on average, swinging by `swing` within `period_s`; times in seconds.

    `burst`: in the first tenth of every period so many times as many come. `patience_s` is a mean, exponential.
    """

    queue: str
    rate: float
    handled_s: float = 180.0
    swing: float = 0.0
    period_s: float = 7_200.0
    patience_s: float = 600.0
    priority: int = 0
    channel: str = "voice"
    spread: float = 1.0
    """Of the handling time, its standard deviation by its mean: 1 is exponential, 0.05 nearly constant."""
    law: str = "gamma"
    """Of the handling time: or `lognormal`."""
    burst: float = 1.0

    def per_second(self, now: float) -> float:
        """The rate at a moment."""
        begun = now % self.period_s < self.period_s / 10
        return self.rate * (1 + self.swing * math.sin(2 * math.pi * now / self.period_s)) * (self.burst if begun else 1)

    @property
    def most_per_second(self) -> float:
        """No rate is higher."""
        return self.rate * (1 + abs(self.swing)) * max(1.0, self.burst)

    def handling_s(self, chance: Random) -> float:
        """One handling time."""
        if self.law == "lognormal":
            sigma = math.sqrt(math.log(1 + self.spread**2))
            return self.handled_s * math.exp(chance.gauss(-(sigma**2) / 2, sigma))
        shape = 1 / self.spread**2
        return chance.gammavariate(shape, self.handled_s / shape)


@dataclass(frozen=True)
class Shift:
    """An agent is there from `from_s` to `to_s` of every `period_s`, and finishes what is in hand."""

    agent: str
    from_s: float
    to_s: float
    period_s: float = 28_800.0


@dataclass
class Centre:
    """Run it: agents, queues and streams. Agents without a shift are always there."""

    agents: Sequence[m.AgentSettings]
    queues: Sequence[m.QueueSettings]
    streams: Sequence[Stream]
    seed: int
    shifts: Sequence[Shift] = ()
    engine: Engine = field(default_factory=Engine)
    view: View = field(default_factory=View)
    stream_of: dict[str, Stream] = field(default_factory=dict)
    """By interaction."""

    def run(self, hours: float, watch: Watch) -> None:
        """From nobody to the last of so many hours."""
        life = _Life(self, watch)
        life.begin()
        life.go_on(hours * 3_600)


class _Life:
    """One run."""

    def __init__(self, centre: Centre, watch: Watch) -> None:
        self._centre = centre
        self._watch = watch
        self._chance = Random(centre.seed)  # noqa: S311 - a simulation
        self._ids = count(1)
        self._coming: list[tuple[float, int, Callable[[float], None]]] = []

    def begin(self) -> None:
        centre = self._centre
        self._send(m.ApplyConfig("config", m.CoreSettings(tuple(centre.agents), tuple(centre.queues))), 0)
        working = {shift.agent for shift in centre.shifts}
        for agent in centre.agents:
            self._send(m.SignInAgent(f"in-{agent.id}", agent.id, ready=agent.id not in working), 0)
        for shift in centre.shifts:
            self._at(shift.from_s, partial(self._come, shift))
            self._at(shift.to_s, partial(self._go, shift))
        for stream in centre.streams:
            self._at(self._chance.expovariate(stream.most_per_second), partial(self._arrive, stream))

    def go_on(self, until_s: float) -> None:
        while self._coming and self._coming[0][0] < until_s:
            moment, _, do = heapq.heappop(self._coming)
            self._pass_time(moment)
            do(moment)

    def _pass_time(self, moment: float) -> None:
        engine = self._centre.engine
        while (due := engine.next_deadline()) is not None and due <= moment * SECOND:
            self._send(m.Tick(f"c{next(self._ids)}"), due / SECOND)

    def _at(self, moment: float, do: Callable[[float], None]) -> None:
        heapq.heappush(self._coming, (moment, next(self._ids), do))

    def _send(self, command: m.Command, now: float) -> m.Outcome:
        engine = self._centre.engine
        now_us = max(engine.now_us, round(now * SECOND))
        outcome = engine.apply(command, now_us)
        self._centre.view.fold(now_us, outcome)
        self._watch(outcome)
        for event in outcome.events:
            if isinstance(event, m.OfferMade):
                self._at(now + self._chance.uniform(*RINGING_S), partial(self._accept, event))
        return outcome

    def _arrive(self, stream: Stream, now: float) -> None:
        self._at(now + self._chance.expovariate(stream.most_per_second), partial(self._arrive, stream))
        if self._chance.random() * stream.most_per_second > stream.per_second(now):
            return
        interaction_id = f"i{next(self._ids)}"
        self._centre.stream_of[interaction_id] = stream
        command = m.EnqueueInteraction(
            f"c{next(self._ids)}", interaction_id, stream.channel, stream.queue, priority=stream.priority
        )
        self._send(command, now)
        patience_s = self._chance.expovariate(1 / stream.patience_s)
        self._at(now + patience_s, lambda then: self._end(interaction_id, "customer", then))

    def _accept(self, offer: m.OfferMade, now: float) -> None:
        outcome = self._send(m.AcceptOffer(f"c{next(self._ids)}", offer.offer_id, offer.agent_id), now)
        if outcome.refusal is None:
            talk_s = self._centre.stream_of[offer.interaction_id].handling_s(self._chance)
            self._at(now + talk_s, lambda then: self._end(offer.interaction_id, "agent", then))

    def _end(self, interaction_id: str, by: str, now: float) -> None:
        row = self._centre.view.interaction(interaction_id)
        if row is not None and (by == "agent" or row.state == "queued"):
            command = m.EndInteraction(f"c{next(self._ids)}", interaction_id, by)  # type: ignore[arg-type]
            self._send(command, now)

    def _come(self, shift: Shift, now: float) -> None:
        self._at(now + shift.period_s, partial(self._come, shift))
        self._send(m.SetPresence(f"c{next(self._ids)}", shift.agent, "ready"), now)

    def _go(self, shift: Shift, now: float) -> None:
        self._at(now + shift.period_s, partial(self._go, shift))
        self._send(m.SetPresence(f"c{next(self._ids)}", shift.agent, "not-ready", "home"), now)
