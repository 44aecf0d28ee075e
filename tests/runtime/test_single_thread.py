"""One thread for calls that block."""

import asyncio
import threading

import pytest

from acd.runtime.single_thread import SingleThread


async def test_functions_run_one_after_another_in_one_other_thread() -> None:
    thread = SingleThread("test")
    order: list[tuple[int, int]] = []

    def note(number: int) -> int:
        order.append((number, threading.get_ident()))
        return number * 2

    assert await asyncio.gather(*(thread.run(note, number) for number in range(50))) == [n * 2 for n in range(50)]
    assert [number for number, _ in order] == list(range(50))
    assert len({ident for _, ident in order}) == 1
    assert order[0][1] != threading.get_ident()
    thread.close()


async def test_what_is_raised_is_raised_here() -> None:
    thread = SingleThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.run(divmod, 1, 0)
    with pytest.raises(KeyboardInterrupt):
        await thread.run(_interrupt)
    assert await thread.run(divmod, 7, 2) == (3, 1)
    thread.close()


async def test_a_caller_that_is_cancelled_does_not_stop_the_call() -> None:
    thread, gate, done = SingleThread("test"), threading.Event(), threading.Event()

    def slow() -> None:
        gate.wait(5)
        done.set()

    def slow_and_wrong() -> None:
        slow()
        raise ZeroDivisionError

    for function in (slow, slow_and_wrong):
        task = asyncio.create_task(thread.run(function))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        assert await thread.run(done.is_set)
        gate.clear()
        done.clear()
    thread.close()


async def test_closing_does_not_wait_and_takes_no_more() -> None:
    thread, gate = SingleThread("test"), threading.Event()
    task = asyncio.create_task(thread.run(gate.wait, 5))
    await asyncio.sleep(0)
    thread.close()
    thread.close()
    with pytest.raises(RuntimeError):
        await thread.run(print)
    gate.set()
    assert await task is True


def test_an_answer_to_a_loop_that_is_gone_is_dropped() -> None:
    thread, gate = SingleThread("test"), threading.Event()

    async def leave() -> None:
        task = asyncio.create_task(thread.run(gate.wait, 5))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    gate.set()
    asyncio.run(_drained(thread))
    thread.close()


async def _drained(thread: SingleThread) -> None:
    assert await thread.run(int, "7") == 7


def _interrupt() -> None:
    raise KeyboardInterrupt
