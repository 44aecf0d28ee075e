"""Contact centres that live fast: seeded traffic through a real Engine and View, without asyncio and without waiting.

Owns arrivals, patience, talks and their distributions. Must not know estimates: it calls `watch` after every fold.
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

Watch = Callable[[m.Outcome], None]


@dataclass(frozen=True)
class Stream:
    """Arrivals in one queue: per second on average, swinging by `swing` within `period_s`; times in seconds."""

    queue: str
    rate: float
    handled_s: float = 180.0
    swing: float = 0.0
    period_s: float = 7_200.0
    patience_s: float = 600.0
    priority: int = 0
    channel: str = "voice"
    spread: float = 1.0
    """Of the handling time: 1 is exponential, less is steadier (a gamma distribution's coefficient of variation)."""


@dataclass
class Centre:
    """Run it: agents, queues and streams."""

    agents: Sequence[m.AgentSettings]
    queues: Sequence[m.QueueSettings]
    streams: Sequence[Stream]
    seed: int
    engine: Engine = field(default_factory=Engine)
    view: View = field(default_factory=View)

    def run(self, hours: float, watch: Watch) -> None:
        """From nobody to the last of so many hours."""
        chance = Random(self.seed)  # noqa: S311 - a simulation
        ids = count(1)
        coming: list[tuple[float, int, Callable[[float], None]]] = []

        def at(moment: float, do: Callable[[float], None]) -> None:
            heapq.heappush(coming, (moment, next(ids), do))

        def send(command: m.Command, now: float) -> m.Outcome:
            now_us = max(self.engine.now_us, round(now * SECOND))
            outcome = self.engine.apply(command, now_us)
            self.view.fold(now_us, outcome)
            watch(outcome)
            for event in outcome.events:
                if isinstance(event, m.OfferMade):
                    at(now + chance.uniform(1, 5), partial(accept, event))
            return outcome

        def accept(offer: m.OfferMade, now: float) -> None:
            outcome = send(m.AcceptOffer(f"c{next(ids)}", offer.offer_id, offer.agent_id), now)
            if outcome.refusal is None:
                stream = streams[offer.interaction_id]
                shape = 1 / stream.spread**2
                talk = chance.gammavariate(shape, stream.handled_s / shape)
                at(now + talk, lambda then: end(offer.interaction_id, "agent", then))

        def end(interaction_id: str, by: str, now: float) -> None:
            row = self.view.interaction(interaction_id)
            if row is not None and (by == "agent" or row.state == "queued"):
                send(m.EndInteraction(f"c{next(ids)}", interaction_id, by), now)  # type: ignore[arg-type]

        def arrive(stream: Stream, now: float) -> None:
            interaction_id = f"i{next(ids)}"
            streams[interaction_id] = stream
            command = m.EnqueueInteraction(
                f"c{next(ids)}", interaction_id, stream.channel, stream.queue, priority=stream.priority
            )
            send(command, now)
            at(now + chance.expovariate(1 / stream.patience_s), lambda then: end(interaction_id, "customer", then))
            rate = stream.rate * (1 + stream.swing * math.sin(2 * math.pi * now / stream.period_s))
            at(now + chance.expovariate(rate), lambda then: arrive(stream, then))

        streams: dict[str, Stream] = {}
        send(m.ApplyConfig("config", m.CoreSettings(tuple(self.agents), tuple(self.queues))), 0)
        for agent in self.agents:
            send(m.SignInAgent(f"in-{agent.id}", agent.id, ready=True), 0)
        for stream in self.streams:
            at(chance.expovariate(stream.rate), partial(arrive, stream))
        while coming and coming[0][0] < hours * 3_600:
            moment, _, do = heapq.heappop(coming)
            do(moment)
