"""When an alarm is raised and when it is cleared: once each, with a gap between the two, by events and by time."""

import pytest

from acd.core.messages import AlarmKind
from acd.runtime.board.alarms import NEVER, Found, Judge, Note
from acd.runtime.board.series import FINE_US, Spell
from acd.runtime.config.model import AlarmLimits

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND

LIMITS = AlarmLimits(
    longest_wait_us=60 * SECOND,
    longest_wait_clear_us=30 * SECOND,
    waiting=10,
    waiting_clear=6,
    service_level=80,
    service_level_clear=90,
    no_agent_ready_us=20 * SECOND,
    settle_us=5 * SECOND,
)
CALM = Found(None, 0, Spell(), 1, is_open=True)


class Queue:
    """One queue's alarms, as the engine would have them: what is noted is raised or cleared at once."""

    def __init__(self, limits: AlarmLimits = LIMITS) -> None:
        self.limits = limits
        self.judge = Judge()
        self.raised: dict[str, object] = {}
        self.next_us = NEVER

    def look(self, after: float, found: Found) -> list[Note]:
        notes, self.next_us = self.judge.judge(self.limits, found, self.raised, NOW + round(after * SECOND))
        for note in notes:
            assert note.raised == (note.kind not in self.raised), "said twice"
            if note.raised:
                self.raised[note.kind] = note
            else:
                del self.raised[note.kind]
        return notes

    def at(self, after: float, found: Found) -> list[tuple[str, bool]]:
        return [(note.kind, note.raised) for note in self.look(after, found)]


def waiting(count: int) -> Found:
    return CALM._replace(waiting=count)


def oldest(since: float) -> Found:
    return CALM._replace(oldest_us=NOW + round(since * SECOND))


def level(in_time: int, answered: int, abandoned: int = 0) -> Found:
    return CALM._replace(spell=Spell(answered + abandoned, answered, in_time, abandoned))


def test_a_line_is_too_long_until_it_is_well_for_a_while() -> None:
    queue = Queue()
    assert queue.at(0, waiting(9)) == []
    (note,) = queue.look(1, waiting(10))
    assert note == Note("waiting", raised=True, value=10, threshold=10)
    assert queue.at(2, waiting(50)) == []
    assert queue.at(3, waiting(7)) == [], "between the two nothing changes"
    assert queue.at(4, waiting(6)) == []
    assert queue.next_us == NOW + 9 * SECOND
    assert queue.at(8.9, waiting(3)) == []
    assert queue.at(9, waiting(3)) == [("waiting", False)]
    assert queue.at(10, waiting(9)) == []


def test_a_figure_that_flutters_raises_one_alarm() -> None:
    queue = Queue()
    said = [note for second in range(1, 40) for note in queue.at(second, waiting(10 if second % 2 else 5))]
    assert said == [("waiting", True)]


def test_the_longest_wait_is_bad_by_time_alone() -> None:
    queue = Queue()
    assert queue.at(1, oldest(0)) == []
    assert queue.next_us == NOW + 30 * SECOND + 1, "from here on it would not be well any more"
    assert queue.at(30.000001, oldest(0)) == []
    assert queue.next_us == NOW + 60 * SECOND
    (note,) = queue.look(60, oldest(0))
    assert note == Note("longest-wait", raised=True, value=60, threshold=60)
    assert queue.next_us == NEVER, "nothing happens by itself until somebody is answered"
    # Another is the oldest now, and has waited for 28 s: well, but not for long enough.
    assert queue.at(70, oldest(42)) == []
    assert queue.next_us == NOW + 72 * SECOND + 1
    assert queue.at(72.000001, oldest(42)) == []
    assert queue.at(74, CALM) == []
    assert queue.at(78.9, CALM) == []
    assert queue.at(79, CALM) == [("longest-wait", False)]


def test_the_service_level_is_looked_at_when_the_window_slides() -> None:
    queue = Queue()
    assert queue.at(0, level(5, 9)) == [], "too few to say"
    (note,) = queue.look(1, level(7, 9, 1))
    assert note == Note("service-level", raised=True, value=70, threshold=80)
    assert 0 < queue.next_us - NOW - SECOND <= FINE_US
    assert queue.next_us % FINE_US == 0
    assert queue.at(2, level(8, 10)) == [], "at the threshold it is not bad, and not yet well"
    assert queue.at(3, level(18, 20)) == []
    assert queue.at(8, level(18, 20)) == [("service-level", False)]


def test_a_level_of_nobody_is_well_and_one_that_is_not_known_is_neither() -> None:
    queue = Queue()
    queue.at(0, level(0, 10))
    assert queue.at(1, CALM._replace(spell=None)) == []
    assert queue.at(100, CALM._replace(spell=None)) == [], "after a restart, until the journal has been read back"
    assert queue.at(101, CALM) == []
    assert queue.at(106, CALM) == [("service-level", False)]


def test_nobody_is_ready_for_so_long() -> None:
    queue = Queue()
    nobody = CALM._replace(on_duty=0)
    assert queue.at(0, nobody) == []
    assert queue.next_us == NOW + 20 * SECOND
    assert queue.at(10, CALM) == []
    assert queue.at(11, nobody) == []
    assert queue.at(20, nobody) == []
    (note,) = queue.look(31, nobody)
    assert note == Note("no-agent-ready", raised=True, value=20, threshold=20)
    assert queue.at(40, CALM) == []
    assert queue.at(45, CALM) == [("no-agent-ready", False)]


def test_a_closed_queue_needs_nobody() -> None:
    queue = Queue()
    nobody = CALM._replace(on_duty=0, is_open=False)
    assert queue.at(0, nobody) == []
    assert queue.next_us == NEVER
    assert queue.at(100, nobody._replace(is_open=True)) == []
    assert queue.at(120, nobody._replace(is_open=True)) == [("no-agent-ready", True)]
    assert queue.at(121, nobody) == []
    assert queue.at(126, nobody) == [("no-agent-ready", False)]


@pytest.mark.parametrize("kind", ["longest-wait", "waiting", "service-level", "no-agent-ready"])
def test_what_nobody_wants_to_know_any_more_is_cleared_at_once(kind: AlarmKind) -> None:
    queue = Queue(AlarmLimits())
    queue.raised[kind] = object()
    assert queue.at(0, CALM) == [(kind, False)]
    assert queue.next_us == NEVER
    assert queue.at(1, waiting(10_000)) == []
