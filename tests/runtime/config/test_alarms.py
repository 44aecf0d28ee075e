"""`[alarms]` and `[queues.NAME.alarms]`: what holds for which queue, and the words about what cannot be."""

import pytest

from acd.runtime.config import check_text, loads
from acd.runtime.config.model import AlarmLimits

MINUTE = 60_000_000
SECOND = 1_000_000


def limits(text: str, queue: str = "sales") -> AlarmLimits:
    config = loads(text)
    return next(each.alarms for each in config.queues if each.settings.id == queue)


def test_nobody_is_alarmed_unless_somebody_says_so() -> None:
    found = limits("[queues.sales]\n")
    assert found == AlarmLimits()
    assert not found.wanted


def test_what_holds_for_every_queue_and_what_one_says_itself() -> None:
    text = (
        '[alarms]\nlongest_wait = "2m"\nwaiting = 10\nno_agent_ready = 30\n'
        "[queues.sales.alarms]\nwaiting = 5\nservice_level = 80\n[queues.support]\n"
        "[queues.night.alarms]\nlongest_wait = 0\nno_agent_ready = 0\nwaiting = 0\n"
    )
    sales, support = limits(text), limits(text, "support")
    assert (sales.longest_wait_us, sales.longest_wait_clear_us) == (2 * MINUTE, 96 * SECOND)
    assert (sales.waiting, sales.waiting_clear) == (5, 4)
    assert (sales.service_level, sales.service_level_clear) == (80, 85)
    assert (support.waiting, support.waiting_clear, support.service_level) == (10, 8, 0)
    assert support.no_agent_ready_us == 30 * SECOND
    assert not limits(text, "night").wanted


def test_where_a_figure_is_well_again_goes_with_its_threshold() -> None:
    text = "[alarms]\nwaiting = 10\nwaiting_clear = 2\n[queues.sales]\n[queues.support.alarms]\nwaiting = 20\n"
    assert limits(text).waiting_clear == 2
    assert limits(text, "support").waiting_clear == 16, "two is for a threshold of ten"
    assert limits("[queues.sales.alarms]\nwaiting = 1\n").waiting_clear == 0


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("waiting = -1", "-1 is out of range; use 0 to 1000000"),
        ('waiting = "many"', '"many" is not a whole number; use 0 to 1000000'),
        ("service_level = 101", "101 is out of range; use 0 to 100"),
        ('longest_wait = "100ms"', '"100ms" is less than a second; use "1s" or more'),
        ('window = "2h"', '"2h" is out of range; use 1m to 1h'),
        ("waiting = 5\nwaiting_clear = 5", "5 is not below its threshold, so that it would be cleared at once"),
        ("service_level = 80\nservice_level_clear = 70", "70 is below the threshold of 80, so that it would be"),
        ("wating = 5", 'is not a key here; did you mean "waiting"?'),
    ],
)
def test_what_cannot_be_is_named_with_its_line_and_the_fix(lines: str, words: str) -> None:
    text = f"[queues.sales.alarms]\n{lines}\n"
    report = check_text(text)
    (problem,) = report.errors
    assert f"{problem.reason}; {problem.fix}".startswith(words)
    assert problem.line == 1 + len(lines.splitlines())
    general = check_text(f"[queues.sales]\n[alarms]\n{lines}\n").errors
    assert [each.line for each in general] == [2 + len(lines.splitlines())]
    assert general[0].key.startswith("alarms.")


def test_what_has_no_effect_is_noticed() -> None:
    report = check_text("[queues.sales.alarms]\nwaiting_clear = 5\n")
    assert [(each.key, each.reason) for each in report.warnings if "clear" in each.key] == [
        ("queues.sales.alarms.waiting_clear", "has no effect without waiting")
    ]
