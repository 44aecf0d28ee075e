"""Time for the runtime: anchored once, never back, and deadlines on any clock."""

import asyncio
import gc
import time
import weakref
from collections.abc import Callable
from contextvars import Context

import pytest

from acd.runtime.clock import Backoff, Deadline, SystemClock, Timeline, _NotBefore, moment, pause
from acd.testing import ManualClock
from tests.circles import circles
from tests.runtime.live import HOUR, SECOND, idle


def test_the_timeline_begins_at_the_wall_and_follows_the_monotonic_clock() -> None:
    clock = ManualClock(wall_us=1_000 * SECOND)
    timeline = Timeline(clock, 0)
    assert timeline.now_us() == 1_000 * SECOND
    clock.set_wall(0)
    clock.advance(7)
    assert timeline.now_us() == 1_000 * SECOND + 7
    clock.set_wall(HOUR * 1_000)
    assert timeline.now_us() == 1_000 * SECOND + 7


def test_a_journal_that_is_ahead_of_the_wall_is_where_time_begins() -> None:
    clock = ManualClock(wall_us=1_000 * SECOND)
    timeline = Timeline(clock, 1_000 * SECOND + HOUR)
    clock.advance(1)
    assert timeline.now_us() == 1_000 * SECOND + HOUR + 1


def test_timers_of_the_timeline_are_in_its_own_time() -> None:
    clock = ManualClock(wall_us=1_000 * SECOND)
    timeline = Timeline(clock, 5_000 * SECOND)
    fired: list[int] = []
    timeline.call_at(5_010 * SECOND, lambda: fired.append(timeline.now_us()))
    clock.advance(10 * SECOND - 1)
    assert fired == []
    clock.advance(1)
    assert fired == [5_010 * SECOND]


async def test_the_system_clock_agrees_with_the_machine() -> None:
    clock = SystemClock()
    assert abs(clock.wall_us() - time.time_ns() // 1_000) < SECOND
    before = clock.monotonic_us()
    fired: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    clock.call_at(before + 2_000, lambda: fired.set_result(clock.monotonic_us()))
    assert await fired >= before + 2_000
    clock.call_at(0, lambda: None).cancel()


async def test_a_timer_that_has_rung_is_no_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    class Seen(_NotBefore):
        __slots__ = ("__weakref__",)

    monkeypatch.setattr("acd.runtime.clock._NotBefore", Seen)
    clock, fired = SystemClock(), asyncio.Event()
    gc.disable()
    try:
        gone = weakref.ref(clock.call_at(clock.monotonic_us() + 100, fired.set))
        await fired.wait()
        await asyncio.sleep(0)
        assert gone() is None
    finally:
        gc.enable()


class Hasty(asyncio.SelectorEventLoop):
    """Its timers are early, as a loop's are by the resolution of its clock: uvloop's by a millisecond."""

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return super().call_later(delay / 2, callback, *args, context=context)


def test_nothing_is_called_before_its_moment_however_early_a_timer_is() -> None:
    async def calls() -> None:
        clock = SystemClock()
        due_us = clock.monotonic_us() + 2_000
        fired: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        clock.call_at(due_us, lambda: fired.set_result(clock.monotonic_us()))
        assert await fired >= due_us
        timer = clock.call_at(clock.monotonic_us() + 1_000, lambda: pytest.fail("it was cancelled"))
        later: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        clock.call_at(clock.monotonic_us() + 500, timer.cancel)
        clock.call_at(clock.monotonic_us() + 3_000, lambda: later.set_result(None))
        await later

    with asyncio.Runner(loop_factory=Hasty) as runner:
        runner.run(calls())


async def test_a_deadline_that_passes_raises_timeout_error() -> None:
    clock = ManualClock()

    async def slow() -> None:
        async with Deadline(clock, SECOND):
            await asyncio.Event().wait()

    task = asyncio.create_task(slow())
    await idle()
    clock.advance(SECOND - 1)
    await idle()
    assert not task.done()
    clock.advance(1)
    with pytest.raises(TimeoutError):
        await task
    assert clock.timers() == 0


async def test_a_deadline_that_is_met_leaves_nothing() -> None:
    clock = ManualClock()
    async with Deadline(clock, SECOND):
        await asyncio.sleep(0)
    assert clock.timers() == 0
    async with Deadline(clock, None):
        assert clock.timers() == 0
    with pytest.raises(ValueError, match="mine"):
        async with Deadline(clock, SECOND):
            raise ValueError("mine")


async def test_a_cancellation_from_outside_stays_one() -> None:
    clock = ManualClock()

    async def slow() -> None:
        async with Deadline(clock, SECOND):
            await asyncio.Event().wait()

    task = asyncio.create_task(slow())
    await idle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    both = asyncio.create_task(slow())
    await idle()
    both.cancel()
    clock.advance(SECOND)
    with pytest.raises(asyncio.CancelledError):
        await both


async def test_a_pause_lasts_as_long_as_the_clock_says() -> None:
    clock = ManualClock()
    task = asyncio.create_task(pause(clock, SECOND))
    await idle()
    assert not task.done()
    clock.advance(SECOND)
    await task
    abandoned = asyncio.create_task(pause(clock, SECOND))
    await idle()
    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)
    assert clock.timers() == 0


def test_pauses_grow_to_their_most_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(100, 1_000)
    assert [backoff.next_us() for _ in range(6)] == [100, 200, 400, 800, 1_000, 1_000]
    backoff.reset()
    assert backoff.next_us() == 100
    for _ in range(10_000):
        backoff.next_us()
    assert backoff.next_us() == 1_000


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_750_000_000_000_001, "2025-06-15T15:06:40.000001Z"),
        (1_750_000_000_999_999, "2025-06-15T15:06:40.999999Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_have_six_decimals_and_a_zone(at_us: int, text: str) -> None:
    assert moment(at_us) == text


async def test_a_deadline_that_is_over_is_no_circle() -> None:
    with circles() as found:
        async with Deadline(SystemClock(), SECOND):
            pass
        with pytest.raises(TimeoutError):
            async with Deadline(SystemClock(), 100):
                await asyncio.Event().wait()
        await asyncio.sleep(0)
    assert [each for each in found if isinstance(each, Deadline | _NotBefore)] == []
