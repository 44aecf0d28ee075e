"""People without blocking the loop, several in one commit."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from acd.errors import PersonalStoreError
from acd.ports.channel import Personal
from acd.ports.stores import References
from acd.runtime import people as module
from acd.runtime.config import PersonalConfig
from acd.runtime.people import MAX_LEARN_FAILURES, MAX_TOGETHER, People
from acd.runtime.personal import PersonalStore
from tests.runtime.live import idle


class Store:
    """`acd.ports.stores.PersonStore` in memory, behind a gate."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.commits: list[int] = []
        self.begun: list[Personal] = []
        self.committed = threading.Event()
        self.people: dict[str, Personal] = {}
        self.closed = False
        self.error: Exception | None = None

    def remember(self, person: Personal) -> str:
        (reference,) = self.remember_many((person,))
        assert isinstance(reference, str)
        return reference

    def remember_many(self, people: Sequence[Personal]) -> References:
        results = self.begin_many(people)
        self.commit()
        return results

    def begin_many(self, people: Sequence[Personal]) -> References:
        results: list[str | PersonalStoreError] = []
        for person in people:
            if person.number == "bad":
                results.append(PersonalStoreError("a number has at most 256 characters"))
            else:
                results.append(f"cu_{person.number}")
        self.begun.extend(people)
        return tuple(results)

    def commit(self) -> None:
        self.gate.wait(5)
        self.commits.append(len(self.begun))
        begun, self.begun = self.begun, []
        if self.error is not None:
            raise self.error
        self.people.update({f"cu_{person.number}": person for person in begun if person.number != "bad"})
        self.committed.set()

    def recall(self, customer: str) -> Personal | None:
        return self.people.get(customer)

    def erase(self, customer: str) -> bool:
        return self.people.pop(customer, None) is not None

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def config(tmp_path: Path) -> PersonalConfig:
    return PersonalConfig(path=tmp_path / "people.db", key_file=tmp_path / "people.key")


async def test_whoever_comes_during_a_commit_shares_the_next(config: PersonalConfig) -> None:
    store = Store()
    people = People(config, store)
    store.gate.clear()
    first = asyncio.create_task(people.remember(Personal("0")))
    await idle()
    others = [asyncio.create_task(people.remember(Personal(str(number)))) for number in range(1, MAX_TOGETHER + 10)]
    await idle()
    store.gate.set()
    assert await first == "cu_0"
    assert await asyncio.gather(*others) == [f"cu_{number}" for number in range(1, MAX_TOGETHER + 10)]
    assert store.commits == [1, MAX_TOGETHER, 9]
    await people.close()
    assert not store.closed, "what was given stays the caller's"


async def test_one_who_cannot_be_kept_harms_nobody(config: PersonalConfig) -> None:
    people = People(config, Store())
    good, bad = await asyncio.gather(
        people.remember(Personal("1")), people.remember(Personal("bad")), return_exceptions=True
    )
    assert good == "cu_1"
    assert isinstance(bad, PersonalStoreError)
    await people.close()


@pytest.mark.parametrize("error", [PersonalStoreError("the disk is full"), ZeroDivisionError("a bug")])
async def test_a_store_that_fails_is_asked_again(config: PersonalConfig, error: Exception) -> None:
    store = Store()
    people = People(config, store)
    store.error = error
    results = await asyncio.gather(
        people.remember(Personal("1")), people.remember(Personal("2")), return_exceptions=True
    )
    assert all(isinstance(result, PersonalStoreError) for result in results)
    store.error = None
    assert await people.remember(Personal("1")) == "cu_1"
    await people.close()


async def test_one_who_gives_up_waiting_does_not_disturb(config: PersonalConfig) -> None:
    store = Store()
    people = People(config, store)
    store.gate.clear()
    gone = asyncio.create_task(people.remember(Personal("1")))
    stays = asyncio.create_task(people.remember(Personal("2")))
    await idle()
    gone.cancel()
    store.gate.set()
    assert await stays == "cu_2"
    await people.close()


async def test_the_real_store_is_opened_when_it_is_needed_and_closed(config: PersonalConfig) -> None:
    unused = People(config, None)
    await unused.close()
    assert not config.path.exists()
    first = People(config, None)
    customer = await first.remember(Personal("+8613800000001", "李雷"))
    await first.close()
    people = People(config, None)
    assert await people.remember(Personal("+8613800000001")) == customer
    assert await people.recall(customer) == Personal("+8613800000001", "李雷")
    assert await people.erase(customer) is True
    assert await people.recall(customer) is None
    await people.close()


async def test_closing_finishes_what_waits(config: PersonalConfig) -> None:
    store = Store()
    people = People(config, store)
    remembering = asyncio.create_task(people.remember(Personal("1")))
    await asyncio.sleep(0)
    await people.close()
    assert await remembering == "cu_1"


