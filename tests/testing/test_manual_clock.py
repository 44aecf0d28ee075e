"""The clock that a test moves."""

from acd.testing import ManualClock


def test_timers_fire_at_their_moments_in_order() -> None:
    clock = ManualClock(wall_us=1_000, monotonic_us=50)
    fired: list[tuple[str, int, int]] = []

    def note(name: str) -> None:
        fired.append((name, clock.monotonic_us(), clock.wall_us()))

    clock.call_at(90, lambda: note("late"))
    clock.call_at(60, lambda: note("early"))
    clock.call_at(60, lambda: note("early, second"))
    cancelled = clock.call_at(70, lambda: note("never"))
    cancelled.cancel()
    assert clock.timers() == 3
    clock.advance(20)
    assert fired == [("early", 60, 1_010), ("early, second", 60, 1_010)]
    clock.advance(19)
    assert clock.timers() == 1
    clock.advance(1)
    assert fired[2:] == [("late", 90, 1_040)]
    assert (clock.monotonic_us(), clock.wall_us()) == (90, 1_040)


def test_a_timer_set_by_a_timer_fires_in_the_same_advance() -> None:
    clock = ManualClock()
    start = clock.monotonic_us()
    fired: list[int] = []

    def again() -> None:
        fired.append(clock.monotonic_us() - start)
        if len(fired) < 3:
            clock.call_at(clock.monotonic_us() + 10, again)

    clock.call_at(start + 10, again)
    clock.advance(25)
    assert fired == [10, 20]


def test_a_stall_makes_timers_late() -> None:
    clock = ManualClock()
    start = clock.monotonic_us()
    fired: list[int] = []
    clock.call_at(start + 10, lambda: fired.append(clock.monotonic_us() - start))
    clock.stall(500)
    assert fired == []
    clock.advance(0)
    assert fired == [500]


def test_the_wall_can_be_set_without_time_passing() -> None:
    clock = ManualClock(wall_us=1_000)
    before = clock.monotonic_us()
    clock.set_wall(5)
    clock.advance(3)
    assert (clock.wall_us(), clock.monotonic_us()) == (8, before + 3)
