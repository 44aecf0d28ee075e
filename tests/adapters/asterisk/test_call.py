"""A call's lane: order within, side by side without, bounded; and what a call knows of itself."""

import asyncio

import pytest

from acd_asterisk.call import MAX_LANE, MAX_LEGS, Call, Lane, LaneFull, Leg
from acd_asterisk.wire import Party


def lane() -> tuple[Lane, list[Exception]]:
    reported: list[Exception] = []
    return Lane(asyncio.ensure_future, reported.append), reported


async def test_steps_run_in_order_and_one_at_a_time() -> None:
    it, _ = lane()
    gate, log = asyncio.Event(), list[str]()

    async def slow() -> None:
        log.append("slow begins")
        await gate.wait()
        log.append("slow ends")

    async def quick() -> None:
        log.append("quick")

    it.put(slow)
    it.put(quick)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == ["slow begins"]
    gate.set()
    await it.idle()
    assert log == ["slow begins", "slow ends", "quick"]


async def test_lanes_do_not_wait_for_each_other() -> None:
    (first, _), (second, _) = lane(), lane()
    gate, done = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    async def finish() -> None:
        done.set()

    first.put(wait)
    second.put(finish)
    async with asyncio.timeout(5):
        await done.wait()
    gate.set()
    await first.idle()


async def test_a_step_that_raises_is_reported_and_the_next_runs() -> None:
    it, reported = lane()
    done = asyncio.Event()

    async def fail() -> None:
        raise ValueError("x")

    async def finish() -> None:
        done.set()

    it.put(fail)
    it.put(finish)
    await it.idle()
    assert done.is_set()
    assert [type(error) for error in reported] == [ValueError]


async def test_a_lane_is_bounded() -> None:
    it, _ = lane()

    async def nothing() -> None:
        pass

    for _ in range(MAX_LANE):
        it.put(nothing)
    with pytest.raises(LaneFull):
        it.put(nothing)
    await it.idle()
    it.put(nothing)
    await it.idle()


async def test_who_waits() -> None:
    call = Call("i1", "c1", Party(), lane()[0])
    assert not call.is_waiting
    call.is_enqueued = True
    assert call.is_waiting
    leg = call.add_leg(Leg("i1.1", "anna"))
    assert call.is_waiting
    assert call.leg_for("i1.1") is leg
    assert call.leg_for("i1.2") is None
    leg.joined = True
    assert not call.is_waiting
    leg.end()
    assert not call.is_waiting  # the engine has yet to say what becomes of the caller
    call.legs.clear()
    assert call.is_waiting
    call.lost = True
    assert not call.is_waiting


async def test_a_leg_that_ended_while_being_joined_talks_no_more() -> None:
    call = Call("i1", "c1", Party(), lane()[0], is_enqueued=True)
    leg = call.add_leg(Leg("i1.1", "anna", joining=True))
    assert call.is_talking
    leg.end()
    assert call.is_waiting


async def test_legs_are_bounded_and_live_ones_stay() -> None:
    call = Call("i1", "c1", Party(), lane()[0])
    live = call.add_leg(Leg("i1.0", "anna"))
    for number in range(1, 2 * MAX_LEGS):
        call.add_leg(Leg(f"i1.{number}", "ben")).end()
    last = call.add_leg(Leg("i1.last", "ben"))
    assert len(call.legs) == MAX_LEGS
    assert call.live_legs() == (live, last)
