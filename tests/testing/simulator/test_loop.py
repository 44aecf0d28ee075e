"""Simulated time: it passes when nobody has anything to do, and only then."""

import asyncio
from collections.abc import Iterator

import pytest

from acd.testing.simulator import loop as loops
from acd.testing.simulator.loop import SimulatedLoop, SimulationStuck


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    simulated = SimulatedLoop()
    yield simulated
    simulated.close()


async def passed(loop: SimulatedLoop, us: int) -> None:
    done = loop.create_future()
    loop.after(us, done.set_result, None)
    await done


def test_time_jumps_to_the_next_timer(loop: SimulatedLoop) -> None:
    seen: list[tuple[str, int]] = []

    async def watch(name: str, us: int) -> None:
        await passed(loop, us)
        seen.append((name, loop.now_us))

    async def everyone() -> None:
        await asyncio.gather(watch("late", 86_400_000_000), watch("early", 1), watch("soon", 1_500_000))

    loop.run_until_complete(everyone())
    assert seen == [("early", 1), ("soon", 1_500_000), ("late", 86_400_000_000)]


def test_timeouts_are_in_simulated_time(loop: SimulatedLoop) -> None:
    async def hang() -> None:
        async with asyncio.timeout(3_600):
            await loop.create_future()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(hang())
    assert loop.now_us == 3_600_000_000


def test_what_goes_to_a_thread_runs_on_the_loop(loop: SimulatedLoop) -> None:
    def divide(one: int, other: int) -> float:
        return one / other

    async def call() -> float:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divide, 1, 0)
        return await asyncio.to_thread(divide, 1, 2)

    assert loop.run_until_complete(call()) == 0.5
    assert loop.now_us == 2 * loops.CALL_US


def test_waiting_for_ever_is_reported(loop: SimulatedLoop) -> None:
    async def hang() -> None:
        await loop.create_future()

    with pytest.raises(SimulationStuck, match="everybody waits"):
        loop.run_until_complete(hang())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))


def test_running_in_circles_is_reported(loop: SimulatedLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "MAX_TURNS", 50)

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(SimulationStuck, match="50 turns"):
        loop.run_until_complete(spin())
    monkeypatch.undo()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))


def test_a_timer_can_be_cancelled(loop: SimulatedLoop) -> None:
    called: list[int] = []
    loop.after(10, called.append, 1).cancel()
    loop.at(20, called.append, 2)
    loop.run_until_complete(passed(loop, 30))
    assert called == [2]