async def test_whoever_need_not_wait_for_the_disk_has_the_reference_before_the_commit(config: PersonalConfig) -> None:
    store = Store()
    store.gate.clear()
    people = People(config, store)
    try:
        slow = asyncio.ensure_future(people.remember(Personal("1")))
        assert await people.remember(Personal("2"), durable=False) == "cu_2"
        assert not slow.done()
        assert store.people == {}
    finally:
        store.gate.set()
    assert await slow == "cu_1"
    await people.close()
    assert store.people.keys() == {"cu_1", "cu_2"}


async def test_a_commit_that_fails_after_the_reference_was_given_is_noted(config: PersonalConfig) -> None:
    store = Store()
    store.error = PersonalStoreError("the disk is full")
    people = People(config, store)
    assert await people.remember(Personal("2"), durable=False) == "cu_2"
    with pytest.raises(PersonalStoreError, match="the disk is full"):
        await people.remember(Personal("2"))
    await people.close()


async def test_those_who_need_not_wait_share_a_commit_a_moment_later(config: PersonalConfig) -> None:
    store = Store()
    people = People(config, store)
    for number in range(3):
        assert await people.remember(Personal(str(number)), durable=False) == f"cu_{number}"
    assert (store.commits, store.people) == ([], {})
    assert await people.remember(Personal("3")) == "cu_3"
    assert (store.commits, len(store.people)) == ([4], 4), "whoever waits for the disk waits for no more than that"
    await people.remember(Personal("4"), durable=False)
    await people.close()
    assert (store.commits, len(store.people)) == ([4, 1], 5), "closing leaves nobody uncommitted"


async def test_a_commit_comes_by_itself(config: PersonalConfig) -> None:
    store = Store()
    people = People(config, store)
    await people.remember(Personal("1"), durable=False)
    assert await asyncio.to_thread(store.committed.wait, 5)
    assert store.people.keys() == {"cu_1"}
    await people.close()


