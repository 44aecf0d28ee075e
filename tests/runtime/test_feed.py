"""The feed: every commit once and in order, or an open gap."""

import asyncio
import gc

import pytest

from acd.core.messages import AgentRemoved
from acd.runtime.feed import Commit, Feed, Gap
from tests.runtime.live import idle


def commit(seq: int) -> Commit:
    return Commit(seq, seq * 10, (AgentRemoved(f"a{seq}"),))


async def test_everyone_gets_everything_in_order() -> None:
    feed = Feed()
    one, two = feed.subscribe(5), feed.subscribe(5)
    for seq in range(6, 9):
        feed.push(commit(seq))
    for reader in (one, two):
        assert [await anext(reader) for _ in range(3)] == [commit(6), commit(7), commit(8)]
        assert reader.seq == 8


async def test_a_reader_waits_for_what_comes() -> None:
    feed = Feed()
    reader = feed.subscribe(0)
    waiting = asyncio.create_task(anext(reader))
    await idle()
    assert not waiting.done()
    feed.push(commit(1))
    assert await waiting == commit(1)


async def test_a_slow_reader_gets_a_gap_and_delays_nobody() -> None:
    feed = Feed()
    slow, quick = feed.subscribe(0, buffer=2), feed.subscribe(0, buffer=100)
    for seq in range(1, 4):
        feed.push(commit(seq))
    assert await anext(slow) == Gap(0, 3)
    feed.push(commit(4))
    assert await anext(slow) == commit(4)
    assert [await anext(quick) for _ in range(4)] == [commit(seq) for seq in range(1, 5)]


async def test_a_gap_that_is_not_read_grows() -> None:
    feed = Feed()
    slow = feed.subscribe(7, buffer=1)
    for seq in range(8, 100):
        feed.push(commit(seq))
    assert await anext(slow) == Gap(7, 99)


async def test_what_was_reread_is_a_gap_unless_it_is_known() -> None:
    feed = Feed()
    knows, behind, waits = feed.subscribe(5), feed.subscribe(3), feed.subscribe(3)
    waiting = asyncio.create_task(anext(waits))
    await idle()
    feed.lose(5)
    assert await anext(behind) == Gap(3, 5)
    assert await waiting == Gap(3, 5)
    feed.push(commit(6))
    assert await anext(knows) == commit(6)


async def test_closing_ends_readers_after_what_they_have() -> None:
    feed = Feed()
    reader, waits = feed.subscribe(0), feed.subscribe(0)
    feed.push(commit(1))
    await anext(waits)
    waiting = asyncio.create_task(anext(waits))
    await idle()
    feed.close()
    feed.close()
    assert [item async for item in reader] == [commit(1)]
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert [item async for item in feed.subscribe(1)] == []


async def test_a_reader_that_closes_gets_no_more() -> None:
    feed = Feed()
    async with feed.subscribe(0) as reader:
        feed.push(commit(1))
    feed.push(commit(2))
    assert [item async for item in reader] == [commit(1)]


async def test_a_reader_that_nobody_holds_costs_nothing() -> None:
    feed = Feed()
    reader = feed.subscribe(0)
    feed.subscribe(0)
    gc.collect()
    feed.push(commit(1))
    assert feed.readers() == 1
    reader.close()
    assert feed.readers() == 0


def test_bounds() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Feed().subscribe(0, buffer=0)
    feed = Feed(most=2)
    held = [feed.subscribe(0), feed.subscribe(0)]
    with pytest.raises(ValueError, match="2 subscriptions already"):
        feed.subscribe(0)
    held[0].close()
    held.append(feed.subscribe(0))
