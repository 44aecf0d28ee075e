"""Conversations without blocking the loop: together in one commit, in order, and all or nothing after a failure."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from acd.errors import ChatStoreError
from acd.runtime.chat import keeping
from acd.runtime.chat.conversation import Conversation, Head
from acd.runtime.chat.keeping import Keeper
from acd.runtime.chat.store import ChatStore, Page


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[Keeper]:
    found = Keeper(tmp_path / "chat.db", tmp_path / "chat.key")
    await found.open()
    await found.open()
    yield found
    await found.close()


def chat(number: int = 1) -> Conversation:
    return Conversation(Head(f"chat-{number}", "v1", "sales", "cu_1", number))


async def test_what_comes_during_a_commit_shares_the_next(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    write = ChatStore.write

    def counting(store: ChatStore, pages: Iterable[Page]) -> list[str]:
        batches.append(len(list(pages)))
        return write(store, pages)

    monkeypatch.setattr(ChatStore, "write", counting)
    chats = [chat(number) for number in range(100)]
    for each in chats:
        each.post("", "a", "hello", 1)
    await asyncio.gather(*map(keeper.keep, chats))
    assert sum(batches) == 100
    assert len(batches) <= 2
    assert all(each.kept == 1 for each in chats)
    assert len(await keeper.living()) == 100


async def test_marks_are_kept_with_what_comes_next(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for them: they have no commit of their own, unless nothing else comes."""
    pages: list[Page] = []
    write = ChatStore.write

    def noting(store: ChatStore, written: Iterable[Page]) -> list[str]:
        pages.extend(written := list(written))
        return write(store, written)

    monkeypatch.setattr(ChatStore, "write", noting)
    found, other = chat(1), chat(2)
    for each in (found, other):
        each.post("", "a", "hello", 1)
    await asyncio.gather(keeper.keep(found), keeper.keep(other))
    found.mark("agent", read=1)
    keeper.keep_soon(found)
    other.post("", "b", "are you there?", 2)
    await keeper.keep(other)
    assert len(pages) == 3, "another's commit is no reason"
    found.post("", "b", "thanks", 2)
    await keeper.keep(found)
    assert [page.head.by_agent.read for page in pages] == [0, 0, 0, 1]
    monkeypatch.setattr(keeping, "LATER_SECONDS", 0)
    found.mark("agent", read=2)
    keeper.keep_soon(found)
    async with asyncio.timeout(10):
        while len(pages) < 5:
            await asyncio.sleep(0)
    assert pages[-1].head.by_agent.read == 2


async def test_the_disk_has_a_rest_between_two_commits(keeper: Keeper) -> None:
    found, clock = chat(), asyncio.get_running_loop().time
    begun = clock()
    for number in range(4):
        found.post("", str(number), "hello", 1)
        await keeper.keep(found)
    assert clock() - begun >= 3 * keeping.REST_SECONDS


async def test_one_conversation_said_much_in_one_turn(keeper: Keeper) -> None:
    found = chat()
    for number in range(10):
        found.post("", str(number), "hello", 1)
        keeper.keep_soon(found)
    await keeper.keep(found)
    assert found.kept == 10
    again = await keeper.load("chat-1")
    assert again is not None
    assert again.entries == found.entries


async def test_after_a_failure_nothing_of_it_was_and_all_goes_on(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = chat(1), chat(2)
    one.post("", "a", "hello", 1)
    await keeper.keep(one)

    def failing(_store: ChatStore, _pages: Iterable[Page]) -> None:
        raise ChatStoreError("the disk is full: free some space")

    with monkeypatch.context() as patched:
        patched.setattr(ChatStore, "write", failing)
        one.post("", "b", "lost", 2)
        other.post("", "a", "lost, too", 2)
        results = await asyncio.gather(keeper.keep(one), keeper.keep(other), return_exceptions=True)
    assert [str(result) for result in results] == ["the disk is full: free some space"] * 2
    assert (len(one.entries), len(other.entries)) == (1, 0)
    one.post("", "b", "again", 3)
    await keeper.keep(one)
    again = await keeper.load("chat-1")
    assert again is not None
    assert [entry.text for entry in again.entries] == ["hello", "again"]


async def test_a_fault_is_none_of_the_callers_and_says_no_contents(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_store: ChatStore, _pages: Iterable[Page]) -> None:
        raise ValueError("13800138000")

    monkeypatch.setattr(ChatStore, "write", failing)
    found = chat()
    found.post("", "a", "hello", 1)
    with pytest.raises(ChatStoreError, match=r"^a fault: ValueError$"):
        await keeper.keep(found)


async def test_closing_keeps_what_waits(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "chat.db", tmp_path / "chat.key")
    with pytest.raises(ChatStoreError, match="is not open"):
        await keeper.keep(chat())
    await keeper.open()
    found = chat()
    found.post("", "a", "hello", 1)
    keeper.keep_soon(found)
    await keeper.close()
    await keeper.close()
    connection = sqlite3.connect(tmp_path / "chat.db")
    assert connection.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    connection.close()
    with pytest.raises(ChatStoreError, match="is not open"):
        await keeper.load("chat-1")
