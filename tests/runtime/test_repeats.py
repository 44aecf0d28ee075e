"""Looking for repetitions from the event loop: gathered, written down in time, and nobody left waiting."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from acd.errors import RepeatsError
from acd.runtime import repeats
from acd.runtime.repeat_store import Repeat, RepeatStore
from acd.runtime.repeats import Repeats
from tests.runtime.test_repeat_store import DAY_US, NOW_US, append, key, look


class Counting(RepeatStore):
    """Counts the looks, and what each one was for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "answers.db", folder / "journal.db", DAY_US)
        self.looks: list[tuple[int, int]] = []
        self.looked = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def look(self, answers: Sequence[tuple[str, bytes]], wanted: Sequence[str], now_us: int) -> list[Repeat | None]:
        self.looks.append((len(answers), len(wanted)))
        try:
            return super().look(answers, wanted, now_us)
        finally:
            self._loop.call_soon_threadsafe(self.looked.set)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    append(tmp_path / "journal.db", [key(number).command_id for number in range(10)])
    return tmp_path


async def test_those_who_look_at_the_same_time_look_together(journal: Path) -> None:
    store = Counting(journal)
    memory = Repeats(store, lambda: NOW_US)
    found = await asyncio.gather(*(memory.find(key(number).name) for number in range(20)))
    assert [each is not None for each in found] == [True] * 10 + [False] * 10
    assert store.looks == [(0, 20)]
    await memory.close()


async def test_an_answer_is_written_down_though_nobody_looks(journal: Path) -> None:
    store = Counting(journal)
    memory = Repeats(store, lambda: NOW_US)
    memory.keep(key(1).name, b"answer")
    await store.looked.wait()
    assert store.looks == [(1, 0)]
    found = await memory.find(key(1).name)
    assert found is not None
    assert found.answer == b"answer"
    await memory.close()


async def test_what_waits_is_written_down_at_the_end(journal: Path) -> None:
    memory = Repeats(Counting(journal), lambda: NOW_US)
    for number in range(3):
        memory.keep(key(number).name, b"answer %d" % number)
    await memory.close()
    found = look(journal, key(0), key(2))
    assert [each and each.answer for each in found] == [b"answer 0", b"answer 2"]


async def test_too_many_answers_cost_the_oldest_and_no_request(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MAX_WAITING", 2)
    memory = Repeats(Counting(journal), lambda: NOW_US)
    for number in (0, 1, 0, 2):
        memory.keep(key(number).name, b"answer")
    await memory.close()
    found = look(journal, key(0), key(1), key(2))
    assert [each and each.answer for each in found] == [b"answer", None, b"answer"]
    assert None not in found


async def test_a_store_that_fails_is_said_and_works_again_later(journal: Path) -> None:
    store = Counting(journal)
    memory = Repeats(store, lambda: NOW_US)
    store._connection.execute("PRAGMA query_only = ON")
    failed = await asyncio.gather(*(memory.find(key(1).name) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in failed] == [RepeatsError] * 3
    store._connection.execute("PRAGMA query_only = OFF")
    assert await memory.find(key(1).name) is not None
    await memory.close()