class Prompt(Store):
    """`acd.ports.stores.PromptStore`: everybody is new, but `0`, who is looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Personal] = []
        self.steps = 3
        self.learning_fails = 0
        self.fault: Exception | None = None
        self.committing = threading.Event()

    def remember_at_once(self, person: Personal) -> str | None:
        if self.fault is not None:
            raise self.fault
        if self.steps or person.number == "0":
            return None
        self.told.append(person)
        return f"cu_{person.number}"

    def learn(self) -> bool:
        if self.learning_fails:
            self.learning_fails -= 1
            raise PersonalStoreError("the disk is gone")
        self.steps = max(0, self.steps - 1)
        return not self.steps

    def commit(self) -> None:
        self.begun, self.told = [*self.told, *self.begun], []
        self.committing.set()
        super().commit()


async def prepared(config: PersonalConfig, store: Prompt) -> People:
    """Open, and knowing everybody."""
    people = People(config, store)
    await people.remember(Personal("0"))
    async with asyncio.timeout(5):
        while store.steps:
            await asyncio.sleep(0)
    store.commits.clear()
    return people


async def busy(people: People, store: Prompt) -> "asyncio.Task[str]":
    """The thread is in a commit that does not end before the gate opens."""
    store.gate.clear()
    store.committing.clear()
    slow = asyncio.create_task(people.remember(Personal("0")))
    assert await asyncio.to_thread(store.committing.wait, 5)
    return slow


async def now(people: People, number: str) -> str:
    """The reference, if it comes without a turn of the loop."""
    asking = people.remember(Personal(number), durable=False)
    try:
        asking.send(None)
    except StopIteration as answer:
        return str(answer.value)
    asking.close()
    return ""


async def test_a_reference_that_the_store_can_tell_waits_for_no_thread(config: PersonalConfig) -> None:
    store = Prompt()
    people = await prepared(config, store)
    slow = await busy(people, store)
    try:
        assert await now(people, "1") == "cu_1"
    finally:
        store.gate.set()
    assert await slow == "cu_0"
    store.committed.clear()
    assert await asyncio.to_thread(store.committed.wait, 5)
    assert store.people.keys() == {"cu_0", "cu_1"}
    await people.close()


async def test_those_who_were_told_at_once_share_a_commit_a_moment_later(config: PersonalConfig) -> None:
    store = Prompt()
    people = await prepared(config, store)
    assert [await now(people, str(number)) for number in range(1, 4)] == ["cu_1", "cu_2", "cu_3"]
    assert (store.commits, len(store.told)) == ([], 3)
    store.committed.clear()
    assert await asyncio.to_thread(store.committed.wait, 5)
    assert store.commits == [3]
    assert await now(people, "4") == "cu_4"
    assert await people.remember(Personal("0")) == "cu_0"
    assert store.commits == [3, 2], "whoever waits for the disk takes them along"
    await people.close()


async def test_closing_commits_those_who_were_told_at_once(config: PersonalConfig) -> None:
    store = Prompt()
    people = await prepared(config, store)
    assert await now(people, "1") == "cu_1"
    await people.close()
    assert store.people.keys() == {"cu_0", "cu_1"}
    other = await prepared(config, store)
    slow = await busy(other, store)
    assert await now(other, "2") == "cu_2"
    closing = asyncio.create_task(other.close())
    await idle()
    store.gate.set()
    await closing
    assert await slow == "cu_0"
    assert "cu_2" in store.people


@pytest.mark.parametrize("error", [PersonalStoreError("the disk is full"), ZeroDivisionError("a bug")])
async def test_a_store_that_fails_tells_nobody_a_reference_until_it_is_well(
    config: PersonalConfig, error: Exception
) -> None:
    store = Prompt()
    people = await prepared(config, store)
    store.error = error
    with pytest.raises(PersonalStoreError):
        await people.remember(Personal("0"))
    assert await now(people, "1") == ""
    store.error = None
    await people.remember(Personal("0"))
    assert await now(people, "1") == "cu_1"
    await people.close()


async def test_a_commit_that_fails_after_all_were_told_is_noted(
    config: PersonalConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Prompt()
    people = await prepared(config, store)
    store.error = PersonalStoreError("the disk is full")
    assert await now(people, "1") == "cu_1"
    async with asyncio.timeout(5):
        while await now(people, "1"):
            await asyncio.sleep(0)
    assert "people cannot be remembered" in capsys.readouterr().out
    await people.close()


async def test_nobody_is_told_the_reference_of_one_who_is_being_erased(config: PersonalConfig) -> None:
    store = Prompt()
    people = await prepared(config, store)
    slow = await busy(people, store)
    erasing = asyncio.create_task(people.erase("cu_1"))
    await idle()
    assert await now(people, "1") == ""
    erasing.cancel()
    await idle()
    assert await now(people, "1") == "", "it goes on, whether or not somebody waits for it"
    store.gate.set()
    await slow
    async with asyncio.timeout(5):
        while not await now(people, "1"):
            await asyncio.sleep(0)
    await people.close()


async def test_a_fault_in_telling_at_once_ends_it(config: PersonalConfig, capsys: pytest.CaptureFixture[str]) -> None:
    store = Prompt()
    people = await prepared(config, store)
    store.fault = ZeroDivisionError("a bug")
    assert await people.remember(Personal("1"), durable=False) == "cu_1"
    store.fault = None
    assert await now(people, "2") == ""
    assert capsys.readouterr().out.count("asked for no reference at once any more") == 1
    await people.close()


@pytest.mark.parametrize("failures", [1, MAX_LEARN_FAILURES])
async def test_getting_to_know_people_is_tried_again_so_many_times(
    config: PersonalConfig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setattr(module, "LEARN_AGAIN_SECONDS", 0)
    store = Prompt()
    store.learning_fails = failures
    people = People(config, store)
    await people.remember(Personal("0"))
    learning = people._learning
    assert learning is not None
    await asyncio.wait_for(learning, 5)
    assert bool(await now(people, "1")) is (failures < MAX_LEARN_FAILURES)
    said = capsys.readouterr().out
    assert said.count("could not be read") == failures
    assert ("not told at once any more" in said) is (failures == MAX_LEARN_FAILURES)
    await people.close()


async def test_who_is_remembered_while_it_closes_sets_nothing_going(config: PersonalConfig) -> None:
    """The first answer of the store may come when nobody wants it to get to know people any more."""
    people = People(config, None)
    before = asyncio.all_tasks()
    first = asyncio.create_task(people.remember(Personal(number="13800138000")))
    await asyncio.sleep(0)
    await people.close()
    assert (await first).startswith("cu_")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_with_the_real_store(config: PersonalConfig) -> None:
    people = People(config, None)
    first = await people.remember(Personal("1001"))
    assert people._learning is not None
    await asyncio.wait_for(people._learning, 60)
    assert await now(people, "1001") == first
    fresh = await now(people, "1002")
    assert fresh not in ("", first)
    assert await people.recall(fresh) == Personal("1002"), "an agent's screen asks while it rings"
    assert await people.remember(Personal("1002", "Anna")) == fresh
    assert await people.erase(fresh) is True
    assert await now(people, "1002") == ""
    again = await people.remember(Personal("1002"), durable=False)
    last = await now(people, "1003")
    await people.close()
    assert again != fresh
    with closing(PersonalStore(config.path, config.key_file)) as store:
        assert [store.recall(each) for each in (fresh, again, last)] == [None, Personal("1002"), Personal("1003")]
