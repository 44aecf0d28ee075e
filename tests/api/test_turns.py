"""Calls in turns: in order, some at once, and whatever else is on the loop comes between them."""

import asyncio
from functools import partial

from acd.api.turns import Turns


async def test_others_have_their_turn_between_calls() -> None:
    turns, called = Turns(at_once=3), list[object]()
    loop = asyncio.get_running_loop()
    for number in range(7):
        turns.add(partial(called.append, number))
    loop.call_soon(called.append, "another")
    loop.call_soon(loop.call_soon, called.append, "and one more")
    while len(called) < 9:
        await asyncio.sleep(0)
    assert called == [0, 1, 2, "another", 3, 4, 5, "and one more", 6]


async def test_a_call_may_add_itself_again_and_comes_last_then() -> None:
    turns, called = Turns(at_once=8), list[str]()

    def again() -> None:
        called.append("again")
        if len(called) < 4:
            turns.add(again)

    turns.add(again)
    turns.add(partial(called.append, "once"))
    while len(called) < 4:
        await asyncio.sleep(0)
    assert called == ["again", "once", "again", "again"]
