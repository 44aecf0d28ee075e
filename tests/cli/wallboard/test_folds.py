"""The wallboard's rows under the core's own random traffic: what events lead to is what the lists say."""

import json
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import pytest

from acd.api.queue_shapes import queue_shape
from acd.api.shapes import agent_shape, interaction_shape
from acd.cli.wallboard.floor import IN_LINE, LIVE, Floor
from acd.cli.wallboard.folds import take
from acd.client import StreamEvent
from acd.client.answers import Agent, Figures, Interaction, Queue
from acd.core.engine import Engine
from acd.core.messages import AcceptOffer, ApplyConfig, Command, EndInteraction, EnqueueInteraction, SignInAgent
from acd.runtime.clock import moment
from acd.runtime.estimate import WaitEstimator
from acd.runtime.events import Cursor
from acd.runtime.events.cloud import Envelopes
from acd.runtime.events.told import tell
from acd.runtime.live_figures import LiveFigures
from acd.runtime.tallies import CALENDAR_US, Counts, Tally
from acd.runtime.view import View
from tests.api.harness import SETTINGS, START_US
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded

LENGTH = 1_500

_T = TypeVar("_T")


class Served:
    """An engine, what its API shows, and what its stream tells."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.view = View()
        self.waits = WaitEstimator(self.view)
        self.figures = LiveFigures(self.view)
        self.envelopes = Envelopes("default")
        self.seq = 0

    def apply(self, command: Command, now_us: int) -> list[StreamEvent]:
        if self.engine.recorded(command.id) is not None:
            return []
        outcome = self.engine.apply(command, now_us)
        self.view.fold(now_us, outcome)
        self.waits.fold(outcome)
        self.figures.fold(outcome)
        self.seq += 1
        told = tell(self.view, self.seq, now_us, outcome.events)
        return [event_of(json.loads(self.envelopes.encoded(each, "json"))) for each in told]

    def read(self, now_us: int) -> Floor:
        """As `Watch.read` does, of answers that are all of one moment."""
        floor, view, cursor = Floor(), self.view, Cursor(self.seq)
        for queue in view.queues.values():
            floor.put_queue(as_answered(queue_shape(view, self.waits, queue, now_us), Queue), cursor)
        for agent in view.agents.values():
            floor.put_agent(as_answered(agent_shape(view, agent), Agent), cursor)
        for interaction in view.interactions.values():
            floor.put_interaction(as_answered(interaction_shape(interaction, now_us), Interaction), cursor)
        for queue_id in view.queues:
            counts = msgspec.to_builtins(self._interval(queue_id, now_us))
            said = Figures("queue", queue_id, datetime.fromisoformat(moment(now_us)), counts, {})
            floor.put_figures(said, now_us, cursor)
        floor.as_of = cursor
        return floor

    def follow(self, floor: Floor, event: StreamEvent, now_us: int) -> Floor:
        """As `Watch` does: what has to be read anew is."""
        if not take(floor, event):
            return self.read(now_us)
        while floor.changed_agents:
            agent_id, _ = floor.changed_agents.popitem()
            agent = self.view.agents.get(agent_id)
            if agent is None:
                floor.agents.pop(agent_id, None)
            else:
                floor.put_agent(as_answered(agent_shape(self.view, agent), Agent), Cursor(self.seq))
        return floor

    def counts(self, now_us: int) -> dict[str, tuple[int, ...]]:
        """Of the calendar interval, as the API's figures say."""
        found = {each: self._interval(each, now_us) for each in self.view.queues}
        return {
            name: (counts.entered, counts.answered, counts.answered_in_time, counts.abandoned)
            for name, counts in found.items()
        }

    def _interval(self, queue_id: str, now_us: int) -> Counts:
        begin_us = now_us // CALENDAR_US * CALENDAR_US
        return self.figures.queues.get(queue_id, Tally()).between(begin_us, begin_us + CALENDAR_US)


def as_answered(shape: object, kind: type[_T]) -> _T:
    return msgspec.convert(json.loads(msgspec.json.encode(shape)), kind)


def event_of(envelope: dict[str, Any]) -> StreamEvent:
    return StreamEvent(
        envelope["type"].removeprefix("acd."),
        envelope["cursor"],
        envelope["subject"],
        datetime.fromisoformat(envelope["time"]),
        envelope["data"],
        envelope.get("queue", ""),
    )


