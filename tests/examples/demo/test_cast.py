"""The cast: a configuration without a warning, calls that can be answered, the same ones every time."""

from pathlib import Path

from acd.runtime.config import check_text
from examples.demo.cast import AGENTS, PICKY, QUEUES, VIP_PRIORITY, PlannedCall, configuration, plan_calls, qualified


def test_the_configuration_has_no_problem_at_all(tmp_path: Path) -> None:
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text("x" * 43 + "\n", encoding="utf-8")
    text = configuration('[channels.lab]\ntype = "simulated"\n', token_file="token")
    report = check_text(text, base=tmp_path)
    assert report.config is not None
    assert not report.errors
    assert not report.warnings
    assert {agent.settings.id for agent in report.config.agents} == {person.id for person in AGENTS}
    assert {queue.settings.id for queue in report.config.queues} == {line.id for line in QUEUES}


def test_every_call_can_be_answered_by_several_but_never_by_all() -> None:
    calls = plan_calls(300)
    able = [sum(qualified(person, call) for person in AGENTS) for call in calls]
    assert min(able) >= 2
    assert max(able) < len(AGENTS) / 2


def test_the_plan_is_the_same_every_time_and_has_something_of_everything() -> None:
    calls = plan_calls(300)
    assert calls == plan_calls(300)
    assert calls != plan_calls(300, seed=8)
    assert len({call.number for call in calls}) == 300
    assert {call.queue for call in calls} == {line.id for line in QUEUES}
    assert {call.priority for call in calls} == {0, VIP_PRIORITY}
    assert {call.requirement for call in calls} == {"", PICKY}


def test_numbers_of_a_later_batch_are_new() -> None:
    first, second = plan_calls(10), plan_calls(10, first=11)
    assert not {call.number for call in first} & {call.number for call in second}


def test_qualified_means_the_queue_s_requirement_and_the_caller_s_own() -> None:
    people = {person.id: person for person in AGENTS}
    plain = PlannedCall("+1", "english-billing", 0, "", 30)
    picky = PlannedCall("+2", "english-billing", 0, PICKY, 30)
    assert qualified(people["lam"], plain)
    assert not qualified(people["lam"], picky)
    assert qualified(people["anna"], picky)
    assert not qualified(people["chen"], plain)
