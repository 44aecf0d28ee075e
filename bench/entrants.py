"""This engine as a contestant: whole, and its matching alone.

Owns the two ways of entering it. `WholeEngine` is what one uses; `DecidingOnly` drives
`acd.core.matching` without commands, checks, effects, events, deadlines and recorded outcomes, so that it can be
set against rivals who do without them too. It is not a way to use the engine.
"""

from __future__ import annotations

from collections.abc import Sequence

from acd.core.entities import Agent, Interaction
from acd.core.matching import Matching
from acd.core.messages import EnqueueInteraction, Outcome
from acd.core.queue_entity import Queue
from bench.contest import Call
from bench.recorder import decision_of, new_engine
from bench.report import WHOLE
from bench.workload import NOBODY, Centre, Script, Situation, Step, settings_of

_MAX_CLASSES = 50_000


class WholeEngine:
    """`Engine.apply`, message in and outcome out."""

    networked = False

    def __init__(self, script: Script, name: str = WHOLE) -> None:
        self.name = name
        self._engine = new_engine()
        for command, at_us in script.warm_up:
            self._engine.apply(command, at_us)

    def restore(self, start: Situation) -> None:
        """It has come here by itself, through the warm-up and the rounds before."""
        assert self._engine.seq == start.seq

    def calls(self, steps: Sequence[Step]) -> list[Call]:
        """As `Contestant.calls`."""
        return [(self._engine.apply, (step.command, step.at_us)) for step in steps]

    def answer(self, step: Step, given: object) -> int:
        """As `Contestant.answer`."""
        assert isinstance(given, Outcome)
        return decision_of(step.kind, given)


class DecidingOnly:
    """The classes, pools, lanes and searches, and nothing around them."""

    name = "engine, deciding only"
    networked = False

    def __init__(self, centre: Centre) -> None:
        settings = settings_of(centre)
        self._matching = Matching(_MAX_CLASSES)
        by_id = {agent.id: agent for agent in map(Agent, settings.agents)}
        self._agents = [by_id[f"a{number}"] for number in range(len(centre.agents))]
        for agent in self._agents:
            self._matching.classes.add_agent(agent)
        queues = {queue.id: Queue(queue) for queue in settings.queues}
        self._queues = [queues[f"q{number}"] for number in range(len(centre.requirements))]
        for queue in self._queues:
            self._matching.classes.class_of(queue, "voice", "", ())
        self._running = False

    def restore(self, start: Situation) -> None:
        """Take up the first round's situation; after that it comes to the next by itself."""
        if self._running:
            return
        self._running = True
        matching = self._matching
        for agent in self._agents:
            agent.presence = "ready"
        for place in sorted(start.idle, key=lambda each: (each.since_us, each.seq)):
            agent = self._agents[place.agent]
            agent.idle_since, agent.idle_seq = place.since_us, place.seq
            matching.refresh(agent)
        for row in start.waiting:
            request = EnqueueInteraction("", f"i{row.interaction}", "voice", "", priority=row.priority)
            queue = self._queues[row.requirement]
            cls = matching.classes.class_of(queue, "voice", "", ())
            matching.wait(
                Interaction(
                    request.interaction_id,
                    request,
                    queue,
                    cls,
                    row.enqueued_us,
                    row.key_us,
                    row.seq,
                    row.enqueued_us,
                    row.enqueued_us,
                    row.priority,
                )
            )
        matching.seq = start.seq

    def calls(self, steps: Sequence[Step]) -> list[Call]:
        """As `Contestant.calls`."""
        return [self._call(step) for step in steps]

    def answer(self, step: Step, given: object) -> int:
        """As `Contestant.answer`."""
        del step
        if isinstance(given, Agent):
            return given.row
        return int(given.id[1:]) if isinstance(given, Interaction) else NOBODY

    def enqueue(self, request: EnqueueInteraction, queue: Queue, now_us: int) -> Agent | None:
        """The agent for a new interaction."""
        matching = self._matching
        cls = matching.classes.class_of(queue, request.channel, "", ())
        seq = matching.next_seq()
        ticket = cls.pool.best()
        if ticket is None:
            priority = request.priority
            key_us = queue.key_us(now_us, priority)
            matching.wait(
                Interaction(request.interaction_id, request, queue, cls, now_us, key_us, seq, now_us, now_us, priority)
            )
            return None
        agent = ticket.owner
        _reserve(agent)
        return agent

    def end_wrap_up(self, agent: Agent, now_us: int) -> Interaction | None:
        """The interaction for an agent who is free again."""
        matching = self._matching
        matching.now_us = now_us
        matching.restart_idle(agent)
        matching.refresh(agent)
        if not matching.waiting:
            return None
        found = matching._first_for(agent)  # noqa: SLF001 - it is this search that is timed
        if found is None:
            return None
        _reserve(agent)
        matching.leave(found.owner)
        return found.owner

    def _call(self, step: Step) -> Call:
        match step.kind:
            case "enqueue":
                return self.enqueue, (step.command, self._queues[step.requirement], step.at_us)
            case "accept" | "end":
                return _nothing, ()
            case "end-wrap-up":
                return self.end_wrap_up, (self._agents[step.agent], step.at_us)
            case "consult" | "merge" | "tick":
                raise ValueError("there is no such command without policies, and with them the whole engine is needed")


def _reserve(agent: Agent) -> None:
    """Take the agent out of every pool."""
    ticket = agent.ticket
    if ticket is not None:
        ticket.alive = False
        agent.ticket = None


def _nothing() -> None:
    """A command that decides nothing."""
