"""The day of a queue: counted as somebody would who looks at every moment, under any traffic, within its bounds."""

from pathlib import Path

import pytest

import acd.core.messages as m
from acd.core.engine import Engine
from acd.runtime.board import counting as counting_module
from acd.runtime.board.counting import Counting
from acd.runtime.board.keeping import Kept, load, path_of, save
from acd.runtime.board.series import FINE_KEPT, FINE_US, STEP_US, STEPS_KEPT, Series, Spell
from acd.runtime.board.staffing import STATES, Staffing, state_of
from acd.runtime.view import View
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded

LENGTH = 1_200
SECOND = 1_000_000


@pytest.mark.parametrize("seed", range(6))
def test_who_waits_is_what_the_view_says_and_staff_is_what_a_recount_says(seed: int) -> None:
    engine, view = Engine(), View()
    counting, staffing = Counting(dict), Staffing(view)
    traffic = seeded(seed, disorder=0.02)
    model = Model(traffic.trees)
    most = 0
    for number in range(LENGTH):
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        if engine.recorded(command.id) is not None:
            continue
        outcome = engine.apply(command, now_us)
        view.fold(now_us, outcome)
        for event in outcome.events:
            counting.take(now_us, event)
            _follow(staffing, event)
        waiting = {queue: row.waiting for queue, row in view.queues.items() if row.waiting}
        assert {queue: each.waiting for queue, each in counting.series.items() if each.waiting} == waiting, number
        most = max(most, *waiting.values(), 0)
        if number % 50 == 0:
            assert staffing.queues == Staffing(view).queues, number
    assert most > 3
    assert counting.live.keys() == {row.id for row in view.interactions.values() if not row.ended_at_us}
    figures = {queue: row.figures for queue, row in view.queues.items()}
    for queue, series in counting.series.items():
        counted = sum_of(series)
        assert (counted.answered, counted.abandoned) == (figures[queue].answered, figures[queue].abandoned)


def sum_of(series: Series) -> Spell:
    """All that is in the day; the traffic is shorter than that."""
    rows = [row for _, row in series.points(0, 1 << 62)] if not series.waiting else list(series.day.rows.values())
    return Spell(*(sum(column) for column in zip(*rows, strict=True))) if rows else Spell()


def queued(interaction_id: str, queue: str) -> m.InteractionQueued:
    return m.InteractionQueued(interaction_id, "voice", queue, "", 0, (), "", "")


def _follow(staffing: Staffing, event: m.Event) -> None:
    """As the board does, with what an event itself names."""
    if isinstance(event, m.ConfigApplied):
        staffing.recount()
    elif isinstance(event, m.AgentsConfigured):
        staffing.look((*(agent.id for agent in event.agents), *event.removed))
    if isinstance(event, m.QueueRemoved):
        staffing.forget(event.queue)
    names = (getattr(event, name, "") for name in ("agent_id", "by_agent", "owner", "to_agent"))
    staffing.look([name for name in names if name])


def test_states_of_agents_are_told_apart() -> None:
    assert set(STATES) == {"ready", "busy", "not-ready", "signed-out"}
    view = View()
    engine = Engine()
    settings = m.CoreSettings((m.AgentSettings("anna", queues=("sales",)),), (m.QueueSettings("sales"),))
    seen = []
    commands: tuple[m.Command, ...] = (
        m.ApplyConfig("1", settings),
        m.SignInAgent("2", "anna"),
        m.SetPresence("3", "anna", "ready"),
        m.EnqueueInteraction("4", "c1", "voice", "sales"),
        m.AcceptOffer("5", "c1.1", "anna"),
        m.EndInteraction("6", "c1", "customer"),
    )
    for number, command in enumerate(commands):
        view.fold(number, engine.apply(command, number))
        seen.append(state_of(view.agents["anna"]))
    assert seen == ["signed-out", "not-ready", "ready", "busy", "busy", "ready"]


def test_waiting_is_the_most_of_each_interval_also_where_nothing_happened() -> None:
    series, start = Series(), 1_000 * STEP_US
    series.wait(start + SECOND, 1)
    series.wait(start + 2 * SECOND, 1)
    series.wait(start + 3 * SECOND, -1)
    assert series.points(start, start + STEP_US) == [(start, [0, 0, 0, 0, 2]), (start + STEP_US, [0, 0, 0, 0, 1])]
    later = start + 4 * STEP_US + SECOND
    assert [row[-1] for _, row in series.points(start, later)] == [2, 1, 1, 1, 1]
    series.wait(later, -1)
    assert [row[-1] for _, row in series.points(start, later + STEP_US)] == [2, 1, 1, 1, 1]
    assert [at for at, _ in series.points(start + 2 * STEP_US, later)] == [start + step * STEP_US for step in (2, 3, 4)]


def test_the_window_slides_and_the_day_is_bounded() -> None:
    series, start = Series(), 10_000 * STEP_US
    for number in range(4 * STEPS_KEPT):
        series.count(start + number * STEP_US, "answered")
    assert len(series.day.rows) <= STEPS_KEPT
    assert len(series.fine.rows) <= FINE_KEPT
    last = start + (4 * STEPS_KEPT - 1) * STEP_US
    assert len(series.points(0, last)) == STEPS_KEPT
    assert series.window(last, 900 * SECOND).answered == 4
    assert series.window(last + 600 * SECOND, 900 * SECOND).answered == 2
    assert series.window(last + 3_600 * SECOND, 900 * SECOND) == Spell()
    series.count(start, "answered")
    assert len(series.points(0, last)) == STEPS_KEPT, "what is older than a day is counted no more"
    assert FINE_US * (FINE_KEPT - 1) == 3_600 * SECOND


def test_a_long_silence_with_somebody_in_line_is_told_within_its_bounds() -> None:
    series, start = Series(), 10_000 * STEP_US
    series.wait(start, 1)
    series.wait(start + 10 * STEPS_KEPT * STEP_US, -1)
    assert len(series.day.rows) == STEPS_KEPT
    assert {row[-1] for row in series.day.rows.values()} == {1}


def test_what_is_answered_in_time_goes_by_the_queue() -> None:
    limits = {"fast": 1 * SECOND}
    counting = Counting(lambda: limits)
    for queue in ("fast", "usual"):
        counting.take(0, queued(f"c-{queue}", queue))
        counting.take(5 * SECOND, m.OfferAccepted(f"c-{queue}.1", f"c-{queue}", "anna", 5 * SECOND, SECOND))
    levels = {queue: each.window(5 * SECOND, 900 * SECOND).level for queue, each in counting.series.items()}
    assert levels == {"fast": 0.0, "usual": 1.0}


def test_the_file_holds_all_of_it_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    counting = Counting(dict)
    counting.take(STEP_US, queued("c1", "sales"))
    path = path_of(tmp_path / "acd.db")
    assert load(path) is None
    kept = Kept("default", "5d41402a", 17, 0, STEP_US, counting.series, counting.live)
    save(path, kept)
    assert load(path) == kept
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="truncated"):
        load(path)


def test_queues_beyond_the_bound_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting_module, "MAX_QUEUES", 2)
    counting = Counting(dict)
    for number in range(5):
        counting.take(number, queued(f"c{number}", f"q{number}"))
        counting.take(number, m.InteractionCancelled(f"c{number}", 0, ""))
    assert sorted(counting.series) == ["q0", "q1"]
    assert counting.live == {}
