"""Live figures equal recounts: of any interval, from the bare events, by somebody who counts the slow way."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import methodcaller

import pytest

import acd.core.messages as m
from acd.core.engine import Engine
from acd.runtime import live_figures
from acd.runtime.live_figures import LiveFigures
from acd.runtime.tallies import CALENDAR_US, DENOMINATORS, FINE_US, Counts, Tally
from acd.runtime.view import View
from tests.core.side_by_side import Pair, run, seeded
from tests.runtime.wait_centres import one_queue, queue, several_at_once, shared_agents
from tests.runtime.wait_traffic import SECOND, Centre, Stream

Told = list[tuple[int, m.Event]]
Recount = dict[tuple[str, str], Counts]

IN_TIME_US = 20 * SECOND
SHORT_US = 5 * SECOND


def recount(told: Told, begin_us: int, end_us: int) -> Recount:
    """From the first event on; what happened within [begin, end) is counted, time is cut at its edges."""
    found: Recount = defaultdict(Counts)
    where: dict[str, tuple[str, str]] = {}
    answered: set[str] = set()
    wrapping: dict[tuple[str, str], int] = {}

    def count(at_us: int, interaction_id: str, name: str, amount: int = 1) -> None:
        if begin_us <= at_us < end_us:
            queue_id, channel = where[interaction_id]
            found["queue", queue_id].add(name, amount)
            found["channel", channel].add(name, amount)

    def count_agent(at_us: int, agent_id: str, name: str, amount: int = 1) -> None:
        if begin_us <= at_us < end_us:
            found["agent", agent_id].add(name, amount)

    for at_us, event in told:
        match event:
            case m.InteractionQueued():
                where[event.interaction_id] = (event.queue, event.channel)
                count(at_us, event.interaction_id, "entered")
            case m.InteractionMoved():
                if begin_us <= at_us < end_us:
                    found["queue", event.from_queue].add("moved_out", 1)
                    found["queue", event.to_queue].add("entered", 1)
                where[event.interaction_id] = (event.to_queue, where[event.interaction_id][1])
            case m.OfferMade():
                count(at_us, event.interaction_id, "offers")
                count_agent(at_us, event.agent_id, "offers")
            case m.OfferAccepted():
                count_agent(at_us, event.agent_id, "answered")
                if event.interaction_id not in answered:
                    answered.add(event.interaction_id)
                    count(at_us, event.interaction_id, "answered")
                    count(at_us, event.interaction_id, "waited_us", event.waited_us)
                    count(at_us, event.interaction_id, "longest_us", event.waited_us)
                    count(at_us, event.interaction_id, "answered_in_time", int(event.waited_us <= IN_TIME_US))
            case m.OfferDeclined() | m.OfferExpired():
                name = "declined" if isinstance(event, m.OfferDeclined) else "expired"
                count(at_us, event.interaction_id, name)
                count_agent(at_us, event.agent_id, name)
            case m.InteractionCompleted():
                count(at_us, event.interaction_id, "completed")
                count(at_us, event.interaction_id, "talked_us", event.talked_us)
                count_agent(at_us, event.agent_id, "talked_us", event.talked_us)
            case m.InteractionTransferred() | m.AgentLeft():
                count(at_us, event.interaction_id, "talked_us", event.talked_us)
                count_agent(at_us, event.agent_id, "talked_us", event.talked_us)
            case m.ConsultMerged():
                count(at_us, event.consult_id, "handled")
                count(at_us, event.interaction_id, "talked_us", event.talked_us)
                count_agent(at_us, event.by_agent, "talked_us", event.talked_us)
            case m.InteractionAbandoned():
                count(at_us, event.interaction_id, "abandoned")
                count(at_us, event.interaction_id, "abandoned_after_us", event.waited_us)
                count(at_us, event.interaction_id, "longest_us", event.waited_us)
                count(at_us, event.interaction_id, "abandoned_short", int(event.waited_us < SHORT_US))
            case m.InteractionCancelled():
                count(at_us, event.interaction_id, "cancelled")
            case m.InteractionOverflowed():
                count(at_us, event.interaction_id, "overflowed")
            case m.WrapUpStarted():
                wrapping[event.agent_id, event.interaction_id] = at_us
            case m.WorkEnded():
                wrapped_us = at_us - wrapping.pop((event.agent_id, event.interaction_id), at_us)
                for name, amount in (("handled", 1), ("wrapped_us", wrapped_us)):
                    count(at_us, event.interaction_id, name, amount)
                    count_agent(at_us, event.agent_id, name, amount)
            case _:
                pass
    return found


def spent(spans: Iterable[tuple[int, int, str, str]], begin_us: int, end_us: int) -> dict[tuple[str, str], int]:
    """(agent, name) → µs within [begin, end)."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for since_us, until_us, agent_id, name in spans:
        part_us = min(until_us, end_us) - max(since_us, begin_us)
        if name and part_us > 0:
            found[agent_id, name] += part_us
    return found