def facts(floor: Floor) -> object:
    agents = {
        agent.id: (
            (agent.presence, agent.reason, agent.next_presence, agent.load()),
            {item.interaction_id: (item.offer_id, item.state, item.channel) for item in agent.work.values()},
        )
        for agent in floor.agents.values()
    }
    queues = {
        queue.id: (queue.closed, queue.active, {row.id: row.state for row in queue.line.values()})
        for queue in floor.queues.values()
    }
    interactions = {row.id: (row.queue, row.state, row.enqueued_us) for row in floor.interactions.values()}
    return agents, queues, interactions


@pytest.mark.parametrize("seed", range(6))
def test_following_leads_to_what_the_lists_say(seed: int) -> None:
    served = Served()
    traffic = seeded(seed, disorder=0.02)
    model = Model(traffic.trees)
    floor = served.read(0)
    renewed = followed = 0
    for number in range(LENGTH):
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        for event in served.apply(command, now_us):
            before, floor = floor, served.follow(floor, event, now_us)
            renewed += floor is not before
            followed += 1
        if number % 50 == 49:
            assert facts(floor) == facts(served.read(now_us))
    assert followed > LENGTH / 4
    assert renewed


@pytest.mark.parametrize("seed", range(4))
def test_what_a_page_knows_already_is_not_taken_in_twice(seed: int) -> None:
    """Pages are read one after the other while events go on: each row is of another moment."""
    served = Served()
    traffic = seeded(seed + 100, disorder=0.02)
    model = Model(traffic.trees)
    now_us = 0
    events: list[StreamEvent] = []

    def go_on(commands: int) -> None:
        nonlocal now_us
        for _ in range(commands):
            command, now_us = traffic.next(model)
            model.apply(command, now_us)
            events.extend(served.apply(command, now_us))

    go_on(300)
    del events[:]
    pages = []
    for _ in range(4):
        pages.append(served.read(now_us))
        go_on(20)
    floor = pages[0]  # The queues are read first, then the rest of later and later moments.
    floor.agents, floor.interactions = pages[1].agents, {}
    for queue in floor.queues.values():
        queue.line, queue.active = {}, 0
        if queue.id in pages[3].queues:
            queue.interval = pages[3].queues[queue.id].interval
    for row in pages[2].interactions.values():
        floor.add(row)
    for event in events:
        floor = served.follow(floor, event, now_us)
    assert facts(floor) == facts(served.read(now_us))
    counted = {queue.id: queue.interval.at(now_us) for queue in floor.queues.values()}
    assert {name: (each.entered, each.abandoned) for name, each in counted.items()} == {
        name: (counts[0], counts[3]) for name, counts in served.counts(now_us).items() if name in counted
    }


def test_counts_of_the_interval_are_those_of_the_figures_and_begin_anew_with_the_next() -> None:
    served = Served()
    now_us = START_US // CALENDAR_US * CALENDAR_US
    served.apply(ApplyConfig("config", SETTINGS), now_us)
    floor = served.read(now_us)
    commands: list[Command] = [SignInAgent("in", "anna", ready=True)]
    commands += [EnqueueInteraction(f"e{number}", f"c{number}", "voice", "sales") for number in range(3)]
    commands += [AcceptOffer("a", "c0.1", "anna"), EndInteraction("x", "c1", "customer")]
    for second, command in enumerate(commands):
        for event in served.apply(command, now_us + second * 1_000_000):
            assert take(floor, event)
    interval = floor.queues["sales"].interval
    counts = (interval.entered, interval.answered, interval.in_time, interval.abandoned)
    assert counts == served.counts(now_us)["sales"] == (3, 1, 1, 1)
    later = interval.at(now_us + CALENDAR_US)
    assert (later.number, later.entered) == (interval.number + 1, 0)


def test_only_what_lives_is_followed() -> None:
    assert IN_LINE < LIVE
    floor = Floor()
    ended = Interaction("i", "completed", "q", "voice", 0, None, None, None, None, None, "live", None)
    floor.put_interaction(ended, Cursor(1))
    assert floor.interactions == {}
