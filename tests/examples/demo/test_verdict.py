"""The demo's checks: each passes when all is well, and fails when its own thing is wrong."""

import pytest

from examples.demo.cast import PlannedCall
from examples.demo.stage import Caller, Seen, Talk
from examples.demo.verdict import Check, Outage, checks, figures

SECOND = 1_000_000
PLAN = {
    "+1": PlannedCall("+1", "english-billing", 0, "", 30),
    "+2": PlannedCall("+2", "cantonese", 0, "", 30),
    "+3": PlannedCall("+3", "cantonese", 0, "", 30),
}
FIRST = Talk("+1", "anna", 2 * SECOND, 9 * SECOND)
SECOND_TALK = Talk("+2", "tang", 14 * SECOND, 20 * SECOND)
GOOD = Seen(
    callers=(
        Caller("+1", 1 * SECOND, 9 * SECOND),
        Caller("+2", 2 * SECOND, 20 * SECOND),
        Caller("+3", 3 * SECOND, 12 * SECOND),
    ),
    talks=(FIRST, SECOND_TALK),
)
OUTAGE = Outage(3 * SECOND, 5 * SECOND, (FIRST,))


def verdicts(seen: Seen, outage: Outage | None = OUTAGE, journal: str = "") -> dict[str, Check]:
    return {check.claim: check for check in checks(seen, PLAN, outage, journal)}


def failed(seen: Seen, journal: str = "") -> list[str]:
    return [claim for claim, check in verdicts(seen, journal=journal).items() if not check.held]


def test_all_is_well() -> None:
    assert failed(GOOD) == []


def test_figures_are_counted_from_the_telephones() -> None:
    counted = figures(GOOD)
    assert (counted.offered, counted.answered, counted.gave_up, counted.refused, counted.open) == (3, 2, 1, 0, 0)
    assert counted.wait_p50 == 6.5
    assert counted.wait_max == 12.0
    assert counted.service_level == pytest.approx(1 / 3)


def test_nobody_called_yet() -> None:
    assert figures(Seen()).service_level == 1.0
    assert figures(Seen()).wait_max == 0.0


def test_an_answer_by_somebody_without_the_skill_fails() -> None:
    wrong = Seen(GOOD.callers, (FIRST, Talk("+2", "anna", 14 * SECOND, 20 * SECOND)))
    assert failed(wrong) == ["every call was answered by someone qualified"]


def test_an_answer_to_a_number_that_nobody_called_from_fails() -> None:
    wrong = Seen(GOOD.callers, (FIRST, SECOND_TALK, Talk("+9", "anna", 14 * SECOND, 20 * SECOND)))
    assert failed(wrong) == ["every call was answered by someone qualified"]


def test_a_demo_in_which_nobody_answered_proves_nothing() -> None:
    assert "every call was answered by someone qualified" in failed_without_outage(Seen(GOOD.callers, ()))


def failed_without_outage(seen: Seen) -> list[str]:
    return [claim for claim, check in verdicts(seen, outage=None).items() if not check.held]


def test_ringing_somebody_busy_fails() -> None:
    assert failed(Seen(GOOD.callers, GOOD.talks, clashes=1)) == ["no agent was rung while busy"]


def test_a_conversation_cut_by_the_kill_fails() -> None:
    cut = Talk(FIRST.number, FIRST.agent, FIRST.answered_us, 4 * SECOND, cut=True)
    assert failed(Seen(GOOD.callers, (cut, SECOND_TALK))) == ["killing the engine cut no conversation"]


@pytest.mark.parametrize("third", [Caller("+3", 3 * SECOND, 12 * SECOND, failed=True), Caller("+3", 3 * SECOND, None)])
def test_a_caller_refused_or_left_over_fails(third: Caller) -> None:
    assert failed(Seen((*GOOD.callers[:2], third), GOOD.talks)) == ["no caller was refused or forgotten"]


def test_a_journal_that_does_not_repeat_fails() -> None:
    assert failed(GOOD, journal="row 7 was altered") == ["the journal is whole, and every decision repeats"]
