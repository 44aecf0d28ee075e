"""Who goes next: the order, the numbers, that nobody starves, and that whoever gives up takes nobody's turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd_asterisk.turns import SHARE, Turns


class Queue:
    """Somebody for every letter: small ones press, capitals can wait. Each stays until it is sent away."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self._over: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, names: str) -> None:
        for name in names:
            self._over[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._one(name))
        await settled()

    async def go(self, name: str) -> None:
        self._over[name].set()
        await settled()

    async def all_go(self) -> None:
        """One after another, in the order in which they have begun."""
        at = 0
        while at < len(self.begun):
            await self.go(self.begun[at])
            at += 1

    async def _one(self, name: str) -> None:
        async with self.turns.turn(patient=name.isupper()):
            self.begun.append(name)
            await self._over[name].wait()


async def settled() -> None:
    """Everybody has done what they could."""
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def at_one(most: int, *, most_patient: int | None = None) -> AsyncIterator[Queue]:
    queue = Queue(Turns(most, most_patient=most_patient))
    yield queue
    for task in queue.tasks.values():
        task.cancel()
    await asyncio.gather(*queue.tasks.values(), return_exceptions=True)
    assert queue.turns.under_way == 0


async def test_so_many_at_a_time_and_each_in_its_order() -> None:
    async with at_one(2) as queue:
        await queue.come("abcd")
        assert queue.begun == ["a", "b"]
        await queue.go("b")
        assert queue.begun == ["a", "b", "c"]
        await queue.all_go()
        assert "".join(queue.begun) == "abcd"


async def test_who_presses_goes_before_whoever_can_wait() -> None:
    async with at_one(1) as queue:
        await queue.come("xABab")
        await queue.all_go()
        assert "".join(queue.begun) == "xabAB"


async def test_nobody_starves() -> None:
    """However many press: every so many turns one is of those who can wait."""
    assert SHARE == 4
    async with at_one(1) as queue:
        await queue.come("xABabcdefgh")
        await queue.all_go()
        assert "".join(queue.begun) == "xabcAdefBgh"


async def test_turns_that_nobody_patient_waited_for_count_for_nothing() -> None:
    async with at_one(1) as queue:
        await queue.come("vwxyz")
        for name in "vwx":
            await queue.go(name)
        await queue.come("Aabc")
        await queue.all_go()
        assert "".join(queue.begun) == "vwxyzabAc"


async def test_only_so_many_of_them_are_patient() -> None:
    async with at_one(4, most_patient=2) as queue:
        await queue.come("ABCab")
        assert "".join(queue.begun) == "ABab"
        await queue.go("a")
        assert "".join(queue.begun) == "ABab", "there is room, and not for such as these"
        await queue.come("c")
        assert "".join(queue.begun) == "ABabc"
        await queue.go("A")
        assert "".join(queue.begun) == "ABabcC"


@pytest.mark.parametrize("given_up", ["B", "b"])
async def test_who_gives_up_is_passed_over(given_up: str) -> None:
    async with at_one(1) as queue:
        await queue.come("xABCabc")
        queue.tasks[given_up].cancel()
        # In the same moment: whoever is passed over has not noticed yet.
        await queue.go("x")
        await queue.all_go()
        assert "".join(queue.begun) == "xabcABC".replace(given_up, "")


async def test_who_gives_up_in_the_moment_of_their_turn_leaves_it_to_the_next() -> None:
    async with at_one(1) as queue:
        await queue.come("xab")
        queue._over["x"].set()
        await asyncio.sleep(0)  # It ends, and calls the next one, who has not run yet.
        assert queue.turns.under_way == 1
        queue.tasks["a"].cancel()
        await settled()
        assert "".join(queue.begun) == "xb"


async def test_a_turn_ends_with_whatever_ends_it() -> None:
    turns = Turns(1)
    with pytest.raises(LookupError):
        async with turns.turn():
            raise LookupError
    async with asyncio.timeout(5), turns.turn(patient=True):
        assert turns.under_way == 1
