"""Counts by interval: what the grids forget, and what they take of memory."""

import tracemalloc
from random import Random

from acd.runtime.tallies import CALENDAR_KEPT, CALENDAR_US, FINE_KEPT, FINE_US, LONGEST, NAMES, Counts, Slots, Tally

HOUR_US = 3_600_000_000


def test_slots_equal_a_recount_whatever_lies_between() -> None:
    chance = Random(3)  # noqa: S311 - a test's
    for _ in range(30):
        slots, told, index = Slots(), list[tuple[int, str, int]](), 7_000
        for _ in range(300):
            index += chance.choice((0, 0, 0, 1, 1, 2, 40, FINE_KEPT - 1, FINE_KEPT, 3 * FINE_KEPT))
            late = max(0, index - chance.choice((0, 0, 0, 1, FINE_KEPT - 1, FINE_KEPT, 500)))
            name, amount = chance.choice(NAMES), chance.randrange(1, 10**9)
            slots.add(late, name, amount)
            if late > index - FINE_KEPT:
                told.append((late, name, amount))
            first = index - chance.choice((0, 1, 17, FINE_KEPT - 1))
            expected = Counts()
            for at, name, amount in told:
                if at >= first:
                    expected.add(name, amount)
            assert slots.since(first) == expected


def test_an_hour_of_counting_takes_no_more_than_its_first_minute() -> None:
    """An agent's hour took 60 KB, and the second hour as much again."""
    tallies = [Tally() for _ in range(10)]
    tracemalloc.start()
    try:
        _count(tallies, 0, FINE_US)
        first, _ = tracemalloc.get_traced_memory()
        _count(tallies, FINE_US, CALENDAR_US)
        later, _ = tracemalloc.get_traced_memory()
        _count(tallies, CALENDAR_US, 3 * HOUR_US)
        last, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert first / len(tallies) < 12 * 1_024
    assert later - first < 10 * len(tallies) * 100
    # A calendar interval each quarter of an hour, for eight days.
    assert last - later < 12 * len(tallies) * 1_200
    assert tallies[0].sliding(3 * HOUR_US, HOUR_US).offers == HOUR_US // 1_000_000


def _count(tallies: list[Tally], begin_us: int, end_us: int) -> None:
    for at_us in range(begin_us, end_us, 1_000_000):
        for tally in tallies:
            for name in ("offers", "answered", "handled", "talked_us", "wrapped_us"):
                tally.add(at_us, name, 1 if name in {"offers", "answered", "handled"} else 700_123)
            tally.spend(at_us, at_us + 1_000_000, "busy_us")


def test_the_longest_is_kept_and_not_summed() -> None:
    tally = Tally()
    assert set(NAMES) >= LONGEST
    for waited_us in (3, 9, 5):
        tally.add(FINE_US, "longest_us", waited_us)
    tally.add(2 * FINE_US, "longest_us", 7)
    assert tally.sliding(2 * FINE_US, 2 * FINE_US).longest_us == 9
    assert tally.sliding(2 * FINE_US + 1, 1).longest_us == 7


def test_what_is_kept_is_bounded_and_the_past_stays_in_the_total() -> None:
    tally = Tally()
    for index in range(5_000):
        tally.add(index * CALENDAR_US, "entered")
    assert tally.total.entered == 5_000
    assert len(tally.calendar) <= 2 * CALENDAR_KEPT
    assert tally.sliding(5_000 * CALENDAR_US, FINE_KEPT * FINE_US).entered == 4
    tally.spend(0, 5_000 * CALENDAR_US, "idle_us")
    assert tally.total.idle_us == 5_000 * CALENDAR_US
    assert tally.sliding(5_000 * CALENDAR_US, 60_000_000).idle_us == 60_000_000
    assert set(NAMES) == set(Counts.__struct_fields__)