class Watching:
    """Folds figures behind a view, and keeps what is needed to count again."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.figures = LiveFigures(view)
        self.told: Told = []
        self.spans: list[tuple[int, int, str, str]] = []
        self._now: dict[str, tuple[str, int]] = {}

    def __call__(self, outcome: m.Outcome) -> None:
        self.figures.fold(outcome)
        self.told += [(self.view.at_us, event) for event in outcome.events]
        for agent_id, agent in self.view.agents.items():
            if any(item.state in ("active", "held", "wrap-up") for item in agent.work.values()):
                name = "busy_us"
            else:
                name = {"signed-out": "", "ready": "idle_us"}.get(agent.presence, "away_us")
            before, since_us = self._now.get(agent_id, ("", 0))
            if before != name:
                self.spans.append((since_us, self.view.at_us, agent_id, before))
                self._now[agent_id] = (name, self.view.at_us)

    def end(self, now_us: int) -> None:
        self.figures.settle(now_us)
        for agent_id, (name, since_us) in self._now.items():
            self.spans.append((since_us, now_us, agent_id, name))

    def compare(self, begin_us: int, end_us: int, read: Callable[[Tally], Counts]) -> None:
        again, times = recount(self.told, begin_us, end_us), spent(self.spans, begin_us, end_us)
        for kind, tallies in (
            ("queue", self.figures.queues),
            ("agent", self.figures.agents),
            ("channel", self.figures.channels),
        ):
            assert {name for scope, name in again if scope == kind} <= tallies.keys()
            for name, tally in tallies.items():
                expected = again[kind, name]
                if kind == "agent":
                    for spending in ("idle_us", "busy_us", "away_us"):
                        expected.add(spending, times[name, spending])
                assert read(tally) == expected, (kind, name, begin_us, end_us)


@pytest.mark.parametrize("make", [one_queue, shared_agents, several_at_once])
def test_every_interval_equals_its_recount(make: Callable[[int], Centre]) -> None:
    centre = make(11)
    watching = Watching(centre.view)
    centre.run(5.2, watching)
    now_us = centre.view.at_us
    watching.end(now_us)
    watching.compare(0, now_us + 1, lambda tally: tally.total)
    for length_us in (60 * SECOND, 900 * SECOND, 3_600 * SECOND):
        begin_us = (now_us - length_us) // FINE_US * FINE_US
        watching.compare(begin_us, now_us + 1, methodcaller("sliding", now_us, length_us))
    for first, last in ((0, 4), (3, 4), (7, 20), (20, 21)):
        begin_us, end_us = first * CALENDAR_US, last * CALENDAR_US
        watching.compare(begin_us, end_us, methodcaller("between", begin_us, end_us))


@pytest.mark.parametrize("seed", range(8))
def test_traffic_of_every_kind_equals_its_recount(seed: int) -> None:
    """Moves, overflows, broadcasts, wrap-ups, agents who go: whatever the engine can do."""
    traffic = seeded(seed, disorder=0.03)
    plain, view = Engine(), View()
    watching = Watching(view)
    seen: set[str] = set()
    for command, at_us in run(traffic, Pair(Engine(), traffic.trees), 900):
        outcome = plain.apply(command, at_us)
        if command.id not in seen:
            seen.add(command.id)
            view.fold(at_us, outcome)
            watching(outcome)
    watching.end(view.at_us)
    again = recount(watching.told, 0, view.at_us + 1)
    for kind, tallies in (("queue", watching.figures.queues), ("channel", watching.figures.channels)):
        for name, tally in tallies.items():
            assert tally.total == again[kind, name], (kind, name)


def test_ratios_name_their_denominators() -> None:
    counts = Counts(entered=20, answered=8, answered_in_time=6, abandoned=4, abandoned_short=1, handled=4)
    assert counts.service_level() == 6 / 12
    assert {name: counts.service_level(name) for name in DENOMINATORS} == {
        "answered+abandoned": 6 / 12,
        "answered+abandoned-short": 6 / 11,
        "answered": 6 / 8,
        "entered": 6 / 20,
    }
    assert (counts.abandonment(), counts.abandonment(short=False)) == (4 / 12, 3 / 11)
    counts.add("waited_us", 80)
    counts.add("talked_us", 30)
    counts.add("wrapped_us", 10)
    counts.add("busy_us", 3)
    counts.add("idle_us", 1)
    assert (counts.speed_of_answer_us(), counts.handling_us(), counts.occupancy()) == (10.0, 10.0, 0.75)
    nothing = Counts()
    assert nothing.service_level() is None
    assert nothing.speed_of_answer_us() is None
    assert nothing.occupancy() is None


def test_who_is_gone_is_kept_for_long_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_figures, "MAX_GONE", 2)
    view = View()
    figures = LiveFigures(view)
    engine = Engine()
    for number, name in enumerate(("a", "b", "a", "c", "d", "e")):
        agent = m.AgentSettings(name, capacity=m.Capacity(100, (m.ChannelShare("*", 10, 1),)))
        queue_settings = m.QueueSettings(f"q{name}")
        settings = m.CoreSettings((agent,), (queue_settings,))
        commands: tuple[m.Command, ...] = (
            m.ApplyConfig(f"{number}-config", settings),
            m.EnqueueInteraction(f"{number}-in", f"{number}-i", "voice", f"q{name}"),
            m.SignInAgent(f"{number}-sign", name, ready=True),
            m.AcceptOffer(f"{number}-yes", f"{number}-i.1", name),
            m.EndInteraction(f"{number}-end", f"{number}-i", "agent"),
            m.SignOutAgent(f"{number}-out", name),
            m.ApplyConfig(f"{number}-none", m.CoreSettings((), ())),
        )
        for step, command in enumerate(commands):
            at_us = (number * 10 + step) * SECOND
            outcome = engine.apply(command, at_us)
            assert outcome.refusal is None, outcome.refusal
            view.fold(at_us, outcome)
            figures.fold(outcome)
    assert set(figures.agents) == {"d", "e"}
    assert set(figures.queues) == {"qd", "qe"}


def test_figures_that_begin_later_count_from_then() -> None:
    centre = Centre([m.AgentSettings("a")], [queue("q")], [Stream("q", 0.01)], 3)
    watching = Watching(centre.view)
    centre.run(0.5, watching)
    later = LiveFigures(View.from_state(centre.engine.state(), centre.view.at_us))
    assert later.queues == {}
    later.settle(centre.view.at_us + SECOND)
    (tally,) = later.agents.values()
    assert tally.total.idle_us + tally.total.busy_us == SECOND
